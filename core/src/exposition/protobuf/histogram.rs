//! Histograms: classic buckets, native ones, or both.
//!
//! One bad histogram makes Prometheus throw the whole page away (`scrapeLoop.append` gives up at the first error that
//! it does not know), so all that its `Histogram.Validate` asks is asked here, with the comments of the format's
//! description.

use super::value::{Values, timestamp};
use super::wire::{Field, Once, Part, Value, zigzag32, zigzag64};
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

/// The classic buckets so far.
#[derive(Debug, Default)]
struct Classic {
    buckets: usize,
    bound: f64,
    count: f64,
}

/// The native buckets of one side so far.
#[derive(Debug, Default)]
struct Side {
    spans: usize,
    /// Buckets that the spans have room for.
    room: u64,
    /// Index of the bucket after the last span.
    index: i64,
    deltas: u64,
    /// What the deltas come to.
    current: i64,
    /// The sum of that over all buckets.
    total: u64,
    counts: u64,
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

impl Classic {
    fn bucket<'a>(&mut self, part: Part<'a>, values: &mut Values<'a>) -> Step<()> {
        self.buckets += 1;
        self.add(part, values)
            .map_err(|fault| fault.within(format!("bucket {}", self.buckets)))
    }

    fn add<'a>(&mut self, mut part: Part<'a>, values: &mut Values<'a>) -> Step<()> {
        let at = part.at();
        let mut once = Once::default();
        let (mut count, mut count_float, mut bound) = (0, 0.0, 0.0);
        while let Some(field) = part.field()? {
            if matches!(field.number, 1..=4) {
                once.note(&field)?;
            }
            match field.number {
                1 => count = field.varint()?,
                2 => bound = field.double()?,
                3 => values.exemplar(field.part()?)?,
                4 => count_float = field.double()?,
                _ => {}
            }
        }
        let fail = |message: &str| Err(Fault::syntax(at, message));
        if is_no_count(count_float) {
            return fail("a count is negative or NaN");
        }
        let count = if count_float > 0.0 {
            count_float
        } else {
            count as f64
        };
        if bound.is_nan() {
            return fail("its bound is NaN");
        }
        if self.buckets > 1 && bound <= self.bound {
            return fail("its bound is not above that of the bucket before");
        }
        if count < self.count {
            return fail("it counts less than the bucket before");
        }
        (self.bound, self.count) = (bound, count);
        Ok(())
    }
}

impl Side {
    fn span(&mut self, mut part: Part<'_>) -> Step<()> {
        let at = part.at();
        let mut once = Once::default();
        let (mut offset, mut length) = (0, 0);
        while let Some(field) = part.field()? {
            match field.number {
                1 => {
                    once.note(&field)?;
                    offset = zigzag32(field.varint32()?);
                }
                2 => {
                    once.note(&field)?;
                    length = field.varint32()?;
                }
                _ => {}
            }
        }
        if self.spans > 0 && offset < 0 {
            return Err(Fault::syntax(
                at,
                "a span that begins before the end of the one before",
            ));
        }
        self.spans += 1;
        self.room += u64::from(length);
        // Each step is below 2^33, and the sum is kept in range.
        self.index += i64::from(offset) + i64::from(length);
        if i32::try_from(self.index).is_err() {
            return Err(Fault::syntax(
                at,
                "a span whose buckets have too high a number",
            ));
        }
        Ok(())
    }

    /// One delta, or many packed.
    fn deltas(&mut self, field: &Field<'_>) -> Step<()> {
        let Value::Part(mut packed) = field.value else {
            return self.delta(field.varint()?, field.start);
        };
        while !packed.is_empty() {
            let at = packed.at();
            self.delta(packed.varint()?, at)?;
        }
        Ok(())
    }

    fn delta(&mut self, delta: u64, at: usize) -> Step<()> {
        self.deltas += 1;
        let current = self.current.checked_add(zigzag64(delta)).unwrap_or(-1);
        let total = u64::try_from(current)
            .ok()
            .and_then(|current| self.total.checked_add(current));
        let Some(total) = total else {
            return Err(Fault::syntax(
                at,
                "a native bucket counts less than nothing, or more than can be counted",
            ));
        };
        (self.current, self.total) = (current, total);
        Ok(())
    }

    /// One count, or many packed.
    fn counts(&mut self, field: &Field<'_>) -> Step<()> {
        let Value::Part(mut packed) = field.value else {
            return self.count(field.double()?, field.start);
        };
        while !packed.is_empty() {
            let at = packed.at();
            self.count(f64::from_bits(packed.fixed64()?), at)?;
        }
        Ok(())
    }

    fn count(&mut self, count: f64, at: usize) -> Step<()> {
        self.counts += 1;
        if is_no_count(count) {
            return Err(Fault::syntax(
                at,
                "a native bucket counts less than nothing, or NaN",
            ));
        }
        Ok(())
    }

    /// As many counts as the spans have room for, and of one kind.
    fn check(&self, is_float: bool, side: &str, at: usize) -> Step<()> {
        let (used, other) = if is_float {
            (self.counts, self.deltas)
        } else {
            (self.deltas, self.counts)
        };
        if other > 0 {
            return Err(Fault::syntax(
                at,
                if is_float {
                    "whole numbers in the buckets of a histogram that counts in fractions"
                } else {
                    "fractions in the buckets of a histogram that counts in whole numbers"
                },
            ));
        }
        if used != self.room {
            return Err(Fault::syntax(
                at,
                format!(
                    "{used} {side} buckets, and spans with room for {}",
                    self.room
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a number cannot be a count.
fn is_no_count(number: f64) -> bool {
    number.is_nan() || number < 0.0
}
