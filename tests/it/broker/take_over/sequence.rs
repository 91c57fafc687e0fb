use promfetch_tests::database::Kind;
use promfetch_tests::osb::{self, Call, binding, instance, with};
use promfetch_tests::{Behaviour, Broker, Instance, config};
use serde_json::json;

use super::{PLAN, SERVICE, bind, delete, old_database, take_over, update};
use crate::store::on_each_database;

on_each_database!(
    the_catalog_has_promfetchers_defaults,
    instances_never_seen_are_used_on,
    an_adopted_binding_is_found_by_its_id,
    what_is_not_ours_stays_unknown,
);

const ROWS: [super::Row<'static>; 3] = [
    ("b1", "app-1", "/one"),
    ("b2", "app-2", "/two"),
    ("b3", "app-3", "/three"),
];

async fn the_catalog_has_promfetchers_defaults(kind: Kind) {
    let database = old_database(kind, &ROWS).await;
    let broker = take_over(&database, json!({})).await;
    let catalog = broker.get("/v2/catalog").await.json;
    let service = &catalog["services"][0];
    assert_eq!(
        (&service["name"], &service["id"], &service["plans"][0]["id"]),
        (&json!("promfetcher"), &json!(SERVICE), &json!(PLAN))
    );
    assert_eq!(service["plans"][0]["name"], "fetch-app");
    assert_eq!(broker.held().await, 3, "all are in effect from the start");
}

