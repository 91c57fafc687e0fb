//! Native histograms as classic buckets, for readers that know no others.
//!
//! A native histogram of schema `s` has bounds at the powers of 2^(2^-s) (prometheus/client_model, `metrics.proto`),
//! and says nothing of empty buckets between. A classic one says how many observations are below each of its bounds,
//! and quantiles are interpolated between neighbours: so each range that has observations gets a bound at its lower
//! end too, unless the range before ends there.

use std::iter;

use super::flat::Number;
use crate::exposition::protobuf::model::{BucketSpan, Exemplar, Histogram};

/// A classic bucket.
#[derive(Debug)]
pub(super) struct Bucket<'a> {
    pub(super) bound: f64,
    pub(super) count: Number<'static>,
    pub(super) exemplar: Option<&'a Exemplar>,
}

/// A range with observations.
#[derive(Clone, Copy, Debug)]
struct Range {
    lower: f64,
    upper: f64,
    count: Count,
}

/// Whole numbers stay exact.
#[derive(Clone, Copy, Debug)]
enum Count {
    Whole(u64),
    Float(f64),
}

impl Count {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => Self::Whole(one.saturating_add(other)),
            (Self::Float(one), Self::Float(other)) => Self::Float(one + other),
            (Self::Whole(whole), Self::Float(float)) | (Self::Float(float), Self::Whole(whole)) => {
                Self::Float(whole as f64 + float)
            }
        }
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Whole(count) => count == 0,
            Self::Float(count) => count == 0.0,
        }
    }

    fn number(self) -> Number<'static> {
        match self {
            Self::Whole(count) => Number::Count(count),
            Self::Float(count) => Number::Float(count),
        }
    }
}

/// The buckets in order, the one for all last. Observations that are NaN are in that alone.
pub(super) fn buckets(histogram: &Histogram) -> Vec<Bucket<'_>> {
    let mut buckets: Vec<Bucket<'_>> = Vec::new();
    let mut sum = Count::Whole(0);
    let mut push = |bound: f64, sum: Count| match buckets.last_mut() {
        // The zero bucket reaches into others, or bounds are too near each other for a double.
        Some(last) if bound <= last.bound => last.count = sum.number(),
        _ if bound.is_finite() => buckets.push(Bucket {
            bound,
            count: sum.number(),
            exemplar: None,
        }),
        _ => {}
    };
    let mut before = None;
    for range in ranges(histogram) {
        // Readers take 0 for the lower end of the first bucket, if it is above 0.
        let begins = before.unwrap_or(if range.upper > 0.0 {
            0.0
        } else {
            f64::NEG_INFINITY
        });
        if range.lower > begins || (before.is_none() && range.lower < 0.0) {
            push(range.lower, sum);
        }
        sum = sum.plus(range.count);
        push(range.upper, sum);
        before = Some(range.upper);
    }
    buckets.push(Bucket {
        bound: f64::INFINITY,
        count: super::read_messages::count(
            histogram.sample_count(),
            histogram.sample_count_float(),
        ),
        exemplar: None,
    });
    for exemplar in &histogram.exemplars {
        let place = buckets.partition_point(|bucket| bucket.bound < exemplar.value());
        if let Some(bucket) = buckets.get_mut(place)
            && !exemplar.value().is_nan()
        {
            bucket.exemplar = newer(bucket.exemplar, exemplar);
        }
    }
    buckets
}

fn newer<'a>(one: Option<&'a Exemplar>, other: &'a Exemplar) -> Option<&'a Exemplar> {
    let time = |exemplar: &Exemplar| exemplar.timestamp.map(|time| (time.seconds, time.nanos));
    match one {
        Some(one) if time(one) > time(other) => Some(one),
        _ => Some(other),
    }
}

/// All ranges with observations, in order.
fn ranges(histogram: &Histogram) -> Vec<Range> {
    let bound = |index: i64| {
        let step = 2.0f64.powi(-histogram.schema().clamp(-4, 8));
        (index as f64 * step).exp2()
    };
    let mut ranges: Vec<Range> = side(
        &histogram.negative_span,
        &histogram.negative_delta,
        &histogram.negative_count,
    )
    .map(|(index, count)| Range {
        lower: -bound(index).min(f64::MAX),
        upper: -bound(index - 1).min(f64::MAX),
        count,
    })
    .collect();
    ranges.reverse();
    let zero = if histogram.zero_count_float() > 0.0 {
        Count::Float(histogram.zero_count_float())
    } else {
        Count::Whole(histogram.zero_count())
    };
    let width = histogram.zero_threshold();
    ranges.push(Range {
        // Without anything below zero nothing of it can be there, as Prometheus' quantiles have it.
        lower: if ranges.is_empty() { 0.0 } else { 0.0 - width },
        upper: width,
        count: zero,
    });
    ranges.extend(
        side(
            &histogram.positive_span,
            &histogram.positive_delta,
            &histogram.positive_count,
        )
        .map(|(index, count)| Range {
            lower: bound(index - 1),
            upper: bound(index),
            count,
        }),
    );
    ranges.retain(|range| !range.count.is_zero());
    ranges
}

/// The buckets of one side with their numbers. Never more than there are counts, whatever the spans say.
fn side(
    spans: &[BucketSpan],
    deltas: &[i64],
    counts: &[f64],
) -> impl Iterator<Item = (i64, Count)> {
    let mut next = 0i64;
    let indices = spans.iter().flat_map(move |span| {
        next = next.saturating_add(i64::from(span.offset()));
        let first = next;
        next = next.saturating_add(i64::from(span.length()));
        first..next
    });
    let mut current = 0i64;
    let whole = |delta: &i64| {
        current = current.saturating_add(*delta);
        Count::Whole(u64::try_from(current).unwrap_or_default())
    };
    let all: Vec<Count> = if counts.is_empty() {
        deltas.iter().map(whole).collect()
    } else {
        counts.iter().copied().map(Count::Float).collect()
    };
    iter::zip(indices, all)
}
