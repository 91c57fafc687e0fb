use std::time::Duration;

use promfetch_tests::instance::Options;
use promfetch_tests::{App, Behaviour, Instance, Platform};
use tokio::time::{interval, sleep};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_idle_connections_never_looks_like_being_down() {
    let platform = Platform::start().await;
    let mut instances = Vec::new();
    for index in 0..8 {
        let options = Options {
            idle: Some(Duration::from_secs(2)),
            ..Options::default()
        };
        instances
            .push(Instance::start_with(&index.to_string(), Behaviour::counting(1), options).await);
    }
    let pushed = platform
        .register(App::new("acme", "prod", "idle"), instances)
        .await;
    assert_eq!(
        platform.page(&pushed.app).await.up().values().sum::<f64>(),
        8.0
    );
    // Around the moment when the instances close: each round reuses connections that may just die.
    for milliseconds in [1_990, 1_995, 1_998, 2_000, 2_002, 2_005] {
        sleep(Duration::from_millis(milliseconds)).await;
        let page = platform.page(&pushed.app).await;
        assert_eq!(
            page.up().values().sum::<f64>(),
            8.0,
            "after {milliseconds} ms: {:?}",
            page.errors()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_used_again() {
    let platform = Platform::start().await;
    let plain = platform
        .push(
            App::new("acme", "prod", "plain"),
            [Behaviour::counting(1), Behaviour::counting(1)],
        )
        .await;
    let tls = platform
        .push_tls(
            App::new("acme", "prod", "tls"),
            [Behaviour::counting(1), Behaviour::counting(1)],
        )
        .await;
    let mut ticks = interval(Duration::from_millis(100));
    for _ in 0..10 {
        ticks.tick().await;
        platform.page(&plain.app).await;
        platform.page(&tls.app).await;
    }
    for instance in plain.instances.iter().chain(&tls.instances) {
        assert_eq!((instance.requests(), instance.connections()), (10, 1));
    }
}