/// The Cloud Controller's sequence: update, bind, unbind, deprovision.
async fn instances_never_seen_are_used_on(kind: Kind) {
    let database = old_database(kind, &ROWS).await;
    let broker = take_over(&database, json!({})).await;
    // An update is the first that is heard of it.
    assert_eq!(
        broker.get(&instance("i1")).await.status,
        404,
        "not known yet"
    );
    assert_eq!(update(&broker, "i1").await.status, 200);
    assert_eq!(broker.get(&instance("i1")).await.status, 200);
    assert_eq!(
        bind(&broker, ("i1", "new"), "app-1", json!({"endpoint": "/new"}))
            .await
            .status,
        201
    );
    assert_eq!(delete(&broker, &binding("i1", "new")).await, 200);
    assert_eq!(
        delete(&broker, &binding("i1", "b1")).await,
        200,
        "promfetcher's"
    );
    assert_eq!(delete(&broker, &binding("i1", "b1")).await, 410);
    assert_eq!(delete(&broker, &instance("i1")).await, 200);
    assert_eq!(
        delete(&broker, &instance("i1")).await,
        410,
        "deprovisioned twice"
    );
    assert_eq!(
        update(&broker, "i1").await.status,
        404,
        "it does not come back"
    );
    let late = bind(&broker, ("i1", "late"), "app-1", json!({})).await;
    assert_eq!(late.status, 404, "it does not come back");

    // A bind is the first.
    assert_eq!(
        bind(&broker, ("i2", "new"), "app-2", json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    assert_eq!(
        bind(&broker, ("i2", "new"), "app-2", json!({"endpoint": "/x"}))
            .await
            .status,
        200
    );
    assert_eq!(broker.get(&instance("i2")).await.status, 200);
    // A second provision of what the Cloud Controller has is of the same place.
    let body = with(
        osb::provision(),
        json!({
            "service_id": SERVICE, "plan_id": PLAN, "organization_guid": "o", "space_guid": "s",
        }),
    );
    assert_eq!(broker.put(&instance("i2"), body.clone()).await.status, 200);

    // An unbind is the first, and the instance goes after it.
    assert_eq!(delete(&broker, &binding("i3", "b3")).await, 200);
    assert_eq!(delete(&broker, &instance("i3")).await, 200);
    assert_eq!(delete(&broker, &instance("i3")).await, 410);

    // A new one is as everywhere.
    assert_eq!(broker.put(&instance("i4"), body).await.status, 201);
    assert_eq!(delete(&broker, &instance("i4")).await, 200);
    assert_eq!(delete(&broker, &instance("i4")).await, 410);
}

async fn an_adopted_binding_is_found_by_its_id(kind: Kind) {
    let database = old_database(kind, &ROWS).await;
    let broker = take_over(&database, json!({})).await;
    let path = binding("i", "b1");
    let got = broker.get(&path).await;
    assert_eq!(
        got.status, 200,
        "section 5, flaw 13: its parameters are shown"
    );
    assert_eq!(
        got.json,
        json!({"credentials": {}, "parameters": {"endpoint": "/one"}})
    );
    // The Cloud Controller repeats a bind whose answer was lost.
    let endpoint = json!({"endpoint": "/one"});
    let other = bind(&broker, ("i", "b1"), "app-1", json!({"endpoint": "/other"})).await;
    assert_eq!(other.status, 409);
    let again = bind(&broker, ("i", "b1"), "app-1", endpoint.clone()).await;
    assert_eq!(again.status, 200);
    assert!(
        again.json["credentials"]["password"].is_string(),
        "now it has some"
    );
    assert_eq!(
        bind(&broker, ("i", "b1"), "app-1", endpoint).await.json,
        again.json
    );
    assert_eq!(
        broker.get(&path).await.json["credentials"],
        again.json["credentials"]
    );
    assert_eq!(
        broker.get(&binding("another", "b1")).await.status,
        404,
        "it is of that instance"
    );
    assert_eq!(broker.held().await, 3);
    // Rotated, an adopted one has a successor with credentials.
    let rotation = json!({"predecessor_binding_id": "b2", "service_id": SERVICE, "plan_id": PLAN});
    assert_eq!(broker.put(&binding("i", "r2"), rotation).await.status, 201);
    assert_eq!(
        broker.get(&binding("i", "r2")).await.json["parameters"]["endpoint"],
        "/two"
    );
}

/// Ids of another service name no instance of promfetcher's. Nor does what cannot be stored.
async fn what_is_not_ours_stays_unknown(kind: Kind) {
    let database = old_database(kind, &ROWS).await;
    let broker = take_over(&database, json!({})).await;
    for query in [
        "?service_id=x&plan_id=y".to_owned(),
        format!("?service_id={SERVICE}&plan_id=y"),
    ] {
        let call = Call::new("DELETE", &format!("{}{query}", instance("i")));
        assert_eq!(broker.send(call).await.status, 410);
    }
    let other = json!({"service_id": "x", "plan_id": PLAN, "bind_resource": {"app_guid": "a"}});
    assert_eq!(broker.put(&binding("i", "b"), other).await.status, 404);
    let strange = json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "bind_resource": {"app_guid": "a", "space_guid": "a\u{0}b"},
        "context": {"organization_guid": "x".repeat(5000), "space_guid": ["s"]},
    });
    assert_eq!(
        broker.put(&binding("i", "b"), strange).await.status,
        201,
        "a context fails nothing"
    );
    assert_eq!(delete(&broker, &instance("i")).await, 200);
    assert_eq!(broker.held().await, 3);
}

/// Apps are asked for what they had bound with promfetcher, and then for what they bind now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_are_asked_for_what_they_had_bound() {
    let app = "47d288f6-f9c1-5e3a-9546-5384018954e2";
    let running = Instance::start("0", Behaviour::page("a 1\n")).await;
    let mut target = config::target(["acme", "prod", "shop"], 0, running.address);
    target["app_id"] = app.into();
    let database = old_database(Kind::Sqlite, &[("b", app, "/old")]).await;
    let keys = json!({
        "targets": [target],
        "broker": {"broker_service_id": null, "broker_plan_id": null},
    });
    let broker = Broker::beside(&database, keys).await;
    let page = format!("/v1/apps/{app}/metrics");
    let path = async || {
        assert!(broker.promfetch.page(&page).await.has("a"));
        running.last_seen().path
    };
    assert_eq!(path().await, "/old");
    assert_eq!(
        bind(&broker, ("i", "new"), app, json!({"endpoint": "/new"}))
            .await
            .status,
        201
    );
    assert_eq!(path().await, "/new");
    assert_eq!(delete(&broker, &binding("i", "new")).await, 200);
    assert_eq!(path().await, "/old", "the older one returns");
    assert_eq!(delete(&broker, &binding("i", "b")).await, 200);
    assert_eq!(path().await, "/metrics");
}
