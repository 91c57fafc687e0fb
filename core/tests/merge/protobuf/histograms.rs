//! What the scan asks of histograms.

use super::model::{Bucket, Histogram, Type};
use super::scan::verdict;
use super::{classic, family, histogram, native, span};

#[test]
fn broken_histograms_are_refused_with_the_reason() {
    let infinity = f64::INFINITY;
    let bucket = |count: f64| Bucket {
        cumulative_count_float: Some(count),
        upper_bound: Some(1.0),
        ..Bucket::default()
    };
    let good = || native(3, &[(0, 2)], &[1, 1]);
    let fractions = || Histogram {
        sample_count: None,
        sample_count_float: Some(1.5),
        positive_delta: vec![],
        positive_count: vec![0.5, 1.0],
        ..good()
    };
    let half = |count: f64| Histogram {
        sample_count_float: Some(count),
        bucket: vec![bucket(count)],
        ..Histogram::default()
    };
    for (value, want) in [
        (
            classic(&[(1.0, 2), (2.0, 1)]),
            "byte 56: family `x`: metric 1 `a=1`: histogram: bucket 2: it counts less than the bucket before",
        ),
        (
            classic(&[(1.0, 1), (1.0, 2)]),
            "byte 56: family `x`: metric 1 `a=1`: histogram: bucket 2: its bound is not above that of the bucket before",
        ),
        (
            classic(&[(infinity, 1), (2.0, 2)]),
            "byte 56: family `x`: metric 1 `a=1`: histogram: bucket 2: its bound is not above that of the bucket before",
        ),
        (
            classic(&[(f64::NAN, 1)]),
            "byte 43: family `x`: metric 1 `a=1`: histogram: bucket 1: its bound is NaN",
        ),
        (half(2.5), "4 samples"),
        (
            half(-1.0),
            "byte 32: family `x`: metric 1 `a=1`: histogram: bucket 1: a count is negative or NaN",
        ),
        (
            half(f64::NAN),
            "byte 32: family `x`: metric 1 `a=1`: histogram: bucket 1: a count is negative or NaN",
        ),
        (
            Histogram {
                schema: Some(9),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: the schema 9 is not from -4 to 8",
        ),
        (
            Histogram {
                schema: Some(-5),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: the schema -5 is not from -4 to 8",
        ),
        (
            Histogram {
                schema: Some(-53),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: the schema -53 is not from -4 to 8",
        ),
        (
            Histogram {
                schema: Some(8),
                ..good()
            },
            "1 samples",
        ),
        (
            Histogram {
                schema: Some(-4),
                ..good()
            },
            "1 samples",
        ),
        (
            Histogram {
                zero_threshold: Some(-1.0),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: the width of the zero bucket is negative or NaN",
        ),
        (
            Histogram {
                zero_threshold: Some(f64::NAN),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: the width of the zero bucket is negative or NaN",
        ),
        (
            Histogram {
                zero_count_float: Some(-1.0),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: a count is negative or NaN",
        ),
        (
            native(3, &[(0, 3)], &[1, 1]),
            "byte 30: family `x`: metric 1 `a=1`: histogram: 2 positive buckets, and spans with room for 3",
        ),
        (
            native(3, &[(0, 1)], &[1, 1]),
            "byte 30: family `x`: metric 1 `a=1`: histogram: 2 positive buckets, and spans with room for 1",
        ),
        (
            native(0, &[(0, u32::MAX), (0, u32::MAX)], &[]),
            "byte 56: family `x`: metric 1 `a=1`: histogram: a span whose buckets have too high a number",
        ),
        (
            native(3, &[], &[1, 1]),
            "byte 30: family `x`: metric 1 `a=1`: histogram: 2 positive buckets, and spans with room for 0",
        ),
        (
            native(3, &[(0, 1), (-1, 1)], &[1, 1]),
            "byte 62: family `x`: metric 1 `a=1`: histogram: a span that begins before the end of the one before",
        ),
        (native(3, &[(-7, 1), (2, 1)], &[1, 1]), "1 samples"),
        (
            native(3, &[(i32::MAX, 1), (0, 1)], &[1, 1]),
            "byte 56: family `x`: metric 1 `a=1`: histogram: a span whose buckets have too high a number",
        ),
        (
            native(3, &[(0, 1), (i32::MAX, 1)], &[1, 1]),
            "byte 62: family `x`: metric 1 `a=1`: histogram: a span whose buckets have too high a number",
        ),
        (
            native(3, &[(0, 2)], &[1, -2]),
            "byte 62: family `x`: metric 1 `a=1`: histogram: a native bucket counts less than nothing, or more than can be counted",
        ),
        (
            native(3, &[(0, 2)], &[i64::MAX, 1]),
            "byte 71: family `x`: metric 1 `a=1`: histogram: a native bucket counts less than nothing, or more than can be counted",
        ),
        (
            native(u64::MAX, &[(0, 3)], &[i64::MAX, 0, 0]),
            "byte 82: family `x`: metric 1 `a=1`: histogram: a native bucket counts less than nothing, or more than can be counted",
        ),
        (
            Histogram {
                zero_count: Some(u64::MAX),
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: more observations than can be counted",
        ),
        (
            native(4, &[(0, 2)], &[1, 1]),
            "byte 30: family `x`: metric 1 `a=1`: histogram: 3 observations in buckets, and a count of 4",
        ),
        (
            native(2, &[(0, 2)], &[1, 1]),
            "byte 30: family `x`: metric 1 `a=1`: histogram: 3 observations in buckets, and a count of 2",
        ),
        (
            Histogram {
                sample_sum: Some(f64::NAN),
                ..native(4, &[(0, 2)], &[1, 1])
            },
            "1 samples",
        ),
        (
            Histogram {
                sample_sum: Some(f64::NAN),
                ..native(2, &[(0, 2)], &[1, 1])
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: 3 observations in buckets, and a count of 2",
        ),
        (
            Histogram {
                negative_span: vec![span(0, 1)],
                negative_delta: vec![4],
                ..native(7, &[(0, 2)], &[1, 1])
            },
            "1 samples",
        ),
        (
            Histogram {
                negative_span: vec![span(0, 1)],
                ..native(3, &[(0, 2)], &[1, 1])
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: 0 negative buckets, and spans with room for 1",
        ),
        (fractions(), "1 samples"),
        (
            Histogram {
                positive_count: vec![0.5],
                ..fractions()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: 1 positive buckets, and spans with room for 2",
        ),
        (
            Histogram {
                positive_count: vec![0.5, -1.0],
                ..fractions()
            },
            "byte 76: family `x`: metric 1 `a=1`: histogram: a native bucket counts less than nothing, or NaN",
        ),
        (
            Histogram {
                positive_count: vec![0.5, f64::NAN],
                ..fractions()
            },
            "byte 76: family `x`: metric 1 `a=1`: histogram: a native bucket counts less than nothing, or NaN",
        ),
        (
            Histogram {
                positive_delta: vec![1, 1],
                ..fractions()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: whole numbers in the buckets of a histogram that counts in fractions",
        ),
        (
            Histogram {
                positive_count: vec![1.0, 1.0],
                ..good()
            },
            "byte 30: family `x`: metric 1 `a=1`: histogram: fractions in the buckets of a histogram that counts in whole numbers",
        ),
    ] {
        let found = verdict(&family(
            "x",
            Type::Histogram,
            [histogram(&[("a", "1")], value.clone())],
        ));
        assert_eq!(found, want, "{value:?}");
    }
}
