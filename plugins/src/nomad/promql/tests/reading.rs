//! What queries say about themselves, and which labels their selectors take.

use std::time::Duration;

use super::super::{Matcher, Query};
use super::{series, values};

fn matcher(text: &str) -> Matcher {
    let query = Query::parse(&format!("m{{{text}}}")).unwrap_or_else(|error| panic!("{error}"));
    query.selectors()[0].matchers[0].clone()
}

#[test]
fn selectors_stand_in_the_order_of_the_text_with_names_matchers_and_ranges() {
    let query = Query::parse(
        "sum by (a) (rate(requests_total{app_name=\"web\",code!=\"200\"}[90s])) / count({__name__=\"up\"}) * 2",
    )
    .unwrap();
    let [first, second] = query.selectors() else {
        panic!("{query:?}")
    };
    assert_eq!(first.name.as_deref(), Some("requests_total"));
    let labels: Vec<_> = first
        .matchers
        .iter()
        .map(|m| (m.label(), m.exact()))
        .collect();
    assert_eq!(labels, [("app_name", Some("web")), ("code", None)]);
    assert_eq!(first.range, Some(Duration::from_secs(90)));
    assert_eq!((second.name.as_deref(), second.range), (Some("up"), None));
    assert!(second.matchers.is_empty(), "the name is no matcher");
}

#[test]
fn the_window_is_the_longest_range() {
    for (query, seconds, why) in [
        ("avg(a)", 0, "the look-back counts"),
        ("rate(a[5m])", 300, ""),
        ("max_over_time(a[1d])", 86_400, "the longest that may be"),
        ("sum(a) / sum(rate(b[1m])) + max(delta(c[2m]))", 120, ""),
        ("rate(a[60])", 60, "seconds, as Prometheus takes since 3.0"),
    ] {
        let window = Query::parse(query).unwrap().window();
        assert_eq!(window, Duration::from_secs(seconds), "{query}: {why}");
    }
}

#[test]
fn matchers_fit() {
    for (text, value, fits, why) in [
        ("a=\"x\"", "x", true, ""),
        ("a=\"x\"", "xx", false, ""),
        ("a=\"\"", "", true, "a label that is not there is empty"),
        ("a!=\"x\"", "", true, "so it differs"),
        ("a!=\"x\"", "x", false, ""),
        ("a=~\"x|y\"", "y", true, ""),
        (
            "a=~\"x|y\"",
            "xy",
            false,
            "alternatives are anchored together",
        ),
        ("a=~\"x\"", "wxy", false, "anchored on both sides"),
        ("a=~\"x.*\"", "x", true, ""),
        ("a=~\".*\"", "", true, ""),
        ("a=~\".+\"", "", false, "the label must be there"),
        ("a=~\"x.y\"", "x\ny", false, "a dot is no line feed in 2.42"),
        ("a=~\"(?i)X\"", "x", true, "flags as in RE2"),
        ("a=~\"x{2}\"", "xx", true, ""),
        (
            "a=~\"{x}\"",
            "{x}",
            true,
            "a brace that repeats nothing is itself, as in RE2",
        ),
        (
            "a=~\"\\\\d+\"",
            "42",
            true,
            "the text has escapes of its own",
        ),
        ("a=~`[0-9]+`", "42", true, "backticks are quotes too"),
        ("a!~\"x.*\"", "x1", false, ""),
        ("a!~\"x.*\"", "y", true, ""),
        ("a=\"\\u00e9\"", "é", true, "escapes of Go"),
        ("a='it\\'s'", "it's", true, ""),
    ] {
        assert_eq!(
            matcher(text).matches(value),
            fits,
            "{text} and {value:?}: {why}"
        );
    }
}

#[test]
fn spellings_of_one_query() {
    let all = [
        series("app_name=web i=0", &[(0.0, 1.0)]),
        series("app_name=web i=1", &[(0.0, 3.0)]),
    ];
    for query in [
        "avg(requests)",
        "avg:requests",
        " avg:requests{app_name=\"web\"} ",
        "avg by () (requests)",
        "avg (requests) by ()",
        "((avg((requests))))",
        "avg(requests) # with a comment",
        "AVG(requests)",
        "avg(\n  requests{\n    app_name=~\"w.*\",\n  }\n)",
        "avg({\"requests\"})",
        "avg({__name__=\"requests\", app_name=\"web\"})",
        "+avg(requests)",
        "avg without (i, app_name) (requests)",
    ] {
        let values: Vec<String> = values(query, &all);
        assert_eq!(values, [": 2"], "{query}");
    }
}

#[test]
fn operators_bind_as_in_prometheus() {
    let one = [series("", &[(0.0, 2.0)])];
    for (query, value) in [
        ("a + 2 * 3", 8.0),
        ("(a + 2) * 3", 12.0),
        ("a - 1 - 1", 0.0),
        ("a ^ 3 ^ 2", 512.0),
        ("-a ^ 2", -4.0),
        ("-1 * a", -2.0),
        ("2 ^ -a", 0.25),
        ("a * -a_", -4.0),
        ("7 % 4 * a", 6.0),
        ("a / 8 % 3", 0.25),
        ("0x10 + a", 18.0),
        ("1e3 + a", 1002.0),
        ("--a", 2.0),
    ] {
        // Two selectors can only meet in aggregates.
        let query = query.replace("a * -a_", "max(a) * -max(a)");
        assert_eq!(values(&query, &one), [format!(": {value}")], "{query}");
    }
}
