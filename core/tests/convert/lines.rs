//! Text to OpenMetrics and back, row by row of `docs/formats.md`.

use promfetch_core::exposition::{Dialect, Format};

use crate::{convert, good, text_of};

/// Why, the page, and what becomes of it.
type Row = (&'static str, &'static str, &'static str);

fn check(rows: &[Row], from: Format, to: Format) {
    for (why, page, want) in rows {
        let page = match from {
            Format::OpenMetrics => format!("{page}# EOF\n"),
            _ => (*page).to_owned(),
        };
        let found = convert(&good(page.as_bytes(), from), Dialect::plain(to));
        let found = text_of(&found);
        let found = match to {
            Format::OpenMetrics => found.strip_suffix("# EOF\n").unwrap(),
            _ => found,
        };
        assert_eq!(found, *want, "{why}\n{found}");
    }
}

#[test]
fn text_becomes_openmetrics() {
    check(TO_OPENMETRICS, Format::Text, Format::OpenMetrics);
}

#[test]
fn openmetrics_becomes_text() {
    check(TO_TEXT, Format::OpenMetrics, Format::Text);
}

const TO_OPENMETRICS: &[Row] = &[
    (
        "a counter loses `_total` in its family's name; numbers stay as they stand, times are seconds",
        "# HELP req_total Requests.\n# TYPE req_total counter\nreq_total{a=\"1\"} 1.0E7 1700000000120\n",
        "# TYPE req counter\n# HELP req Requests.\nreq_total{a=\"1\"} 1.0E7 1700000000.12\n",
    ),
    (
        "a counter without `_total` cannot be one, as in Go's expfmt",
        "# TYPE req counter\nreq 1\n",
        "# TYPE req unknown\nreq 1\n",
    ),
    (
        "a counter that is NaN is none, for any of its samples",
        "# TYPE req_total counter\nreq_total{a=\"1\"} 1\nreq_total{a=\"2\"} NaN\n",
        "# TYPE req_total unknown\nreq_total{a=\"1\"} 1\nreq_total{a=\"2\"} NaN\n",
    ),
    (
        "nor is a negative one",
        "# TYPE req_total counter\nreq_total -1\n",
        "# TYPE req_total unknown\nreq_total -1\n",
    ),
    (
        "gauges, untyped, and families without metadata",
        "# TYPE g gauge\ng -1\n# TYPE u untyped\nu 2\nn 3\n",
        "# TYPE g gauge\ng -1\n# TYPE u unknown\nu 2\nn 3\n",
    ),
    (
        "metadata without samples stay",
        "# HELP g Some.\n# TYPE g gauge\n# TYPE c_total counter\n",
        "# TYPE g gauge\n# HELP g Some.\n# TYPE c counter\n",
    ),
    (
        "samples of one metric come together, in order of time",
        "# TYPE g gauge\ng{a=\"1\"} 1 2000\ng{a=\"2\"} 1\ng{a=\"1\"} 2 1000\n",
        "# TYPE g gauge\ng{a=\"1\"} 2 1\ng{a=\"1\"} 1 2\ng{a=\"2\"} 1\n",
    ),
    (
        "of a metric with and without times, the present counts",
        "g 1 2000\ng 2\nh 3 1000\n",
        "g 2\nh 3 1\n",
    ),
    (
        "escapes of HELP and of label values differ",
        "# HELP g a \\\\ \\n \" \\d\ng{a=\"C:\\dir\"} 1\n",
        "# HELP g a \\\\ \\n \\\" \\\\d\ng{a=\"C:\\\\dir\"} 1\n",
    ),
    (
        "a histogram in order of its buckets; infinity has one spelling, other bounds stay",
        "# TYPE h histogram\nh_sum 2.5\nh_count 3\nh_bucket{le=\"Inf\"} 3\nh_bucket{le=\"0.10\"} 1\nh_bucket{le=\"5\"} 3\n",
        "# TYPE h histogram\nh_bucket{le=\"0.10\"} 1\nh_bucket{le=\"5\"} 3\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2.5\n",
    ),
    (
        "the bucket for all is the count",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_count 3\nh_sum 2\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\n",
    ),
    (
        "and the count is the bucket for all",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_sum 2\n",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\n",
    ),
    (
        "a histogram that counts other than its last bucket is loose",
        "# HELP h Help.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_count 4\nh_sum 2\n",
        "# TYPE h_bucket unknown\n# HELP h_bucket Help.\nh_bucket{le=\"+Inf\"} 3\n# TYPE h_count unknown\n# HELP h_count Help.\nh_count 4\n# TYPE h_sum unknown\n# HELP h_sum Help.\nh_sum 2\n",
    ),
    (
        "so is one of several moments",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3 1000\nh_bucket{le=\"+Inf\"} 4 2000\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"+Inf\"} 3 1\nh_bucket{le=\"+Inf\"} 4 2\n",
    ),
    (
        "one whose sum is negative",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum -2\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"+Inf\"} 3\n# TYPE h_count unknown\nh_count 3\n# TYPE h_sum unknown\nh_sum -2\n",
    ),
    (
        "one with two bounds that are equal",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\n",
    ),
    (
        "and one that has neither the last bucket nor a count, or half a bucket",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# TYPE i histogram\ni_bucket{le=\"+Inf\"} 1.5\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"1\"} 1\n# TYPE i_bucket unknown\ni_bucket{le=\"+Inf\"} 1.5\n",
    ),
    (
        "a sample of the histogram's own name has no place",
        "# TYPE h histogram\nh 1\nh_bucket{le=\"+Inf\"} 1\n",
        "# TYPE h unknown\nh 1\n# TYPE h_bucket unknown\nh_bucket{le=\"+Inf\"} 1\n",
    ),
    (
        "a summary; its count and sum need not be there",
        "# TYPE s summary\ns_sum 2\ns{quantile=\"0.9\"} NaN\ns{quantile=\"0.5\"} 1\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns{quantile=\"0.9\"} NaN\ns_sum 2\n",
    ),
    (
        "a quantile of 2, or a negative one, makes it loose",
        "# TYPE s summary\ns{quantile=\"2\"} 1\ns_count 1\n# TYPE t summary\nt{quantile=\"0.5\"} -1\n",
        "# TYPE s unknown\ns{quantile=\"2\"} 1\n# TYPE s_count unknown\ns_count 1\n# TYPE t unknown\nt{quantile=\"0.5\"} -1\n",
    ),
    (
        "gauges that tell when metrics were created go back to them",
        "# TYPE c_total counter\nc_total{a=\"1\"} 5\n# TYPE c_created gauge\nc_created{a=\"1\"} 1.5E9\n# TYPE s summary\ns_count 1\ns_sum 2\n# HELP s_created Help.\n# TYPE s_created gauge\ns_created 1.6e9\n",
        "# TYPE c counter\nc_total{a=\"1\"} 5\nc_created{a=\"1\"} 1.5E9\n# TYPE s summary\ns_count 1\ns_sum 2\ns_created 1.6e9\n",
    ),
    (
        "but not when they tell of other metrics; then the counter gives way, and series keep their names",
        "# TYPE c_total counter\nc_total{a=\"1\"} 5\n# TYPE c_created gauge\nc_created{a=\"2\"} 1.5E9\n",
        "# TYPE c_total unknown\nc_total{a=\"1\"} 5\n# TYPE c_created gauge\nc_created{a=\"2\"} 1.5E9\n",
    ),
    (
        "a gauge beside a counter of its name",
        "# TYPE c gauge\nc 1\n# TYPE c_total counter\nc_total 2\n",
        "# TYPE c gauge\nc 1\n# TYPE c_total unknown\nc_total 2\n",
    ),
    (
        "a histogram and a gauge with the name of its count: one family for both, of no type",
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n# TYPE h_count gauge\nh_count{a=\"1\"} 2\n",
        "# TYPE h_bucket unknown\nh_bucket{le=\"+Inf\"} 1\n# TYPE h_sum unknown\nh_sum 1\n# TYPE h_count unknown\nh_count 1\nh_count{a=\"1\"} 2\n",
    ),
    (
        "labels that OpenMetrics keeps for itself",
        "g{__a=\"1\",exported___a=\"2\"} 1\n",
        "g{exported___a_2=\"1\",exported___a=\"2\"} 1\n",
    ),
    (
        "families in pieces, blanks, comments, no last line feed",
        "# a comment\ng { a = \"1\" , } 1\nh 2\n\n g{a=\"2\"}\t3 ",
        "g{a=\"1\"} 1\ng{a=\"2\"} 3\nh 2\n",
    ),
];

const TO_TEXT: &[Row] = &[
    (
        "a counter with its family's full name; when it was created is a gauge, as Python's client writes it",
        "# TYPE req counter\n# HELP req Requests.\nreq_total{a=\"1\"} 1.0 17.0005\nreq_created{a=\"1\"} 1.5e9 17.0005\n",
        "# HELP req_total Requests.\n# TYPE req_total counter\nreq_total{a=\"1\"} 1.0 17000\n# HELP req_created Requests.\n# TYPE req_created gauge\nreq_created{a=\"1\"} 1.5e9 17000\n",
    ),
    (
        "exemplars and units are left out",
        "# TYPE req_seconds counter\n# UNIT req_seconds seconds\nreq_seconds_total 1 # {a=\"b\"} 0.5 1\n",
        "# TYPE req_seconds_total counter\nreq_seconds_total 1\n",
    ),
    (
        "info and states are gauges",
        "# TYPE build info\nbuild_info{v=\"1\"} 1\n# TYPE s stateset\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n",
        "# TYPE build_info gauge\nbuild_info{v=\"1\"} 1\n# TYPE s gauge\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n",
    ),
    (
        "a gauge histogram: its buckets are a histogram, count and sum are gauges, as Python's client writes it",
        "# TYPE q gaugehistogram\nq_bucket{le=\"1.0\"} 1\nq_bucket{le=\"+Inf\"} 3\nq_gcount 3\nq_gsum 2\n",
        "# TYPE q histogram\nq_bucket{le=\"1.0\"} 1\nq_bucket{le=\"+Inf\"} 3\n# TYPE q_gcount gauge\nq_gcount 3\n# TYPE q_gsum gauge\nq_gsum 2\n",
    ),
    (
        "a gauge histogram beside a gauge that would be its count in text",
        "# TYPE q gaugehistogram\nq_bucket{le=\"+Inf\"} 3\n# TYPE q_count gauge\nq_count 3\n",
        "# TYPE q_bucket untyped\nq_bucket{le=\"+Inf\"} 3\n# TYPE q_count gauge\nq_count 3\n",
    ),
    (
        "histograms and summaries",
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\nh_created 1.5\n# TYPE s summary\ns{quantile=\"0.5\"} 1\n",
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 2\n# TYPE h_created gauge\nh_created 1.5\n# TYPE s summary\ns{quantile=\"0.5\"} 1\n",
    ),
    (
        "a quantile that is no number, on a sample where it has no meaning",
        "# TYPE s summary\ns_sum{quantile=\"x\"} 1\n",
        "# TYPE s_sum untyped\ns_sum{quantile=\"x\"} 1\n",
    ),
    (
        "text has no times before 1970, nor after the year 292 million: such samples are left out",
        "# TYPE g gauge\ng -5 -0.5\ng 1 1600000000.0\nh 1 1e18\n",
        "# TYPE g gauge\ng 1 1600000000000\n",
    ),
    (
        "quotes have no escape in HELP",
        "# TYPE g gauge\n# HELP g a \\\"b\\\" \\\\ \\n\ng 1\n",
        "# HELP g a \"b\" \\\\ \\n\n# TYPE g gauge\ng 1\n",
    ),
];
