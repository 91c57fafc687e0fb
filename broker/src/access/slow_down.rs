//! Guessing passwords is slowed down by name: after a few failures, the next attempts wait before they are looked at.
//!
//! Nobody is locked out, as that would be a way to lock others out. Nor is it by address: behind gorouter all callers
//! have the router's. A caller that can believe `X-Forwarded-For` keeps a second [`Slow`] for addresses.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::password::Busy;

/// Failures that cost no waiting: people mistype.
const FREE: u32 = 5;
/// A name is forgotten when nothing has failed for this long.
const FORGOTTEN: Duration = Duration::from_secs(5 * 60);
/// The first wait. It doubles with every further failure.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait: a scraper that knows the password still gets its page within the usual 10 s.
const LONGEST: Duration = Duration::from_secs(5);
/// Names remembered. Beyond, the one goes whose last failure is longest ago.
const NAMES: usize = 4096;
/// Attempts that wait at the same time; each holds a connection.
const WAITING: usize = 64;

/// The failures of names, or of addresses.
pub(crate) struct Slow {
    /// Names are hashed with a key of this process: they can be long, and are no business of a memory dump.
    hasher: RandomState,
    failures: Mutex<HashMap<u64, Failures>>,
    waiting: Arc<Semaphore>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Default for Slow {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            failures: Mutex::default(),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }
}

impl Slow {
    /// How long an attempt for this name has to wait before it is looked at.
    pub(crate) fn before(&self, name: &str, now: Instant) -> Duration {
        let key = self.hasher.hash_one(name);
        let failures = self.lock().get(&key).copied();
        let count = failures.map_or(0, |failures| failures.count_at(now));
        let Some(doublings) = count.checked_sub(FREE + 1) else {
            return Duration::ZERO;
        };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        FIRST.saturating_mul(factor).min(LONGEST)
    }

    /// Waits as long as [`before`](Self::before) says.
    ///
    /// # Errors
    /// When too many wait already. The attempt is not to be looked at.
    pub(crate) async fn wait(&self, name: &str) -> Result<(), Busy> {
        let pause = self.before(name, Instant::now());
        if !pause.is_zero() {
            let _place = self.waiting.try_acquire().map_err(|_| Busy)?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// A password was wrong, or there is no such name: both count, or names could be told apart.
    pub(crate) fn failed(&self, name: &str, now: Instant) {
        let key = self.hasher.hash_one(name);
        let mut all = self.lock();
        if all.len() >= NAMES && !all.contains_key(&key) {
            let oldest = all.iter().min_by_key(|(_, failures)| failures.last);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                all.remove(&oldest);
            }
        }
        let count = all
            .get(&key)
            .map_or(0, |failures| failures.count_at(now))
            .saturating_add(1);
        all.insert(key, Failures { count, last: now });
    }

    /// The password was right, and it was really checked: one that was remembered says nothing about who guesses.
    pub(crate) fn succeeded(&self, name: &str) {
        let key = self.hasher.hash_one(name);
        self.lock().remove(&key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// How many count at this time.
    fn count_at(self, now: Instant) -> u32 {
        if now.saturating_duration_since(self.last) < FORGOTTEN {
            self.count
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_failures_up_to_five_seconds() {
        let slow = Slow::default();
        let now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..60 {
            waits.push(slow.before("jane", now).as_millis());
            slow.failed("jane", now);
        }
        assert_eq!(waits[..6], [0; 6], "five failures are free");
        assert_eq!(
            waits[6..13],
            [100, 200, 400, 800, 1600, 3200, 5000],
            "then they cost"
        );
        assert!(waits[13..].iter().all(|wait| *wait == 5000), "{waits:?}");
        assert_eq!(slow.before("bob", now), Duration::ZERO, "nobody else waits");
    }

    #[test]
    fn failures_are_forgotten_after_success_and_after_five_minutes() {
        let slow = Slow::default();
        let start = Instant::now();
        let fail = |name, times| (0..times).for_each(|_| slow.failed(name, start));
        fail("jane", 7);
        fail("bob", 7);
        slow.succeeded("jane");
        for (name, after, wait, why) in [
            ("jane", 0, 0, "success"),
            ("bob", 0, 200, "at once"),
            ("bob", 299, 200, "just before"),
            ("bob", 300, 0, "after five minutes"),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(slow.before(name, now).as_millis(), wait, "{name}: {why}");
        }
        slow.failed("bob", start + FORGOTTEN);
        assert_eq!(
            slow.before("bob", start + FORGOTTEN),
            Duration::ZERO,
            "counted anew"
        );
        // Clocks of other threads can be a little behind.
        fail("eve", 7);
        assert!(
            !slow
                .before("eve", start.checked_sub(FIRST).unwrap_or(start))
                .is_zero()
        );
    }

    #[test]
    fn names_are_bounded_and_the_oldest_goes() {
        let slow = Slow::default();
        let start = Instant::now();
        for _ in 0..6 {
            slow.failed("first", start);
            slow.failed("second", start + Duration::from_secs(1));
        }
        let later = start + Duration::from_secs(2);
        for number in 0..NAMES - 1 {
            slow.failed(&format!("{number} {}", "x".repeat(300)), later);
        }
        assert_eq!(slow.lock().len(), NAMES);
        assert_eq!(slow.before("first", later), Duration::ZERO, "forgotten");
        assert_eq!(slow.before("second", later), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn few_wait_at_the_same_time() {
        let slow = Slow::default();
        assert_eq!(slow.wait("jane").await, Ok(()));
        for _ in 0..6 {
            slow.failed("jane", Instant::now());
        }
        let attempts = (0..=WAITING).map(|_| slow.wait("jane"));
        let results = futures_util::future::join_all(attempts).await;
        let turned_away = results.iter().filter(|result| result.is_err()).count();
        assert_eq!(turned_away, 1);
        assert_eq!(
            slow.wait("bob").await,
            Ok(()),
            "who has not failed never waits"
        );
        assert_eq!(slow.wait("jane").await, Ok(()), "there is room again");
    }
}
