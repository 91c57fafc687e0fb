//! What the calls of one kind have come to. The clock is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A call that has not ended by then is lost, as with the ECS agent.
pub(super) const LOST: Duration = Duration::from_secs(120);

/// Upper bounds of the duration buckets, in seconds: a look-up takes microseconds, a fetch up to 30 s.
const BUCKETS: [f64; 10] = [
    0.000_01, 0.000_1, 0.001, 0.01, 0.05, 0.25, 1.0, 5.0, 10.0, 30.0,
];

/// The calls of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) started: u64,
    pub(super) ended: u64,
    /// Of all that have ended, and of the latest.
    pub(super) seconds: f64,
    pub(super) last: f64,
    pub(super) last_ended: Option<Instant>,
    /// Those within each bound and above the one before; at the end those above all.
    within: [u64; BUCKETS.len() + 1],
    /// When each call began, by its number: the first is the oldest.
    under_way: BTreeMap<u64, Instant>,
}

impl Tally {
    /// Begins a call and gives its number.
    pub(super) fn start(&mut self, now: Instant) -> u64 {
        // Whoever starts calls and never ends them holds no more than those of two minutes.
        self.forget(now);
        self.started += 1;
        self.under_way.insert(self.started, now);
        self.started
    }

    pub(super) fn increment(&mut self) {
        self.started += 1;
    }

    /// Ends a call, unless it is lost.
    pub(super) fn end(&mut self, number: u64, now: Instant) {
        self.forget(now);
        let Some(since) = self.under_way.remove(&number) else {
            return;
        };
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        self.ended += 1;
        self.seconds += seconds;
        self.last = seconds;
        self.last_ended = Some(now);
        let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.within.get_mut(bucket) {
            *count += 1;
        }
    }

    pub(super) fn in_flight(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.under_way.len()
    }

    /// Each bound with the calls between it and the one before. The last has none.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.within).collect()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.under_way.first_entry() {
            if now.saturating_duration_since(*oldest.get()) < LOST {
                return;
            }
            oldest.remove();
        }
    }
}
