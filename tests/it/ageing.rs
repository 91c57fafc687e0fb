use promfetch_tests::emitter::message;
use promfetch_tests::{App, Behaviour, Platform, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_a_dead_cell_go_tls_or_not() {
    let platform = Platform::start_with(json!({"droplet_stale_threshold": "4s"})).await;
    let plain = platform
        .push(
            App::new("acme", "prod", "plain"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    let tls = platform
        .push_tls(
            App::new("acme", "prod", "tls"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    for pushed in [&plain, &tls] {
        platform.emitter.forget(&pushed.instances[0]);
        let page = platform
            .page_once(&pushed.app, "one instance is left", |page| {
                page.all("a").len() == 1
            })
            .await;
        assert_eq!(page.value("a", &[("index", "1")]), 2.0);
        assert_eq!(page.up().len(), 1, "no health of an instance that is gone");
    }
    platform.emitter.forget(&plain.instances[1]);
    eventually("the app is gone", async || {
        (platform.get(&plain.app).await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unregistered_instance_goes_at_once() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("a 1\n"), Behaviour::page("a 2\n")],
        )
        .await;
    platform
        .emitter
        .unregister(&pushed.app, &pushed.instances[0])
        .await;
    platform
        .page_once(&pushed.app, "one instance is left", |page| {
            page.up().len() == 1
        })
        .await;
    // Repeated, as route-emitter does for ten minutes; and for a route in other letters.
    let mut repeated = message(
        &pushed.app,
        &pushed.instances[1],
        &pushed.app.routes[0].to_uppercase(),
    );
    platform
        .emitter
        .unregister(&pushed.app, &pushed.instances[0])
        .await;
    assert_eq!(platform.page(&pushed.app).await.up().len(), 1);
    // An unregister without tags counts too.
    repeated.as_object_mut().unwrap().remove("tags");
    platform.emitter.forget(&pushed.instances[1]);
    platform
        .emitter
        .publish("router.unregister", &repeated)
        .await;
    eventually("the app is gone", async || {
        (platform.get(&pushed.app).await.status == 404).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losing_one_of_two_routes_keeps_the_instance() {
    let platform = Platform::start().await;
    let app = App::new("acme", "prod", "shop").routes(&["one.apps.test", "two.apps.test"]);
    let pushed = platform.push(app, [Behaviour::page("a 1\n")]).await;
    assert_eq!(
        platform.page(&pushed.app).await.all("a").len(),
        1,
        "two routes are one target"
    );
    platform.emitter.forget(&pushed.instances[0]);
    let gone = message(&pushed.app, &pushed.instances[0], "one.apps.test");
    platform.emitter.publish("router.unregister", &gone).await;
    eventually("the route is gone", async || {
        (platform
            .promfetch
            .get("/v1/apps/one.apps.test/metrics")
            .await
            .status
            == 404)
            .then_some(())
    })
    .await;
    assert!(
        platform
            .promfetch
            .page("/v1/apps/two.apps.test/metrics")
            .await
            .has("a")
    );
    assert!(platform.page(&pushed.app).await.has("a"));
}
