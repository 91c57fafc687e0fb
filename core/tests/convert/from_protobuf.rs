//! Protobuf to text and OpenMetrics, row by row of `docs/formats.md`.

use promfetch_core::exposition::{Dialect, Format};

use crate::messages::{
    body, counter, exemplar, family, gauge, histogram, spans, summary, timestamp,
};
use crate::model::{Histogram, Metric, MetricFamily, Type};
use crate::{convert, good, text_of};

fn check(why: &str, families: &[MetricFamily], text: &str, openmetrics: &str) {
    let page = good(&body(families), Format::Protobuf);
    let found = convert(&page, Dialect::plain(Format::Text));
    assert_eq!(text_of(&found), text, "{why}\n{}", text_of(&found));
    let found = convert(&page, Dialect::plain(Format::OpenMetrics));
    let openmetrics = format!("{openmetrics}# EOF\n");
    assert_eq!(text_of(&found), openmetrics, "{why}\n{}", text_of(&found));
}

#[test]
fn counters() {
    let mut total = counter(&[("a", "x\n\"\\")], 1e6);
    if let Some(counter) = &mut total.counter {
        counter.created_timestamp = Some(timestamp((1_500_000_000, 120_000_000)));
        counter.exemplar = Some(exemplar(&[("trace", "\\")], 0.5, Some((17, 1))));
    }
    total.timestamp_ms = Some(1_700_000_000_120);
    let mut first = family("c_seconds_total", Type::Counter, vec![total]);
    first.unit = Some("seconds".to_owned());
    first.help = Some("a \"b\" \\\n".to_owned());
    check(
        "a counter with all that it can have",
        &[first],
        "# HELP c_seconds_total a \"b\" \\\\\\n\n# TYPE c_seconds_total counter\nc_seconds_total{a=\"x\\n\\\"\\\\\"} 1000000 1700000000120\n# HELP c_seconds_created a \"b\" \\\\\\n\n# TYPE c_seconds_created gauge\nc_seconds_created{a=\"x\\n\\\"\\\\\"} 1500000000.12 1700000000120\n",
        "# TYPE c_seconds counter\n# UNIT c_seconds seconds\n# HELP c_seconds a \\\"b\\\" \\\\\\n\nc_seconds_total{a=\"x\\n\\\"\\\\\"} 1000000 1700000000.12 # {trace=\"\\\\\"} 0.5 17.000000001\nc_seconds_created{a=\"x\\n\\\"\\\\\"} 1500000000.12 1700000000.12\n",
    );
    check(
        "one without `_total`, and one that is NaN",
        &[
            family("c", Type::Counter, vec![counter(&[], 1e300)]),
            family("d_total", Type::Counter, vec![counter(&[], f64::NAN)]),
        ],
        "# TYPE c counter\nc 1e300\n# TYPE d_total counter\nd_total NaN\n",
        "# TYPE c unknown\nc 1e300\n# TYPE d_total unknown\nd_total NaN\n",
    );
    let mut long = counter(&[], 1.0);
    if let Some(counter) = &mut long.counter {
        counter.exemplar = Some(exemplar(&[("trace", &"x".repeat(124))], 0.5, None));
    }
    let mut quote = counter(&[("a", "")], 2.0);
    if let Some(counter) = &mut quote.counter {
        counter.exemplar = Some(exemplar(&[("trace", "\"")], 0.5, None));
    }
    check(
        "an exemplar with more than 128 characters, and one with a quote, which Python cannot read",
        &[family("c_total", Type::Counter, vec![long, quote])],
        "# TYPE c_total counter\nc_total 1\nc_total{a=\"\"} 2\n",
        "# TYPE c counter\nc_total 1\nc_total{a=\"\"} 2\n",
    );
}

#[test]
fn gauges_and_untyped() {
    let at = |metric: Metric, time| Metric {
        timestamp_ms: Some(time),
        ..metric
    };
    check(
        "samples of one metric come together in OpenMetrics; times before 1970 are none in text",
        &[family(
            "g",
            Type::Gauge,
            vec![
                at(gauge(&[], 1.0), 2000),
                gauge(&[("a", "\0")], f64::INFINITY),
                at(gauge(&[], 2.0), -1500),
            ],
        )],
        "# TYPE g gauge\ng 1 2000\ng{a=\"\u{fffd}\"} +Inf\n",
        "# TYPE g gauge\ng 2 -1.5\ng 1 2\ng{a=\"\u{fffd}\"} +Inf\n",
    );
    let mut odd = family("g", Type::Gauge, vec![gauge(&[("a", "\r")], 1.0)]);
    odd.help = Some(" a\r\n\0b\r".to_owned());
    check(
        "what protobuf can say and lines cannot: NUL, and a carriage return where a line ends",
        &[odd],
        "# HELP g  a\r\\n\u{fffd}b\n# TYPE g gauge\ng{a=\"\r\"} 1\n",
        "# TYPE g gauge\n# HELP g  a\r\\n\u{fffd}b\ng{a=\"\r\"} 1\n",
    );
    check(
        "a family without metrics",
        &[family("g", Type::Untyped, vec![])],
        "# TYPE g untyped\n",
        "# TYPE g unknown\n",
    );
}

