//! Names for readers that take `[a-zA-Z0-9_:]` alone, and for those that take any.

use promfetch_core::exposition::{Dialect, Escaping, Format, Page};

use crate::messages::{body, counter, family, gauge, histogram, show};
use crate::model::Type;
use crate::{convert, good, text_of};

fn dialect(format: Format, escaping: Escaping) -> Dialect {
    Dialect {
        escaping: Some(escaping),
        ..Dialect::plain(format)
    }
}

/// A page with all sorts of names.
fn otel() -> Page {
    good(
        &body(&[
            family(
                "http.requests_total",
                Type::Counter,
                vec![counter(&[("http.method", "GET")], 1.0)],
            ),
            family("http.time", Type::Histogram, vec![histogram(1, 0.5, &[])]),
            family(
                "plain_name",
                Type::Gauge,
                vec![gauge(&[("plain_label", "é.")], 1.0)],
            ),
        ]),
        Format::Protobuf,
    )
}

#[test]
fn schemes_change_names_that_need_it_and_no_others() {
    for (escaping, format, want) in [
        (
            Escaping::Underscores,
            Format::Text,
            "# TYPE http_requests_total counter\nhttp_requests_total{http_method=\"GET\"} 1\n# TYPE http_time histogram\nhttp_time_bucket{le=\"+Inf\"} 1\nhttp_time_sum 0.5\nhttp_time_count 1\n# TYPE plain_name gauge\nplain_name{plain_label=\"é.\"} 1\n",
        ),
        (
            Escaping::Dots,
            Format::OpenMetrics,
            "# TYPE http_dot_requests_ counter\nhttp_dot_requests__total{http_dot_method=\"GET\"} 1\n# TYPE http_dot_time histogram\nhttp_dot_time_bucket{le=\"+Inf\"} 1\nhttp_dot_time_count 1\nhttp_dot_time_sum 0.5\n# TYPE plain_name gauge\nplain_name{plain_label=\"é.\"} 1\n# EOF\n",
        ),
        (
            Escaping::Values,
            Format::Text,
            "# TYPE U__http_2e_requests__total counter\nU__http_2e_requests__total{U__http_2e_method=\"GET\"} 1\n# TYPE U__http_2e_time histogram\nU__http_2e_time_bucket{le=\"+Inf\"} 1\nU__http_2e_time_sum 0.5\nU__http_2e_time_count 1\n# TYPE plain_name gauge\nplain_name{plain_label=\"é.\"} 1\n",
        ),
        (
            Escaping::AllowUtf8,
            Format::OpenMetrics,
            "# TYPE \"http.requests\" counter\n{\"http.requests_total\",\"http.method\"=\"GET\"} 1\n# TYPE \"http.time\" histogram\n{\"http.time_bucket\",le=\"+Inf\"} 1\n{\"http.time_count\"} 1\n{\"http.time_sum\"} 0.5\n# TYPE plain_name gauge\nplain_name{plain_label=\"é.\"} 1\n# EOF\n",
        ),
    ] {
        let found = convert(&otel(), dialect(format, escaping));
        assert_eq!(text_of(&found), want, "{escaping:?}\n{}", text_of(&found));
    }
    let found = convert(&otel(), dialect(Format::Protobuf, Escaping::Underscores));
    assert_eq!(
        show(found.body()),
        "Counter http_requests_total\n {http_method=\"GET\"} 1\nHistogram http_time\n {} count=1 sum=0.5\nGauge plain_name\n {plain_label=\"é.\"} 1\n",
        "nothing else changes"
    );
}

#[test]
fn a_page_fits_when_the_reader_takes_its_names() {
    for (page, escaping, want) in [
        ("a 1\n", Escaping::Underscores, true),
        ("{\"a.b\"} 1\n", Escaping::Underscores, false),
        ("{\"a.b\"} 1\n", Escaping::AllowUtf8, true),
        ("a{\"b.c\"=\"1\"} 1\n", Escaping::Values, false),
    ] {
        let page = good(page.as_bytes(), Format::Text);
        let dialect = dialect(Format::Text, escaping);
        assert_eq!(page.fits(dialect), want, "{}", text_of(&page));
        assert!(convert(&page, dialect).fits(dialect));
    }
    let page = good(b"a 1\n", Format::Text);
    assert!(!page.fits(Dialect::plain(Format::OpenMetrics)));
}

