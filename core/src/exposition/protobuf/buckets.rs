//! The buckets of histograms, read one after the other.

use super::value::Values;
use super::wire::{Field, Once, Part, Value, zigzag32, zigzag64};
use crate::exposition::error::{Fault, Step};

/// The classic buckets so far.
#[derive(Debug, Default)]
pub(super) struct Classic {
    pub(super) buckets: usize,
    pub(super) bound: f64,
    count: f64,
}

/// The native buckets of one side so far.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) spans: usize,
    /// Buckets that the spans have room for.
    room: u64,
    /// Index of the bucket after the last span.
    index: i64,
    deltas: u64,
    /// What the deltas come to.
    current: i64,
    /// The sum of that over all buckets.
    pub(super) total: u64,
    counts: u64,
}

impl Classic {
    pub(super) fn bucket<'a>(&mut self, part: Part<'a>, values: &mut Values<'a>) -> Step<()> {
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
    pub(super) fn span(&mut self, mut part: Part<'_>) -> Step<()> {
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
    pub(super) fn deltas(&mut self, field: &Field<'_>) -> Step<()> {
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
    pub(super) fn counts(&mut self, field: &Field<'_>) -> Step<()> {
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
    pub(super) fn check(&self, is_float: bool, side: &str, at: usize) -> Step<()> {
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
pub(super) fn is_no_count(number: f64) -> bool {
    number.is_nan() || number < 0.0
}
