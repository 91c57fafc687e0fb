//! The rules of OpenMetrics that span several samples of a family.
//!
//! A *group* is all samples of one metric: those that differ only in `le`, `quantile` or the state. Python's
//! `prometheus_client` demands that groups stand together, that their timestamps do not go back, and that
//! histograms are whole. The rules are taken from there: it is the strictest reader in use.

use std::cmp::Ordering;

use hashbrown::HashSet;

use super::MetricType;
use super::error::{Fault, Step};
use super::number::{Stamp, is_number, value};

/// One sample, as far as the rules ask.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    /// Where the line begins.
    pub(super) at: usize,
    pub(super) kind: MetricType,
    /// What the sample's name has after the family's name.
    pub(super) suffix: &'static str,
    /// Hash of all labels that make the group.
    pub(super) group: u64,
    /// The value of `le`, or nothing.
    pub(super) bound: &'a [u8],
    /// The value of `quantile`, or nothing.
    pub(super) quantile: &'a [u8],
    /// Whether there is a label with the family's name.
    pub(super) state: bool,
    pub(super) value: &'a [u8],
    pub(super) timestamp: Option<&'a [u8]>,
    pub(super) exemplar: bool,
}

/// What is known of the family at hand.
#[derive(Debug, Default)]
pub(super) struct Groups {
    seen: HashSet<u64>,
    group: Option<u64>,
    stamp: Option<Stamp>,
    /// The histogram under way; None before its first sample.
    histogram: Option<Histogram>,
}

/// One group of a histogram.
#[derive(Debug, Default)]
struct Histogram {
    at: usize,
    bound: Option<f64>,
    value: f64,
    count: Option<f64>,
    sum: bool,
    gauge_sum: bool,
    negative_bounds: bool,
    negative_gauge_sum: bool,
}

impl Groups {
    /// Ends the family at hand.
    pub(super) fn finish(&mut self) -> Step<()> {
        // A table that grew large is not worth clearing for each small family that follows.
        if self.seen.capacity() > 4096 {
            self.seen = HashSet::new()
        } else {
            self.seen.clear()
        }
        self.group = None;
        self.stamp = None;
        self.histogram
            .take()
            .map_or(Ok(()), |histogram| histogram.check())
    }

    /// Checks the next sample of the family at hand.
    pub(super) fn sample(&mut self, sample: &Sample<'_>) -> Step<()> {
        let fail = |message: &str| Err(Fault::syntax(sample.at, message));
        let number = check_value(sample)?;
        let stamp = match sample.timestamp {
            Some(_) if sample.kind == MetricType::Info => {
                return fail("a sample of an info metric takes no timestamp here");
            }
            Some(text) => Some(
                Stamp::read(text)
                    .ok_or_else(|| Fault::syntax(sample.at, "the timestamp is out of range"))?,
            ),
            None => None,
        };
        let same_group = self.group == Some(sample.group);
        if same_group {
            match (self.stamp, stamp) {
                (None, None) => {}
                (Some(before), Some(now)) => match before.compare(now) {
                    Some(Ordering::Greater) => return fail("the timestamps of a metric go back"),
                    Some(_) => {}
                    None => {
                        return fail(
                            "the timestamps of a metric are written with and without exponent",
                        );
                    }
                },
                _ => return fail("a metric has samples with and without timestamp"),
            }
        } else if !self.seen.insert(sample.group) {
            return fail("the samples of a metric do not stand together");
        }
        if matches!(
            sample.kind,
            MetricType::Histogram | MetricType::GaugeHistogram
        ) {
            // The specification allows it. `prometheus_client` takes samples of a later moment for duplicates of
            // earlier ones, and then misses buckets: it would refuse the whole merged page.
            if same_group && self.stamp != stamp {
                return fail("a histogram has samples of several moments");
            }
            if !same_group && let Some(before) = self.histogram.take() {
                before.check()?;
            }
            self.histogram.get_or_insert_default().add(sample, number)?;
        }
        self.group = Some(sample.group);
        self.stamp = stamp;
        Ok(())
    }
}

