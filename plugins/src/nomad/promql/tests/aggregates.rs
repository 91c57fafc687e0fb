//! What many series say together.

use super::super::{Query, Series};
use super::{NOW, series, values};

fn three() -> Vec<Series> {
    vec![
        series("app=web i=0 zone=a", &[(0.0, 1.0)]),
        series("app=web i=1 zone=b", &[(0.0, 2.0)]),
        series("app=api i=0", &[(0.0, 6.0)]),
    ]
}

#[test]
fn groups_and_their_labels() {
    for (query, wanted, why) in [
        (
            "a",
            &[
                "app=api i=0: 6",
                "app=web i=0 zone=a: 1",
                "app=web i=1 zone=b: 2",
            ][..],
            "in the order of labels",
        ),
        ("sum(a)", &[": 9"], "one group without labels"),
        ("avg(a)", &[": 3"], ""),
        ("min(a)", &[": 1"], ""),
        ("max(a)", &[": 6"], ""),
        ("count(a)", &[": 3"], ""),
        ("sum by (app) (a)", &["app=api: 6", "app=web: 3"], ""),
        (
            "sum by (zone) (a)",
            &[": 6", "zone=a: 1", "zone=b: 2"],
            "a label that is not there is not in the result",
        ),
        (
            "count by (app, i) (a)",
            &["app=api i=0: 1", "app=web i=0: 1", "app=web i=1: 1"],
            "",
        ),
        ("sum by (unheard, of) (a)", &[": 9"], ""),
        ("sum by () (a)", &[": 9"], ""),
        (
            "sum without (i, zone) (a)",
            &["app=api: 6", "app=web: 3"],
            "",
        ),
        (
            "sum without () (a)",
            &[
                "app=api i=0: 6",
                "app=web i=0 zone=a: 1",
                "app=web i=1 zone=b: 2",
            ],
            "every label",
        ),
        (
            "sum by (app) (a * 2) / 3",
            &["app=api: 4", "app=web: 2"],
            "arithmetic inside and outside",
        ),
        ("-max(a)", &[": -6"], ""),
    ] {
        assert_eq!(values(query, &three()), wanted, "{query}: {why}");
    }
    for query in ["a", "sum(a)", "count(a)", "sum(a) + sum(a)", "rate(a[1m])"] {
        assert!(values(query, &[]).is_empty(), "{query}: nothing of nothing");
    }
}

#[test]
fn two_aggregates_meet_where_their_labels_are_equal() {
    // Each selector has series of its own: those that its matchers want.
    let answer = |query: &str| {
        let query = Query::parse(query).unwrap();
        let data: Vec<Vec<Series>> = query
            .selectors()
            .iter()
            .map(|selector| {
                let wanted = |series: &Series| {
                    selector.matchers.iter().all(|matcher| {
                        let value = series.labels.get(matcher.label());
                        matcher.matches(value.map_or("", |value| value))
                    })
                };
                three().into_iter().filter(wanted).collect()
            })
            .collect();
        let values = query.evaluate(NOW, &data).unwrap();
        values
            .into_iter()
            .map(|(labels, value)| (labels.into_values().collect::<Vec<_>>().join(","), value))
            .collect::<Vec<_>>()
    };
    for (query, wanted, why) in [
        ("sum(a) / count(a)", &[("", 3.0)][..], ""),
        (
            "sum by (app) (a) / count by (app) (a)",
            &[("api", 6.0), ("web", 1.5)],
            "",
        ),
        (
            "sum by (app) (a) - sum by (app) (a{app=\"web\"})",
            &[("web", 0.0)],
            "what has no partner is left out",
        ),
        (
            "sum by (app) (a) - sum(a)",
            &[],
            "and so are groups of other labels",
        ),
        ("sum by (zone) (a) - sum by (app) (a{app=\"api\"})", &[], ""),
        (
            "sum by (zone) (a) * sum(a)",
            &[("", 54.0)],
            "an empty label is none",
        ),
        ("sum(a) - 2 * max(a) + count(a)", &[("", 0.0)], "and so on"),
        ("sum(a{app=\"none\"}) + sum(a)", &[], ""),
    ] {
        let wanted: Vec<(String, f64)> = wanted
            .iter()
            .map(|(labels, value)| ((*labels).to_owned(), *value))
            .collect();
        assert_eq!(answer(query), wanted, "{query}: {why}");
    }
}

