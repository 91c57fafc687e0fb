use promfetch_tests::{App, Behaviour, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_app_metrics_leaves_the_health_series_out() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("a 1\n"), Behaviour::garbage()],
        )
        .await;
    for path in [
        pushed.app.path("only-app-metrics"),
        pushed.app.path("metrics?only_from_app"),
        pushed.app.path("metrics?only_from_app=1"),
        format!("/v1/apps/{}/only-app-metrics", pushed.app.guid),
        format!("/v1/apps/only-app-metrics?app={}", pushed.app.guid),
    ] {
        let page = platform.promfetch.page(&path).await;
        let names: Vec<_> = page
            .samples
            .iter()
            .map(|sample| sample.name.as_str())
            .collect();
        assert_eq!(names, ["a"], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v2_is_v1_in_text() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::bilingual(2)])
        .await;
    let openmetrics = [("accept", "application/openmetrics-text")];
    for end in ["metrics", "only-app-metrics"] {
        let path = pushed.app.path(end).replace("/v1/", "/v2/");
        let answer = platform.promfetch.get_with(&path, &openmetrics).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .header("content-type")
                .starts_with("text/plain; version=0.0.4"),
            "{path}: {:?}",
            answer.headers
        );
        assert!(
            !pushed.instances[0]
                .last_seen()
                .header("accept")
                .contains("openmetrics"),
            "apps are asked for text only"
        );
    }
    for path in ["/v2/apps/metrics?app=", "/v2/apps/metrics?route_url="] {
        let selector = if path.contains("app=") {
            &pushed.app.guid
        } else {
            &pushed.app.routes[0]
        };
        assert!(
            platform
                .promfetch
                .page(&format!("{path}{selector}"))
                .await
                .has("queue_length")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metric_path_asks_elsewhere() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "java"),
            [Behaviour::only_at("/actuator/prometheus", "a 1\n")],
        )
        .await;
    assert_eq!(platform.get(&pushed.app).await.status, 406);
    for path in [
        "/actuator/prometheus",
        "actuator/prometheus",
        "%2Factuator%2Fprometheus",
        "%20/actuator/prometheus",
    ] {
        let page = platform
            .promfetch
            .page(&pushed.app.path(&format!("metrics?metric_path={path}")))
            .await;
        assert!(page.has("a"), "{path}");
    }
    // A query of its own goes along.
    pushed.instances[0].becomes(Behaviour::page("a 1\n"));
    platform
        .promfetch
        .page(
            &pushed
                .app
                .path("metrics?metric_path=/federate%3Fmatch%5B%5D%3Dup"),
        )
        .await;
    assert_eq!(pushed.instances[0].last_seen().path, "/federate?match[]=up");
    // What would break out of the request line is refused before anything is asked.
    let before = pushed.instances[0].requests();
    for path in ["/a%0d%0ax:%20y", "/a%20b", "/%00"] {
        let answer = platform
            .promfetch
            .get(&pushed.app.path(&format!("metrics?metric_path={path}")))
            .await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    assert_eq!(pushed.instances[0].requests(), before);
    // And no path names another host.
    for path in ["http://elsewhere.test/", "//elsewhere.test/"] {
        platform
            .promfetch
            .get(&pushed.app.path(&format!("metrics?metric_path={path}")))
            .await;
        assert!(
            pushed.instances[0].last_seen().path.starts_with('/'),
            "{path}"
        );
    }
}
