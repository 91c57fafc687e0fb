use std::time::Duration;

use promfetch_tests::{App, Behaviour, Platform};
use serde_json::json;
use tokio::time::timeout;

/// Longest time any of these pages may take: far more than the deadlines, far less than the sum of all hanging instances.
const LIMIT: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_hanging_instances_cost_one_deadline_and_not_six() {
    let platform = Platform::start().await;
    let behaviours = (0..10).map(|index| {
        if index < 6 {
            Behaviour::Hang
        } else {
            Behaviour::page("a 1\n")
        }
    });
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let path = pushed.app.path("metrics");
    let headers = [("x-prometheus-scrape-timeout-seconds", "3")];
    let page = timeout(LIMIT, platform.promfetch.page_with(&path, &headers))
        .await
        .expect("one deadline for all");
    assert_eq!(page.all("a").len(), 4);
    assert_eq!(
        page.errors().into_values().collect::<Vec<_>>(),
        ["timeout"; 6]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configured_time_holds_when_the_header_is_absent_larger_or_nonsense() {
    let platform = Platform::start_with(json!({"fetch_timeout": "2s"})).await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::Hang, Behaviour::page("a 1\n")],
        )
        .await;
    let path = pushed.app.path("metrics");
    for value in [
        None,
        Some("100"),
        Some("1e9"),
        Some("-1"),
        Some("NaN"),
        Some("inf"),
        Some("soon"),
        Some(""),
    ] {
        let headers: Vec<_> = value
            .iter()
            .map(|value| ("x-prometheus-scrape-timeout-seconds", *value))
            .collect();
        let page = timeout(LIMIT, platform.promfetch.page_with(&path, &headers))
            .await
            .unwrap_or_else(|_| panic!("no deadline with {value:?}"));
        assert_eq!((page.up()["0"], page.up()["1"]), (0.0, 1.0), "{value:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_told_what_time_is_left() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    platform
        .promfetch
        .page_with(
            &pushed.app.path("metrics"),
            &[("x-prometheus-scrape-timeout-seconds", "10")],
        )
        .await;
    let left: f64 = pushed.instances[0]
        .last_seen()
        .header("x-prometheus-scrape-timeout-seconds")
        .parse()
        .expect("a number");
    assert!(
        left > 0.0 && left <= 9.5,
        "10 s less the margin of 0.5 s: {left}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_hang_there_is_a_page_that_says_so() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::Hang, Behaviour::Hang],
        )
        .await;
    let page = platform
        .promfetch
        .page_with(
            &pushed.app.path("metrics"),
            &[("x-prometheus-scrape-timeout-seconds", "2")],
        )
        .await;
    assert_eq!(page.up().into_values().collect::<Vec<_>>(), [0.0, 0.0]);
}
