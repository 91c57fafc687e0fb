use promfetch_tests::Broker;
use promfetch_tests::osb::{self, Call, IDS, PLAN, SERVICE, binding, instance};
use serde_json::json;

/// Item 25: 200 `{}` when deleted, 410 MUST when it does not exist. Item 33: repeatedly, and for ids never seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_410() {
    let broker = Broker::start().await;
    assert_eq!(broker.delete(&instance("never-seen")).await.status, 410);
    assert_eq!(broker.provision("i").await.status, 201);
    let deleted = broker.delete(&instance("i")).await;
    assert_eq!((deleted.status, deleted.json), (200, json!({})));
    for _ in 0..3 {
        assert_eq!(broker.delete(&instance("i")).await.status, 410);
    }
    assert_eq!(broker.get(&instance("i")).await.status, 404);
}

/// Item 25: both query ids REQUIRED, missing MUST be 400; empty counts as missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ids_are_required() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(broker.bind("i", "b", "a", json!({})).await.status, 201);
    for path in [
        instance("i"),
        binding("i", "b"),
        instance("none"),
        binding("i", "none"),
    ] {
        for (query, why) in [
            (String::new(), "neither"),
            (format!("?service_id={SERVICE}"), "no plan"),
            (format!("?plan_id={PLAN}"), "no service"),
            (format!("?service_id=&plan_id={PLAN}"), "an empty service"),
            (format!("?service_id={SERVICE}&plan_id="), "an empty plan"),
            (format!("?service_id&plan_id={PLAN}"), "no value"),
            (
                format!("?Service_Id={SERVICE}&Plan_Id={PLAN}"),
                "other names",
            ),
        ] {
            let answer = broker
                .send(Call::new("DELETE", &format!("{path}{query}")))
                .await;
            assert_eq!(answer.status, 400, "{path}: {why}");
        }
    }
    // Of what exists, those of another are wrong; of what does not, nothing can be wrong.
    for (query, why) in [
        (
            format!("?service_id=unknown&plan_id={PLAN}"),
            "another service",
        ),
        (
            format!("?service_id={SERVICE}&plan_id=unknown"),
            "another plan",
        ),
        (format!("?service_id={PLAN}&plan_id={SERVICE}"), "exchanged"),
    ] {
        for (path, status) in [
            (instance("i"), 400),
            (binding("i", "b"), 400),
            (instance("none"), 410),
            (binding("i", "none"), 410),
        ] {
            let answer = broker
                .send(Call::new("DELETE", &format!("{path}{query}")))
                .await;
            assert_eq!(answer.status, status, "{path}: {why}");
        }
    }
    assert_eq!(
        broker.get(&binding("i", "b")).await.status,
        200,
        "item 8: nothing went"
    );
    let escaped = IDS.replace('-', "%2D");
    let answer = broker
        .send(Call::new("DELETE", &format!("{}{escaped}", instance("i"))))
        .await;
    assert_eq!(answer.status, 200, "percent-encoded");
}

/// Items 25 and 35: with its bindings, and with nothing of another instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deprovision_deletes_everything_of_the_instance() {
    let broker = Broker::start().await;
    for id in ["i", "other"] {
        assert_eq!(broker.provision(id).await.status, 201);
        for (name, app) in [("b1", "a1"), ("b2", "a2")] {
            let bound = broker.bind(id, name, app, json!({"endpoint": "/x"})).await;
            assert_eq!(bound.status, 201);
        }
    }
    assert_eq!((broker.stored().await.len(), broker.held().await), (4, 4));
    assert_eq!(broker.delete(&instance("i")).await.status, 200);
    assert_eq!((broker.stored().await.len(), broker.held().await), (2, 2));
    for name in ["b1", "b2"] {
        assert_eq!(broker.get(&binding("i", name)).await.status, 404);
        assert_eq!(broker.delete(&binding("i", name)).await.status, 410);
        assert_eq!(broker.get(&binding("other", name)).await.status, 200);
    }
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker.get(&binding("i", "b1")).await.status,
        404,
        "nothing comes back"
    );
    assert_eq!(broker.bind("i", "b1", "a3", json!({})).await.status, 201);
}

/// Item 33, section 2.2: a plan removed from the catalog is only deactivated; bind, unbind and deprovision go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_plan_is_served_until_its_last_instance_goes() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(broker.bind("i", "b", "a", json!({})).await.status, 201);
    let database = broker.database.take().expect("its database");
    drop(broker);
    let other =
        json!({"broker": {"broker_service_id": "new-service", "broker_plan_id": "new-plan"}});
    let broker = Broker::beside(&database, other).await;
    assert_eq!(
        broker.put(&instance("i2"), osb::provision()).await.status,
        400
    );
    assert_eq!(broker.bind("i", "b2", "a", json!({})).await.status, 201);
    let got = broker.get(&instance("i")).await;
    assert_eq!((got.status, &got.json["plan_id"]), (200, &json!(PLAN)));
    assert_eq!(broker.delete(&binding("i", "b")).await.status, 200);
    assert_eq!(broker.delete(&instance("i")).await.status, 200);
    assert_eq!(broker.delete(&instance("i")).await.status, 410);
}

/// Item 33: what the Cloud Controller's orphan job sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orphan_delete_needs_no_identity() {
    let broker = Broker::start().await;
    for (path, status) in [(instance("i"), 410), (binding("i", "b"), 410)] {
        let path = format!(
            "{path}?accepts_incomplete=true&{}",
            IDS.trim_start_matches('?')
        );
        for _ in 0..3 {
            assert_eq!(broker.send(Call::new("DELETE", &path)).await.status, status);
        }
    }
}
