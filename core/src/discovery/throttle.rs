//! Log lines that would come thousands of times.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets one pass for each period.
#[derive(Debug)]
pub(super) struct Throttle {
    period: Duration,
    last: Mutex<Option<Instant>>,
}

impl Throttle {
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period,
            last: Mutex::new(None),
        }
    }

    pub(super) fn pass(&self) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let pass = last.is_none_or(|last| now.saturating_duration_since(last) >= self.period);
        if pass {
            *last = Some(now);
        }
        pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_lets_one_pass_for_each_period() {
        let throttle = Throttle::new(Duration::from_secs(3600));
        assert!(throttle.pass());
        assert!(!throttle.pass());
        let open = Throttle::new(Duration::ZERO);
        assert!(open.pass() && open.pass());
    }
}