/// The rules for one sample alone. Gives its value.
fn check_value(sample: &Sample<'_>) -> Step<f64> {
    let fail = |message: &str| Err(Fault::syntax(sample.at, message));
    let number = value(sample.value);
    match (sample.kind, sample.suffix) {
        (_, "_bucket" | "_count" | "_gcount") if number.fract() != 0.0 || !number.is_finite() => {
            return fail("a bucket or count has a value that is no whole number");
        }
        (_, "_total" | "_sum" | "_gsum") if number.is_nan() => {
            return fail("a counter or sum has the value NaN");
        }
        (_, "_total" | "_sum" | "_count" | "_bucket" | "_gcount") if number < 0.0 => {
            return fail("a counter, sum or count has a negative value");
        }
        (MetricType::Summary, "") => {
            if !is_number(sample.quantile) || !(0.0..=1.0).contains(&value(sample.quantile)) {
                return fail("a summary's sample needs a label `quantile` from 0 to 1");
            }
            if number < 0.0 {
                return fail("a quantile has a negative value");
            }
        }
        (MetricType::StateSet, _) => {
            if !sample.state {
                return fail("a state needs a label with the metric's name");
            }
            if number != 0.0 && number != 1.0 {
                return fail("a state has a value that is neither 0 nor 1");
            }
        }
        (MetricType::Info, _) if number != 1.0 => {
            return fail("an info sample has a value that is not 1");
        }
        _ => {}
    }
    if sample.exemplar {
        match (sample.kind, sample.suffix) {
            (MetricType::Counter, "_total")
            | (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => {}
            _ => return fail("only a counter's total and a bucket can have an exemplar"),
        }
    }
    Ok(number)
}

impl Histogram {
    fn add(&mut self, sample: &Sample<'_>, number: f64) -> Step<()> {
        let fail = |message: &str| Err(Fault::syntax(sample.at, message));
        self.at = sample.at;
        match sample.suffix {
            "_bucket" => {
                if !is_number(sample.bound) {
                    return fail("a bucket needs a label `le` with a number");
                }
                let bound = value(sample.bound);
                if bound.is_nan() || (bound == f64::INFINITY && sample.bound != b"+Inf") {
                    return fail("the label `le` must be a number, and infinity is written `+Inf`");
                }
                if self.bound.is_some_and(|before| bound <= before) {
                    return fail("the buckets are not in order of `le`");
                }
                if number < self.value {
                    return fail("a bucket has a smaller value than the one before it");
                }
                self.negative_bounds |= bound < 0.0;
                self.bound = Some(bound);
                self.value = number;
            }
            "_count" | "_gcount" => self.count = Some(number),
            "_sum" => self.sum = true,
            "_gsum" => {
                self.gauge_sum = true;
                self.negative_gauge_sum |= number < 0.0;
            }
            _ => {}
        }
        Ok(())
    }

    /// The rules for the whole.
    fn check(&self) -> Step<()> {
        let fail = |message: &str| Err(Fault::syntax(self.at, message));
        if self.bound != Some(f64::INFINITY) {
            return fail("the histogram that ends here has no bucket with `le` \"+Inf\"");
        }
        if self.count.is_some_and(|count| count != self.value) {
            return fail("the histogram that ends here counts other than its last bucket");
        }
        if (self.sum || self.gauge_sum) != self.count.is_some() {
            return fail("the histogram that ends here has only one of count and sum");
        }
        if self.negative_bounds && self.sum {
            return fail("the histogram that ends here has buckets below zero and a sum");
        }
        if !self.negative_bounds && self.negative_gauge_sum {
            return fail(
                "the histogram that ends here has a negative sum without buckets below zero",
            );
        }
        Ok(())
    }
}
