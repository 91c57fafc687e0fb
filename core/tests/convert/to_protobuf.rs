//! Text and OpenMetrics to protobuf, row by row of `docs/formats.md`.

use promfetch_core::exposition::{Dialect, Format};

use crate::messages::show;
use crate::{convert, good};

/// Why, the page, and what becomes of it.
type Row = (&'static str, &'static str, &'static str);

fn check(rows: &[Row], from: Format) {
    for (why, page, want) in rows {
        let page = match from {
            Format::OpenMetrics => format!("{page}# EOF\n"),
            _ => (*page).to_owned(),
        };
        let found = convert(
            &good(page.as_bytes(), from),
            Dialect::plain(Format::Protobuf),
        );
        let found = show(found.body());
        assert_eq!(found, *want, "{why}\n{found}");
    }
}

#[test]
fn text_becomes_protobuf() {
    check(TEXT, Format::Text);
}

#[test]
fn openmetrics_becomes_protobuf() {
    check(OPENMETRICS, Format::OpenMetrics);
}

const TEXT: &[Row] = &[
    (
        "the plain types, with times; HELP has no escapes there",
        "# HELP c_total a \\\\ \\n b\n# TYPE c_total counter\nc_total{a=\"x\\ny\"} 1.0E7 1700000000120\n# TYPE g gauge\ng -Inf\nu NaN\n",
        "Counter c_total help=\"a \\\\ \\n b\"\n {a=\"x\\ny\"} 10000000 @1700000000120\nGauge g\n {} -inf\nUntyped u\n {} NaN\n",
    ),
    (
        "a counter without `_total`, or a negative one: the format does not mind",
        "# TYPE c counter\nc -1\n",
        "Counter c\n {} -1\n",
    ),
    (
        "a family without samples is left out",
        "# HELP g Help.\n# TYPE g gauge\nh 1\n",
        "Untyped h\n {} 1\n",
    ),
    (
        "each moment is a message",
        "# TYPE g gauge\ng 1 2000\ng 2\ng 3 1000\n",
        "Gauge g\n {} 1 @2000\n {} 2\n {} 3 @1000\n",
    ),
    (
        "histograms, whatever order their samples have, and of several moments",
        "# TYPE h histogram\nh_sum 2.5 1\nh_count 3 1\nh_bucket{le=\"+Inf\"} 3 1\nh_bucket{le=\"0.10\"} 1 1\nh_bucket{le=\"+Inf\"} 4 2\nh_sum 4 2\n",
        "Histogram h\n {} count=3 sum=2.5 0.1:1 inf:3 @1\n {} count=4 sum=4 inf:4 @2\n",
    ),
    (
        "the bucket for all is not needed beside a count",
        "# TYPE h histogram\nh_bucket{a=\"b\",le=\"1\"} 9007199254740993\nh_count{a=\"b\"} 9007199254740993\nh_sum{a=\"b\"} NaN\n",
        "Histogram h\n {a=\"b\"} count=9007199254740993 sum=NaN 1:9007199254740993\n",
    ),
    (
        "without a sum Prometheus would read 0: loose, and so with half a count",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 4\nh_count 4\n# TYPE i histogram\ni_bucket{le=\"+Inf\"} 4.5\ni_sum 1\n",
        "Untyped h_bucket\n {le=\"+Inf\"} 4\nUntyped h_count\n {} 4\nUntyped i_bucket\n {le=\"+Inf\"} 4.5\nUntyped i_sum\n {} 1\n",
    ),
    (
        "a bucket that counts less than the one before",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 4\nh_count 4\nh_sum 1\n",
        "Untyped h_bucket\n {le=\"1\"} 5\n {le=\"+Inf\"} 4\nUntyped h_count\n {} 4\nUntyped h_sum\n {} 1\n",
    ),
    (
        "summaries need count and sum",
        "# TYPE s summary\ns{quantile=\"0.9\"} NaN\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 3\n# TYPE t summary\nt{quantile=\"0.5\"} 1\n",
        "Summary s\n {} count=3 sum=2 0.5:1 0.9:NaN\nUntyped t\n {quantile=\"0.5\"} 1\n",
    ),
    (
        "gauges that tell when metrics were created",
        "# TYPE c_total counter\nc_total 5\n# TYPE c_created gauge\nc_created 1.5002E9\n# TYPE g_created gauge\ng_created 1\n",
        "Counter c_total\n {} 5 created=1500200000.000000000\nGauge g_created\n {} 1\n",
    ),
    (
        "but not when that is no moment",
        "# TYPE c_total counter\nc_total 5\n# TYPE c_created gauge\nc_created NaN\n",
        "Counter c_total\n {} 5\nGauge c_created\n {} NaN\n",
    ),
];

const OPENMETRICS: &[Row] = &[
    (
        "a counter has `_total` in its family's name; unit, exemplar, and when it was created have fields",
        "# TYPE c_seconds counter\n# UNIT c_seconds seconds\n# HELP c_seconds a \\\"b\\\"\nc_seconds_total 1.5 17.0009 # {a=\"b\\\"\"} 0.5 1.25\nc_seconds_created 1500000000.125 17.0009\n",
        "Counter c_seconds_total help=\"a \\\"b\\\"\" unit=\"seconds\"\n {} 1.5 # {a=\"b\\\"\"} 0.5 @1.250000000 created=1500000000.125000000 @17000\n",
    ),
    (
        "info and states are gauges",
        "# TYPE build info\nbuild_info{v=\"1\"} 1\n# TYPE s stateset\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n",
        "Gauge build_info\n {v=\"1\"} 1\nGauge s\n {s=\"on\"} 1\n {s=\"off\"} 0\n",
    ),
    (
        "histograms and gauge histograms",
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {} 0.5\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\nh_created 1\n# TYPE q gaugehistogram\nq_bucket{le=\"-1.0\"} 1\nq_bucket{le=\"+Inf\"} 3\nq_gcount 3\nq_gsum -2\n",
        "Histogram h\n {} count=3 sum=2 1:1 # {} 0.5 inf:3 created=1.000000000\nGaugeHistogram q\n {} count=3 sum=-2 -1:1 inf:3\n",
    ),
    (
        "a gauge histogram without sum is loose",
        "# TYPE q gaugehistogram\nq_bucket{le=\"1.0\"} 1\nq_bucket{le=\"+Inf\"} 3\n",
        "Untyped q_bucket\n {le=\"1.0\"} 1\n {le=\"+Inf\"} 3\n",
    ),
    (
        "a summary that only tells when it was created",
        "# TYPE s summary\ns_created 1\n",
        "Gauge s_created\n {} 1\n",
    ),
    (
        "times that 63 bits of milliseconds cannot tell are left out with their samples; others are cut down",
        "# TYPE g gauge\ng 1 -1.0019\ng 2 1000000000000000000\n",
        "Gauge g\n {} 1 @-1001\n",
    ),
];
