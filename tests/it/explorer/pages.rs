use std::path::Path;

use promfetch_tests::html::attributes;
use promfetch_tests::process::run;
use promfetch_tests::{App, Behaviour, Instance, Nats, Platform, Promfetch, check, config};
use serde_json::json;

use super::{page, snippet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_is_a_page_for_browsers_and_a_list_for_all_others() {
    let demo = Promfetch::demo().await;
    for (accept, html, why) in [
        ("text/html,*/*;q=0.8", true, "a browser"),
        ("*/*", false, "curl"),
        ("text/plain", false, "who wants text"),
        ("text/html;q=0, */*", false, "who refuses HTML by name"),
    ] {
        let answer = demo.get_with("/", &[("accept", accept)]).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("vary").contains("Accept"), "{why}");
        let is_html = answer.text().starts_with("<!DOCTYPE html>");
        assert_eq!(is_html, html, "{why}");
        assert_eq!(
            answer.text().contains("/v1/apps/ORG/SPACE/APP/metrics"),
            !html
        );
    }
    for (path, found, why) in [
        ("/", "2", "all apps"),
        ("/?q=hel", "1", "a part of a name"),
        ("/?q=demo%20DEV%20flaky", "1", "several words, any case"),
        ("/?q=8c2e71d5", "1", "a part of a GUID"),
        (
            "/?q=https://flaky.demo.example/cart?x",
            "1",
            "an address from a browser",
        ),
        ("/?q=hello%20flaky", "0", "all words must fit"),
        ("/?q=nothing", "0", "nothing"),
        (
            "/?space=5f0e9e3a-0c1d-4c9e-8d6b-000000000002",
            "2",
            "of a space",
        ),
        (
            "/?space=5f0e9e3a-0c1d-4c9e-8d6b-000000000003",
            "0",
            "of another space",
        ),
        ("/?q=%FF&q=x", "0", "no text, and the first of two"),
    ] {
        let answer = page(&demo, path, 200).await;
        assert_eq!(
            attributes(answer.text(), "data-found"),
            [found],
            "{path}: {why}"
        );
    }
    let near = page(&demo, "/?q=hello.demo.exmple", 200).await;
    assert!(near.text().contains("Did you mean"), "{}", near.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_shown_with_its_instances_metrics_and_jobs() {
    let demo = Promfetch::demo().await;
    let quick = page(&demo, "/apps/demo/dev/flaky", 200).await;
    let text = quick.text();
    assert_eq!(
        attributes(text, "data-status"),
        ["unknown"; 4],
        "nobody has asked"
    );
    assert!(text.contains("Ask them now"), "{text}");
    assert_eq!(
        attributes(text, "data-samples"),
        ["../../../v1/apps/8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42/samples"]
    );

    let path = "/apps/demo/dev/flaky?ask&family=http_requests_total";
    let patience = ("x-prometheus-scrape-timeout-seconds", "2");
    let headers = [super::BROWSER[0], patience];
    let asked = demo.get_with(path, &headers).await;
    let text = asked.text();
    assert_eq!(
        attributes(text, "data-status"),
        ["up", "down", "down", "up"]
    );
    assert_eq!(attributes(text, "data-error"), ["timeout", "parse"]);
    for (part, why) in [
        (
            "A binding with a short <code>timeout</code>",
            "what to do about it",
        ),
        ("line 1, column 48", "where the page is wrong"),
        (
            "data-family=\"shop_orders_waiting\" data-type=\"gauge\"",
            "a family",
        ),
        ("http_requests_total{method=", "values"),
        ("href=\"../../../doc/pages#reasons\"", "more about reasons"),
    ] {
        assert!(text.contains(part), "{why}: {text}");
    }
    let filtered = page(&demo, "/apps/demo/dev/hello?ask&filter=ORDERS", 200).await;
    assert_eq!(attributes(filtered.text(), "data-type"), ["gauge"]);
    let other = page(&demo, "/apps/demo/dev/hello?ask&family=nothing", 200).await;
    assert!(other.text().contains("No instance that answered has"));

    let bound = page(
        &demo,
        "/apps/demo/dev/hello?ask&metric_path=/stock/metrics",
        200,
    )
    .await;
    assert_eq!(attributes(bound.text(), "data-type"), ["gauge"]);
    assert!(bound.text().contains("from this address"), "why this path");
    let url = snippet(bound.text(), "url");
    assert_eq!(
        url,
        format!(
            "{}/v1/apps/demo/dev/hello/metrics?metric_path=%2Fstock%2Fmetrics",
            demo.api
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_works() {
    let demo = Promfetch::demo().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in [
        "/apps/demo/dev/hello",
        "/apps/1b4f6c92-5d0e-4a37-9c81-0e2d7a5b3f10?metric_path=/stock/metrics",
        "/apps/hello.demo.example",
        "/apps/?route_url=https://hello.demo.example/a%20b",
    ] {
        let answer = page(&demo, path, 200).await;
        let command = snippet(answer.text(), "curl").replace("curl -s", "curl -sf");
        let finished = run(Path::new("/bin/sh"), &["-c", &command], |_| {}).await;
        assert_eq!(finished.code, Some(0), "{path}: {command}");
        assert!(
            finished.stdout.contains("promfetch_up"),
            "{path}: {command}"
        );
        for name in ["job", "sd"] {
            let file = folder.path().join("prometheus.yml");
            std::fs::write(&file, snippet(answer.text(), name)).expect("a file");
            check::prometheus_config(&file)
                .unwrap_or_else(|problem| panic!("{path}: {name}: {problem}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_says_why() {
    let platform = Platform::start().await;
    let shop = App::new("acme", "prod", "shop").routes(&["shop.apps.test", "shared.apps.test"]);
    let cart = App::new("acme", "prod", "cart").routes(&["shared.apps.test"]);
    let worker = App::new("acme", "prod", "mailer").process("worker");
    platform
        .push(shop.clone(), [Behaviour::page("a 1\n")])
        .await;
    platform
        .push(cart.clone(), [Behaviour::page("b 1\n")])
        .await;
    let instance = Instance::start("0", Behaviour::page("c 1\n")).await;
    platform.emitter.register(&worker, &instance).await;
    let promfetch = &platform.promfetch;
    for (path, status, part, why) in [
        (
            "/apps/acme/prod/Shop",
            404,
            "data-near=\"case\"",
            "another case",
        ),
        (
            "/apps/acme/test/shop",
            404,
            "data-near=\"other_space\"",
            "another space",
        ),
        (
            "/apps/acme/prod/mailer",
            404,
            "href=\"../../../apps/acme/prod/mailer?process_type=worker\"",
            "another process",
        ),
        (
            "/apps/nobody.apps.test",
            404,
            "No app that you may see is known as nobody.apps.test",
            "nothing like it",
        ),
        ("/apps/a/b", 400, "write `org/space/app`", "two parts"),
        ("/apps/a//b", 400, "an empty part", "an empty part"),
        (
            "/apps/",
            400,
            "You must set app id or path",
            "nothing at all",
        ),
        ("/apps/%FF", 400, "is not UTF-8", "no text"),
        (
            "/apps/acme/prod/shop?ask&metric_path=//x",
            400,
            "must not begin with `//`",
            "a path that is none",
        ),
    ] {
        let answer = page(promfetch, path, status).await;
        assert!(
            answer.text().contains(part),
            "{path}: {why}: {}",
            answer.text()
        );
        assert_eq!(
            status == 404,
            answer.text().contains("data-source=\"nats\""),
            "{path}: the sources"
        );
    }
    let shared = page(promfetch, "/apps/shared.apps.test", 200).await;
    let mut apps = attributes(shared.text(), "data-app");
    let mut want = [cart.guid, shop.guid.clone()];
    apps.sort();
    want.sort();
    assert_eq!(apps, want, "the apps of one route apart");
    let mailer = page(promfetch, "/apps/acme/prod/mailer?process_type=worker", 200).await;
    assert_eq!(attributes(mailer.text(), "data-index"), ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_deployment_shows_two_instances_of_one_index() {
    let platform = Platform::start().await;
    let app = App::new("acme", "prod", "shop");
    let old = Instance::start("0", Behaviour::page("a 1\n")).await;
    let new = Instance::start("0", Behaviour::page("a 2\n")).await;
    let _running = platform.register(app, vec![old, new]).await;
    let answer = page(
        &platform.promfetch,
        "/apps/acme/prod/shop?ask&family=a",
        200,
    )
    .await;
    assert_eq!(attributes(answer.text(), "data-index"), ["0", "0"]);
    let mut instances = attributes(answer.text(), "data-instance");
    assert_eq!(
        instances.len(),
        4,
        "two rows, and two values: {}",
        answer.text()
    );
    instances.sort();
    instances.dedup();
    assert_eq!(instances.len(), 2, "told apart by GUID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_table_is_complete_pages_wait() {
    let nats = [Nats::start().await];
    // So long that this test never sees it pass.
    let keys = json!({"nats": Nats::config(&nats), "start_response_delay_interval": "1h"});
    let promfetch = Promfetch::start_unready(&config::with(keys).to_string()).await;
    for path in ["/", "/apps/acme/prod/shop"] {
        let answer = page(&promfetch, path, 503).await;
        assert_eq!(answer.header("retry-after"), "5", "{path}");
        for part in [
            "<meta http-equiv=\"refresh\" content=\"5\">",
            "data-source=\"nats\"",
        ] {
            assert!(
                answer.text().contains(part),
                "{path}: {part}: {}",
                answer.text()
            );
        }
    }
    let empty = Platform::start().await;
    let answer = page(&empty.promfetch, "/", 200).await;
    assert!(
        answer.text().contains("no app has a route yet"),
        "{}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platform_shows_what_fails_and_its_own_metrics() {
    let demo = Promfetch::demo().await;
    let headers = [("x-prometheus-scrape-timeout-seconds", "1")];
    demo.get_with("/v1/apps/demo/dev/flaky/metrics", &headers)
        .await;
    demo.get("/v1/apps/demo/dev/hello/metrics").await;
    let answer = page(
        &demo,
        "/platform?filter=build&family=promfetch_build_info",
        200,
    )
    .await;
    let text = answer.text();
    for (part, why) in [
        ("data-number=\"apps\"", "the table"),
        (
            "data-source=\"gorouter\" data-state=\"connected\"",
            "the sources",
        ),
        ("<code>timeout</code>", "the reasons"),
        (
            "href=\"apps/8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42\"",
            "the way to the app",
        ),
        ("promfetch_build_info{version=", "values of own metrics"),
    ] {
        assert!(text.contains(part), "{why}: {text}");
    }
    assert_eq!(attributes(text, "data-asked"), ["2"]);
    let families = attributes(text, "data-family");
    assert_eq!(
        families,
        ["promfetch_build_info", "promfetch_build_info"],
        "filtered, and chosen"
    );
}
