use promfetch_tests::Broker;
use promfetch_tests::osb::{binding, instance};
use serde_json::json;

/// Items 29 and 35: 200 `{}`, then 410 MUST; everything of that binding goes and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unbind_deletes_that_binding_and_is_410_again() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for id in ["b1", "b2"] {
        assert_eq!(
            broker
                .bind("i", id, "a", json!({"endpoint": "/x"}))
                .await
                .status,
            201
        );
    }
    let deleted = broker.delete(&binding("i", "b1")).await;
    assert_eq!((deleted.status, deleted.json), (200, json!({})));
    for _ in 0..3 {
        let gone = broker.delete(&binding("i", "b1")).await;
        assert_eq!(
            gone.status, 410,
            "its body is JSON, as the Kubernetes client decodes it"
        );
    }
    assert_eq!(broker.get(&binding("i", "b1")).await.status, 404);
    assert_eq!(broker.get(&binding("i", "b2")).await.status, 200);
    assert_eq!((broker.stored().await.len(), broker.held().await), (1, 1));
    assert_eq!(
        broker.delete(&binding("none", "b2")).await.status,
        410,
        "no such instance"
    );
    assert_eq!(broker.delete(&instance("i")).await.status, 200);
}
