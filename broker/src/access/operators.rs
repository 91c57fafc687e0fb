//! Operators of the platform: names with hashed passwords from the configuration.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use promfetch_core::config::Secret;
use tokio::time::Instant;

use super::answers::Answers;
use super::password::{Busy, Verifier};

/// How long a right password is remembered after it was used: a scraper that comes at least as often is checked once.
/// The hashes of a process never change.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Passwords remembered, and checks under way. The verifier turns callers away before that.
const CAPACITY: usize = 1024;

/// The operators of one configuration. Another configuration makes others, which remember nothing.
pub(crate) struct Operators {
    /// Hash by name.
    hashes: HashMap<String, String>,
    /// The same hashes, to be worked at for names that are not known.
    all: Vec<String>,
    pick: RandomState,
    verifier: Verifier,
    verified: Answers<Result<bool, Busy>>,
}

impl Operators {
    /// Of names and hashes; [`check_hash`](super::password::check_hash) has passed the hashes. Of equal names the last counts.
    pub(crate) fn new(operators: Vec<(String, String)>) -> Self {
        let hashes: HashMap<_, _> = operators.into_iter().collect();
        Self {
            all: hashes.values().cloned().collect(),
            hashes,
            pick: RandomState::new(),
            verifier: Verifier::default(),
            verified: Answers::new(CAPACITY),
        }
    }

    /// Whether there is an operator of this name. Not for outsiders: answers must not depend on it.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.hashes.contains_key(name)
    }

    /// Whether this login was found right, and used within the last five minutes. Costs nothing, so it may come before any
    /// waiting: somebody's guessing, however much of it, does not keep the operator out who is logged in.
    pub(crate) fn remembers(&self, name: &str, password: &str) -> bool {
        let until = Instant::now() + REMEMBERED;
        self.verified.kept_on(&[name, password], until) == Some(Ok(true))
    }

    /// Whether this is an operator's login. Takes as long for a name that is not known.
    ///
    /// # Errors
    /// When too many logins are being checked.
    pub(crate) async fn verify(&self, name: &str, password: &str) -> Result<bool, Busy> {
        self.check(name, password, false).await
    }

    /// Whether what once was an operator's login still is. That it is not is remembered too: a page in a browser goes
    /// on asking, and the hashes of a process never change.
    ///
    /// # Errors
    /// When too many logins are being checked.
    pub(crate) async fn still(&self, name: &str, password: &str) -> Result<bool, Busy> {
        self.check(name, password, true).await
    }

    async fn check(&self, name: &str, password: &str, keep_wrong: bool) -> Result<bool, Busy> {
        let Some(hash) = self.hash_of(name) else {
            return Ok(false);
        };
        let known = self.knows(name);
        let asked = self.verified.ask(&[name, password], || {
            let (verifier, hash) = (self.verifier.clone(), hash.to_owned());
            let password = Secret(password.to_owned());
            async move {
                let fits = verifier.verify(&hash, &password.0).await;
                let right = fits.map(|fits| fits && known);
                let is_kept = right == Ok(true) || (keep_wrong && right == Ok(false));
                let until = is_kept.then(|| Instant::now() + REMEMBERED);
                (right, until)
            }
        });
        asked.answer().await.unwrap_or(Err(Busy))
    }

    /// The operator's hash, or for an unknown name always the same one of the others': hashes can differ in how long
    /// they take. None when there are no operators, and so no names to find out.
    fn hash_of(&self, name: &str) -> Option<&str> {
        if let Some(hash) = self.hashes.get(name) {
            return Some(hash);
        }
        let count = u64::try_from(self.all.len()).ok()?;
        let picked = self.pick.hash_one(name).checked_rem(count)?;
        self.all
            .get(usize::try_from(picked).ok()?)
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::password;

    fn operators() -> Operators {
        // The cheapest hash that is allowed, of `correct horse`.
        let hash = "$argon2id$v=19$m=7168,t=5,p=1$c29tZXNhbHRzb21lc2FsdA$Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM";
        Operators::new(vec![
            ("jane".into(), password::hash("first")),
            ("jane".into(), hash.into()),
            ("jürgen".into(), hash.into()),
        ])
    }

    #[tokio::test]
    async fn only_name_and_password_together_are_right() {
        let operators = operators();
        for (name, password, right, why) in [
            ("jane", "correct horse", true, "right"),
            ("jürgen", "correct horse", true, "another one"),
            ("jane", "first", false, "the last of equal names counts"),
            ("jane", "Correct horse", false, "wrong"),
            ("jane", "", false, "none"),
            ("Jane", "correct horse", false, "names know case"),
            ("", "correct horse", false, "no name"),
            (
                "bob",
                "correct horse",
                false,
                "right for those whose hash is worked at",
            ),
        ] {
            assert_eq!(operators.verify(name, password).await, Ok(right), "{why}");
            assert_eq!(operators.remembers(name, password), right, "{why}");
        }
        assert!(operators.knows("jane") && !operators.knows("bob"));
        let nobody = Operators::new(Vec::new());
        assert_eq!(nobody.verify("jane", "correct horse").await, Ok(false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_password_is_remembered_while_it_is_used() {
        let operators = operators();
        assert!(!operators.remembers("jane", "correct horse"));
        assert_eq!(operators.verify("jane", "correct horse").await, Ok(true));
        for _ in 0..3 {
            tokio::time::advance(REMEMBERED - Duration::from_millis(1)).await;
            assert!(operators.remembers("jane", "correct horse"));
            assert!(!operators.remembers("jane", "correct horsf"));
            assert!(!operators.remembers("jürgen", "correct horse"));
        }
        tokio::time::advance(REMEMBERED).await;
        assert!(!operators.remembers("jane", "correct horse"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outdated_password_is_worked_at_once() {
        let operators = operators();
        for (name, password, right) in [
            ("jane", "correct horse", true),
            ("jane", "the old one", false),
        ] {
            for _ in 0..3 {
                assert_eq!(operators.still(name, password).await, Ok(right));
            }
            let kept = operators
                .verified
                .kept_on(&[name, password], Instant::now());
            assert_eq!(kept, Some(Ok(right)), "{password}");
        }
        assert!(!operators.remembers("jane", "the old one"));
        assert_eq!(operators.verify("jane", "guessed").await, Ok(false));
        let guessed = operators
            .verified
            .kept_on(&["jane", "guessed"], Instant::now());
        assert_eq!(guessed, None, "guesses would push out what is right");
    }

    #[tokio::test]
    async fn many_equal_logins_are_one_check() {
        let operators = operators();
        let logins = (0..500).map(|_| operators.verify("jane", "correct horse"));
        let results = futures_util::future::join_all(logins).await;
        assert!(
            results.iter().all(|result| *result == Ok(true)),
            "more than may wait, were they not the same"
        );
    }

    #[test]
    fn an_unknown_name_always_costs_the_same_hash() {
        let operators = Operators::new(vec![("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!(operators.hash_of("a"), Some("1"));
        assert_eq!(operators.hash_of("b"), Some("2"));
        for number in 0..50 {
            let name = format!("unknown-{number}");
            let hash = operators.hash_of(&name);
            assert!(hash.is_some());
            assert_eq!(hash, operators.hash_of(&name));
        }
    }
}
