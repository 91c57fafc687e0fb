//! Endpoints that refuse connections are left out for a while: an address that is gone costs a page nothing then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, Reason};
use crate::instance::Address;

/// The first pause. Each further failure doubles it.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause: one second less than the 15 s at which most scrapers come, so that each scrape of a lasting
/// failure tries again and a recovery shows at the next one.
const LONGEST: Duration = Duration::from_secs(14);

/// A failure this long ago no longer makes the next pause longer.
const FORGET: Duration = Duration::from_secs(120);

/// Endpoints remembered at most. Beyond, a new failure is not remembered and its endpoint simply asked again.
const CAPACITY: usize = 65_536;

/// Endpoints in back-off. The clock is an argument.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    endpoints: Mutex<HashMap<Address, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// A new registration at the address ends the pause.
    registration: u64,
    failures: u32,
    failed: Instant,
    detail: String,
}

impl Entry {
    fn until(&self) -> Instant {
        let doubled = FIRST.saturating_mul(1 << self.failures.saturating_sub(1).min(10));
        self.failed + doubled.min(LONGEST)
    }
}

impl Backoff {
    /// Whether the endpoint is to be left out now: then the failure says for how long, and why.
    pub(super) fn check(
        &self,
        address: &Address,
        registration: u64,
        now: Instant,
    ) -> Option<Failure> {
        let endpoints = self.lock();
        let entry = endpoints
            .get(address)
            .filter(|entry| entry.registration == registration)?;
        let left = entry
            .until()
            .checked_duration_since(now)
            .filter(|left| !left.is_zero())?;
        let detail = format!(
            "not tried for another {:.1} s, because the last try failed: {}",
            left.as_secs_f64(),
            entry.detail
        );
        Some(Failure::new(Reason::Skipped, detail))
    }

    /// The endpoint refused.
    pub(super) fn failed(&self, address: &Address, registration: u64, detail: &str, now: Instant) {
        let mut endpoints = self.lock();
        if endpoints.len() >= CAPACITY && !endpoints.contains_key(address) {
            return;
        }
        let entry = endpoints
            .entry(address.clone())
            .and_modify(|entry| {
                if entry.registration != registration || now.duration_since(entry.failed) > FORGET {
                    entry.failures = 0;
                }
            })
            .or_insert_with(|| Entry {
                registration,
                failures: 0,
                failed: now,
                detail: String::new(),
            });
        // Several pages may see the same failure at once: that is one, not many.
        if entry.failures == 0 || entry.until() <= now {
            entry.failures = entry.failures.saturating_add(1);
            entry.failed = now;
        }
        entry.registration = registration;
        detail.clone_into(&mut entry.detail);
    }

    /// The endpoint answered.
    pub(super) fn succeeded(&self, address: &Address) {
        let mut endpoints = self.lock();
        if !endpoints.is_empty() {
            endpoints.remove(address);
        }
    }

    /// Forgets failures of long ago.
    pub(super) fn sweep(&self, now: Instant) {
        self.lock()
            .retain(|_, entry| now.duration_since(entry.failed) <= FORGET);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Address, Entry>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_a_success_ends_them() {
        let (backoff, address) = (
            Backoff::default(),
            Address::parse("10.0.0.1:61001").unwrap(),
        );
        let mut now = Instant::now();
        for pause in [1.0, 2.0, 4.0, 8.0, 14.0, 14.0] {
            assert!(
                backoff.check(&address, 7, now).is_none(),
                "before the pause of {pause} s"
            );
            backoff.failed(&address, 7, "connection refused", now);
            let failure = backoff
                .check(&address, 7, now + seconds(pause - 0.1))
                .expect("in the pause");
            assert_eq!(failure.reason, Reason::Skipped);
            assert!(failure.detail.ends_with("connection refused"), "{failure}");
            now += seconds(pause);
        }
        backoff.failed(&address, 7, "connection refused", now);
        backoff.succeeded(&address);
        assert!(backoff.check(&address, 7, now).is_none());
    }

    #[test]
    fn a_new_registration_ends_the_pause_and_starts_the_count_anew() {
        let (backoff, address, now) = (
            Backoff::default(),
            Address::parse("10.0.0.1:61001").unwrap(),
            Instant::now(),
        );
        backoff.failed(&address, 7, "connection refused", now);
        backoff.failed(&address, 7, "connection refused", now + seconds(1.0));
        assert!(backoff.check(&address, 8, now + seconds(1.0)).is_none());
        backoff.failed(&address, 8, "connection refused", now + seconds(1.5));
        assert!(backoff.check(&address, 8, now + seconds(2.4)).is_some());
        assert!(
            backoff.check(&address, 8, now + seconds(2.5)).is_none(),
            "the first pause again"
        );
    }

    #[test]
    fn one_failure_seen_by_several_pages_counts_once() {
        let (backoff, address, now) = (
            Backoff::default(),
            Address::parse("10.0.0.1:61001").unwrap(),
            Instant::now(),
        );
        for _ in 0..10 {
            backoff.failed(&address, 7, "connection refused", now);
        }
        assert!(backoff.check(&address, 7, now + seconds(1.0)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_old_failures_go() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        for port in 0..=CAPACITY {
            let address = Address::tcp(format!("10.0.0.{}", port >> 16), (port & 0xffff) as u16);
            backoff.failed(&address, 1, "connection refused", now);
        }
        assert_eq!(backoff.lock().len(), CAPACITY);
        backoff.sweep(now + FORGET);
        assert_eq!(backoff.lock().len(), CAPACITY);
        backoff.sweep(now + FORGET + seconds(1.0));
        assert_eq!(backoff.lock().len(), 0);
    }
}
