use promfetch_tests::{App, Behaviour, Instance, Nats, Platform, Promfetch, config, eventually};
use serde_json::{Value, json};

/// The elements of the list, whatever the name of the array.
fn elements(list: &Value) -> Vec<Value> {
    let array = list
        .as_array()
        .or_else(|| list.as_object()?.values().find_map(Value::as_array));
    array
        .unwrap_or_else(|| panic!("a list of instances: {list}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_tells_why_an_instance_is_not_there() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [
                Behaviour::page("a 1\n"),
                Behaviour::garbage(),
                Behaviour::status(500),
            ],
        )
        .await;
    platform.page(&pushed.app).await;
    for path in [
        pushed.app.path("instances"),
        format!("/v1/apps/{}/instances", pushed.app.guid),
        format!("/v1/apps/{}/instances", pushed.app.routes[0]),
    ] {
        let list = elements(&platform.promfetch.json(&path).await);
        assert_eq!(list.len(), 3, "{path}");
        for (element, instance) in list.iter().zip(&pushed.instances) {
            let text = element.to_string();
            assert!(
                text.contains(&instance.address.to_string()),
                "{path}: {text}"
            );
            assert!(text.contains(&instance.guid), "{path}: {text}");
        }
        assert!(
            list[0].to_string().contains("/metrics"),
            "the path used: {}",
            list[0]
        );
        assert!(list[1].to_string().contains("parse"), "{}", list[1]);
        assert!(
            list[1].to_string().contains("line 2"),
            "where the page is broken: {}",
            list[1]
        );
        assert!(list[2].to_string().contains("status_5xx"), "{}", list[2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_the_list_are_json_too() {
    let platform = Platform::start().await;
    let answer = platform
        .promfetch
        .get("/v1/apps/acme/prod/nobody/instances")
        .await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.header("content-type").contains("json"),
        "{:?}",
        answer.headers
    );
    let _: Value = serde_json::from_slice(&answer.body).expect("JSON");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_has_a_page_of_its_own() {
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
    let [first, second, _] = &pushed.instances[..] else {
        panic!("three instances")
    };
    for selector in [
        pushed.app.path(""),
        format!("/v1/apps/{}/", pushed.app.guid),
        format!("/v1/apps/{}/", pushed.app.routes[0]),
    ] {
        let before = first.requests();
        for instance in ["1", &second.guid] {
            let page = platform
                .promfetch
                .page(&format!("{selector}instances/{instance}/metrics"))
                .await;
            let sample = page.one("a", &[]);
            assert_eq!(
                (
                    sample.value,
                    sample.label("index"),
                    sample.label("app_name")
                ),
                (2.0, "1", "shop"),
                "{selector}{instance}"
            );
            assert_eq!(page.up().len(), 1);
        }
        assert_eq!(first.requests(), before, "the others are not asked");
        for nobody in ["7", "00000000-0000-0000-0000-0000", "-1", "x"] {
            let answer = platform
                .promfetch
                .get(&format!("{selector}instances/{nobody}/metrics"))
                .await;
            assert_eq!(answer.status, 404, "{selector}{nobody}: {}", answer.text());
        }
    }
    let page = platform
        .promfetch
        .page(&pushed.app.path("instances/2/metrics"))
        .await;
    assert_eq!(page.errors()["2"], "parse");
}

/// What is told of an address that leads to nothing.
async fn missing(platform: &Platform, path: &str) -> Value {
    let answer = platform.promfetch.get(path).await;
    assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_meant_is_told_with_the_state_of_the_table() {
    let platform = Platform::start().await;
    let shop = App::new("acme", "prod", "shop").routes(&["shop.apps.test/only"]);
    let shop = platform.push(shop, [Behaviour::page("a 1\n")]).await;
    let hostile = App::new("acme", "prod", "<b>\u{202e}/x");
    platform.push(hostile, [Behaviour::page("a 1\n")]).await;
    let gone = platform
        .push(App::new("acme", "prod", "gone"), [Behaviour::page("a 1\n")])
        .await;
    platform
        .emitter
        .unregister(&gone.app, &gone.instances[0])
        .await;
    let gone = gone.app.path("instances");
    eventually("its last instance has left", async || {
        (platform.promfetch.get(&gone).await.status == 404).then_some(())
    })
    .await;

    for (path, why, selector) in [
        (
            "/v1/apps/acme/prod/Shop/instances",
            "case",
            "acme/prod/shop",
        ),
        (
            "/v1/apps/acme/dev/shop/instances",
            "other_space",
            "acme/prod/shop",
        ),
        (
            "/v1/apps/acme/prod/shpo/instances",
            "similar",
            "acme/prod/shop",
        ),
        (
            "/v1/apps/acme/prod/shop/instances?process_type=worker",
            "process",
            "acme/prod/shop",
        ),
        (
            "/v1/apps/instances?route_url=shop.apps.test/other",
            "other_path",
            "acme/prod/shop",
        ),
        (gone.as_str(), "departed", "acme/prod/gone"),
        (
            "/v1/apps/acme/dev/%3Cb%3E%E2%80%AE%2Fx/instances",
            "other_space",
            "acme/prod/%3Cb%3E%E2%80%AE%2Fx",
        ),
    ] {
        let problem = missing(&platform, path).await;
        let near = problem["near"].as_array().expect("near misses");
        assert_eq!(near.len(), 1, "{path}: {problem}");
        assert_eq!(
            (near[0]["why"].as_str(), near[0]["selector"].as_str()),
            (Some(why), Some(selector)),
            "{path}"
        );
        assert_eq!(
            near[0]["departed_seconds_ago"].is_number(),
            why == "departed"
        );
        let table = &problem["table"];
        assert_eq!(table["ready"], true, "{path}");
        assert_eq!(table["sources"][0]["kind"], "nats");
        assert!(table["sources"][0]["last_message_age_seconds"].is_number());
        assert!(
            problem["detail"]
                .as_str()
                .expect("text")
                .starts_with("Cannot found app with id or path "),
            "in promfetcher's words: {problem}"
        );
    }
    let nothing = missing(&platform, "/v1/apps/x/y/nothing/instances").await;
    assert_eq!(nothing["near"], json!([]));
    assert!(nothing.get("component").is_none());

    let list = platform.promfetch.json(&shop.app.path("instances")).await;
    assert_eq!(list["table"]["ready"], true, "also where all is well");
    // A scraper gets its one line.
    let answer = platform
        .promfetch
        .get("/v1/apps/acme/prod/Shop/metrics")
        .await;
    assert_eq!(
        answer.text(),
        "404 Cannot found app with id or path acme/prod/Shop\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_of_the_platform_itself_is_no_app() {
    let platform = Platform::start().await;
    let message = json!({"host": "10.0.0.1", "port": 8080, "uris": ["login.system.test"], "tags": {"component": "uaa"}});
    platform.emitter.publish("router.register", &message).await;
    eventually("the component is told of", async || {
        let path = "/v1/apps/login.system.test/instances";
        (missing(&platform, path).await["component"] == true).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_table_is_complete_it_says_which_source_is_missing() {
    let mut nats = [Nats::start().await];
    let settings = Nats::config(&nats);
    nats[0].kill();
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let target = config::target(["acme", "prod", "fixed"], 0, instance.address);
    let config = config::with(json!({"targets": [target], "nats": settings}));
    let promfetch = Promfetch::start_unready(&config.to_string()).await;
    let answer = promfetch.get("/v1/apps/acme/prod/f1xed/instances").await;
    assert_eq!(answer.status, 503);
    let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(problem["table"]["ready"], false);
    let sources = problem["table"]["sources"].as_array().expect("sources");
    let silent = sources.iter().find(|one| one["kind"] == "nats");
    assert_eq!(silent.expect("NATS")["ready"], false, "{problem}");
    assert!(
        problem.get("near").is_none(),
        "what is not known yet is not guessed: {problem}"
    );
}
