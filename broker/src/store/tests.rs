//! The store on SQLite. The same and more runs against all three databases in `tests/it/store.rs`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use promfetch_core::config::Secret;

use super::*;

fn settings(conn: &str) -> config::Store {
    config::Store {
        conn: Secret(conn.to_owned()),
        max_idle: 5,
        max_open: 10,
        max_life: Duration::ZERO,
    }
}

fn store_in(file: &Path) -> Store {
    Store::new(
        &settings(&format!("sqlite:///{}", file.display())),
        None,
        true,
    )
    .expect("a store")
}

fn instance(id: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        service_id: "service".to_owned(),
        plan_id: "plan".to_owned(),
        organization_guid: "organization".to_owned(),
        space_guid: "space".to_owned(),
        parameters: "{}".to_owned(),
        context: "{\"a\":1}".to_owned(),
        created: 1_700_000_000_000,
        updated: 1_700_000_000_001,
    }
}

fn new_binding(id: &str, app: Option<&str>) -> NewBinding {
    NewBinding {
        binding_id: id.to_owned(),
        service_id: "service".to_owned(),
        plan_id: "plan".to_owned(),
        app_guid: app.map(str::to_owned),
        space_guid: "space".to_owned(),
        endpoint: app.map(|_| "/metrics".to_owned()),
        parameters: "v1:sealed".to_owned(),
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        created: 1_700_000_000_002,
    }
}

#[tokio::test]
async fn what_is_committed_is_read_back() {
    let store = Store::in_memory();
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(None));
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    let first = transaction
        .insert_binding(&new_binding("b1", Some("app")))
        .await
        .expect("inserted");
    let second = transaction
        .insert_binding(&new_binding("b2", None))
        .await
        .expect("inserted");
    assert!(first.seq < second.seq);
    assert_eq!(first.key, keys::binding(Some("i"), "b1"));
    assert_eq!(first.instance_id.as_deref(), Some("i"));
    drop(transaction.commit().await.expect("committed"));

    assert_eq!(
        store.bindings().await,
        Ok(vec![first.clone(), second.clone()])
    );
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(instance("i"))));
    assert_eq!(transaction.binding("b1").await, Ok(Some(first.clone())));
    transaction
        .update_parameters(&first, "v1:other")
        .await
        .expect("updated");
    transaction.delete_binding(&second).await.expect("deleted");
    let changed = Instance {
        plan_id: "another".to_owned(),
        ..instance("i")
    };
    transaction
        .update_instance(&changed)
        .await
        .expect("updated");
    drop(transaction.commit().await.expect("committed"));

    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(changed)));
    let left = Binding {
        parameters: "v1:other".to_owned(),
        ..first
    };
    assert_eq!(transaction.delete_instance().await, Ok(vec![left]));
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(store.bindings().await, Ok(vec![]));
}

#[tokio::test]
async fn what_is_dropped_leaves_nothing() {
    let store = Store::in_memory();
    let mut transaction = store.begin("i").await.expect("a transaction");
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    drop(transaction);
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(None));
}

#[tokio::test]
async fn a_database_in_memory_outlives_operations_that_are_cut_short() {
    let store = Store::in_memory();
    let mut transaction = store.begin("i").await.expect("a transaction");
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    drop(transaction.commit().await.expect("committed"));
    for round in 0..20 {
        let task = tokio::spawn({
            let store = store.clone();
            async move {
                let mut transaction = store.begin("i").await.expect("a transaction");
                for number in 0.. {
                    let new = new_binding(&number.to_string(), None);
                    transaction.insert_binding(&new).await.expect("inserted");
                }
            }
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
    assert_eq!(store.bindings().await, Ok(vec![]));
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(instance("i"))));
}

#[tokio::test]
async fn a_file_is_its_owners_alone_and_outlives_the_store() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("x.db");
    let store = store_in(&file);
    assert!(!file.exists(), "nothing is opened before it is needed");
    let mut transaction = store.begin("i").await.expect("a transaction");
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    drop(transaction.commit().await.expect("committed"));
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let entry = entry.expect("a file");
        let mode = entry.metadata().expect("a mode").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    store.close().await;
    let store = store_in(&file);
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(instance("i"))));
}

#[tokio::test]
async fn debugging_shows_no_password() {
    for conn in ["mysql://u:hush@h/db", "postgres://u:hush@h/db"] {
        let store = Store::new(&settings(conn), None, true).expect("a store");
        assert!(!format!("{store:?}").contains("hush"), "{store:?}");
    }
}
