use std::time::Duration;

use promfetch_tests::{Answer, App, Behaviour, Platform, eventually};
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_requests_at_the_same_time_ask_the_instances_once() {
    let platform = Platform::start().await;
    let slow = || Behaviour::slow(Duration::from_secs(2), "a 1\n");
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [slow(), slow()])
        .await;
    let url = format!("{}{}", platform.promfetch.api, pushed.app.path("metrics"));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let url = url.clone();
        callers.spawn(async move { promfetch_tests::http::get(&url, &[]).await });
    }
    // A caller with credentials gets an answer of its own.
    let with_credentials = url.clone();
    callers.spawn(async move {
        promfetch_tests::http::get(&with_credentials, &[("authorization", "Bearer x")]).await
    });
    for answer in callers.join_all().await {
        assert_eq!(answer.status, 200);
        assert!(
            answer.text().contains("\na{") || answer.text().starts_with("a{"),
            "{}",
            answer.text()
        );
    }
    for instance in &pushed.instances {
        assert_eq!(
            instance.requests(),
            2,
            "one for the twenty, one for the other"
        );
        assert_eq!(
            instance
                .seen()
                .iter()
                .filter(|seen| seen.header("authorization") == "Bearer x")
                .count(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_ends_its_fetches() {
    let platform = Platform::start_with(json!({"fetch_timeout": "10m"})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::Hang])
        .await;
    let url = format!("{}{}", platform.promfetch.api, pushed.app.path("metrics"));
    let caller = tokio::spawn(async move { promfetch_tests::http::try_get(&url, &[]).await });
    eventually("the instance is asked", async || {
        (pushed.instances[0].requests() == 1).then_some(())
    })
    .await;
    caller.abort();
    eventually("no fetch is under way", async || {
        in_flight(&platform)
            .await
            .is_some_and(|calls| calls == 0.0)
            .then_some(())
    })
    .await;
}

/// Fetches of instances under way, by promfetch's own metrics.
async fn in_flight(platform: &Platform) -> Option<f64> {
    let page = platform.promfetch.page("/metrics").await;
    let calls: Vec<f64> = page
        .all("promfetch_calls_in_flight")
        .iter()
        .filter(|sample| sample.label("api") == "fetch")
        .map(|sample| sample.value)
        .collect();
    (!calls.is_empty()).then(|| calls.iter().sum())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_hangs_does_not_stop_the_others() {
    let platform = Platform::start_with(json!({"max_fetches": 20, "fetch_timeout": "20s"})).await;
    let hanging = platform
        .push(
            App::new("acme", "prod", "hanging"),
            (0..40).map(|_| Behaviour::Hang),
        )
        .await;
    let healthy = platform
        .push(
            App::new("acme", "prod", "healthy"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    let url = format!("{}{}", platform.promfetch.api, hanging.app.path("metrics"));
    let caller = tokio::spawn(async move { promfetch_tests::http::try_get(&url, &[]).await });
    eventually("the limit is reached", async || {
        (hanging
            .instances
            .iter()
            .filter(|instance| instance.requests() > 0)
            .count()
            >= 10)
            .then_some(())
    })
    .await;
    for _ in 0..3 {
        let page = platform
            .promfetch
            .page_with(
                &healthy.app.path("metrics"),
                &[("x-prometheus-scrape-timeout-seconds", "10")],
            )
            .await;
        assert_eq!(page.up().values().sum::<f64>(), 2.0, "{:?}", page.errors());
    }
    caller.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_other_paths_and_formats_do_not_share() {
    let platform = Platform::start().await;
    let echo =
        Behaviour::answering(|seen| Answer::text(format!("asked{{path=\"{}\"}} 1\n", seen.path)));
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [echo])
        .await;
    let paths: Vec<String> = (0..5).map(|number| format!("/path-{number}")).collect();
    let mut callers = JoinSet::new();
    for path in paths {
        let url = format!(
            "{}{}?metric_path={path}",
            platform.promfetch.api,
            pushed.app.path("metrics")
        );
        callers.spawn(async move { (path, promfetch_tests::http::get(&url, &[]).await) });
    }
    for (path, answer) in callers.join_all().await {
        assert!(
            answer.text().contains(&format!("path=\"{path}\"")),
            "{path}: {}",
            answer.text()
        );
    }
}
