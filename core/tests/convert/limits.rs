//! What is converted has bounds, whatever it comes from.

use promfetch_core::exposition::{Dialect, Format, Limits, Page, ScanErrorKind};

use crate::messages::{body, family, labels, spans};
use crate::model::{Histogram, Metric, Type};
use crate::{LIMITS, good};

/// A page of native histograms with as many buckets, in a few bytes each.
fn native(metrics: usize, buckets: u32) -> Page {
    let metric = |number: usize| Metric {
        label: labels(&[("n", &number.to_string()), ("long", &"x".repeat(1000))]),
        histogram: Some(Histogram {
            sample_count: Some(u64::from(buckets)),
            schema: Some(8),
            positive_span: spans(&[(0, buckets)]),
            positive_delta: std::iter::once(1)
                .chain(std::iter::repeat_n(0, buckets as usize - 1))
                .collect(),
            ..Histogram::default()
        }),
        ..Metric::default()
    };
    let metrics = (0..metrics).map(metric).collect();
    good(
        &body(&[family("h", Type::Histogram, metrics)]),
        Format::Protobuf,
    )
}

#[test]
fn native_histograms_do_not_explode() {
    for (format, metrics, buckets) in [
        (Format::Text, 300, 400),
        (Format::OpenMetrics, 300, 400),
        (Format::Text, 4, 30_000),
    ] {
        let error = native(metrics, buckets)
            .convert(Dialect::plain(format), &LIMITS)
            .expect_err("more than 100,000 samples");
        assert_eq!(error.kind, ScanErrorKind::TooLarge, "{error}");
    }
}

#[test]
fn limits_hold_for_what_is_written() {
    for (page, why, limits) in [
        (
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 1\nh_sum 1\n",
            "a bucket for all makes four samples of three",
            Limits {
                max_samples: 3,
                ..LIMITS
            },
        ),
        (
            "g 1 1\n",
            "`g 1 0.001` is longer",
            Limits {
                max_line: 6,
                ..LIMITS
            },
        ),
    ] {
        let page = Page::scan(page.into(), Format::Text, &limits).expect(why);
        let error = page
            .convert(Dialect::plain(Format::OpenMetrics), &limits)
            .expect_err(why);
        assert_eq!(error.kind, ScanErrorKind::TooLarge, "{why}: {error}");
    }
}
