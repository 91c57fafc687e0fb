//! What one series says at one time: its newest sample, or a function of a range of samples.
//!
//! Everything here is as in Prometheus 2.42, to the last bit. Ranges have both their ends in them there (from 3.0 on
//! they lack the older one).

use std::time::Duration;

use super::expression::RangeFunction;
use super::{LOOK_BACK, Millis, is_gone};

/// The newest value, unless it is older than [`LOOK_BACK`] or says that the series is gone.
pub(super) fn newest(points: &[(Millis, f64)], at: Millis) -> Option<f64> {
    let (_, value) = *between(points, at, LOOK_BACK).last()?;
    (!is_gone(value)).then_some(value)
}

/// The function of a range that ends now. `None`: there are too few samples for it.
pub(super) fn over(
    function: RangeFunction,
    points: &[(Millis, f64)],
    at: Millis,
    range: Duration,
) -> Option<f64> {
    let points = between(points, at, range).iter().copied();
    let points = points.filter(|(_, value)| !is_gone(*value));
    let values = points.clone().map(|(_, value)| value);
    match function {
        RangeFunction::Rate => Some(Change::of(points, true)?.per_second(at, range)),
        RangeFunction::Increase => Some(Change::of(points, true)?.in_all(at, range)),
        RangeFunction::Delta => Some(Change::of(points, false)?.in_all(at, range)),
        RangeFunction::Average => average(values),
        RangeFunction::Sum => sum(values),
        RangeFunction::Min => values.reduce(less),
        RangeFunction::Max => values.reduce(more),
    }
}

/// The lesser value; NaN only where there is nothing else.
pub(super) fn less(least: f64, value: f64) -> f64 {
    let other = value < least || least.is_nan();
    if other { value } else { least }
}

/// The greater value; NaN only where there is nothing else.
pub(super) fn more(most: f64, value: f64) -> f64 {
    let other = value > most || most.is_nan();
    if other { value } else { most }
}

/// Whether a mean keeps its infinite value whatever the next one is. By its formula it would become NaN.
pub(super) fn stays_infinite(mean: f64, next: f64) -> bool {
    mean.is_infinite() && (next.is_finite() || next == mean)
}

/// The points of a closed range that ends at a time.
fn between(points: &[(Millis, f64)], to: Millis, range: Duration) -> &[(Millis, f64)] {
    let from = start_of(to, range);
    let start = points.partition_point(|(time, _)| *time < from);
    let end = points.partition_point(|(time, _)| *time <= to);
    points.get(start..end).unwrap_or_default()
}

/// How far a series went between the first and the last sample of a range.
struct Change {
    first: (Millis, f64),
    last: Millis,
    /// How many samples follow the first.
    steps: f64,
    /// A counter that falls has begun anew at zero.
    by: f64,
    counter: bool,
}

impl Change {
    /// `None`: there are not two samples.
    fn of(
        mut points: impl DoubleEndedIterator<Item = (Millis, f64)> + Clone,
        counter: bool,
    ) -> Option<Self> {
        let first = points.next()?;
        let last = points.clone().next_back()?;
        let mut change = Self {
            first,
            last: last.0,
            steps: 0.0,
            by: last.1 - first.1,
            counter,
        };
        let mut before = first.1;
        for (_, value) in points {
            change.steps += 1.0;
            if counter && value < before {
                change.by += before;
            }
            before = value;
        }
        Some(change)
    }

    fn in_all(&self, at: Millis, range: Duration) -> f64 {
        self.by * self.stretch(at, range)
    }

    fn per_second(&self, at: Millis, range: Duration) -> f64 {
        self.by * (self.stretch(at, range) / range.as_secs_f64())
    }

    /// How much longer than from first to last sample the change goes on, as a factor.
    ///
    /// To each end of the range where the next sample is not overdue; otherwise for half the time between two samples.
    /// A counter is not stretched to where it would be below zero.
    fn stretch(&self, at: Millis, range: Duration) -> f64 {
        let sampled = seconds(self.last.saturating_sub(self.first.0));
        let mut to_start = seconds(self.first.0.saturating_sub(start_of(at, range)));
        let to_end = seconds(at.saturating_sub(self.last));
        let step = sampled / self.steps;
        if self.counter && self.by > 0.0 && self.first.1 >= 0.0 {
            let to_zero = sampled * (self.first.1 / self.by);
            if to_zero < to_start {
                to_start = to_zero;
            }
        }
        let overdue = step * 1.1;
        let mut whole = sampled;
        for to_limit in [to_start, to_end] {
            whole += if to_limit < overdue {
                to_limit
            } else {
                step / 2.0
            };
        }
        whole / sampled
    }
}

fn start_of(to: Millis, range: Duration) -> Millis {
    to.saturating_sub(range.as_millis().try_into().unwrap_or(Millis::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times between samples have far less than 53 bits"
)]
fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

/// The mean in one pass. `None` of nothing.
fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut mean, mut count) = (Sum::default(), 0.0);
    for value in values {
        count += 1.0;
        if !stays_infinite(mean.sum, value) {
            mean.add(value / count - mean.sum / count);
        }
    }
    (count > 0.0).then(|| mean.total())
}

fn sum(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sum = None;
    for value in values {
        sum.get_or_insert_with(Sum::default).add(value);
    }
    sum.map(|sum| sum.total())
}

/// A sum that remembers what rounding took from it: Kahan's, as Neumaier improved it.
#[derive(Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
    }

    fn total(&self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.lost
        }
    }
}