#[test]
fn what_is_no_number_in_groups() {
    let of = |numbers: &[f64]| -> Vec<Series> {
        let one = |(i, number): (usize, &f64)| series(&format!("i={i}"), &[(0.0, *number)]);
        numbers.iter().enumerate().map(one).collect()
    };
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for (query, numbers, wanted, why) in [
        ("min(a)", &[nan, 2.0, 1.0][..], ": 1", "NaN gives way"),
        ("max(a)", &[1.0, nan, 2.0], ": 2", ""),
        (
            "max(a)",
            &[nan, nan],
            ": NaN",
            "unless there is nothing else",
        ),
        ("sum(a)", &[1.0, nan], ": NaN", ""),
        ("sum(a)", &[inf, -inf], ": NaN", ""),
        (
            "avg(a)",
            &[inf, 1.0, inf],
            ": inf",
            "a mean that is infinite stays so",
        ),
        ("avg(a)", &[-inf, 1.0], ": -inf", ""),
        ("avg(a)", &[1.0, inf, -inf], ": NaN", ""),
        (
            "avg(a)",
            &[1.7e308, 1.7e308],
            ": 170000000000000000000000000000000000000000000",
            "no sum that is too large",
        ),
        ("count(a)", &[nan, inf], ": 2", "both are samples"),
    ] {
        let values = values(query, &of(numbers));
        assert!(
            values.len() == 1 && values[0].starts_with(wanted),
            "{query} of {numbers:?}: {values:?}: {why}"
        );
    }
}

#[test]
fn an_empty_label_is_no_label() {
    let mut one = series("app=web", &[(0.0, 1.0)]);
    one.labels.insert("zone".into(), "".into());
    assert_eq!(values("a", &[one.clone()]), ["app=web: 1"]);
    assert_eq!(
        values("sum without (i) (a)", &[one.clone()]),
        ["app=web: 1"]
    );
    let twice = [one, series("app=web", &[(0.0, 2.0)])];
    let query = Query::parse("a").unwrap();
    let error = query.evaluate(NOW, &[twice.to_vec()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "several series of `a` have the same labels: {app=\"web\"}"
    );
}

#[test]
fn the_order_of_series_changes_nothing() {
    // In another order the large numbers would swallow the small ones.
    let numbers = [1e16, 1.0, -1e16, 1.0, 3.0];
    let mut all: Vec<Series> = (0..5)
        .map(|i| series(&format!("i={i}"), &[(0.0, numbers[i])]))
        .collect();
    let first = values("sum(a)", &all);
    for _ in 0..5 {
        all.rotate_left(1);
        assert_eq!(values("sum(a)", &all), first);
        all.swap(0, 3);
        assert_eq!(values("sum(a)", &all), first);
    }
}

#[test]
fn series_of_another_query_are_an_error() {
    let query = Query::parse("sum(a) / sum(b)").unwrap();
    let error = query.evaluate(NOW, &[three()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the query has 2 selectors, and there are series of 1"
    );
}

/// What a window of an hour costs: the time is printed (`--nocapture`), and never judged.
#[test]
#[expect(clippy::print_stderr, reason = "a measurement, for whoever asks")]
fn a_rate_of_many_samples() {
    let points: Vec<(f64, f64)> = (0..3600)
        .map(|second| (second as f64 - 3599.0, (second % 500) as f64))
        .collect();
    let all: Vec<Series> = (0..1000)
        .map(|i| series(&format!("app_name=web i={i}"), &points))
        .collect();
    let query = Query::parse("sum(rate(a[1h]))").unwrap();
    let data = [all];
    let since = std::time::Instant::now();
    let values = query.evaluate(NOW, &data).unwrap();
    eprintln!("1,000 series of 3,600 samples: {:?}", since.elapsed());
    assert_eq!(values.len(), 1);
    // 3,592 in an hour of one series: seven times 499, and 99 at the end.
    let rate = values[0].1 * 3600.0 / 1000.0;
    assert!((3590.0..3600.0).contains(&rate), "{rate}");
}
