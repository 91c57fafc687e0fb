//! Passwords of people: hashed with Argon2id, as OWASP's Password Storage Cheat Sheet recommends.
//!
//! A check takes tens of milliseconds and 19 MiB of memory on purpose. So few run at a time, few wait, and the rest is
//! turned away: whoever sends many wrong passwords must not be able to stop everything else.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use promfetch_core::config::Secret;
use tokio::sync::Semaphore;

use crate::secrets::random;

/// Checks that run at the same time: each takes a core for its time.
const RUNNING: usize = 2;
/// Checks that wait for one of those.
const WAITING: usize = 64;

/// Bounds of a configured hash. Upwards, so that a check does not take seconds or the whole memory.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 7168..=131_072;
const PASSES: std::ops::RangeInclusive<u32> = 1..=10;
const LANES: std::ops::RangeInclusive<u32> = 1..=16;
/// Memory in KiB times passes: the weakest of the five settings that OWASP calls equally strong (m=7168, t=5).
const LEAST_WORK: u32 = 7168 * 5;
/// Bytes of the hash itself.
const OUTPUT: std::ops::RangeInclusive<usize> = 16..=64;

/// Too many passwords are being checked: try again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at the same time")]
pub(crate) struct Busy;

/// The hash of a password as a PHC string, with a new salt. Takes tens of milliseconds.
pub(crate) fn hash(password: &str) -> String {
    // The crate's default: m=19456 (19 MiB), t=2, p=1, which is OWASP's first choice.
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    #[expect(
        clippy::expect_used,
        reason = "a salt of 16 bytes and a password below 4 GiB are always right"
    )]
    let hash = SaltString::encode_b64(&random::<16>())
        .and_then(|salt| {
            let hash = argon2.hash_password(password.as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .expect("salt and password have the right size");
    hash
}

/// Whether a configured text is a hash that [`Verifier::verify`] can check and that is strong enough.
///
/// # Errors
/// A sentence that says what was expected, without the hash.
pub(crate) fn check_hash(text: &str) -> Result<(), String> {
    parse(text).map(|_| ())
}

fn parse(text: &str) -> Result<PasswordHash<'_>, String> {
    let expected = "expected a hash as `promfetch hash-password` prints it (`$argon2id$v=19$…`)";
    let hash = PasswordHash::new(text).map_err(|_| expected.to_owned())?;
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(0x13) {
        return Err(expected.to_owned());
    }
    let params = Params::try_from(&hash).map_err(|_| expected.to_owned())?;
    let within = MEMORY_KIB.contains(&params.m_cost())
        && PASSES.contains(&params.t_cost())
        && LANES.contains(&params.p_cost());
    if !within {
        return Err(format!(
            "expected a hash with m from {} to {}, t from {} to {} and p from {} to {}",
            MEMORY_KIB.start(),
            MEMORY_KIB.end(),
            PASSES.start(),
            PASSES.end(),
            LANES.start(),
            LANES.end()
        ));
    }
    if params.m_cost() * params.t_cost() < LEAST_WORK {
        return Err(format!(
            "this hash is too weak: expected m times t of at least {LEAST_WORK} (`promfetch hash-password` uses m=19456, t=2)"
        ));
    }
    let salted = hash.salt.is_some_and(|salt| salt.len() >= 11);
    let complete = hash
        .hash
        .is_some_and(|output| OUTPUT.contains(&output.len()));
    if !salted || !complete {
        return Err(format!(
            "{expected}, with a salt of at least 8 and a hash of {} to {} bytes",
            OUTPUT.start(),
            OUTPUT.end()
        ));
    }
    Ok(hash)
}

/// Checks passwords on tokio's blocking threads, few at a time.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    running: Arc<Semaphore>,
    /// Places of those who run and those who wait.
    places: Arc<Semaphore>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(RUNNING)),
            places: Arc::new(Semaphore::new(RUNNING + WAITING)),
        }
    }
}