#[test]
fn different_names_stay_different() {
    for (why, format, page, want) in [
        (
            "of labels, the one that is changed gives way, on all lines of the page alike",
            Format::Text,
            "g{\"a.b\"=\"1\",a_b=\"2\"} 1\nh{\"a.b\"=\"1\",\"a-b\"=\"2\"} 1\n",
            "g{exported_a_b=\"1\",a_b=\"2\"} 1\nh{exported_a_b=\"1\",exported_a_b_2=\"2\"} 1\n",
        ),
        (
            "no label gets a name that readers keep for themselves",
            Format::Text,
            "g{\"..name..\"=\"1\",\"é\"=\"2\",\"é.\"=\"3\",__a=\"4\"} 1\n",
            "g{exported___name__=\"1\",_=\"2\",exported___=\"3\",__a=\"4\"} 1\n",
        ),
        (
            "of families too, whichever comes first",
            Format::Text,
            "# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n# TYPE \"a-b\" gauge\n{\"a-b\"} 2\na_b 3\n",
            "# TYPE a_b_gauge gauge\na_b_gauge 1\n# TYPE a_b_gauge_2 gauge\na_b_gauge_2 2\na_b 3\n",
        ),
        (
            "in OpenMetrics no name may be one that another family reserves",
            Format::OpenMetrics,
            "# TYPE a counter\na_total 1\n# TYPE \"a.total\" gauge\n{\"a.total\"} 2\n# EOF\n",
            "# TYPE a counter\na_total 1\n# TYPE a_total_gauge gauge\na_total_gauge 2\n# EOF\n",
        ),
        (
            "the label of a stateset is named like the family; exemplars, units and times stay as they stand",
            Format::OpenMetrics,
            "# TYPE \"s.t\" stateset\n{\"s.t\",\"s.t\"=\"on\"} 1 1.50\n{\"s.t\",\"s.t\"=\"off\"} 0 1.50\n# TYPE c_seconds counter\n# UNIT c_seconds seconds\nc_seconds_created{\"a.b\"=\"1\"} 1 1e9\nc_seconds_total{\"a.b\"=\"1\"} 1.0e3 1e9 # {\"a.b\"=\"x\"} 0.50 1.0\n# EOF\n",
            "# TYPE s_t stateset\ns_t{s_t=\"on\"} 1 1.50\ns_t{s_t=\"off\"} 0 1.50\n# TYPE c_seconds counter\n# UNIT c_seconds seconds\nc_seconds_created{a_b=\"1\"} 1 1e9\nc_seconds_total{a_b=\"1\"} 1.0e3 1e9 # {a_b=\"x\"} 0.50 1.0\n# EOF\n",
        ),
        (
            "names of exemplars' labels stay different too",
            Format::OpenMetrics,
            "# TYPE c counter\nc_total{\"a.b\"=\"1\"} 1 # {\"a.b\"=\"x\",a_b=\"y\"} 1\n# EOF\n",
            "# TYPE c counter\nc_total{a_b=\"1\"} 1 # {exported_a_b=\"x\",a_b=\"y\"} 1\n# EOF\n",
        ),
        (
            "a stateset whose label is not, in the end, is a gauge: metrics may have a colon, labels not",
            Format::OpenMetrics,
            "# TYPE s:t stateset\ns:t{\"s:t\"=\"on\"} 1\ns:t{\"s:t\"=\"off\"} 0\n# EOF\n",
            "# TYPE s:t gauge\ns:t{s_t=\"on\"} 1\ns:t{s_t=\"off\"} 0\n# EOF\n",
        ),
        (
            "the order of samples stays, and what is sloppy in text goes",
            Format::Text,
            "# TYPE \"h.i\" histogram\n{ \"h.i_sum\" } 1 5\n{\"h.i_bucket\", le = \"Inf\" , } 3 5\n{\"h.i_count\"} 3 5\n{\"h.i_bucket\",le=\"1\"} 3 5\n",
            "# TYPE h_i histogram\nh_i_sum 1 5\nh_i_bucket{le=\"Inf\"} 3 5\nh_i_count 3 5\nh_i_bucket{le=\"1\"} 3 5\n",
        ),
        (
            "and the loose parts of a histogram have its name",
            Format::Text,
            "# TYPE \"h.i\" histogram\n{\"h.i_bucket\",le=\"NaN\"} 3\n",
            "# TYPE h_i histogram\nh_i_bucket{le=\"NaN\"} 3\n",
        ),
    ] {
        let page = good(page.as_bytes(), format);
        let found = convert(&page, dialect(format, Escaping::Underscores));
        assert_eq!(text_of(&found), want, "{why}\n{}", text_of(&found));
    }
}
