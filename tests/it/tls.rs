use http::Version;
use promfetch_tests::app::instance_guid;
use promfetch_tests::certs::Authority;
use promfetch_tests::instance::Options;
use promfetch_tests::{App, Behaviour, Instance, Platform};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_cf_deployment_are_asked_with_the_routers_certificate() {
    let platform = Platform::start().await;
    let pushed = platform
        .push_tls(
            App::new("acme", "prod", "shop"),
            (0..3).map(|_| Behaviour::counting(1)),
        )
        .await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(page.up().values().sum::<f64>(), 3.0, "{:?}", page.errors());
    // The sidecar offers HTTP/2 and forwards plain TCP to an app that may not speak it.
    assert_eq!(pushed.instances[0].last_seen().version, Version::HTTP_11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_client_certificate_the_reason_is_tls() {
    let platform = Platform::start_with(json!({"backends": Value::Null})).await;
    let pushed = platform
        .push_tls(App::new("acme", "prod", "shop"), [Behaviour::counting(1)])
        .await;
    let page = platform.page(&pushed.app).await;
    assert_eq!(page.errors()["0"], "tls");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_is_spoken_where_the_route_says_so() {
    let platform = Platform::start().await;
    let app = App::new("acme", "prod", "shop");
    let plain = Options {
        protocol: Some("http2"),
        ..Options::default()
    };
    let tls = Options {
        protocol: Some("http2"),
        ..Options::mutual_tls(&platform.instances, &app)
    };
    let instances = vec![
        Instance::start_with("0", Behaviour::counting(1), plain).await,
        Instance::start_with("1", Behaviour::counting(1), tls).await,
        Instance::start("2", Behaviour::counting(1)).await,
    ];
    let pushed = platform.register(app, instances).await;
    for _ in 0..3 {
        let page = platform.page(&pushed.app).await;
        assert_eq!(page.up().values().sum::<f64>(), 3.0, "{:?}", page.errors());
    }
    let versions: Vec<_> = pushed
        .instances
        .iter()
        .map(|instance| instance.last_seen().version)
        .collect();
    assert_eq!(
        versions,
        [Version::HTTP_2, Version::HTTP_2, Version::HTTP_11]
    );
    for instance in &pushed.instances {
        assert_eq!(instance.connections(), 1, "one connection is used again");
        assert_eq!(
            instance.last_seen().header("x-cf-instanceid"),
            instance.guid
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skip_ssl_validation_takes_any_certificate_and_warns() {
    let platform = Platform::start_with(json!({"skip_ssl_validation": true})).await;
    let app = App::new("acme", "prod", "shop");
    let stranger = Authority::new("stranger");
    let guid = instance_guid();
    let options = Options {
        tls: Some(stranger.server(&stranger.issue_instance(&guid, &app.guid), false)),
        guid: Some(guid),
        ..Options::default()
    };
    let pushed = platform
        .register(
            app,
            vec![Instance::start_with("0", Behaviour::page("a 1\n"), options).await],
        )
        .await;
    assert!(platform.page(&pushed.app).await.has("a"));
    platform.promfetch.logged("skip_ssl_validation").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_no_app_has_are_not_dialled() {
    // Without the permission of the other tests: loopback is refused as link-local and metadata addresses are.
    let platform = Platform::start_with(json!({"targets_allow": Value::Null})).await;
    let app = App::new("acme", "prod", "shop");
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let mut metadata = promfetch_tests::emitter::message(&app, &instance, &app.routes[0]);
    metadata["host"] = "169.254.169.254".into();
    metadata["port"] = 80.into();
    platform.emitter.publish("router.register", &metadata).await;
    platform.emitter.register(&app, &instance).await;
    promfetch_tests::eventually("both messages have arrived", async || {
        let own = platform.promfetch.page("/metrics").await;
        let refused = own.one("promfetch_discovery_addresses_refused_total", &[]);
        (refused.value >= 2.0).then_some(())
    })
    .await;
    platform.promfetch.logged("169.254.169.254").await;
    let answer = platform.get(&app).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert_eq!(instance.requests(), 0);
}