impl Verifier {
    /// Whether this is the password of the hash. A hash that [`check_hash`] refuses has none.
    ///
    /// # Errors
    /// When too many wait already.
    pub(crate) async fn verify(&self, hash: &str, password: &str) -> Result<bool, Busy> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Busy)?;
        let turn = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| Busy)?;
        let hash = hash.to_owned();
        let password = Secret(password.to_owned());
        // A caller that hangs up does not end the work, so the work holds its place and not the caller.
        let work = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            parse(&hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.0.as_bytes(), &hash)
                    .is_ok()
            })
        });
        // It fails only while the runtime ends.
        work.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the reference implementation's program: `argon2 somesaltsomesalt -id -t 5 -k 7168 -p 1 -l 32 -e`.
    const REFERENCE: &str = "$argon2id$v=19$m=7168,t=5,p=1$c29tZXNhbHRzb21lc2FsdA$Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM";

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let verifier = Verifier::default();
        let made = hash("correct horse");
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        assert_eq!(check_hash(&made), Ok(()));
        assert_ne!(made, hash("correct horse"), "a new salt each time");
        for (hash, password, right, why) in [
            (made.as_str(), "correct horse", true, "the right one"),
            (&made, "correct horsf", false, "a wrong one"),
            (&made, "", false, "none"),
            (REFERENCE, "correct horse", true, "another program's hash"),
            (REFERENCE, "correct horse ", false, "a blank more"),
            ("", "", false, "no hash"),
            ("correct horse", "correct horse", false, "not a hash"),
            (
                "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
                "x",
                false,
                "refused by its parameters, and not calculated",
            ),
        ] {
            assert_eq!(verifier.verify(hash, password).await, Ok(right), "{why}");
        }
    }

    #[test]
    fn a_wrong_hash_is_refused_with_a_sentence() {
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        let output = "A".repeat(43);
        let of = |parameters: &str| format!("$argon2id$v=19${parameters}${salt}${output}");
        for (text, want, why) in [
            (of("m=19456,t=2,p=1"), "", "OWASP's first choice"),
            (of("m=7168,t=5,p=1"), "", "OWASP's last"),
            (of("m=47104,t=1,p=1"), "", "OWASP's widest"),
            (of("m=65536,t=3,p=4"), "", "argon2-cffi's default"),
            (
                of("m=4096,t=3,p=1"),
                "m from",
                "the argon2 program's default",
            ),
            (of("m=7168,t=4,p=1"), "too weak", "too few passes"),
            (of("m=4194304,t=2,p=1"), "m from", "four GiB"),
            (of("m=19456,t=4294967295,p=1"), "m from", "for ever"),
            (of("m=19456,t=2,p=17"), "m from", "too many lanes"),
            (of("m=19456,t=0,p=1"), "expected", "no pass"),
            (of("m=99999999999,t=2,p=1"), "expected", "not 32 bits"),
            (of("m=19456,t=2"), "", "p is 1 when absent"),
            (
                of("m=19456,t=2,p=1").replace("argon2id", "argon2i"),
                "argon2id",
                "another kind",
            ),
            (
                of("m=19456,t=2,p=1").replace("v=19", "v=16"),
                "argon2id",
                "the old version",
            ),
            (
                of("m=19456,t=2,p=1").replace("v=19$", ""),
                "argon2id",
                "no version",
            ),
            (
                "$2b$12$C6UzMDM.H6dfI/f/IKcEeO7ZBpPqVyWJ6G8k9hQ2Qd8mE3mC1nC0K".into(),
                "argon2id",
                "bcrypt",
            ),
            ("hunter2".into(), "argon2id", "a password"),
            (String::new(), "argon2id", "nothing"),
            (
                format!("$argon2id$v=19$m=19456,t=2,p=1${salt}"),
                "bytes",
                "no hash",
            ),
            (
                format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${}", "A".repeat(14)),
                "bytes",
                "a short hash",
            ),
            (
                format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${output}"),
                "bytes",
                "a short salt",
            ),
        ] {
            match check_hash(&text) {
                Ok(()) => assert_eq!(want, "", "{why}: accepted"),
                Err(sentence) => {
                    assert!(
                        !want.is_empty() && sentence.contains(want),
                        "{why}: {sentence}"
                    );
                    assert!(!sentence.contains("hunter2"), "{sentence}");
                }
            }
        }
    }

    #[tokio::test]
    async fn beyond_the_places_callers_are_turned_away() {
        let verifier = Verifier::default();
        let all = verifier
            .places
            .clone()
            .acquire_many_owned(66)
            .await
            .unwrap();
        assert_eq!(verifier.verify(REFERENCE, "x").await, Err(Busy));
        drop(all);
        assert_eq!(verifier.verify("", "x").await, Ok(false));
        assert_eq!(verifier.places.available_permits(), 66);
        assert_eq!(verifier.running.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_caller_that_hangs_up_leaves_its_place_at_the_end() {
        let verifier = Verifier::default();
        let turns = verifier
            .running
            .clone()
            .acquire_many_owned(2)
            .await
            .unwrap();
        let mut waiting = Box::pin(verifier.verify(REFERENCE, "x"));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert_eq!(verifier.places.available_permits(), 65, "it waits");
        drop(waiting);
        assert_eq!(verifier.places.available_permits(), 66, "and went");
        drop(turns);
        let mut running = Box::pin(verifier.verify(REFERENCE, "x"));
        assert!(futures_util::poll!(running.as_mut()).is_pending());
        drop(running);
        // Whether the work still runs or not: in the end both are back.
        let _ = verifier.running.acquire_many(2).await.unwrap();
        let _ = verifier.places.acquire_many(66).await.unwrap();
    }
}
