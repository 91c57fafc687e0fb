use promfetch_tests::Broker;
use promfetch_tests::osb::{self, ABSENT, PLAN, SERVICE, binding, instance, with};
use serde_json::json;

/// Item 26: 201 when created, 200 for identical parameters, 409 for different ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_again_is_200_and_another_is_409() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let first = broker
        .bind("i", "b", "a", json!({"endpoint": "/x", "timeout": 5}))
        .await;
    assert_eq!(first.status, 201);
    for (app, parameters, status, why) in [
        (
            "a",
            json!({"endpoint": "/x", "timeout": 5}),
            200,
            "identical",
        ),
        (
            "a",
            json!({"timeout": 5, "endpoint": "/x"}),
            200,
            "in another order",
        ),
        (
            "a",
            json!({"endpoint": "/x", "timeout": 5.0}),
            200,
            "the same number",
        ),
        (
            "a",
            json!({"endpoint": "/y", "timeout": 5}),
            409,
            "another path",
        ),
        ("a", json!({"endpoint": "/x"}), 409, "one less"),
        (
            "a",
            json!({"endpoint": "/x", "timeout": 5, "process": "worker"}),
            409,
            "one more",
        ),
        ("a", json!({}), 409, "none"),
        (
            "a2",
            json!({"endpoint": "/x", "timeout": 5}),
            409,
            "another app",
        ),
        (
            "A",
            json!({"endpoint": "/x", "timeout": 5}),
            409,
            "letters count",
        ),
    ] {
        let answer = broker.bind("i", "b", app, parameters).await;
        assert_eq!(answer.status, status, "{why}");
        if status == 200 {
            assert_eq!(answer.json, first.json, "{why}: the same credentials");
        }
    }
    let got = broker.get(&binding("i", "b")).await;
    assert_eq!(
        got.json["parameters"],
        json!({"endpoint": "/x", "timeout": 5.0}),
        "as at first"
    );
}

/// Item 26: service_id and plan_id are required, and are those of the instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_be_there_and_is_not_is_400() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for (members, why) in [
        (json!({"service_id": ABSENT}), "required"),
        (json!({"service_id": ""}), "empty"),
        (json!({"service_id": null}), "null"),
        (json!({"service_id": "unknown"}), "unknown"),
        (json!({"plan_id": ABSENT}), "required"),
        (json!({"plan_id": ""}), "empty"),
        (json!({"plan_id": "unknown"}), "unknown"),
        (json!({"plan_id": SERVICE}), "no plan"),
        (json!({"bind_resource": "a"}), "no object"),
        (json!({"bind_resource": {"app_guid": 1}}), "no text"),
        (json!({"app_guid": ["a"]}), "no text"),
        (json!({"parameters": "endpoint"}), "no object"),
        (
            json!({"bind_resource": {"app_guid": "x".repeat(1025)}}),
            "longer than can be stored",
        ),
        (
            json!({"bind_resource": {"app_guid": "a\u{0}b"}}),
            "no database takes it",
        ),
    ] {
        let answer = broker
            .put(&binding("i", "b"), with(osb::bind("a"), members))
            .await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.description());
    }
    assert_eq!(
        (broker.stored().await.len(), broker.held().await),
        (0, 0),
        "item 8"
    );
}

/// Section 3: 404, since the Cloud Controller would delete after 410, and after 422 without a code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_to_an_unknown_instance_is_404() {
    let broker = Broker::start().await;
    let answer = broker.put(&binding("none", "b"), osb::bind("a")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        broker.get(&instance("none")).await.status,
        404,
        "nothing was made"
    );
}

/// Item 29: a binding is addressed by (instance, binding).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_belongs_to_its_instance() {
    let broker = Broker::start().await;
    for id in ["i1", "i2"] {
        assert_eq!(broker.provision(id).await.status, 201);
    }
    assert_eq!(
        broker
            .bind("i1", "b", "a", json!({"endpoint": "/one"}))
            .await
            .status,
        201
    );
    assert_eq!(broker.get(&binding("i2", "b")).await.status, 404);
    assert_eq!(broker.delete(&binding("i2", "b")).await.status, 410);
    // Ids are unique per instance only.
    let other = broker
        .bind("i2", "b", "a", json!({"endpoint": "/two"}))
        .await;
    assert_eq!(other.status, 201);
    let one = broker.get(&binding("i1", "b")).await.json;
    assert_eq!(one["parameters"]["endpoint"], "/one");
    assert_ne!(
        one["credentials"]["password"],
        other.json["credentials"]["password"]
    );
    assert_eq!(broker.delete(&binding("i1", "b")).await.status, 200);
    let two = broker.get(&binding("i2", "b")).await.json;
    assert_eq!(two["parameters"]["endpoint"], "/two");
}

/// Item 43, section 2.1: everything that the Cloud Controller sends along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_as_the_cloud_controller_sends_it() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let body = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "app_guid": "a",
        "bind_resource": {"app_guid": "a", "space_guid": "s", "app_annotations": {"k": "v"}},
        "context": {"platform": "cloudfoundry", "organization_guid": "o", "space_guid": "s"},
        "parameters": {"endpoint": "/actuator/prometheus"},
    });
    assert_eq!(
        broker.put(&binding("i", "b"), body.clone()).await.status,
        201
    );
    let renamed = with(body, json!({"context": {"space_name": "renamed"}}));
    assert_eq!(
        broker.put(&binding("i", "b"), renamed).await.status,
        200,
        "not its names"
    );
}
