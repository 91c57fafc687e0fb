//! How long to wait before a plugin is started again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// The longest wait, before chance is added.
const LONGEST: Duration = Duration::from_secs(60);
/// A plugin that has run for so long does well; its next end is a new story.
const STEADY: Duration = Duration::from_secs(60);

/// Waits that double.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration) -> Self {
        Self { first, next: first }
    }

    /// The wait after a plugin has run for so long, without the part of chance.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= STEADY {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST).max(self.first);
        wait
    }
}

/// Up to a fifth more, so that plugins that ended together are not started together for ever.
pub(super) fn with_chance(wait: Duration) -> Duration {
    // The keys of each are random.
    let chance = RandomState::new().hash_one(0) % 1000;
    wait + wait / 5000 * u32::try_from(chance).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1));
        let waits: Vec<u64> = (0..9)
            .map(|_| backoff.after(seconds(3)).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.after(seconds(60)), seconds(1), "it ran well");
        assert_eq!(backoff.after(seconds(59)), seconds(2));
        let mut backoff = Backoff::new(LONGEST);
        assert_eq!(
            (backoff.after(seconds(0)), backoff.after(seconds(0))),
            (LONGEST, LONGEST)
        );
    }

    #[test]
    fn chance_adds_at_most_a_fifth() {
        let wait = Duration::from_secs(10);
        for _ in 0..1000 {
            let longer = with_chance(wait);
            assert!(longer >= wait && longer < wait * 6 / 5, "{longer:?}");
        }
    }
}
