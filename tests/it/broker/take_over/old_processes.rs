use promfetch_tests::database::Kind;
use promfetch_tests::osb::{binding, instance};
use promfetch_tests::{Broker, eventually};
use serde_json::{Value, json};

use super::{assert_old_rows, bind, delete, old_bind, old_database, old_unbind, take_over};
use crate::store::on_each_database;

on_each_database!(
    what_old_processes_do_is_adopted_within_a_reload,
    an_operation_sees_what_old_processes_have_just_done,
    bindings_of_both_sides_live_together,
);

/// The endpoint that is in effect for an app, as `promfetch bindings` says.
async fn endpoint(broker: &Broker, app: &str) -> Option<String> {
    let stored = broker.stored().await;
    let binding = stored
        .iter()
        .find(|row| row["app_guid"] == app && row["effect"] == "in effect")?;
    binding["parameters"]["endpoint"].as_str().map(Into::into)
}

/// An old process binds, binds anew and unbinds; nobody asks promfetch for anything meanwhile.
async fn what_old_processes_do_is_adopted_within_a_reload(kind: Kind) {
    let database = old_database(kind, &[("b1", "app-1", "/one")]).await;
    let broker = take_over(&database, json!({})).await;
    assert_eq!(broker.held().await, 1);
    old_bind(&database, ("b2", "app-2", "/two")).await;
    eventually("a row that came is adopted", async || {
        (broker.held().await == 2).then_some(())
    })
    .await;
    assert_eq!(
        broker.get(&binding("i", "b2")).await.json["parameters"],
        json!({"endpoint": "/two"})
    );
    // An app's second bind: promfetcher replaces the row. Both bindings are the Cloud Controller's still.
    old_bind(&database, ("b3", "app-2", "/three")).await;
    eventually("the newer one decides", async || {
        (endpoint(&broker, "app-2").await.as_deref() == Some("/three")).then_some(())
    })
    .await;
    old_unbind(&database, "b3").await;
    eventually("a row that went is unbound", async || {
        (endpoint(&broker, "app-2").await.as_deref() != Some("/three")).then_some(())
    })
    .await;
    assert_eq!(endpoint(&broker, "app-1").await.as_deref(), Some("/one"));
    assert_eq!(broker.get(&binding("i", "b3")).await.status, 404);
}

/// What is bound over there and unbound over here, before any reload.
async fn an_operation_sees_what_old_processes_have_just_done(kind: Kind) {
    let database = old_database(kind, &[]).await;
    let broker = take_over(&database, json!({})).await;
    for (number, name) in ["b1", "b2", "b3"].into_iter().enumerate() {
        let app = format!("app-{number}");
        old_bind(&database, (name, &app, "/old")).await;
        let got = broker.get(&binding("i", name)).await;
        assert_eq!(
            got.json["parameters"],
            json!({"endpoint": "/old"}),
            "{name}"
        );
        assert_eq!(delete(&broker, &binding("i", name)).await, 200, "{name}");
        assert_eq!(delete(&broker, &binding("i", name)).await, 410, "{name}");
    }
    assert_old_rows(&database, &[], "all are unbound").await;
    // Memory follows, whoever took it in.
    old_bind(&database, ("b4", "app-4", "/four")).await;
    assert_eq!(
        bind(&broker, ("i", "b5"), "app-5", json!({"endpoint": "/five"}))
            .await
            .status,
        201
    );
    eventually("memory has both", async || {
        (broker.held().await == 2).then_some(())
    })
    .await;
}

async fn bindings_of_both_sides_live_together(kind: Kind) {
    let database = old_database(kind, &[("b1", "app", "/one")]).await;
    let broker = take_over(&database, json!({})).await;
    let parameters: Value = json!({"endpoint": "/new"});
    assert_eq!(
        bind(&broker, ("i", "n1"), "app", parameters).await.status,
        201
    );
    assert_old_rows(&database, &[("n1", "app", "/new")], "ours is the newest").await;
    old_bind(&database, ("b2", "app", "/two")).await;
    eventually("the old process was the last", async || {
        (endpoint(&broker, "app").await.as_deref() == Some("/two")).then_some(())
    })
    .await;
    assert_eq!(
        broker.get(&binding("i", "n1")).await.status,
        200,
        "it was not unbound"
    );
    assert_eq!(delete(&broker, &binding("i", "b2")).await, 200);
    assert_old_rows(
        &database,
        &[("n1", "app", "/new")],
        "the one before returns",
    )
    .await;
    assert_eq!(delete(&broker, &instance("i")).await, 200);
    assert_old_rows(
        &database,
        &[("b1", "app", "/one")],
        "and the one before that",
    )
    .await;
    assert_eq!(delete(&broker, &binding("i2", "b1")).await, 200);
    assert_old_rows(&database, &[], "none is left").await;
}
