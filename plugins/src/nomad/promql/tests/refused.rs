//! Queries that are refused, and what is said of them.

use proptest::prelude::*;

use super::super::Query;

#[test]
fn what_the_subset_lacks_is_named_with_the_way_out() {
    let functions = "the functions are rate, increase, delta, avg_over_time, max_over_time, min_over_time, sum_over_time";
    let aggregations = "the aggregations are sum, avg, min, max, count";
    for (query, message) in [
        ("a offset 5m", "`offset` is not supported, in `a offset 5m`: the autoscaler's `query_window_offset` does the same".to_owned()),
        ("rate(a[5m] offset -1m)", "`offset` is not supported, in `a offset -1m`: the autoscaler's `query_window_offset` does the same".to_owned()),
        ("a @ 1", "`@` is not supported, in `a @ 1.000`: a query is computed at the times that the autoscaler asks for".to_owned()),
        ("a @ end()", "`@` is not supported, in `a @ end()`: a query is computed at the times that the autoscaler asks for".to_owned()),
        ("a[5m]", format!("a range without a function is not supported, in `a[5m]`: {functions}")),
        ("sum(a)[5m:1m]", "a subquery is not supported, in `sum(a)[5m:1m]`: ranges stand behind selectors alone".to_owned()),
        ("rate(a[5m:])", "a subquery is not supported, in `rate(a[5m:])`: ranges stand behind selectors alone, as in rate(requests[5m])".to_owned()),
        ("irate(a[5m])", format!("the function `irate` is not supported, in `irate(a[5m])`: {functions}")),
        ("vector(1)", format!("the function `vector` is not supported, in `vector(1)`: {functions}")),
        ("time()", format!("the function `time` is not supported, in `time()`: {functions}")),
        ("histogram_quantile(0.9, a)", format!("the function `histogram_quantile` is not supported, in `histogram_quantile(0.9, a)`: {functions}")),
        ("topk(3, a)", format!("the aggregation `topk` is not supported, in `topk(3, a)`: {aggregations}")),
        ("stddev(a)", format!("the aggregation `stddev` is not supported, in `stddev(a)`: {aggregations}")),
        ("sum(max by (i) (a))", "an aggregation inside another is not supported, in `sum(max by (i) (a))`: aggregate once".to_owned()),
        ("sum(max(a) + 1)", "an aggregation inside another is not supported, in `sum(max(a) + 1)`: aggregate once".to_owned()),
        ("avg:sum(a)", "more than a selector after the short form is not supported, in `avg:sum(a)`: write the aggregation with parentheses, as in avg(requests) * 2".to_owned()),
        ("avg:a * 2", "more than a selector after the short form is not supported, in `avg:a * 2`: write the aggregation with parentheses, as in avg(requests) * 2".to_owned()),
        ("2 * avg:a", "the short form inside a query is not supported, in `avg:a`: write the aggregation with parentheses, as in avg(requests)".to_owned()),
        ("sum by (__name__) (a)", "`__name__` as a label of groups is not supported, in `sum by (__name__) (a)`: leave it out, for a selector has one name".to_owned()),
        ("a > 1", "the operator `>` is not supported, in `a > 1`: the operators are + - * / % ^".to_owned()),
        ("a == bool 1", "the operator `==` is not supported, in `a == bool 1`: the operators are + - * / % ^".to_owned()),
        ("sum(a) or sum(b)", "the operator `or` is not supported, in `sum(a) or sum(b)`: the operators are + - * / % ^".to_owned()),
        ("a atan2 2", "the operator `atan2` is not supported, in `a atan2 2`: the operators are + - * / % ^".to_owned()),
        ("sum(a) / on (i) sum(b)", "`on` or `ignoring` is not supported, in `sum(a) / on (i) sum(b)`: give both sides the same labels with `by`".to_owned()),
        ("sum(a) / ignoring (i) group_left sum(b)", "`on` or `ignoring` is not supported, in `sum(a) / ignoring (i) group_left () sum(b)`: give both sides the same labels with `by`".to_owned()),
        ("sum(a) + fill (0) sum(b)", "`fill` is not supported, in `sum(a) + fill (0) sum(b)`: what has no partner is left out".to_owned()),
        ("a / b", "arithmetic between series that are not aggregated is not supported, in `a / b`: aggregate both sides, as in sum(a) / sum(b)".to_owned()),
        ("sum(a) / b", "arithmetic between series that are not aggregated is not supported, in `sum(a) / b`: aggregate both sides, as in sum(a) / sum(b)".to_owned()),
        ("{app_name=\"web\"}", "a selector without the name of one metric is not supported, in `{app_name=\"web\"}`: begin it with the name, as in requests{app_name=\"web\"}".to_owned()),
        ("{__name__=~\"a.*\"}", "a selector without the name of one metric is not supported, in `{__name__=~\"a.*\"}`: begin it with the name, as in requests{app_name=\"web\"}".to_owned()),
        ("a{x=\"1\" or y=\"2\"}", "`or` between matchers is not supported, in `a{x=\"1\" or y=\"2\"}`: a pattern has alternatives, as in a=~\"x|y\"".to_owned()),
        ("1 + 1", "a query without a metric is not supported, in `1 + 1`: name one, as in avg(requests)".to_owned()),
        ("\"text\"", "a text is not supported, in `\"text\"`: only numbers are computed with".to_owned()),
        ("rate(a[1d1ms])", "a range above a day is not supported, in `a[86400.001s]`: ask for 1d or less".to_owned()),
        ("rate(a[0.0001])", "a range below a millisecond is not supported, in `a[100µs]`: ask for a few samples' time, as in [1m]".to_owned()),
    ] {
        let error = Query::parse(query).expect_err(query).to_string();
        assert_eq!(error, message, "{query}");
    }
}

