use promfetch_tests::{Answer, App, Behaviour, Instance, Platform};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_see_what_they_would_see_behind_the_router() {
    let platform = Platform::start().await;
    let app =
        App::new("acme", "prod", "shop").routes(&["b.apps.test", "a.apps.test", "*.apps.test"]);
    let pushed = platform
        .push(app, [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")])
        .await;
    for (path, host) in [
        (pushed.app.path("metrics"), "a.apps.test"),
        (
            format!("/v1/apps/{}/metrics", pushed.app.guid),
            "a.apps.test",
        ),
        ("/v1/apps/b.apps.test/metrics".into(), "b.apps.test"),
        ("/v1/apps/B.Apps.Test/metrics".into(), "b.apps.test"),
        ("/v1/apps/x.apps.test/metrics".into(), "x.apps.test"),
    ] {
        platform.promfetch.page(&path).await;
        for instance in &pushed.instances {
            let seen = instance.last_seen();
            assert_eq!(seen.header("host").to_lowercase(), host, "{path}");
            assert_eq!(
                (seen.method.as_str(), seen.path.as_str()),
                ("GET", "/metrics")
            );
            assert_eq!(seen.header("x-forwarded-proto"), "https");
            assert!(
                seen.header("x-forwarded-for").contains("127.0.0.1"),
                "{:?}",
                seen.headers
            );
            assert_eq!(seen.header("x-cf-applicationid"), pushed.app.guid);
            assert_eq!(seen.header("x-cf-instanceid"), instance.guid);
            assert_eq!(seen.header("x-cf-instanceindex"), instance.index);
            assert_eq!(seen.header("x-promfetcher-scrapping"), "true");
            assert!(
                seen.header("accept-encoding").contains("gzip")
                    && seen.header("accept-encoding").contains("zstd"),
                "{:?}",
                seen.headers
            );
            assert!(
                seen.header("accept").contains("text/plain"),
                "{:?}",
                seen.headers
            );
            assert_eq!(seen.header("authorization"), "");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callers_authorization_goes_to_instances_and_not_to_exporters() {
    let exporter = Instance::start("0", Behaviour::page("of_exporter 1\n")).await;
    let platform = Platform::start_with(
        json!({"external_exporters": [{"name": "outside", "host": exporter.address.to_string()}]}),
    )
    .await;
    let guarded = Behaviour::answering(|seen| {
        if seen.header("authorization") == "Basic YTpi" {
            Answer::text("a 1\n")
        } else {
            Answer::status(401)
        }
    });
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [guarded])
        .await;
    let path = pushed.app.path("metrics");

    let page = platform
        .promfetch
        .page_with(&path, &[("authorization", "Basic YTpi")])
        .await;
    assert!(page.has("a") && page.has("of_exporter"), "{}", page.text);
    let answer = platform
        .promfetch
        .get_with(&path, &[("authorization", "Basic wrong")])
        .await;
    assert!(!answer.text().contains("\na "), "{}", answer.text());
    assert_eq!(
        pushed.instances[0].last_seen().header("authorization"),
        "Basic wrong",
        "passed on as it is"
    );
    let answer = platform.promfetch.get(&path).await;
    assert!(
        !answer.text().contains("a{"),
        "the answer of one caller is never another's"
    );

    for seen in exporter.seen() {
        assert_eq!(seen.header("authorization"), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_and_other_headers_stay_with_promfetch() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let headers = [
        ("cookie", "session=1"),
        ("x-cf-applicationid", "forged"),
        ("x-custom", "1"),
        ("x-promfetch-app-authorization", "later"),
    ];
    platform
        .promfetch
        .page_with(&pushed.app.path("metrics"), &headers)
        .await;
    let seen = pushed.instances[0].last_seen();
    assert_eq!(
        (
            seen.header("cookie"),
            seen.header("x-custom"),
            seen.header("x-promfetch-app-authorization")
        ),
        ("", "", "")
    );
    assert_eq!(seen.header("x-cf-applicationid"), pushed.app.guid);
}
