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

/// Item 33: DELETE works also for what can no longer be read: the secrets of a binding when their key is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_opened_can_be_deleted() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    for id in ["b1", "b2"] {
        let secret = json!({"endpoint": "/x", "headers": {"X-Tenant": "blue"}});
        assert_eq!(broker.bind("i", id, "a", secret).await.status, 201);
    }
    let database = broker.database.take().expect("its database");
    drop(broker);
    let other = json!({"broker": {"secret_key": "another key, with which nothing opens"}});
    let broker = Broker::beside(&database, other).await;
    assert_eq!(broker.held().await, 2);
    assert_eq!(broker.delete(&binding("i", "b1")).await.status, 200);
    assert_eq!(broker.delete(&binding("i", "b1")).await.status, 410);
    assert_eq!(broker.delete(&instance("i")).await.status, 200);
    assert_eq!((broker.stored().await.len(), broker.held().await), (0, 0));
}

/// The way out of a changed key: the previous one beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_previous_key_bindings_stay_as_they_are() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let secret = json!({"endpoint": "/x", "headers": {"X-Tenant": "blue"}});
    assert_eq!(broker.bind("i", "b", "a", secret.clone()).await.status, 201);
    let database = broker.database.take().expect("its database");
    drop(broker);
    let both = json!({"broker": {
        "secret_key": "another key that is only good for tests",
        "previous_secret_key": "a key that is only good for tests",
    }});
    let broker = Broker::beside(&database, both).await;
    assert_eq!(broker.held().await, 1);
    assert_eq!(broker.bind("i", "b", "a", secret.clone()).await.status, 200);
    drop(broker);
    // What was stored under the previous key is stored anew when it has been read.
    let new = json!({"broker": {"secret_key": "another key that is only good for tests"}});
    let broker = Broker::beside(&database, new).await;
    assert_eq!(broker.bind("i", "b", "a", secret).await.status, 200);
}
