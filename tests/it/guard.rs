use promfetch_tests::{App, Behaviour, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_named_is_closed() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let open = [
        pushed.app.path("metrics"),
        pushed.app.path("only-app-metrics"),
        pushed.app.path("instances"),
        "/metrics".into(),
        "/health".into(),
        "/ready".into(),
    ];
    for path in &open[..4] {
        assert_eq!(platform.promfetch.get(path).await.status, 200, "{path}");
    }
    for path in ["/routes", "/routes/", "/routes?x=1"] {
        let answer = platform.promfetch.get(path).await;
        assert!(
            answer.status == 401 || (answer.status == 404 && path == "/routes/"),
            "{path}: {}",
            answer.status
        );
        assert!(
            !answer.text().contains("acme") && !answer.text().contains(&pushed.app.guid),
            "{path}"
        );
    }
    assert_eq!(platform.promfetch.get("/routes").await.status, 401);
    assert!(
        !platform
            .promfetch
            .get("/routes")
            .await
            .header("www-authenticate")
            .is_empty()
    );
    for login in [
        "Basic YWRtaW46YWRtaW4=",
        "Basic Og==",
        "Bearer x",
        "nonsense",
    ] {
        let answer = platform
            .promfetch
            .get_with("/routes", &[("authorization", login)])
            .await;
        assert_eq!(answer.status, 401, "there are no operators yet: {login}");
    }
    for path in [
        "/nothing",
        "/v1",
        "/v1/apps",
        "/v1/apps/",
        "/v3/apps/acme/prod/shop/metrics",
        "/v1/apps/acme/prod/shop/",
        "/v1/apps/acme/prod/shop/secrets",
        "/v1/apps/acme/prod/shop/metrics/more",
        "/debug/pprof/",
        "/varz",
        "/..%2f..%2fetc/passwd",
        "/v1/apps/../../routes",
        "/assets/../routes",
    ] {
        let answer = platform.promfetch.get(path).await;
        assert!(
            [400, 401, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains(&pushed.app.guid), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_port_serves_health_and_nothing_else() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    for path in ["/metrics", "/routes", &pushed.app.path("metrics")] {
        let answer =
            promfetch_tests::http::get(&format!("{}{path}", platform.promfetch.health), &[]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlong_and_hostile_requests_cost_only_themselves() {
    let mut platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let long = "x".repeat(20_000);
    for path in [
        format!("/v1/apps/{long}/metrics"),
        format!("/v1/apps/metrics?app={long}"),
        format!("/v1/apps/{}/metrics", "%00".repeat(100)),
        "/v1/apps/%2e%2e/metrics".into(),
    ] {
        let answer = platform.promfetch.get(&path).await;
        assert!(
            (400..500).contains(&answer.status),
            "{}: {}",
            &path[..30],
            answer.status
        );
        assert!(
            answer.body.len() < 10_000 + 2 * long.len(),
            "the answer is no amplifier"
        );
    }
    let header = "y".repeat(200_000);
    if let Ok(answer) = platform
        .promfetch
        .try_get_with(&pushed.app.path("metrics"), &[("x-long", &header)])
        .await
    {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    assert!(platform.promfetch.is_running());
    assert!(platform.page(&pushed.app).await.has("a"));
}
