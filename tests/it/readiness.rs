use promfetch_tests::config;
use promfetch_tests::gorouter::Gorouter;
use promfetch_tests::{
    Answer, App, Behaviour, Emitter, Instance, Nats, Promfetch, eventually, http,
};
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
async fn half_of_an_app_is_not_served_for_the_whole() {
    let nats = [Nats::start().await];
    let config =
        config::with(json!({"nats": Nats::config(&nats), "start_response_delay_interval": "1h"}));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let emitter = Emitter::connect(&nats, None).await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    eventually("the instance is in the table", async || {
        emitter.register(&app, &instance).await;
        let own = promfetch.page("/metrics").await;
        (own.one("promfetch_table_endpoints", &[]).value == 1.0).then_some(())
    })
    .await;
    let answer = promfetch.get(&app.path("metrics")).await;
    assert_eq!(
        answer.status,
        503,
        "other instances may be missing: {}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_away_from_the_start_does_not_take_the_others_along() {
    let mut nats = [Nats::start().await];
    let settings = Nats::config(&nats);
    nats[0].kill();
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let target = config::target(["acme", "prod", "fixed"], 0, instance.address);
    let config = config::with(json!({"nats": settings, "targets": [target]}));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let page = promfetch.page("/v1/apps/acme/prod/fixed/metrics").await;
    assert!(page.has("a"), "a fixed target is known at once");
    let answer = promfetch.get("/v1/apps/acme/prod/shop/metrics").await;
    assert_eq!(answer.status, 503, "NATS might know it: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_app_is_said_to_be_gone_while_nothing_could_be_heard() {
    let router = Gorouter::start().await;
    router.answers(Some(Answer::status(401)));
    let config = config::with(json!({"gorouters": [router.config()]}));
    // Ready after the interval: one router that is down must not stop all.
    let promfetch = Promfetch::start(&config).await;
    let answer = promfetch.get("/v1/apps/acme/prod/shop/metrics").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        answer.text().contains("could be heard"),
        "{}",
        answer.text()
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
