use promfetch_tests::database::Kind;
use promfetch_tests::osb::{binding, instance};
use promfetch_tests::{Behaviour, Broker, Instance, config};
use serde_json::json;

const APP: &str = "47d288f6-f9c1-5e3a-9546-5384018954e2";

async fn broker(instance: &Instance) -> Broker {
    let mut target = config::target(["acme", "prod", "shop"], 0, instance.address);
    target["app_id"] = APP.into();
    Broker::start_with(Kind::Sqlite, json!({"targets": [target]})).await
}

/// The path that the instance is asked for.
async fn path(broker: &Broker, instance: &Instance) -> String {
    let page = format!("/v1/apps/{APP}/metrics");
    assert!(broker.promfetch.page(&page).await.has("a"));
    instance.last_seen().path
}

/// Section 5, flaw 7: several bindings of one app: the newest decides, and the older return when it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_binding_decides_and_older_ones_return() {
    let app = Instance::start("0", Behaviour::page("a 1\n")).await;
    let broker = broker(&app).await;
    for id in ["i1", "i2"] {
        assert_eq!(broker.provision(id).await.status, 201);
    }
    assert_eq!(path(&broker, &app).await, "/metrics");
    for (id, name, endpoint) in [
        ("i1", "b1", "/one"),
        ("i1", "b2", "/two"),
        ("i2", "b3", "/three?x=y"),
    ] {
        let bound = broker
            .bind(id, name, APP, json!({"endpoint": endpoint}))
            .await;
        assert_eq!(bound.status, 201);
        assert_eq!(path(&broker, &app).await, endpoint, "from then on");
    }
    assert_eq!(broker.bind("i2", "b4", APP, json!({})).await.status, 201);
    assert_eq!(
        path(&broker, &app).await,
        "/three?x=y",
        "without an endpoint it stays"
    );
    assert_eq!(broker.delete(&instance("i2")).await.status, 200);
    assert_eq!(path(&broker, &app).await, "/two", "an older one returns");
    assert_eq!(broker.delete(&binding("i1", "b1")).await.status, 200);
    assert_eq!(
        path(&broker, &app).await,
        "/two",
        "one that did not decide went"
    );
    assert_eq!(broker.delete(&binding("i1", "b2")).await.status, 200);
    assert_eq!(path(&broker, &app).await, "/metrics", "none is left");
}

/// Item 28: rotated and then unbound, the path stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_leaves_the_path_as_it_is() {
    let app = Instance::start("0", Behaviour::page("a 1\n")).await;
    let broker = broker(&app).await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker
            .bind("i", "old", APP, json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    let rotation = json!({"predecessor_binding_id": "old"});
    assert_eq!(broker.put(&binding("i", "new"), rotation).await.status, 201);
    assert_eq!(broker.delete(&binding("i", "old")).await.status, 200);
    assert_eq!(path(&broker, &app).await, "/x");
}

/// What the developer bound reaches the app: login and headers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_is_asked_as_it_was_bound() {
    let app = Instance::start("0", Behaviour::page("a 1\n")).await;
    let broker = broker(&app).await;
    assert_eq!(broker.provision("i").await.status, 201);
    let parameters = json!({
        "endpoint": "/x",
        "authorization": {"type": "basic", "username": "u", "password": "p"},
        "headers": {"X-Tenant": "blue"},
    });
    assert_eq!(broker.bind("i", "b", APP, parameters).await.status, 201);
    assert_eq!(path(&broker, &app).await, "/x");
    let seen = app.last_seen();
    assert_eq!(
        (seen.header("authorization"), seen.header("x-tenant")),
        ("Basic dTpw", "blue")
    );
    assert_eq!(broker.delete(&binding("i", "b")).await.status, 200);
    path(&broker, &app).await;
    let seen = app.last_seen();
    assert_eq!(
        (seen.header("authorization"), seen.header("x-tenant")),
        ("", "")
    );
}
