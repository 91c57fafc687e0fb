//! Headers as callers send them, and what they get.

use super::*;

const ALL: [Format; 3] = [Format::Text, Format::OpenMetrics, Format::Protobuf];

/// `scrape/scrape.go` of Prometheus 2.42, and the same with `--enable-feature=native-histograms`.
const PROMETHEUS_2_42: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_2_42_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// From 2.49 on: one tenth less for each of `scrape_protocols`, from one more than all protocols there are.
const PROMETHEUS_2_53: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const PROMETHEUS_2_53_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

/// 3.0 names the escaping of each protocol, later ones only where the version knows it.
const PROMETHEUS_3_0: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2";
const PROMETHEUS_3: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
const PROMETHEUS_3_NATIVE: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
/// The same with the escaping of protobuf said outright.
const PROMETHEUS_3_ALL: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
const PROMETHEUS_3_TEXT: &str = "text/plain;version=0.0.4;q=0.6,*/*;q=0.5";

const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const JAVA: &str = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2";

/// The dialects in few words: `om1+utf8` is OpenMetrics 1.0.0 with `escaping=allow-utf-8`.
fn words(accepted: &Accepted) -> String {
    let word = |dialect: Dialect| {
        let format = match dialect.format {
            Format::Text => "text",
            Format::OpenMetrics => "om",
            Format::Protobuf => "proto",
        };
        let version = dialect.version.map_or("", |version| version.as_str());
        let escaping = dialect.escaping.map_or("", |escaping| escaping.as_str());
        format!("{format}{version} {escaping}")
            .trim_end()
            .to_owned()
    };
    let words: Vec<String> = accepted.dialects().map(word).collect();
    words.join(", ")
}

