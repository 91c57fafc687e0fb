use promfetch_tests::{App, Behaviour, Instance, Platform};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_guid_mean_the_web_process_unless_another_is_asked_for() {
    let platform = Platform::start().await;
    let web = platform
        .push(
            App::new("acme", "prod", "shop").routes(&["web.apps.test"]),
            [Behaviour::page("of_web 1\n")],
        )
        .await;
    let worker = web.app.process("worker").routes(&["worker.apps.test"]);
    let worker = platform
        .register(
            worker,
            vec![Instance::start("0", Behaviour::page("of_worker 1\n")).await],
        )
        .await;

    for path in [
        web.app.path("metrics"),
        format!("/v1/apps/{}/metrics", web.app.guid),
    ] {
        let page = platform.promfetch.page(&path).await;
        assert_eq!(
            (page.has("of_web"), page.has("of_worker")),
            (true, false),
            "{path}"
        );
        let page = platform
            .promfetch
            .page(&format!("{path}?process_type=worker"))
            .await;
        assert_eq!(
            (page.has("of_web"), page.has("of_worker")),
            (false, true),
            "{path}"
        );
        assert_eq!(
            platform
                .promfetch
                .get(&format!("{path}?process_type=none"))
                .await
                .status,
            404,
            "{path}"
        );
    }
    // A route says itself which process is meant.
    assert!(
        platform
            .promfetch
            .page("/v1/apps/worker.apps.test/metrics")
            .await
            .has("of_worker")
    );
    assert_eq!(worker.instances[0].requests(), 3);
}
