//! What fixed targets have of their own: path, headers, labels, time and client certificate.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hashbrown::{Equivalent, HashMap};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::ecs_agent::Agent;
use crate::config::{FixedTarget, Preset, is_authorization};
use crate::discovery::{Discovery, Located, known_as};
use crate::error::Error;
use crate::fetch::{Extras, Fetcher};
use crate::headers;
use crate::instance::{Address, Transport};
use crate::labels::Labels;
use crate::tls::Profile;

/// What one target has of its own.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) path: Option<Box<str>>,
    /// With its headers.
    pub(super) extras: Arc<Extras>,
    /// Without them: for a path that somebody else has chosen.
    pub(super) without_credentials: Arc<Extras>,
    pub(super) labels: Labels,
    pub(super) profile: Option<Arc<Profile>>,
    /// Set by the preset: it has labels of its own.
    pub(super) agent: Option<Arc<Agent>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    app_id: Box<str>,
    address: Address,
    /// What a target gets to see depends on how it is asked: what is meant for TLS must not go without.
    transport: Transport,
}

#[derive(Hash)]
struct Borrowed<'a> {
    app_id: &'a str,
    address: &'a Address,
    transport: &'a Transport,
}

impl Equivalent<Key> for Borrowed<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.app_id == *key.app_id
            && *self.address == key.address
            && *self.transport == key.transport
    }
}

/// The targets that have something of their own, by app GUID and address. Cloning shares what they have.
#[derive(Clone, Debug, Default)]
pub(super) struct Owns(HashMap<Key, Arc<Own>>);

impl Owns {
    /// Reads the targets.
    ///
    /// # Errors
    /// [`Kind::Configuration`](crate::error::Kind) for the first that cannot be used.
    pub(super) fn of(targets: &[FixedTarget], fetcher: &Fetcher) -> Result<Self, Error> {
        let mut owns = HashMap::new();
        for (place, target) in targets.iter().enumerate() {
            // What has no address is refused where the address is needed.
            if let (Some(own), Some((app_id, address, transport))) =
                (own(place, target, fetcher)?, known_as(target))
            {
                let key = Key {
                    app_id,
                    address,
                    transport,
                };
                owns.insert(key, Arc::new(own));
            }
        }
        Ok(Self(owns))
    }

    /// The agents of ECS among them.
    pub(super) fn agents(&self) -> Vec<Arc<Agent>> {
        let owns = self.0.values();
        owns.filter_map(|own| own.agent.clone()).collect()
    }

    /// Goes on with the agents of these targets, which may have answered already.
    fn keep_agents(&mut self, before: &Self) {
        for (key, own) in &mut self.0 {
            let known = before.0.get(key).and_then(|own| own.agent.as_ref());
            let is_same =
                |known: &&Arc<Agent>| own.agent.as_ref().is_some_and(|agent| agent.is_same(known));
            if let Some(known) = known.filter(is_same).cloned()
                && let Some(own) = Arc::get_mut(own)
            {
                own.agent = Some(known);
            }
        }
    }

    /// What this instance has, if it is a fixed target.
    pub(super) fn get(&self, located: &Located) -> Option<&Own> {
        let instance = &located.instance;
        let key = Borrowed {
            app_id: &instance.app.app_id,
            address: &instance.address,
            transport: &instance.transport,
        };
        located
            .trusted
            .then(|| self.0.get(&key))
            .flatten()
            .map(|own| &**own)
    }
}

/// What a target has of its own; `None`: nothing.
fn own(place: usize, target: &FixedTarget, fetcher: &Fetcher) -> Result<Option<Own>, Error> {
    let mut wrong = None;
    target.check(|keys, reason| {
        wrong
            .get_or_insert_with(|| target.error(place, &format!("`{}`: {reason}", keys.join("."))));
    });
    if let Some(error) = wrong {
        return Err(error);
    }
    let profile = if target.has_identity() {
        let profile = fetcher.profile(&target.cert_chain, &target.private_key.0);
        Some(profile.map_err(|error| {
            target.error(place, &format!("`cert_chain` and `private_key`: {error}"))
        })?)
    } else {
        None
    };
    let path = target.metrics_path();
    let is_plain = path.is_none()
        && target.headers.is_empty()
        && target.labels.is_empty()
        && target.timeout.is_none()
        && profile.is_none()
        && target.preset.is_none();
    if is_plain {
        return Ok(None);
    }
    let mut authorization: Option<HeaderValue> = None;
    let mut headers = HeaderMap::new();
    for (name, value) in &target.headers {
        // They were checked above.
        let Ok(value) = headers::check_value(&value.0) else {
            continue;
        };
        if is_authorization(name) {
            authorization = Some(value);
        } else if let Ok(name) = HeaderName::try_from(name) {
            headers.insert(name, value);
        }
    }
    let timeout = target.timeout;
    Ok(Some(Own {
        path: path.map(Into::into),
        extras: Arc::new(Extras {
            authorization,
            headers,
            timeout,
        }),
        without_credentials: Arc::new(Extras {
            timeout,
            ..Extras::default()
        }),
        labels: target.labels.clone(),
        profile,
        agent: target
            .preset
            .and_then(|Preset::EcsAgent| Agent::beside(&known_as(target)?.1))
            .map(Arc::new),
    }))
}

/// What all fixed targets have, exchanged as a whole while pages are made.
#[derive(Debug)]
pub(super) struct Fixed {
    owns: ArcSwap<Owns>,
    /// One replacement at a time.
    replacing: Mutex<()>,
}

impl Fixed {
    pub(super) fn new(owns: Owns) -> Self {
        Self {
            owns: ArcSwap::from_pointee(owns),
            replacing: Mutex::new(()),
        }
    }

    pub(super) fn current(&self) -> Arc<Owns> {
        self.owns.load_full()
    }

    /// Replaces all fixed targets, here and in the routing table.
    pub(super) fn replace(
        &self,
        targets: &[FixedTarget],
        fetcher: &Fetcher,
        discovery: &Discovery,
    ) -> Result<(), Error> {
        let _one = self
            .replacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = self.current();
        // The old profiles are still there: an equal certificate gets the same one, with its connections.
        let mut new = Owns::of(targets, fetcher)?;
        new.keep_agents(&old);
        // While the table changes, those that come and those that leave are both asked as they want to be.
        let mut both = Owns::clone(&old);
        both.0.extend(new.0.clone());
        self.owns.store(Arc::new(both));
        let replaced = discovery.set_targets(targets);
        self.owns.store(match replaced {
            Ok(()) => Arc::new(new),
            Err(_) => old,
        });
        replaced
    }
}

/// A header that a caller wants to be sent to instances, for [`Query::headers`](super::Query).
///
/// # Errors
/// [`Kind::InvalidArgument`](crate::error::Kind) for what [`headers::check`] refuses: headers that promfetch sets
/// itself, those of the connection, and what is no header at all. The value is not shown.
pub fn check_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    headers::check(name, value).map_err(|reason| {
        let name = crate::config::problem::shown(name);
        Error::new(
            crate::error::Kind::InvalidArgument,
            format!("the header `{name}` {reason}"),
        )
    })
}

#[cfg(test)]
mod tests;
