use std::time::Duration;

use promfetch_tests::{App, Behaviour, Platform, eventually, http};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_request_completes_at_sigterm_and_sigint() {
    for signal in ["TERM", "INT"] {
        let mut platform = Platform::start().await;
        let pushed = platform
            .push(
                App::new("acme", "prod", "shop"),
                [Behaviour::slow(Duration::from_secs(2), "a 1\n")],
            )
            .await;
        let url = format!("{}{}", platform.promfetch.api, pushed.app.path("metrics"));
        let open = tokio::spawn(async move { http::get(&url, &[]).await });
        eventually("the instance is asked", async || {
            (pushed.instances[0].requests() == 1).then_some(())
        })
        .await;
        platform.promfetch.signal(signal);
        let answer = open.await.unwrap();
        assert_eq!(answer.status, 200, "{signal}");
        assert!(
            answer.text().contains("a{"),
            "{signal}: complete: {}",
            answer.text()
        );
        assert_eq!(platform.promfetch.ended().await.code(), Some(0), "{signal}");
        assert!(
            platform
                .promfetch
                .try_get_with("/metrics", &[])
                .await
                .is_err(),
            "{signal}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigusr1_turns_unhealthy_first_and_serves_on_for_a_while() {
    let mut platform = Platform::start_with(json!({"drain_wait": "3s"})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let path = pushed.app.path("metrics");
    assert!(platform.promfetch.is_healthy().await);
    platform.promfetch.signal("USR1");
    // The load balancer sees 503 …
    eventually("the health port says 503", async || {
        http::try_get(&format!("{}/health", platform.promfetch.health), &[])
            .await
            .ok()
            .filter(|answer| answer.status == 503)
    })
    .await;
    // … while callers that have not noticed are still served.
    assert!(platform.promfetch.page(&path).await.has("a"));
    assert_eq!(platform.promfetch.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_instance_does_not_keep_the_process_for_ever() {
    let mut platform = Platform::start_with(json!({"fetch_timeout": "10m"})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::Hang])
        .await;
    let url = format!("{}{}", platform.promfetch.api, pushed.app.path("metrics"));
    let open = tokio::spawn(async move { http::try_get(&url, &[]).await });
    eventually("the instance is asked", async || {
        (pushed.instances[0].requests() == 1).then_some(())
    })
    .await;
    platform.promfetch.signal("TERM");
    // 15 s are given to open requests.
    assert_eq!(platform.promfetch.ended().await.code(), Some(0));
    open.abort();
}
