use promfetch_core::exposition::MetricType;

use super::super::budget::Budget;
use super::*;
use crate::nomad::promql::Query;

fn sample(name: &str, labels: &[(&str, &str)], value: f64) -> Sample {
    Sample {
        name: name.into(),
        kind: MetricType::Gauge,
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        value,
    }
}

fn wanted(text: &str) -> VectorSelector {
    Query::parse(text).unwrap().selectors()[0].clone()
}

fn track(keep: u64, budget: &Budget) -> Track {
    let mut track = Track::new(wanted("a"), budget.share());
    track.ask(Duration::from_millis(keep)).unwrap();
    track
}

fn points(track: &Track) -> Vec<Point> {
    let window = track.window(Millis::MIN, None).unwrap();
    window
        .series
        .into_iter()
        .flat_map(|series| series.points)
        .collect()
}

fn all(budget: &Budget) -> bool {
    budget.share().take(budget.whole())
}

#[test]
fn what_is_wanted_is_kept_as_long_as_it_is_wanted() {
    let budget = Budget::new(1 << 20);
    let mut track = track(20, &budget);
    for at in 1..=10 {
        let page = [sample("a", &[], at as f64), sample("b", &[], 0.0)];
        track.record(at * 10, Some(&page));
    }
    assert_eq!(points(&track), [(80, 8.0), (90, 9.0), (100, 10.0)]);
    let window = track.window(95, None).unwrap();
    assert_eq!(window.since, Some(80), "nothing is missing from there on");
    assert_eq!(window.series[0].points, [(90, 9.0), (100, 10.0)]);
    assert_eq!(window.ticks.len(), 3);
    // A longer look back has what there is, and no more.
    track.ask(Duration::from_secs(1)).unwrap();
    track.record(110, Some(&[sample("a", &[], 11.0)]));
    assert_eq!(track.window(0, None).unwrap().since, Some(80));
    drop(track);
    assert!(all(&budget), "everything was given back");
}

#[test]
fn what_is_seen_at_a_time_may_be_older() {
    let budget = Budget::new(1 << 20);
    let mut track = track(20, &budget);
    for at in [100, 200, 300] {
        track.record(at, Some(&[sample("a", &[], at as f64)]));
    }
    assert_eq!(points(&track), [(200, 200.0), (300, 300.0)], "seen at 280");
    let window = track.window(290, None).unwrap();
    assert_eq!(
        (window.since, window.series[0].points[0].0),
        (Some(200), 200)
    );
}

#[test]
fn matchers_choose_series() {
    let budget = Budget::new(1 << 20);
    for (text, kept, why) in [
        ("a", 3, "all"),
        (r#"a{code="200"}"#, 1, "one"),
        (r#"a{code=""}"#, 1, "the one without the label"),
        (r#"a{code=~"5.."}"#, 1, "a pattern"),
        (r#"a{code!="200"}"#, 2, "the others"),
        (r#"a{code!="",x="1"}"#, 0, "all have to fit"),
    ] {
        let mut track = Track::new(wanted(text), budget.share());
        let page = [
            sample("a", &[("code", "200")], 1.0),
            sample("a", &[("code", "500")], 1.0),
            sample("a", &[], 1.0),
            sample("b", &[("code", "200")], 1.0),
        ];
        track.record(1, Some(&page));
        assert_eq!(track.window(0, None).unwrap().series.len(), kept, "{why}");
    }
}

#[test]
fn pages_that_failed_are_ticks_too() {
    let budget = Budget::new(1 << 20);
    let mut track = track(1000, &budget);
    assert!(!track.has_begun());
    track.record(10, None);
    assert!(track.has_begun(), "nobody waits for the next one");
    assert_eq!(
        track.window(0, None).unwrap().since,
        None,
        "nothing is known yet"
    );
    track.record(20, Some(&[]));
    track.record(30, None);
    let window = track.window(0, Some("away".into())).unwrap();
    assert_eq!(
        window.since,
        Some(20),
        "a page without the metric says that it is not there"
    );
    let ticks = [(10, false), (20, true), (30, false)];
    assert_eq!(window.ticks, ticks.map(|(at, ok)| Tick { at, ok }));
    assert_eq!(window.trouble.as_deref(), Some("away"));
}

#[test]
fn series_that_left_go_with_their_last_sample() {
    let budget = Budget::new(1 << 20);
    let mut track = track(20, &budget);
    track.record(10, Some(&[sample("a", &[("i", "0")], 1.0)]));
    for at in [20, 30, 40] {
        track.record(at, Some(&[sample("a", &[("i", "1")], 2.0)]));
    }
    let window = track.window(0, None).unwrap();
    assert_eq!(window.series.len(), 1);
    assert_eq!(window.series[0].points.len(), 3);
}

#[test]
fn a_clock_that_is_set_back_begins_anew() {
    let budget = Budget::new(1 << 20);
    let mut track = track(1000, &budget);
    for at in [100, 110, 110, 120] {
        track.record(at, Some(&[sample("a", &[], at as f64)]));
    }
    assert_eq!(points(&track), [(100, 100.0), (110, 110.0), (120, 120.0)]);
    track.record(50, Some(&[sample("a", &[], 1.0)]));
    track.record(60, Some(&[sample("a", &[], 2.0)]));
    assert_eq!(points(&track), [(50, 1.0), (60, 2.0)]);
    assert_eq!(track.window(0, None).unwrap().since, Some(50));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_told_and_tried_again() {
    let budget = Budget::new(2000);
    let mut first = track(1000, &budget);
    first.record(10, Some(&[sample("a", &[], 1.0)]));
    let mut second = track(1000, &budget);
    let page: Vec<Sample> = (0..10)
        .map(|number| sample("a", &[("i", &number.to_string())], 1.0))
        .collect();
    second.record(10, Some(&page));
    assert!(second.has_begun(), "nobody waits");
    let error = second.window(0, None).unwrap_err();
    assert!(
        error.contains("`a`") && error.contains("add matchers"),
        "{error}"
    );
    assert_eq!(second.ask(Duration::ZERO), Err(error));
    second.record(20, Some(&page));
    assert_eq!(points(&first), [(10, 1.0)], "others keep theirs");

    tokio::time::advance(PAUSE + Duration::from_secs(1)).await;
    second.ask(Duration::ZERO).unwrap();
    assert!(!second.has_begun());
    second.record(30, Some(&page[..1]));
    assert_eq!(points(&second), [(30, 1.0)]);
    drop((first, second));
    assert!(all(&budget));
}

#[test]
fn the_number_of_series_is_bounded() {
    let budget = Budget::new(1 << 30);
    let mut track = track(1000, &budget);
    let page: Vec<Sample> = (0..=MAX_SERIES)
        .map(|number| sample("a", &[("i", &number.to_string())], 1.0))
        .collect();
    track.record(10, Some(&page[1..]));
    assert_eq!(points(&track).len(), MAX_SERIES);
    track.record(20, Some(&page));
    let error = track.window(0, None).unwrap_err();
    assert!(error.contains("more than 10000 series"), "{error}");
    assert!(all(&budget), "nothing is kept of it");
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_a_while() {
    let budget = Budget::new(1 << 20);
    let mut track = track(1000, &budget);
    let idle = Duration::from_secs(60);
    tokio::time::advance(idle).await;
    assert!(!track.is_idle(idle));
    tokio::time::advance(idle).await;
    assert!(track.is_idle(idle));
    track.ask(Duration::ZERO).unwrap();
    assert!(!track.is_idle(idle));
}
