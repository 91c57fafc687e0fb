use promfetch_tests::{App, Behaviour, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_app_is_404_in_promfetchers_words() {
    let platform = Platform::start().await;
    for (path, named) in [
        ("/v1/apps/acme/prod/nobody/metrics", "acme/prod/nobody"),
        ("/v1/apps/acme/prod/with%2Fslash/metrics", "with"),
        (
            "/v1/apps/1e37d8a1-fa4d-55f3-8ec8-1d4c8d5d6d73/metrics",
            "1e37d8a1-fa4d-55f3-8ec8-1d4c8d5d6d73",
        ),
        ("/v1/apps/nobody.apps.test/metrics", "nobody.apps.test"),
        (
            "/v1/apps/metrics?route_url=nobody.apps.test/path",
            "nobody.apps.test/path",
        ),
    ] {
        let answer = platform.promfetch.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.header("content-type").starts_with("text/plain"),
            "{path}: {:?}",
            answer.headers
        );
        assert!(
            answer
                .text()
                .starts_with("404 Cannot found app with id or path "),
            "{path}: {}",
            answer.text()
        );
        assert!(answer.text().contains(named), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_selector_is_400_in_promfetchers_words() {
    let platform = Platform::start().await;
    for path in [
        "/v1/apps/metrics",
        "/v1/apps/metrics?app=",
        "/v1/apps/only-app-metrics",
    ] {
        let answer = platform.promfetch.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(
            answer
                .text()
                .starts_with("400 Bad Request: You must set app id or path"),
            "{path}: {}",
            answer.text()
        );
    }
    let answer = platform.promfetch.get("/v1/apps/two/parts/metrics").await;
    assert!([400, 404].contains(&answer.status), "{}", answer.status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_404_is_406_with_a_hint_and_some_404_is_a_page() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::status(404), Behaviour::status(404)],
        )
        .await;
    let answer = platform.get(&pushed.app).await;
    assert_eq!(answer.status, 406);
    assert!(
        answer
            .text()
            .starts_with("406 Cannot found endpoint '/metrics' for app with id or path"),
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("please create one"),
        "{}",
        answer.text()
    );

    // promfetcher refused the page as soon as one instance answered 4xx, and lost the others.
    pushed.instances[1].becomes(Behaviour::page("a 1\n"));
    let page = platform.page(&pushed.app).await;
    assert_eq!(page.value("a", &[]), 1.0);
    assert_eq!(page.errors()["0"], "status_4xx");

    // 5xx everywhere is a fault of the instances and no wrong path.
    for instance in &pushed.instances {
        instance.becomes(Behaviour::status(500));
    }
    assert_eq!(
        platform
            .page(&pushed.app)
            .await
            .up()
            .into_values()
            .collect::<Vec<_>>(),
        [0.0, 0.0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problem_json_comes_when_asked_for() {
    let platform = Platform::start().await;
    let answer = platform
        .promfetch
        .get_with(
            "/v1/apps/acme/prod/nobody/metrics",
            &[("accept", "application/problem+json")],
        )
        .await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem["status"], 404);
    assert!(
        problem["title"].is_string() && problem["detail"].is_string(),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_methods_are_refused_and_head_has_no_body() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    for method in ["POST", "PUT", "DELETE"] {
        let answer = platform
            .promfetch
            .request(method, &pushed.app.path("metrics"))
            .await;
        assert_eq!(answer.status, 405, "{method}");
    }
    let head = platform
        .promfetch
        .request("HEAD", &pushed.app.path("metrics"))
        .await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
