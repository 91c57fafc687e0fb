use promfetch_tests::Broker;
use promfetch_tests::osb::{self, ABSENT, binding, with};
use serde_json::{Value, json};

/// Item 26: `app_guid` is deprecated in favour of `bind_resource.app_guid`: both are read, and must not differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_may_be_named_at_either_place() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let endpoint = json!({"parameters": {"endpoint": "/x"}});
    for (number, (top, resource, status, why)) in [
        (
            json!(ABSENT),
            json!({"app_guid": "a"}),
            201,
            "as the Kubernetes client",
        ),
        (json!("a"), json!(ABSENT), 201, "as eden"),
        (
            json!("a"),
            json!({"app_guid": "a", "space_guid": "s"}),
            201,
            "as CC",
        ),
        (
            json!("a"),
            json!({}),
            201,
            "an empty object counts as absent",
        ),
        (json!("a"), json!(null), 201, "null counts as absent"),
        (
            json!(""),
            json!({"app_guid": "a"}),
            201,
            "an empty text counts as absent",
        ),
        (
            json!("a"),
            json!({"app_guid": ""}),
            201,
            "an empty text counts as absent",
        ),
        (
            json!(null),
            json!({"app_guid": "a"}),
            201,
            "null counts as absent",
        ),
        (json!("a"), json!({"app_guid": "b"}), 400, "two apps"),
        (
            json!("a"),
            json!({"app_guid": "A"}),
            400,
            "two apps, as letters count",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let members = with(
            endpoint.clone(),
            json!({"app_guid": top, "bind_resource": resource}),
        );
        let path = binding("i", &format!("b{number}"));
        let answer = broker.put(&path, with(osb::bind("a"), members)).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.description());
    }
    let stored = broker.stored().await;
    assert_eq!(stored.len(), 8);
    assert!(
        stored.iter().all(|binding| binding["app_guid"] == "a"),
        "{stored:?}"
    );
}

/// Item 26: 422 RequiresApp MUST when the broker needs an app, which it does for an endpoint. Without parameters a
/// binding of nobody is a service key (section 4, the clash).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_without_an_app_is_422_requires_app() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let nobody: [(Value, &str); 5] = [
        (json!({"bind_resource": ABSENT}), "nothing"),
        (json!({"bind_resource": {}}), "as CC for a service key"),
        (
            json!({"bind_resource": {"credential_client_id": "x"}}),
            "as CC with CredHub",
        ),
        (
            json!({"bind_resource": {"app_guid": ""}, "app_guid": ""}),
            "as Korifi for a key",
        ),
        (json!({"bind_resource": null, "app_guid": null}), "nulls"),
    ];
    for (number, (members, why)) in nobody.into_iter().enumerate() {
        let path = binding("i", &format!("key{number}"));
        let body = with(osb::bind("a"), members);
        for parameters in [json!({"endpoint": "/x"}), json!({"timeout": 3})] {
            let body = with(body.clone(), json!({"parameters": parameters}));
            let answer = broker.put(&path, body).await;
            assert_eq!(answer.status, 422, "{why}");
            assert_eq!(
                answer.json,
                json!({
                    "error": "RequiresApp",
                    "description": "This service supports generation of credentials through binding an application only.",
                }),
                "letter for letter, as the Kubernetes client compares"
            );
            assert_eq!(broker.get(&path).await.status, 404, "item 8");
        }
        assert_eq!(broker.put(&path, body.clone()).await.status, 201, "{why}");
        assert_eq!(
            broker.put(&path, body.clone()).await.status,
            200,
            "{why}: again"
        );
        let app = with(
            body,
            json!({"bind_resource": {"app_guid": "a"}, "app_guid": ABSENT}),
        );
        assert_eq!(
            broker.put(&path, app).await.status,
            409,
            "{why}: it has none"
        );
    }
    let stored = broker.stored().await;
    assert!(
        stored.iter().all(|binding| binding["app_guid"].is_null()),
        "{stored:?}"
    );
}
