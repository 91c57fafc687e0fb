use promfetch_tests::config;
use promfetch_tests::gorouter::Gorouter;
use promfetch_tests::{Answer, App, Behaviour, Instance, Promfetch, eventually};
use serde_json::{Value, json};

fn polling(routers: &[&Gorouter]) -> Value {
    let routers: Vec<Value> = routers.iter().map(|router| router.config()).collect();
    config::with(json!({"gorouters": routers, "gorouter_poll_interval": "1s"}))
}

/// Waits until each router was polled `times` more.
async fn polled(routers: &[&Gorouter], times: u64) {
    for router in routers {
        let goal = router.polls() + times;
        eventually("the router was polled", async || {
            (router.polls() >= goal).then_some(())
        })
        .await;
    }
}

/// Waits until the app has this many instances; 0 stands for 404.
async fn has(promfetch: &Promfetch, app: &App, instances: usize) {
    eventually(
        &format!("{} has {instances} instances", app.name),
        async || {
            let answer = promfetch.get(&app.path("metrics")).await;
            let up = promfetch_tests::Page::read(if answer.status == 200 {
                answer.text()
            } else {
                ""
            })
            .up()
            .len();
            (up == instances && (answer.status == 404) == (instances == 0)).then_some(())
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_is_the_union_over_the_routers_and_follows_them() {
    let (first, second) = tokio::join!(Gorouter::start(), Gorouter::start());
    let (shop, cart) = (
        App::new("acme", "prod", "shop"),
        App::new("acme", "prod", "cart"),
    );
    let [a, b, c] = [
        Instance::start("0", Behaviour::page("a 1\n")).await,
        Instance::start("1", Behaviour::page("a 2\n")).await,
        Instance::start("0", Behaviour::page("c 1\n")).await,
    ];
    first.add(&shop, &a);
    second.add(&shop, &b);
    second.add(&cart, &c);
    let promfetch = Promfetch::start(&polling(&[&first, &second])).await;
    has(&promfetch, &shop, 2).await;
    has(&promfetch, &cart, 1).await;

    // A good, non-empty poll without the endpoint takes it out.
    second.clear();
    second.add(&cart, &c);
    has(&promfetch, &shop, 1).await;
    has(&promfetch, &cart, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_routers_and_a_restarted_one_keep_the_last_good_table() {
    let router = Gorouter::start().await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    router.add(&app, &instance);
    // The tests' short start delay would end the doubt about an empty table while the test looks.
    let config = config::with(json!({
        "gorouters": [router.config()],
        "gorouter_poll_interval": "1s",
        "start_response_delay_interval": "5m",
    }));
    let promfetch = Promfetch::start(&config).await;
    has(&promfetch, &app, 1).await;

    let cut = Answer {
        status: 200,
        headers: vec![("content-type", "application/json".into())],
        body: "{\"a.apps.test\":[{\"addre".into(),
    };
    for (answer, reason) in [
        (Answer::status(401), "wrong password"),
        (Answer::status(500), "an error"),
        (Answer::text("<html>not a table</html>"), "no JSON"),
        (cut, "cut short"),
        (Answer::text("[]"), "JSON of another form"),
    ] {
        router.answers(Some(answer));
        polled(&[&router], 3).await;
        assert_eq!(
            promfetch.page(&app.path("metrics")).await.up().len(),
            1,
            "{reason}"
        );
    }
    router.answers(None);
    let table = router.clear();
    polled(&[&router], 3).await;
    assert_eq!(
        promfetch.page(&app.path("metrics")).await.up().len(),
        1,
        "a restarted router has an empty table at first"
    );
    router.set(&table);
    polled(&[&router], 2).await;
    assert_eq!(promfetch.page(&app.path("metrics")).await.up().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_failing_router_of_two_does_not_stop_the_other() {
    let (good, bad) = tokio::join!(Gorouter::start(), Gorouter::start());
    bad.answers(Some(Answer::status(401)));
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    good.add(&app, &instance);
    let promfetch = Promfetch::start(&polling(&[&good, &bad])).await;
    has(&promfetch, &app, 1).await;
    let log = promfetch.logged("401").await;
    assert!(!log.contains(promfetch_tests::gorouter::PASSWORD), "{log}");

    let late = App::new("acme", "prod", "late");
    let late_instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    good.add(&late, &late_instance);
    has(&promfetch, &late, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn platform_components_empty_keys_and_broken_entries_are_no_apps() {
    let router = Gorouter::start().await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    router.add(&app, &instance);
    let mut table: Value = serde_json::from_str(&router.clear()).unwrap();
    table["empty.apps.test"] = json!([]);
    table["uaa.test"] = json!([{"address": instance.address.to_string(), "tls": false, "ttl": 120, "tags": {"component": "uaa"}}]);
    table["tcp.test"] = json!([{"address": instance.address.to_string(), "tags": null}]);
    table["broken.test"] =
        json!([{"address": 17}, null, {"address": "no port"}, {"tags": {"app_id": 3}}]);
    router.set(&table.to_string());
    let promfetch = Promfetch::start(&polling(&[&router])).await;
    has(&promfetch, &app, 1).await;
    for route in ["empty.apps.test", "uaa.test", "tcp.test", "broken.test"] {
        assert_eq!(
            promfetch
                .get(&format!("/v1/apps/{route}/metrics"))
                .await
                .status,
            404,
            "{route}"
        );
    }
}