#[test]
fn summaries_and_classic_histograms() {
    check(
        "a summary: a quantile of 2 makes it loose in OpenMetrics",
        &[
            family(
                "s",
                Type::Summary,
                vec![summary(3, 2.5, &[(0.5, 1.0), (1.0, f64::NAN)])],
            ),
            family("t", Type::Summary, vec![summary(3, 2.5, &[(2.0, 1.0)])]),
        ],
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"1\"} NaN\ns_sum 2.5\ns_count 3\n# TYPE t summary\nt{quantile=\"2\"} 1\nt_sum 2.5\nt_count 3\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"1.0\"} NaN\ns_count 3\ns_sum 2.5\n# TYPE t unknown\nt{quantile=\"2.0\"} 1\n# TYPE t_count unknown\nt_count 3\n# TYPE t_sum unknown\nt_sum 2.5\n",
    );
    check(
        "the bucket for all is added",
        &[family(
            "h",
            Type::Histogram,
            vec![histogram(3, 2.5, &[(0.1, 1), (5.0, 2)])],
        )],
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"5\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 2.5\nh_count 3\n",
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"5.0\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2.5\n",
    );
    check(
        "a gauge histogram",
        &[family(
            "q",
            Type::GaugeHistogram,
            vec![histogram(3, -2.5, &[(-1.0, 1)])],
        )],
        "# TYPE q histogram\nq_bucket{le=\"-1\"} 1\nq_bucket{le=\"+Inf\"} 3\n# TYPE q_gsum gauge\nq_gsum -2.5\n# TYPE q_gcount gauge\nq_gcount 3\n",
        "# TYPE q gaugehistogram\nq_bucket{le=\"-1.0\"} 1\nq_bucket{le=\"+Inf\"} 3\nq_gcount 3\nq_gsum -2.5\n",
    );
    check(
        "a histogram with bounds below zero has no sum in OpenMetrics",
        &[family(
            "h",
            Type::Histogram,
            vec![histogram(3, 2.5, &[(-1.0, 1)])],
        )],
        "# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 2.5\nh_count 3\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n# TYPE h_count unknown\nh_count 3\n# TYPE h_sum unknown\nh_sum 2.5\n",
    );
}

/// A native histogram alone in its family.
fn native(histogram: Histogram) -> [MetricFamily; 1] {
    let metric = Metric {
        histogram: Some(histogram),
        ..Metric::default()
    };
    [family("h", Type::Histogram, vec![metric])]
}

#[test]
fn native_histograms_become_classic_ones() {
    check(
        "bounds are powers of two for schema 0; a gap gets a bound at its end, so that quantiles stay right",
        &native(Histogram {
            sample_count: Some(8),
            sample_sum: Some(20.0),
            schema: Some(0),
            zero_threshold: Some(0.125),
            zero_count: Some(1),
            positive_span: spans(&[(0, 2), (2, 1)]),
            positive_delta: vec![2, -1, 3],
            exemplars: vec![
                exemplar(&[("a", "1")], 1.5, Some((1, 0))),
                exemplar(&[("a", "2")], 2.0, Some((2, 0))),
                exemplar(&[("a", "3")], 99.0, None),
            ],
            ..Histogram::default()
        }),
        "# TYPE h histogram\nh_bucket{le=\"0.125\"} 1\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"2\"} 4\nh_bucket{le=\"8\"} 4\nh_bucket{le=\"16\"} 8\nh_bucket{le=\"+Inf\"} 8\nh_sum 20\nh_count 8\n",
        "# TYPE h histogram\nh_bucket{le=\"0.125\"} 1\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1.0\"} 3\nh_bucket{le=\"2.0\"} 4 # {a=\"2\"} 2 2\nh_bucket{le=\"8.0\"} 4\nh_bucket{le=\"16.0\"} 8\nh_bucket{le=\"+Inf\"} 8 # {a=\"3\"} 99\nh_count 8\nh_sum 20\n",
    );
    check(
        "buckets below zero; empty buckets say nothing; NaN was observed once",
        &native(Histogram {
            sample_count: Some(6),
            sample_sum: Some(f64::NAN),
            schema: Some(-1),
            zero_threshold: Some(0.5),
            zero_count: Some(2),
            negative_span: spans(&[(1, 3)]),
            negative_delta: vec![1, -1, 2],
            ..Histogram::default()
        }),
        "# TYPE h histogram\nh_bucket{le=\"-64\"} 0\nh_bucket{le=\"-16\"} 2\nh_bucket{le=\"-4\"} 2\nh_bucket{le=\"-1\"} 3\nh_bucket{le=\"-0.5\"} 3\nh_bucket{le=\"0.5\"} 5\nh_bucket{le=\"+Inf\"} 6\nh_sum NaN\nh_count 6\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"-64.0\"} 0\nh_bucket{le=\"-16.0\"} 2\nh_bucket{le=\"-4.0\"} 2\nh_bucket{le=\"-1.0\"} 3\nh_bucket{le=\"-0.5\"} 3\nh_bucket{le=\"0.5\"} 5\nh_bucket{le=\"+Inf\"} 6\n# TYPE h_count unknown\nh_count 6\n# TYPE h_sum unknown\nh_sum NaN\n",
    );
    check(
        "fractions are no counts in OpenMetrics; the last bucket of all ends at infinity",
        &native(Histogram {
            sample_count_float: Some(2.5),
            sample_sum: Some(1.0),
            schema: Some(-4),
            positive_span: spans(&[(63, 2)]),
            positive_count: vec![1.0, 1.5],
            ..Histogram::default()
        }),
        "# TYPE h histogram\nh_bucket{le=\"4.185580496821357e298\"} 0\nh_bucket{le=\"2.7430620343968443e303\"} 1\nh_bucket{le=\"+Inf\"} 2.5\nh_sum 1\nh_count 2.5\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"4.185580496821357e298\"} 0\nh_bucket{le=\"2.7430620343968443e303\"} 1\nh_bucket{le=\"+Inf\"} 2.5\n# TYPE h_count unknown\nh_count 2.5\n# TYPE h_sum unknown\nh_sum 1\n",
    );
}