#[test]
fn callers_get_what_they_weigh_highest_among_what_is_offered() {
    use Format::{OpenMetrics, Protobuf, Text};
    const PLAIN: &str = "text0.0.4";
    for (accept, offered, want, why) in [
        (None, &ALL[..], PLAIN, "no header"),
        (Some(""), &ALL, PLAIN, "an empty header"),
        (
            Some("*/*"),
            &ALL,
            PLAIN,
            "curl gets the first that is offered",
        ),
        (
            Some("*/*"),
            &[OpenMetrics, Text],
            "om1.0.0",
            "the operator's first",
        ),
        (Some(FIREFOX), &ALL, PLAIN, "a browser"),
        (
            Some(FIREFOX),
            &[Protobuf, Text],
            PLAIN,
            "never protobuf by a wildcard",
        ),
        (
            Some("*/*"),
            &[Protobuf],
            PLAIN,
            "nor when there is nothing else",
        ),
        (
            Some("application/*"),
            &[Protobuf, OpenMetrics],
            "om1.0.0",
            "nor by half of one",
        ),
        (Some(JAVA), &ALL, PLAIN, "a lone `*` is no range"),
        (
            Some(PROMETHEUS_2_42),
            &ALL,
            "om1.0.0, om0.0.1, text0.0.4",
            "Prometheus 2.42",
        ),
        (
            Some(PROMETHEUS_2_42_NATIVE),
            &ALL,
            "proto, om1.0.0, om0.0.1, text0.0.4",
            "Prometheus 2.42 with native histograms",
        ),
        (
            Some(PROMETHEUS_2_53),
            &ALL,
            "om1.0.0, om0.0.1, text0.0.4",
            "Prometheus 2.53",
        ),
        (
            Some(PROMETHEUS_2_53_NATIVE),
            &ALL,
            "proto, om1.0.0, om0.0.1, text0.0.4",
            "Prometheus 2.53 with native histograms",
        ),
        (
            Some(PROMETHEUS_3_0),
            &ALL,
            "om1.0.0 allow-utf-8, om0.0.1 allow-utf-8, text1.0.0 allow-utf-8, text0.0.4 allow-utf-8, text0.0.4",
            "Prometheus 3.0; its wildcard is for those who know no escaping",
        ),
        (
            Some(PROMETHEUS_3),
            &ALL,
            "om1.0.0 allow-utf-8, om0.0.1, text1.0.0 allow-utf-8, text0.0.4",
            "Prometheus 3",
        ),
        (
            Some(PROMETHEUS_3_NATIVE),
            &ALL,
            "proto allow-utf-8, om1.0.0 allow-utf-8, om0.0.1, text1.0.0 allow-utf-8, text0.0.4",
            "Prometheus 3 with native histograms: what it takes in one format, it takes in another",
        ),
        (
            Some(PROMETHEUS_3_ALL),
            &ALL,
            "proto allow-utf-8, om1.0.0 allow-utf-8, om0.0.1, text1.0.0 allow-utf-8, text0.0.4",
            "the same said outright",
        ),
        (
            Some(PROMETHEUS_3_ALL),
            &[Text, OpenMetrics],
            "om1.0.0 allow-utf-8, om0.0.1, text1.0.0 allow-utf-8, text0.0.4",
            "protobuf is not offered",
        ),
        (
            Some(PROMETHEUS_3_ALL),
            &[Text],
            "text1.0.0 allow-utf-8, text0.0.4",
            "only text is offered",
        ),
        (
            Some(PROMETHEUS_3_TEXT),
            &ALL,
            PLAIN,
            "`scrape_protocols: [PrometheusText0.0.4]`",
        ),
        (
            Some("application/openmetrics-text"),
            &[Text],
            PLAIN,
            "nothing fits: text",
        ),
        (
            Some("application/openmetrics-text"),
            &[],
            PLAIN,
            "nothing is offered",
        ),
        (
            Some("application/openmetrics-text;version=2.0.0,text/plain;q=0.1"),
            &ALL,
            PLAIN,
            "an unknown version is passed over",
        ),
        (Some("text/plain;version=0.0.3"), &ALL, PLAIN, "of text too"),
        (
            Some(
                "application/openmetrics-text; version=\"1.0.0\"; charset=utf-8; escaping = \"dots\"",
            ),
            &ALL,
            "om1.0.0 dots",
            "quotes and blanks",
        ),
        (
            Some("text/plain;version=1.0.0"),
            &ALL,
            "text1.0.0",
            "1.0.0 without a word on names",
        ),
        (
            Some(
                "text/plain;version=1.0.0;escaping=none,application/openmetrics-text;escaping=ALLOW-UTF-8;q=0.5",
            ),
            &ALL,
            "text1.0.0, om1.0.0",
            "an unknown escaping is none; words have a case, as in Go",
        ),
        (
            Some("text/plain;q=0.5,application/openmetrics-text;q=0.5"),
            &ALL,
            "text0.0.4, om1.0.0",
            "equal weights: first named",
        ),
        (
            Some("application/openmetrics-text;q=0,*/*"),
            &[OpenMetrics, Text],
            PLAIN,
            "q=0 forbids",
        ),
        (
            Some("text/plain;q=0,*/*"),
            &ALL,
            "om1.0.0",
            "what is left for a wildcard, but not protobuf",
        ),
        (
            Some("text/plain;q=0"),
            &ALL,
            PLAIN,
            "something must be answered",
        ),
        (
            Some("text/plain;q=0.0,text/plain;version=1.0.0;q=0.3"),
            &ALL,
            "text1.0.0",
            "another version is another type",
        ),
        (Some("application/*"), &ALL, "om1.0.0", "half a wildcard"),
        (
            Some("text/*;q=0,*/*"),
            &ALL,
            "om1.0.0",
            "half of all is refused",
        ),
        (
            Some("*/*;q=0,text/*"),
            &ALL,
            PLAIN,
            "all others are refused",
        ),
        (
            Some("text/*;q=0.3,application/*"),
            &ALL,
            "om1.0.0, text0.0.4",
            "two halves",
        ),
        (
            Some("TEXT/PLAIN, Application/OpenMetrics-Text;Q=0.9"),
            &ALL,
            "text0.0.4, om1.0.0",
            "any case",
        ),
        (
            Some(";;;,q=9,text/plain;q=nonsense,text/plain;q=NaN,,"),
            &ALL,
            PLAIN,
            "garbage",
        ),
        (
            Some("application/openmetrics-text;q=2,*/*;q=0.1"),
            &ALL,
            PLAIN,
            "no weight",
        ),
        (
            Some(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            ),
            &ALL,
            "proto",
            "protobuf alone",
        ),
        (
            Some(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text,*/*;q=0.1",
            ),
            &ALL,
            PLAIN,
            "protobuf as text is not ours",
        ),
        (
            Some("application/vnd.google.protobuf;proto=other;encoding=delimited,text/plain;q=0.1"),
            &ALL,
            PLAIN,
            "another message",
        ),
        (
            Some("application/vnd.google.protobuf"),
            &ALL,
            PLAIN,
            "of no message, as in expfmt",
        ),
    ] {
        assert_eq!(words(&accepted(accept, offered)), want, "{why}");
    }
}

#[test]
fn endless_headers_make_short_lists() {
    let header: Vec<String> = ["allow-utf-8", "underscores", "dots", "values", ""]
        .iter()
        .flat_map(|word| {
            [
                "text/plain",
                "text/plain;version=1.0.0",
                "application/openmetrics-text",
            ]
            .map(|kind| format!("{kind};escaping={word}"))
        })
        .collect();
    let accepted = accepted(Some(&header.join(",").repeat(100)), &ALL);
    assert_eq!(accepted.dialects().count(), MOST);
    assert!(accepted.header().to_str().unwrap().contains(";q=0.9,"));
}

#[test]
fn instances_are_asked_for_all_that_the_caller_takes() {
    for (accept, want, why) in [
        (None, TEXT_ALONE, "text alone is asked as ever"),
        (Some(PROMETHEUS_3_TEXT), TEXT_ALONE, "text alone"),
        (
            Some(PROMETHEUS_3_ALL),
            PROMETHEUS_3_ALL,
            "as Prometheus would ask itself",
        ),
        (
            Some(PROMETHEUS_3_NATIVE),
            PROMETHEUS_3_ALL,
            "names stay in every format",
        ),
        (
            Some(PROMETHEUS_2_42),
            "application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "the order counts, not the weights",
        ),
        (
            Some("application/openmetrics-text"),
            "application/openmetrics-text;version=1.0.0;q=0.2,*/*;q=0.1",
            "text is converted",
        ),
        (
            Some(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=values",
            ),
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=values;q=0.3,application/openmetrics-text;version=1.0.0;escaping=values;q=0.2,*/*;q=0.1",
            "OpenMetrics for those that have no protobuf",
        ),
    ] {
        let header = accepted(accept, &ALL).header();
        assert_eq!(header.to_str().unwrap(), want, "{why}");
        let back = accepted(Some(want), &ALL);
        assert_eq!(back.first(), accepted(accept, &ALL).first(), "{why}");
    }
}

#[test]
fn the_page_is_in_the_best_format_that_came() {
    use Format::{OpenMetrics, Protobuf, Text};
    for (accept, came, want, why) in [
        (
            PROMETHEUS_3_ALL,
            &[Protobuf, OpenMetrics, Text][..],
            "proto allow-utf-8",
            "one is enough",
        ),
        (
            PROMETHEUS_3_ALL,
            &[Text, OpenMetrics],
            "om1.0.0 allow-utf-8",
            "no protobuf came",
        ),
        (
            PROMETHEUS_3_ALL,
            &[Text, Text],
            "text1.0.0 allow-utf-8",
            "nothing is converted",
        ),
        (PROMETHEUS_3_ALL, &[], "proto allow-utf-8", "nothing came"),
        (
            "text/plain",
            &[Protobuf, OpenMetrics],
            "text0.0.4",
            "all are converted",
        ),
        (
            "application/openmetrics-text",
            &[Text],
            "om1.0.0",
            "what is taken, not what came",
        ),
    ] {
        let got = accepted(Some(accept), &ALL).choose(came.iter().copied());
        assert_eq!(words(&got.into()), want, "{why}");
    }
}

#[test]
fn a_dialect_is_certain_where_all_are_of_one_format() {
    for (accept, want, why) in [
        ("*/*", "text0.0.4", "curl"),
        (PROMETHEUS_3_TEXT, "text0.0.4", "text alone"),
        (
            "text/plain;version=1.0.0;escaping=values,text/plain;q=0.5",
            "text1.0.0 values",
            "two dialects, but the first of a format is chosen",
        ),
        (PROMETHEUS_2_42, "", "OpenMetrics if it comes, else text"),
        (PROMETHEUS_3_ALL, "", "three formats"),
    ] {
        let accepted = accepted(Some(accept), &ALL);
        let certain = accepted.certain();
        assert_eq!(
            certain.map_or_else(String::new, |certain| words(&certain.into())),
            want,
            "{why}"
        );
        for came in ALL.iter().filter(|_| certain.is_some()) {
            assert_eq!(Some(accepted.choose([*came])), certain, "{why}: {came}");
        }
    }
}

#[test]
fn our_own_answers_and_questions_agree() {
    for dialect in accepted(Some(PROMETHEUS_3_ALL), &ALL).dialects() {
        assert_eq!(accepted(Some(&dialect.range()), &ALL), dialect.into());
        let content_type = dialect.content_type();
        assert_eq!(
            crate::exposition::media::of_content_type(content_type.to_str().ok()),
            Some(dialect.format)
        );
    }
}
