use promfetch_tests::database::{Database, Kind};
use promfetch_tests::osb::{self, binding, instance, with};
use promfetch_tests::{Broker, eventually};
use serde_json::json;

use super::{PLAN, SERVICE, assert_old_rows, bind, delete, old_bind, old_database, take_over};
use crate::store::on_each_database;

on_each_database!(
    promfetcher_finds_what_it_would_have_left,
    without_write_back_its_table_stays_as_it_is,
    there_and_back_and_there_again,
);

/// promfetcher reads the first row of an app: there is one, of the newest binding with an endpoint.
async fn promfetcher_finds_what_it_would_have_left(kind: Kind) {
    let rows = [("b1", "app-1", "/one"), ("b2", "app-2", "/two")];
    let database = old_database(kind, &rows).await;
    let broker = take_over(&database, json!({})).await;
    assert_old_rows(&database, &rows, "taking over changes nothing").await;
    for (name, app, parameters, status) in [
        ("n1", "app-1", json!({"endpoint": "/new"}), 201),
        ("n2", "app-2", json!({}), 201),
        (
            "n3",
            "app-3",
            json!({"endpoint": "/three", "timeout": 5}),
            201,
        ),
        ("n4", "app-3", json!({"endpoint": "/three-b"}), 201),
        ("n5", "app-5", json!({"process": "worker"}), 201),
        (
            "n6",
            "app-6",
            json!({"endpoint": format!("/{}", "x".repeat(300))}),
            201,
        ),
        ("n7", "ä", json!({"endpoint": "/seven"}), 201),
    ] {
        let bound = bind(&broker, ("i", name), app, parameters).await;
        assert_eq!(bound.status, status, "{name}: {}", bound.description());
    }
    let rows = [
        ("n1", "app-1", "/new"),
        ("b2", "app-2", "/two"),
        ("n4", "app-3", "/three-b"),
    ];
    assert_old_rows(&database, &rows, "what its columns can hold").await;
    assert_eq!(delete(&broker, &binding("i", "n4")).await, 200);
    assert_eq!(delete(&broker, &binding("i", "b2")).await, 200);
    let rows = [("n1", "app-1", "/new"), ("n3", "app-3", "/three")];
    assert_old_rows(&database, &rows, "older ones return").await;
    assert_eq!(delete(&broker, &instance("i")).await, 200);
    assert_old_rows(
        &database,
        &[("b1", "app-1", "/one")],
        "only promfetcher's is left",
    )
    .await;
}

/// `broker.write_back: false`.
async fn without_write_back_its_table_stays_as_it_is(kind: Kind) {
    let rows = [("b1", "app-1", "/one"), ("b2", "app-2", "/two")];
    let database = old_database(kind, &rows).await;
    let broker = take_over(&database, json!({"write_back": false})).await;
    assert_eq!(broker.held().await, 2);
    assert_eq!(
        bind(&broker, ("i", "n1"), "app-1", json!({"endpoint": "/new"}))
            .await
            .status,
        201
    );
    assert_eq!(
        bind(&broker, ("i", "n3"), "app-3", json!({"endpoint": "/3"}))
            .await
            .status,
        201
    );
    assert_eq!(delete(&broker, &binding("i", "b2")).await, 200);
    assert_old_rows(&database, &rows, "nothing is written").await;
    assert_eq!(
        broker.get(&binding("i", "b2")).await.status,
        404,
        "its row revives nothing"
    );
    assert_eq!(delete(&broker, &binding("i", "b2")).await, 410);
    // What old processes do is adopted still.
    old_bind(&database, ("b4", "app-4", "/four")).await;
    eventually("a row that came is adopted", async || {
        (broker.held().await == 4).then_some(())
    })
    .await;
    drop(broker);
    let broker = take_over(&database, json!({"write_back": false})).await;
    assert_eq!(broker.held().await, 4, "after a start it is the same");
    assert_eq!(broker.get(&binding("i", "b2")).await.status, 404);
}

/// Back to promfetcher for a while, and forward again: it binds, binds over ours, and unbinds.
async fn there_and_back_and_there_again(kind: Kind) {
    let database = old_database(kind, &[("b1", "app-1", "/one"), ("b2", "app-2", "/two")]).await;
    let broker = take_over(&database, json!({})).await;
    assert_eq!(
        bind(&broker, ("i", "n3"), "app-3", json!({"endpoint": "/three"}))
            .await
            .status,
        201
    );
    drop(broker);
    old_bind(&database, ("b4", "app-4", "/four")).await;
    old_bind(&database, ("b5", "app-3", "/five")).await;
    super::old_unbind(&database, "b2").await;
    let broker = take_over(&database, json!({})).await;
    let catalog = broker.get("/v2/catalog").await.json;
    assert_eq!(
        catalog["services"][0]["id"], SERVICE,
        "it is remembered whose it was"
    );
    eventually("all of it is taken over", async || {
        let stored = broker.stored().await;
        let mut ids: Vec<_> = stored
            .iter()
            .filter_map(|row| row["binding_id"].as_str())
            .collect();
        ids.sort_unstable();
        (ids == ["b1", "b4", "b5", "n3"]).then_some(())
    })
    .await;
    let rows = [
        ("b1", "app-1", "/one"),
        ("b5", "app-3", "/five"),
        ("b4", "app-4", "/four"),
    ];
    assert_old_rows(&database, &rows, "as it was left").await;
    assert_eq!(
        delete(&broker, &binding("i", "b2")).await,
        410,
        "unbound over there"
    );
    assert_eq!(delete(&broker, &binding("i", "b5")).await, 200);
    let rows = [
        ("b1", "app-1", "/one"),
        ("n3", "app-3", "/three"),
        ("b4", "app-4", "/four"),
    ];
    assert_old_rows(&database, &rows, "ours returns").await;
}

/// A database that never was promfetcher's is none, whatever its table; and one that was can be told not to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_take_over_the_table_is_left_alone() {
    let database = Database::start(Kind::Sqlite).await;
    let broker = Broker::beside(&database, json!({})).await;
    assert_eq!(broker.provision("i").await.status, 201);
    assert_eq!(
        broker
            .bind("i", "b", "a", json!({"endpoint": "/x"}))
            .await
            .status,
        201
    );
    let sql = "SELECT name FROM sqlite_master WHERE name = 'app_endpoints'";
    assert!(database.rows(sql).await.is_empty());

    let rows = [("b1", "app-1", "/one")];
    let database = old_database(Kind::Sqlite, &rows).await;
    let off = json!({"broker": {"take_over": false}});
    let broker = Broker::beside(&database, off).await;
    assert_eq!(broker.held().await, 0);
    let body = with(
        osb::bind("app-1"),
        json!({"parameters": {"endpoint": "/new"}}),
    );
    assert_eq!(
        broker.put(&binding("never-seen", "b"), body).await.status,
        404
    );
    assert_eq!(broker.delete(&instance("never-seen")).await.status, 410);
    assert_old_rows(&database, &rows, "left alone").await;
    let ids = format!("?service_id={SERVICE}&plan_id={PLAN}");
    assert_eq!(
        broker.get(&format!("{}{ids}", instance("i"))).await.status,
        404
    );
}
