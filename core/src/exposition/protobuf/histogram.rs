//! Histograms: classic buckets, native ones, or both.
//!
//! One bad histogram makes Prometheus throw the whole page away (`scrapeLoop.append` gives up at the first error that
//! it does not know), so all that its `Histogram.Validate` asks is asked here, with the comments of the format's
//! description.

use super::buckets::{Classic, Side, is_no_count};
use super::value::{Values, timestamp};
use super::wire::{Once, Part, zigzag32};
use crate::exposition::error::{Fault, Step};

/// What was read of a histogram.
#[derive(Debug, Default)]
struct Histogram {
    count: u64,
    count_float: f64,
    sum: f64,
    classic: Classic,
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    negative: Side,
    positive: Side,
}

/// Checks a histogram. Gives the number of samples that it is: one if it is native, beside those of its classic
/// buckets, where the one for `+Inf` goes without saying, the sum and the count.
pub(super) fn check<'a>(part: Part<'a>, values: &mut Values<'a>) -> Step<usize> {
    let at = part.at();
    let histogram = read(part, values)?;
    histogram.check_native(at)?;
    let is_native = histogram.is_native();
    let classic = &histogram.classic;
    let mut samples = usize::from(is_native);
    if !is_native || classic.buckets > 0 {
        let has_infinity = classic.buckets > 0 && classic.bound == f64::INFINITY;
        samples += classic.buckets + usize::from(!has_infinity) + 2;
    }
    Ok(samples)
}

fn read<'a>(mut part: Part<'a>, values: &mut Values<'a>) -> Step<Histogram> {
    let mut once = Once::default();
    let mut read = Histogram::default();
    while let Some(field) = part.field()? {
        if matches!(field.number, 1 | 2 | 4..=8 | 15) {
            once.note(&field)?;
        }
        match field.number {
            1 => read.count = field.varint()?,
            2 => read.sum = field.double()?,
            3 => read.classic.bucket(field.part()?, values)?,
            4 => read.count_float = field.double()?,
            5 => read.schema = zigzag32(field.varint32()?),
            6 => read.zero_threshold = field.double()?,
            7 => read.zero_count = field.varint()?,
            8 => read.zero_count_float = field.double()?,
            9 => read.negative.span(field.part()?)?,
            10 => read.negative.deltas(&field)?,
            11 => read.negative.counts(&field)?,
            12 => read.positive.span(field.part()?)?,
            13 => read.positive.deltas(&field)?,
            14 => read.positive.counts(&field)?,
            15 => timestamp(field.part()?)?,
            16 => values.exemplar(field.part()?)?,
            _ => {}
        }
    }
    Ok(read)
}

impl Histogram {
    /// Prometheus' `isNativeHistogram`.
    fn is_native(&self) -> bool {
        self.positive.spans > 0
            || self.negative.spans > 0
            || self.zero_threshold > 0.0
            || self.zero_count > 0
            || self.zero_count_float > 0.0
    }

    /// Whether it counts in fractions, as Prometheus tells it.
    fn is_float(&self) -> bool {
        self.count_float > 0.0 || self.zero_count_float > 0.0
    }

    fn check_native(&self, at: usize) -> Step<()> {
        let fail = |message: &str| Err(Fault::syntax(at, message));
        if !(-4..=8).contains(&self.schema) {
            return Err(Fault::syntax(
                at,
                format!("the schema {} is not from -4 to 8", self.schema),
            ));
        }
        if is_no_count(self.count_float) || is_no_count(self.zero_count_float) {
            return fail("a count is negative or NaN");
        }
        if is_no_count(self.zero_threshold) {
            return fail("the width of the zero bucket is negative or NaN");
        }
        let is_float = self.is_float();
        self.negative.check(is_float, "negative", at)?;
        self.positive.check(is_float, "positive", at)?;
        if is_float || !self.is_native() {
            return Ok(());
        }
        let total = self
            .negative
            .total
            .checked_add(self.positive.total)
            .and_then(|total| total.checked_add(self.zero_count));
        match total {
            // NaN is observed and counted, but has no bucket.
            Some(total) if total < self.count && self.sum.is_nan() => Ok(()),
            Some(total) if total == self.count => Ok(()),
            Some(total) => Err(Fault::syntax(
                at,
                format!(
                    "{total} observations in buckets, and a count of {}",
                    self.count
                ),
            )),
            None => fail("more observations than can be counted"),
        }
    }
}
