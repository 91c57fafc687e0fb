//! The times that a query is evaluated at.

use std::time::Duration;

use crate::nomad::history::millis;
use crate::nomad::promql::Millis;

/// Most samples of a series in an answer, as Prometheus has it.
const MAX_STEPS: Millis = 11_000;

/// The time that a query is about, both ends included. They are equal for the value at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Millis,
    pub(super) to: Millis,
}

impl Span {
    /// What can be answered of it: there is no future.
    ///
    /// # Errors
    /// When it ends before it begins, lies in the future, or has too many steps.
    pub(super) fn check(self, now: Millis, step: Duration) -> Result<Self, String> {
        let Self { from, to } = self;
        if from > to {
            return Err("the query's time ends before it begins".into());
        }
        if from > now {
            return Err(format!(
                "the query's time begins {} s in the future: do the clocks differ?",
                (from - now) / 1000
            ));
        }
        let span = Self {
            from,
            to: to.min(now),
        };
        if span.to.saturating_sub(from) / millis(step) >= MAX_STEPS {
            return Err(format!(
                "the query asks for more than {MAX_STEPS} samples: take a shorter `query_window` or a longer `step`"
            ));
        }
        Ok(span)
    }

    /// How much history it takes, with this range of its selectors.
    pub(super) fn reach(self, now: Millis, range: Duration) -> Duration {
        let back = now.saturating_sub(self.from).max(0).unsigned_abs();
        Duration::from_millis(back).saturating_add(range)
    }

    /// One time a step, ascending, of which the end is one.
    pub(super) fn steps(self, step: Duration) -> impl Iterator<Item = Millis> {
        let step = millis(step);
        let back = (self.to - self.from) / step;
        (0..=back).rev().map(move |number| self.to - number * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_secs(5);

    #[test]
    fn steps_end_where_the_span_does() {
        for (from, to, steps, why) in [
            (0, 10_000, &[0, 5_000, 10_000][..], "both ends"),
            (
                1,
                10_000,
                &[5_000, 10_000],
                "the end is what strategies look at",
            ),
            (7, 7, &[7], "one moment"),
            (0, 4_999, &[4_999], "shorter than a step"),
        ] {
            let span = Span { from, to };
            assert_eq!(span.steps(STEP).collect::<Vec<_>>(), steps, "{why}");
        }
    }

    #[test]
    fn impossible_times_are_refused() {
        let now = 1_000_000_000;
        let check = |from, to| Span { from, to }.check(now, STEP);
        for (from, to, told) in [
            (2, 1, "ends before it begins"),
            (now + 60_000, now + 60_001, "60 s in the future"),
            (0, now, "more than 11000 samples"),
            (Millis::MIN, Millis::MAX, "more than 11000 samples"),
        ] {
            let error = check(from, to).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        let cut = check(now - 1, now + 5).unwrap();
        assert_eq!(cut.to, now, "nothing is known of the future");
        assert_eq!(cut.reach(now, STEP), Duration::from_millis(5001));
    }
}
