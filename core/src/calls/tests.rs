//! What is counted when, and how it is written. Times are given, and never waited for.

use std::time::Duration;

use super::*;
use crate::exposition::{Format, Limits, Page};

fn text(registry: &Registry) -> String {
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, registry).unwrap();
    page
}

/// Starts a call and ends it after so many nanoseconds.
fn take(call: &Call, nanoseconds: u64, now: Instant) {
    let mut tally = call.lock();
    let number = tally.start(now);
    tally.end(number, now + Duration::from_nanos(nanoseconds));
}

#[test]
fn a_guard_counts_start_flight_and_end() {
    let mut registry = Registry::default();
    let calls = Calls::register(&mut registry);
    let call = calls.call("fetch", "get");
    let first = call.start();
    drop(call.start());
    assert_eq!(
        calls.call("fetch", "get").lock().started,
        2,
        "the same call is shared"
    );
    let flight =
        |count: u8| format!("promfetch_calls_in_flight{{api=\"fetch\",call=\"get\"}} {count}\n");
    assert!(text(&registry).contains(&flight(1)));
    drop(first);
    let page = text(&registry);
    for series in [
        r#"promfetch_calls_started_total{api="fetch",call="get"} 2"#,
        r#"promfetch_call_duration_seconds_count{api="fetch",call="get"} 2"#,
        flight(0).trim_end(),
    ] {
        assert!(page.contains(series), "{series} in {page}");
    }
}

#[test]
fn a_call_without_an_end_is_lost_after_two_minutes() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let (mut tally, begin) = (Tally::default(), Instant::now());
    let (lost, late) = (tally.start(begin), tally.start(begin + minutes(1)));
    assert_eq!(tally.in_flight(begin + minutes(1)), 2);
    assert_eq!(
        tally.in_flight(begin + minutes(2)),
        1,
        "the older one is no longer under way"
    );
    tally.end(lost, begin + minutes(2));
    assert_eq!(
        (tally.started, tally.ended),
        (2, 0),
        "its end gives no duration, its start stays"
    );
    tally.end(late, begin + minutes(4));
    assert_eq!(
        (tally.ended, tally.in_flight(begin + minutes(4))),
        (0, 0),
        "also when nobody has looked"
    );
    let good = tally.start(begin + minutes(5));
    tally.end(good, begin + minutes(6));
    tally.end(good, begin + minutes(6));
    assert_eq!(
        (tally.started, tally.ended, tally.last),
        (3, 1, 60.0),
        "one end each"
    );
    let crowd = begin + minutes(10);
    for number in 0..1000 {
        tally.start(crowd + Duration::from_secs(number));
    }
    assert_eq!(
        tally.in_flight(crowd + Duration::from_secs(999)),
        120,
        "nothing is kept for good"
    );
}

