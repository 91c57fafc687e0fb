use promfetch_tests::Broker;
use promfetch_tests::osb::{IDS, binding, instance};
use serde_json::json;

/// Item 30: 200 `succeeded` for what exists, 404 MUST for what does not, 400 when malformed. Item 46: a client that
/// polls anyway gets that too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exists_has_succeeded() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(broker.bind("i", "b", "a", json!({})).await.status, 201);
    for (path, exists) in [
        (instance("i"), true),
        (binding("i", "b"), true),
        (instance("none"), false),
        (binding("i", "none"), false),
        (binding("none", "b"), false),
    ] {
        let path = format!("{path}/last_operation");
        for (query, why) in [
            ("", "no hints"),
            (IDS, "hints"),
            ("?operation=task-7", "no operation of ours"),
        ] {
            let answer = broker.get(&format!("{path}{query}")).await;
            if exists {
                let wanted = (200, json!({"state": "succeeded"}));
                assert_eq!((answer.status, answer.json), wanted, "{path}: {why}");
            } else {
                assert_eq!(answer.status, 404, "{path}: {why}");
            }
        }
        for query in ["?service_id=", "?plan_id="] {
            assert_eq!(
                broker.get(&format!("{path}{query}")).await.status,
                400,
                "{path}{query}"
            );
        }
    }
    assert_eq!(broker.delete(&binding("i", "b")).await.status, 200);
    let path = format!("{}/last_operation", binding("i", "b"));
    assert_eq!(
        broker.get(&path).await.status,
        404,
        "410 is for asynchronous deletes only"
    );
}
