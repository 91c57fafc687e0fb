//! The keys that UAA signs with.
//!
//! UAA publishes all keys that still count, and makes a new one active when an operator rotates them: the first token
//! with a `kid` that is not known yet is what says that there is something to fetch. Otherwise they are looked at
//! again every ten minutes, while tokens come. When UAA is away the known ones go on counting, for a day.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promfetch_core::Error;
use promfetch_core::calls::Calls;
use serde::Deserialize;
use tokio::time::Instant;

use super::answers::{Answers, Asked};
use super::jwt::Key;
use super::upstream::{UAA, Unavailable, Upstream};
use crate::config::access::UaaConfig;

/// Longest body, in bytes. UAA's has about 1 KiB a key.
const MAX_BODY: usize = 1 << 20;
/// Most keys of one answer that are taken.
const MAX_KEYS: usize = 64;
/// UAA is not asked more often than this, whatever tokens come.
const PAUSE: Duration = Duration::from_secs(10);
/// Keys of this age are fetched again beside the request that needs them.
const STALE: Duration = Duration::from_secs(10 * 60);
/// Keys of this age count no more.
const DEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// UAA's keys, fetched when they are needed.
pub(super) struct Jwks {
    shared: Arc<Shared>,
    /// The outcome of the last fetch, for [`PAUSE`]; the only question has no words.
    fetches: Answers<Result<(), Unavailable>>,
}

struct Shared {
    upstream: Upstream,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, Arc<Key>>,
    fetched: Option<Instant>,
}

impl Jwks {
    /// # Errors
    /// As [`Upstream::new`].
    pub(super) fn new(config: &UaaConfig, calls: &Calls) -> Result<Self, Error> {
        let shared = Shared {
            upstream: Upstream::new(UAA, &config.url, config, calls)?,
            keys: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            fetches: Answers::new(1),
        })
    }

    /// The key of this id; `None` when UAA has none.
    ///
    /// # Errors
    /// When it is not known and UAA cannot be asked.
    pub(super) async fn key(&self, id: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        let (known, stale) = self.shared.known(id);
        if known.is_some() {
            if stale {
                // Nobody waits for it.
                drop(self.fetch());
            }
            return Ok(known);
        }
        let outcome = self.fetch().answer().await.unwrap_or(Err(Unavailable));
        match self.shared.known(id).0 {
            Some(key) => Ok(Some(key)),
            None => outcome.map(|()| None),
        }
    }

    /// Fetches, unless that is under way or was just done.
    fn fetch(&self) -> Asked<Result<(), Unavailable>> {
        self.fetches.ask(&[], || {
            let shared = Arc::clone(&self.shared);
            async move {
                let outcome = shared.fetch().await;
                let outcome = shared.upstream.report(outcome);
                (outcome, Some(Instant::now() + PAUSE))
            }
        })
    }
}

impl Shared {
    /// The key, and whether the keys are due.
    fn known(&self, id: &str) -> (Option<Arc<Key>>, bool) {
        let keys = self.lock();
        let Some(age) = keys.fetched.map(|fetched| fetched.elapsed()) else {
            return (None, true);
        };
        let key = keys.by_id.get(id).filter(|_| age < DEAD).cloned();
        (key, age >= STALE)
    }

    async fn fetch(&self) -> Result<(), String> {
        let (status, body) = self
            .upstream
            .get("token_keys", "/token_keys", None, MAX_BODY)
            .await?;
        if status != 200 {
            return Err(format!("`/token_keys` answers with status {status}"));
        }
        let by_id = read(&body)?;
        *self.lock() = Keys {
            by_id,
            fetched: Some(Instant::now()),
        };
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The usable keys of a JWK set (RFC 7517). Others beside them, of other kinds or broken, are left out.
fn read(body: &[u8]) -> Result<HashMap<String, Arc<Key>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Jwk {
        kty: String,
        kid: String,
        alg: Option<String>,
        #[serde(rename = "use")]
        usage: Option<String>,
        n: String,
        e: String,
    }
    let set: Set =
        serde_json::from_slice(body).map_err(|_| "`/token_keys` is not a JWK set".to_owned())?;
    let mut keys = HashMap::new();
    for jwk in set.keys.into_iter().take(MAX_KEYS) {
        let Ok(jwk) = serde_json::from_value::<Jwk>(jwk) else {
            continue;
        };
        let fits = jwk.kty == "RSA"
            && jwk.alg.is_none_or(|alg| alg == "RS256")
            && jwk.usage.is_none_or(|usage| usage == "sig");
        if let Some(key) = fits.then(|| Key::new(&jwk.n, &jwk.e)).flatten() {
            keys.entry(jwk.kid).or_insert_with(|| Arc::new(key));
        }
    }
    if keys.is_empty() {
        return Err("`/token_keys` has no RSA key for RS256 of at least 2048 bits".into());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