#[test]
fn durations_are_in_the_bucket_of_their_bound() {
    let mut registry = Registry::default();
    let calls = Calls::register(&mut registry);
    for nanoseconds in [10_000, 10_001, 30_000_000_000, 31_000_000_000] {
        take(&calls.call("a", "b"), nanoseconds, Instant::now());
    }
    let page = text(&registry);
    for (bound, count) in [
        ("0.00001", 1),
        ("0.0001", 2),
        ("10.0", 2),
        ("30.0", 3),
        ("+Inf", 4),
    ] {
        let series = format!(
            "promfetch_call_duration_seconds_bucket{{le=\"{bound}\",api=\"a\",call=\"b\"}} {count}"
        );
        assert!(page.contains(&series), "{series} in {page}");
    }
    assert!(
        page.contains(r#"promfetch_call_last_duration_seconds{api="a",call="b"} 31.0"#),
        "{page}"
    );
    let limits = Limits {
        max_samples: 1000,
        max_line: 1000,
    };
    assert!(Page::scan(page.into(), Format::OpenMetrics, &limits).is_ok());
}

#[test]
fn calls_of_the_host_are_counted_like_ours_and_bounded() {
    let mut registry = Registry::default();
    let calls = Calls::register(&mut registry);
    drop(calls.own_call("ecs", "DescribeTasks").unwrap().start());
    calls.own_call("ecs", "DescribeTasks").unwrap().increment();
    let page = text(&registry);
    for series in [
        r#"promfetch_calls_started_total{api="ecs",call="DescribeTasks"} 2"#,
        r#"promfetch_call_duration_seconds_count{api="ecs",call="DescribeTasks"} 1"#,
        r#"promfetch_calls_in_flight{api="ecs",call="DescribeTasks"} 0"#,
    ] {
        assert!(page.contains(series), "{series} in {page}");
    }
    for (api, call) in [("", "a"), ("a", ""), (&*"a".repeat(MAX_NAME + 1), "a")] {
        assert!(calls.own_call(api, call).is_err(), "{api:?} {call:?}");
    }
    let refused = (0..MAX_OWN).find(|number| calls.own_call("a", &number.to_string()).is_err());
    assert_eq!(refused, Some(MAX_OWN - 1), "one is there already");
    assert!(calls.own_call("a", "0").is_ok(), "known ones go on");
}

/// What the agent's own engine wrote: a call that was pulled, and another that was started twice and ended once.
const GOLDEN: &str = "\
# HELP AgentMetrics_DockerAPI_call_count \n\
# TYPE AgentMetrics_DockerAPI_call_count counter
AgentMetrics_DockerAPI_call_count{Call=\"PULL_IMAGE\"} 1
AgentMetrics_DockerAPI_call_count{Call=\"START_CONTAINER\"} 2
# HELP AgentMetrics_DockerAPI_call_duration DockerAPI call duration in seconds individual
# TYPE AgentMetrics_DockerAPI_call_duration gauge
AgentMetrics_DockerAPI_call_duration{Call=\"PULL_IMAGE\"} 0.010211301
AgentMetrics_DockerAPI_call_duration{Call=\"START_CONTAINER\"} 0.020294072
# HELP AgentMetrics_DockerAPI_duration_seconds DockerAPI call duration in seconds
# TYPE AgentMetrics_DockerAPI_duration_seconds summary
AgentMetrics_DockerAPI_duration_seconds_sum{Call=\"PULL_IMAGE\"} 0.010211301
AgentMetrics_DockerAPI_duration_seconds_count{Call=\"PULL_IMAGE\"} 1
AgentMetrics_DockerAPI_duration_seconds_sum{Call=\"START_CONTAINER\"} 0.020294072
AgentMetrics_DockerAPI_duration_seconds_count{Call=\"START_CONTAINER\"} 1
";

#[test]
fn the_agents_text_byte_for_byte() {
    let (calls, now) = (Calls::new(CallMetrics::Ecs), Instant::now());
    let of = |call| calls.own_call("DockerAPI", call).unwrap();
    // Known, and never used: the agent would not know it.
    of("LOAD_IMAGE");
    take(&of("START_CONTAINER"), 20_294_072, now);
    take(&of("PULL_IMAGE"), 10_211_301, now);
    of("START_CONTAINER").lock().start(now);
    assert_eq!(calls.ecs(false).unwrap(), GOLDEN);
    let mut registry = Registry::default();
    calls.register_in(&mut registry);
    assert_eq!(text(&registry), "# EOF\n", "not under our names besides");
    assert_eq!(Calls::default().ecs(false), None);

    take(&of("PULL_IMAGE"), 2_493, now);
    let small = calls.ecs(false).unwrap();
    let series = "AgentMetrics_DockerAPI_call_duration{Call=\"PULL_IMAGE\"} 2.493e-06\n";
    assert!(small.contains(series), "{small}");
}

/// Upstream's own test: ten calls of which half take one second and half two.
#[test]
fn the_agents_own_measure_holds() {
    let (calls, now) = (Calls::new(CallMetrics::Ecs), Instant::now());
    for number in 0..10 {
        let seconds = 1 + number % 2;
        take(
            &calls.call("state_manager", "save"),
            seconds * 1_000_000_000,
            now,
        );
    }
    let page = calls.ecs(false).unwrap();
    for series in [
        "AgentMetrics_StateManager_call_count{Call=\"SAVE\"} 10\n",
        "AgentMetrics_StateManager_duration_seconds_sum{Call=\"SAVE\"} 15\n",
        "AgentMetrics_StateManager_duration_seconds_count{Call=\"SAVE\"} 10\n",
    ] {
        assert!(page.contains(series), "{series} in {page}");
    }
}

#[test]
fn whatever_hosts_call_their_calls_the_page_is_valid() {
    let (calls, now) = (Calls::new(CallMetrics::Ecs), Instant::now());
    for (api, call, seconds) in [
        ("docker_api", "get", 1),
        ("docker api", "GET", 2),
        ("\"}\n", "\"\\\n", 3),
        ("ä", "名", 4),
        ("counted", "only", 0),
    ] {
        let call = calls.own_call(api, call).unwrap();
        match seconds {
            0 => call.increment(),
            seconds => take(
                &call,
                seconds * 1_000_000_000,
                now + Duration::from_secs(seconds),
            ),
        }
    }
    let page = calls.ecs(false).unwrap();
    for series in [
        "AgentMetrics_DockerApi_call_count{Call=\"GET\"} 2\n",
        "AgentMetrics_DockerApi_call_duration{Call=\"GET\"} 2\n",
        "AgentMetrics_DockerApi_duration_seconds_sum{Call=\"GET\"} 3\n",
        "AgentMetrics_Unnamed_call_count{Call=\"\\\"\\\\\\n\"} 1\n",
        "AgentMetrics_Counted_call_count{Call=\"ONLY\"} 1\n",
    ] {
        assert!(page.contains(series), "{series} in {page}");
    }
    assert!(!page.contains("AgentMetrics_Counted_duration"), "{page}");
    let limits = Limits {
        max_samples: 1000,
        max_line: 1000,
    };
    let open = calls.ecs(true).unwrap() + "# EOF\n";
    for (page, format) in [(page, Format::Text), (open, Format::OpenMetrics)] {
        let scanned = Page::scan(page.into(), format, &limits).unwrap();
        assert_eq!(scanned.samples(), 13, "{format:?}");
    }
}
