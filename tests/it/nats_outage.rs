use std::time::Duration;

use promfetch_tests::{App, Behaviour, Platform, eventually};
use serde_json::json;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_ages_while_nats_is_away_and_new_apps_come_with_it() {
    let threshold = Duration::from_secs(4);
    let mut platform = Platform::start_with(json!({"droplet_stale_threshold": "4s"})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    platform.nats[0].kill();
    // No condition tells that something does *not* happen: this is twice the time after which it would.
    sleep(2 * threshold).await;
    assert!(
        platform.page(&pushed.app).await.has("a"),
        "an outage of NATS must not empty the table"
    );
    assert!(platform.promfetch.is_healthy().await, "ready is a latch");

    platform.nats[0].restart().await;
    let late = platform
        .push(App::new("acme", "prod", "late"), [Behaviour::page("b 1\n")])
        .await;
    assert!(platform.page(&late.app).await.has("b"));
    assert!(
        platform.page(&pushed.app).await.has("a"),
        "the clock starts anew at the reconnect"
    );

    // And ageing works again.
    platform.emitter.forget(&pushed.instances[0]);
    eventually("the app without heartbeats is gone", async || {
        (platform.get(&pushed.app).await.status == 404).then_some(())
    })
    .await;
    assert!(platform.page(&late.app).await.has("b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promfetch_starts_while_nats_is_away_and_waits_for_it() {
    let mut platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    platform.nats[0].kill();
    let config = promfetch_tests::config::with(
        json!({"nats": promfetch_tests::Nats::config(&platform.nats)}),
    );
    let second = promfetch_tests::Promfetch::start_unready(&config.to_string()).await;
    let answer = second.get(&pushed.app.path("metrics")).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    platform.nats[0].restart().await;
    second.wait_ready().await;
    eventually("the app is known", async || {
        (second.get(&pushed.app.path("metrics")).await.status == 200).then_some(())
    })
    .await;
}
