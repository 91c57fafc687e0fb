use promfetch_tests::Broker;
use promfetch_tests::osb::{self, binding, with};
use serde_json::{Value, json};

fn rotation(predecessor: &str) -> Value {
    json!({"predecessor_binding_id": predecessor})
}

/// Item 28: service_id and plan_id are not required; both bindings stay valid; app and parameters are the
/// predecessor's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_binding_is_as_its_predecessor() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let parameters = json!({"endpoint": "/x", "headers": {"X-Tenant": "blue"}});
    let old = broker.bind("i", "old", "a", parameters).await;
    let new = broker.put(&binding("i", "new"), rotation("old")).await;
    assert_eq!(new.status, 201);
    assert_eq!(
        new.json["credentials"]["metrics_url"],
        old.json["credentials"]["metrics_url"]
    );
    assert_ne!(
        new.json["credentials"]["password"],
        old.json["credentials"]["password"]
    );
    let again = broker.put(&binding("i", "new"), rotation("old")).await;
    assert_eq!((again.status, &again.json), (200, &new.json));
    for id in ["old", "new"] {
        let got = broker.get(&binding("i", id)).await;
        assert_eq!(got.status, 200, "{id} is valid");
        assert_eq!(got.json["parameters"]["endpoint"], "/x", "{id}");
    }
    let with_ids = with(osb::bind("a"), rotation("old"));
    assert_eq!(
        broker.put(&binding("i", "new"), with_ids).await.status,
        200,
        "with ids too"
    );
}

/// Item 28 and item 33: platforms unbind the predecessor, and may repeat the PUT whose answer was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_may_be_repeated_after_its_predecessor_went() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker
            .bind("i", "old", "a", json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    let new = broker.put(&binding("i", "new"), rotation("old")).await;
    assert_eq!(broker.delete(&binding("i", "old")).await.status, 200);
    let again = broker.put(&binding("i", "new"), rotation("old")).await;
    assert_eq!((again.status, &again.json), (200, &new.json));
    let got = broker.get(&binding("i", "new")).await;
    assert_eq!(
        got.json["parameters"],
        json!({"endpoint": "/x"}),
        "it needs no predecessor"
    );
    assert_eq!(
        broker
            .put(&binding("i", "newer"), rotation("new"))
            .await
            .status,
        201
    );
    assert_eq!(
        broker
            .put(&binding("i", "newest"), rotation("old"))
            .await
            .status,
        404
    );
}

/// Item 28, and section 2.3: what cannot be rotated is refused without a deletion.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_rotated_is_refused() {
    let broker = Broker::start().await;
    for id in ["i", "other"] {
        assert_eq!(broker.provision(id).await.status, 201);
    }
    assert_eq!(
        broker
            .bind("i", "old", "a", json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    assert_eq!(
        broker
            .bind("i", "taken", "a", json!({"endpoint": "/y"}))
            .await
            .status,
        201
    );
    for (instance, id, body, status, why) in [
        (
            "i",
            "new",
            rotation("unknown"),
            404,
            "an unknown predecessor",
        ),
        ("other", "new", rotation("old"), 404, "of another instance"),
        ("none", "new", rotation("old"), 404, "an unknown instance"),
        (
            "i",
            "taken",
            rotation("old"),
            409,
            "another binding has the id",
        ),
        ("i", "new", rotation(""), 400, "empty"),
        ("i", "new", rotation("a\u{0}b"), 400, "no database takes it"),
        (
            "i",
            "new",
            json!({"predecessor_binding_id": 1}),
            400,
            "a number",
        ),
        (
            "i",
            "new",
            with(rotation("old"), json!({"service_id": "x"})),
            400,
            "another service",
        ),
        (
            "i",
            "new",
            with(rotation("old"), json!({"plan_id": "x"})),
            400,
            "another plan",
        ),
        (
            "i",
            "new",
            with(rotation("old"), json!({"parameters": {"endpoint": "/z"}})),
            400,
            "own parameters",
        ),
        (
            "i",
            "new",
            json!({"predecessor_binding_id": null}),
            400,
            "null: a bind without ids",
        ),
    ] {
        let answer = broker.put(&binding(instance, id), body).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.description());
    }
    assert_eq!(broker.get(&binding("i", "new")).await.status, 404, "item 8");
    let itself = broker.put(&binding("i", "old"), rotation("old")).await;
    assert_eq!(itself.status, 200, "it is there, and is as itself");
}

/// A service key can be rotated like any other binding.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_key_can_be_rotated() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let key = with(osb::bind("a"), json!({"bind_resource": {}}));
    let old = broker.put(&binding("i", "old"), key).await;
    let new = broker.put(&binding("i", "new"), rotation("old")).await;
    assert_eq!(new.status, 201);
    assert_eq!(
        new.json["credentials"]["sd_url"],
        old.json["credentials"]["sd_url"]
    );
}
