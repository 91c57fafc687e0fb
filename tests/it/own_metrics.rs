use promfetch_tests::{App, Behaviour, Page, Platform, eventually};
use serde_json::json;

async fn own(platform: &Platform) -> Page {
    platform.promfetch.page("/metrics").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promfetchers_four_names_have_true_values() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("a 1\n"),
                Behaviour::page("a 2\n"),
                Behaviour::garbage(),
            ],
        )
        .await;
    for _ in 0..2 {
        platform.page(&pushed.app).await;
    }
    let page = own(&platform).await;
    let app = [
        ("app_id", pushed.app.guid.as_str()),
        ("app_name", "shop"),
        ("space_name", "prod"),
        ("organization_name", "acme"),
    ];
    assert_eq!(
        page.value("promfetch_metric_fetch_success_total", &app),
        4.0,
        "calls of instances are added"
    );
    let failed = page.one("promfetch_metric_fetch_failed_total", &app);
    assert_eq!(
        (
            failed.value,
            failed.label("index"),
            failed.label("instance_id")
        ),
        (2.0, "2", "2")
    );
    let age = page.value("promfetch_latest_time_scrape_route", &[]);
    assert!(
        (0.0..3600.0).contains(&age) || age > 1.6e9,
        "seconds since, or the time of, the last news: {age}"
    );
    assert!(age < 1e10, "promfetcher's 9.22e9 meant nothing: {age}");
    assert_eq!(page.value("promfetch_scrape_route_failed_total", &[]), 0.0);
    assert_eq!(
        page.types["promfetch_metric_fetch_success_total"],
        "counter"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_of_apps_that_left_go() {
    let platform = Platform::start_with(json!({"droplet_stale_threshold": "3s"})).await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "leaves"),
            [Behaviour::page("a 1\n"), Behaviour::garbage()],
        )
        .await;
    platform.page(&pushed.app).await;
    let mentions = |page: &Page| page.text.contains(&pushed.app.guid);
    assert!(mentions(&own(&platform).await));
    for instance in &pushed.instances {
        platform.emitter.unregister(&pushed.app, instance).await;
    }
    eventually("the series of the app are gone", async || {
        (!mentions(&own(&platform).await)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_ones_tell_of_calls_table_and_build() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    platform.page(&pushed.app).await;
    let page = own(&platform).await;
    let names: Vec<_> = page
        .samples
        .iter()
        .map(|sample| sample.name.as_str())
        .collect();
    for name in [
        "promfetch_calls_started_total",
        "promfetch_call_duration_seconds_count",
        "promfetch_call_last_duration_seconds",
        "promfetch_calls_in_flight",
    ] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    for part in ["fetch", "merge"] {
        assert!(
            page.all("promfetch_calls_started_total")
                .iter()
                .any(|sample| sample.label("api") == part && sample.value > 0.0),
            "calls of {part}: {}",
            page.text
        );
    }
    assert!(
        names.iter().any(|name| name.contains("build_info")),
        "{names:?}"
    );
    assert!(
        page.samples
            .iter()
            .any(|sample| sample.name.starts_with("promfetch_")
                && sample.name.contains("endpoints")
                && sample.value == 2.0),
        "the size of the table: {names:?}"
    );
}
