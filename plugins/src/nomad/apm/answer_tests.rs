use super::*;

const STEP: Duration = Duration::from_secs(10);

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn labels(instance: &str) -> LabelSet {
    LabelSet::from([("instance".into(), instance.into())])
}

/// Pages at 10 s, 20 s, …: each text is a series, each character its value then, `-` for none; `!` in the first is
/// a page that failed.
fn window(texts: &[&str]) -> Window {
    let time = |position: usize| (position as Millis + 1) * 10_000;
    let ticks: Vec<Tick> = texts[0]
        .char_indices()
        .map(|(position, value)| Tick {
            at: time(position),
            ok: value != '!',
        })
        .collect();
    let series = texts.iter().enumerate().map(|(number, text)| Series {
        labels: labels(&number.to_string()),
        points: text
            .char_indices()
            .filter_map(|(position, value)| match value {
                'N' => Some((time(position), f64::NAN)),
                'I' => Some((time(position), f64::INFINITY)),
                _ => Some((time(position), f64::from(value.to_digit(10)?))),
            })
            .collect(),
    });
    Window {
        since: ticks.iter().find(|tick| tick.ok).map(|tick| tick.at),
        series: series.collect(),
        ticks,
        trouble: None,
    }
}

fn evaluate(query: &str, windows: Vec<Vec<Window>>, from: Millis, to: Millis) -> Answer {
    let query = Query::parse(query).unwrap();
    let span = Span { from, to };
    answer(&query, windows, span, STEP, deadline()).unwrap()
}

fn only(answer: Answer) -> Vec<f64> {
    let series = answer.finish("q", true).unwrap();
    series
        .into_iter()
        .flatten()
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_series_is_there_while_it_is_on_the_last_page() {
    for (pages, values, why) in [
        (&["111", "222"][..], &[3.0, 3.0, 3.0][..], "both"),
        (&["111", "2--"], &[3.0, 1.0, 1.0], "one left"),
        (&["111", "--2"], &[1.0, 1.0, 3.0], "one came"),
        (
            &["1!1", "2-2"],
            &[3.0, 3.0],
            "nothing is known while there is no page",
        ),
        (&["1!!", "2--"], &[3.0], "nor is it later"),
        (&["---", "---"], &[], "no series"),
    ] {
        let answer = evaluate("sum(a)", vec![vec![window(pages)]], 10_000, 30_000);
        assert_eq!(only(answer), values, "{why}");
    }
}

#[test]
fn half_of_a_sum_is_none() {
    let (whole, away) = (window(&["111"]), window(&["-!-", "2-2"]));
    let answer = evaluate("sum(a)", vec![vec![whole, away]], 10_000, 30_000);
    assert_eq!((answer.covered, answer.unknown), (2, 1));
    let values = only(answer);
    assert_eq!(
        values,
        [3.0, 3.0],
        "no 1 in between, while an app's page is away"
    );
}

#[test]
fn steps_between_pages_see_the_page_before() {
    let pages = vec![vec![window(&["123"])]];
    assert_eq!(only(evaluate("a", pages.clone(), 19_999, 19_999)), [1.0]);
    assert_eq!(only(evaluate("a", pages.clone(), 20_000, 20_000)), [2.0]);
    assert!(
        only(evaluate("a", pages.clone(), 9_999, 9_999)).is_empty(),
        "before all"
    );
    assert!(
        only(evaluate("a", pages, 1_000_000, 1_000_000)).is_empty(),
        "beyond the look-back"
    );
}

#[test]
fn ranges_wait_until_they_are_known() {
    let pages = vec![vec![window(&["1234567"])]];
    let answer = evaluate("increase(a[30s])", pages.clone(), 10_000, 70_000);
    // Known from 10 s on; with one and a half steps that Prometheus fills up, 30 s are known at 25 s.
    assert_eq!(answer.uncovered, 2);
    let values = only(answer);
    assert!(
        values.iter().all(|value| (value - 3.0).abs() < 1e-9),
        "{values:?}"
    );
    assert_eq!(values.len(), 5);
    let answer = evaluate("increase(a[5m])", pages, 10_000, 70_000);
    assert_eq!((answer.uncovered, only(answer)), (7, Vec::new()));
}

#[test]
fn an_app_that_comes_later_does_not_stop_the_others() {
    let mut late = window(&["---55"]);
    late.since = Some(40_000);
    late.ticks.drain(..3);
    late.series[0].labels = labels("late");
    let windows = vec![vec![window(&["11111"]), late]];
    let answer = evaluate("sum(a)", windows, 10_000, 50_000);
    assert_eq!(only(answer), [1.0, 1.0, 1.0, 6.0, 6.0]);
    let nowhere = evaluate("sum(a)", vec![vec![]], 10_000, 50_000);
    assert_eq!(
        (nowhere.uncovered, only(nowhere)),
        (0, vec![]),
        "no app fits"
    );
}

#[test]
fn every_selector_has_its_own() {
    let windows = vec![vec![window(&["246"])], vec![window(&["112"])]];
    let answer = evaluate("sum(a) / sum(b)", windows, 10_000, 30_000);
    assert_eq!(only(answer), [2.0, 4.0, 3.0]);
    let windows = vec![vec![window(&["246"])], vec![window(&["!12"])]];
    let answer = evaluate("sum(a) / sum(b)", windows, 10_000, 30_000);
    assert_eq!(answer.uncovered, 1, "the second is known from 20 s on");
    assert_eq!(only(answer), [4.0, 3.0]);
}

#[test]
fn what_is_no_finite_number_is_dropped_and_named() {
    let answer = evaluate("a", vec![vec![window(&["1N3I"])]], 10_000, 40_000);
    assert_eq!(answer.dropped, 2);
    assert_eq!(only(answer), [1.0, 3.0]);
    let answer = evaluate("a", vec![vec![window(&["NI"])]], 10_000, 20_000);
    let error = answer.finish("a", true).unwrap_err();
    assert!(
        error.contains("`a`") && error.contains("{instance=\"0\"}"),
        "{error}"
    );
    // One of several is enough.
    let answer = evaluate("a", vec![vec![window(&["NN", "11"])]], 10_000, 20_000);
    let series = answer.finish("a", false).unwrap();
    assert_eq!(series, [[(10_000, 1.0), (20_000, 1.0)]]);
}

#[test]
fn one_series_is_expected_of_a_query() {
    let pages = || vec![vec![window(&["11", "22", "33"])]];
    let error = evaluate("a", pages(), 10_000, 20_000)
        .finish("a", true)
        .unwrap_err();
    assert!(
        error.contains("3 series, and only 1") && error.contains("sum("),
        "{error}"
    );
    let series = evaluate("a", pages(), 10_000, 20_000)
        .finish("a", false)
        .unwrap();
    assert_eq!(series.len(), 3);
}

#[test]
fn what_takes_too_long_is_given_up() {
    let query = Query::parse("a").unwrap();
    let span = Span {
        from: 0,
        to: 30_000,
    };
    let over = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    let error = answer(&query, vec![vec![window(&["1"])]], span, STEP, over).unwrap_err();
    assert!(error.contains("takes too long"), "{error}");
}

#[test]
fn long_texts_are_shown_in_part() {
    assert_eq!(shown("up"), "up");
    let long = shown(&"ä".repeat(MAX_SHOWN));
    assert!(long.len() <= MAX_SHOWN + 3 && long.ends_with('…'), "{long}");
}