#[test]
fn what_is_no_promql_is_said_so() {
    for (query, message) in [
        ("", "`` is no PromQL: "),
        ("   ", "`` is no PromQL: "),
        ("sum(", "`sum(` is no PromQL: "),
        ("a{b}", "`a{b}` is no PromQL: "),
        ("a{b=~\"(\"}", "`a{b=~\"(\"}` is no PromQL: "),
        (
            "unheard_of(a)",
            "`unheard_of(a)` is no PromQL: unknown function with name 'unheard_of'",
        ),
        (
            "rate(a)",
            "`rate(a)` is no PromQL: expected type matrix in call to function 'rate', got vector",
        ),
        (
            "sum(a[5m])",
            "`sum(a[5m])` is no PromQL: expected type vector in aggregation expression, got matrix",
        ),
        (
            "{}",
            "`{}` is no PromQL: vector selector must contain at least one non-empty matcher",
        ),
        (
            "{a=\"\"}",
            "`{a=\"\"}` is no PromQL: vector selector must contain at least one non-empty matcher",
        ),
        (
            "a{__name__=\"b\"}",
            "`a{__name__=\"b\"}` is no PromQL: metric name must not be set twice",
        ),
        ("avg:", "`` is no PromQL: "),
        ("a b", "`a b` is no PromQL: "),
        (
            "a{b=~\"\\d\"}",
            "`a{b=~\"\\d\"}` is no PromQL: unknown escape sequence 'd'; between double quotes a backslash is written twice",
        ),
        (
            "a{b=~`\\d`}",
            "`a{b=~`\\d`}` is no PromQL: unknown escape sequence 'd'; between double quotes a backslash is written twice",
        ),
    ] {
        let error = Query::parse(query).expect_err(query).to_string();
        assert!(error.starts_with(message), "{query}: {error}");
    }
}

#[test]
fn everything_is_bounded() {
    let repeated = |part: &str, times: usize, between: &str| vec![part; times].join(between);
    for (query, message) in [
        (
            format!("a{{b=\"{}\"}}", "x".repeat(5000)),
            "the query has 5007 bytes, and 4096 are the most",
        ),
        (
            repeated("sum(a)", 17, "+"),
            "the query has more than 16 selectors",
        ),
        (
            format!("{}a{}", "(".repeat(70), ")".repeat(70)),
            "the query has more than 64 levels",
        ),
        (
            repeated("1", 70, "+") + "+a",
            "the query has more than 64 levels",
        ),
        (
            format!("a{{{}}}", repeated("b=~\"c\"", 17, ",")),
            "the query has more than 16 patterns",
        ),
        (
            "a{b=~\"\\\\pL{200}\"}".to_owned(),
            "the pattern `\\pL{200}` for the label `b` is too large",
        ),
        (
            "rate(a[1e99])".to_owned(),
            "`rate(a[1e99])` is no PromQL: write durations",
        ),
        (
            "rate(a[9999999999y])".to_owned(),
            "`rate(a[9999999999y])` is no PromQL: ",
        ),
        (
            format!("stddev({})", "a".repeat(500)),
            "the aggregation `stddev` is not supported, in `stddev(aaaa",
        ),
    ] {
        let error = Query::parse(&query).expect_err(&query).to_string();
        assert!(error.starts_with(message), "{query}: {error}");
        assert!(error.len() < 400, "{error}");
    }
}

/// The parser, its checks and the end of its trees recurse, and tokio's threads have 2 MiB.
#[test]
fn the_deepest_texts_fit_on_a_small_stack() {
    let deepest = [
        "(".repeat(4096),
        "(".repeat(2047) + "a" + &")".repeat(2047),
        "-".repeat(4095) + "a",
        "a+".repeat(2047) + "a",
        "a^".repeat(2047) + "a",
        "1^".repeat(2047) + "1",
        "sum(".repeat(800) + "a" + &")".repeat(800),
        "a[1m:]".to_owned() + &"[1m:]".repeat(800),
    ];
    for query in deepest {
        let read = move || drop(Query::parse(&query).expect_err("too deep"));
        let thread = std::thread::Builder::new().stack_size(1 << 20);
        thread.spawn(read).unwrap().join().unwrap();
    }
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in ".{0,200}") {
        let _ = Query::parse(&text);
    }

    /// Of parts of PromQL, which get further than any text.
    #[test]
    fn no_parts_in_any_order_are_a_panic(parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..25)) {
        let text = parts.concat();
        if let Ok(query) = Query::parse(&text) {
            prop_assert!(!query.selectors().is_empty());
            prop_assert!(query.selectors().iter().all(|selector| selector.name.is_some()));
            let data = vec![Vec::new(); query.selectors().len()];
            prop_assert_eq!(query.evaluate(0, &data), Ok(Vec::new()));
        }
    }
}

const PARTS: [&str; 53] = [
    "sum",
    "avg",
    "avg:",
    "max",
    "count",
    "topk",
    "rate",
    "delta",
    "irate",
    "sum_over_time",
    "by",
    "without",
    "on",
    "(",
    "(",
    "(",
    ")",
    ")",
    ")",
    "{",
    "}",
    "[",
    "]",
    "[5m]",
    "[1e99]",
    "[-1]",
    "[5m:1m]",
    "offset",
    "@",
    " ",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "==",
    "and",
    "a",
    "a",
    "requests",
    "{b=\"c\"}",
    "{b=~\"c|d\"}",
    "b",
    "=",
    "=~",
    "\"c\"",
    "'",
    "1",
    "0x",
    "Inf",
    "5m",
];
