use promfetch_tests::config;
use promfetch_tests::{App, Behaviour, Emitter, Instance, Nats, Promfetch, eventually, http};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_table_is_complete_the_answer_is_503_and_never_404() {
    let nats = [Nats::start().await];
    // So long that this test never sees it pass.
    let config =
        config::with(json!({"nats": Nats::config(&nats), "start_response_delay_interval": "1h"}));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let answer = promfetch.get("/v1/apps/acme/prod/shop/metrics").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().starts_with("503 "), "{}", answer.text());
    let seconds: u64 = answer
        .header("retry-after")
        .parse()
        .expect("Retry-After in seconds");
    assert!(seconds > 0);
    for path in ["/health", "/ready"] {
        let answer = http::get(&format!("{}{path}", promfetch.health), &[]).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_interval_it_is_ready_and_stays_so() {
    let mut nats = [Nats::start().await];
    let promfetch = Promfetch::start(&config::with(json!({"nats": Nats::config(&nats)}))).await;
    for path in ["/health", "/ready"] {
        assert_eq!(
            http::get(&format!("{}{path}", promfetch.health), &[])
                .await
                .status,
            200,
            "{path}"
        );
    }
    assert_eq!(
        promfetch
            .get("/v1/apps/acme/prod/shop/metrics")
            .await
            .status,
        404
    );
    nats[0].kill();
    eventually("the loss of NATS is told", async || {
        let answer = http::get(&format!("{}/ready", promfetch.health), &[]).await;
        assert_eq!(answer.status, 200, "ready is a latch");
        (answer.text().contains("degraded")
            || promfetch.log().to_lowercase().contains("disconnect"))
        .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fixed_targets_are_ready_at_once() {
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let target = config::target(["acme", "prod", "fixed"], 0, instance.address);
    let config = config::with(json!({"targets": [target], "start_response_delay_interval": "1h"}));
    let promfetch = Promfetch::start(&config).await;
    let page = promfetch.page("/v1/apps/acme/prod/fixed/metrics").await;
    let sample = page.one("a", &[]);
    assert_eq!(
        (sample.label("app_name"), sample.label("index")),
        ("fixed", "0")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promfetch_only_watches_and_never_speaks_on_the_bus() {
    let nats = [Nats::start().await];
    let emitter = Emitter::connect(&nats, None).await;
    let mut all = emitter.listen(">").await;
    let promfetch = Promfetch::start(&config::with(json!({"nats": Nats::config(&nats)}))).await;
    // A greeting, as route-emitter sends it: routers answer, promfetch is none.
    emitter.publish_raw("router.greet", Vec::new()).await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    emitter.register(&app, &instance).await;
    eventually("the app is known", async || {
        (promfetch.get(&app.path("metrics")).await.status == 200).then_some(())
    })
    .await;
    drop(promfetch);
    let mut subjects = std::collections::BTreeSet::new();
    while let Ok(Some(message)) = tokio::time::timeout(
        std::time::Duration::from_millis(500),
        futures_util::StreamExt::next(&mut all),
    )
    .await
    {
        subjects.insert(message.subject.to_string());
        if subjects.contains("router.register") {
            break;
        }
    }
    assert!(
        subjects.is_subset(&["router.greet".to_owned(), "router.register".to_owned()].into()),
        "{subjects:?}"
    );
}
