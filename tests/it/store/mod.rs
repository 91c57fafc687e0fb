//! The store on all three databases, on servers of its own.

mod concurrency;
mod migrations;
mod operations;
mod outage;
mod take_over;
mod tls;

use std::time::Duration;

use promfetch_broker::config;
use promfetch_broker::store::{Instance, Kind as ErrorKind, NewBinding, Store, Transaction};
use promfetch_core::config::Secret;
use promfetch_tests::Database;

/// Makes a test for each database of functions that take its kind.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(promfetch_tests::database::Kind::Sqlite).await;
            })+
        }
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(promfetch_tests::database::Kind::Mariadb).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(promfetch_tests::database::Kind::Postgres).await;
            })+
        }
    };
}
pub(crate) use on_each_database;

fn settings(url: &str) -> config::Store {
    config::Store {
        conn: Secret(url.to_owned()),
        max_idle: 5,
        max_open: 10,
        max_life: Duration::from_secs(3600),
    }
}

/// A store as one process has it.
fn store(url: &str) -> Store {
    Store::new(&settings(url), None, true).expect("a store")
}

fn store_of(database: &Database) -> Store {
    store(&database.url)
}

fn instance(id: &str) -> Instance {
    Instance {
        id: id.to_owned(),
        service_id: "service".to_owned(),
        plan_id: "plan".to_owned(),
        organization_guid: "organization".to_owned(),
        space_guid: "space".to_owned(),
        parameters: "{}".to_owned(),
        context: "{}".to_owned(),
        created: 1_700_000_000_000,
        updated: 1_700_000_000_001,
    }
}

fn binding(id: &str, app: &str, endpoint: &str) -> NewBinding {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    NewBinding {
        binding_id: id.to_owned(),
        service_id: "service".to_owned(),
        plan_id: "plan".to_owned(),
        app_guid: some(app),
        space_guid: "space".to_owned(),
        endpoint: some(endpoint),
        parameters: "v1:sealed".to_owned(),
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        created: 1_700_000_000_002,
    }
}

/// Begins, tried again while others are in the way.
async fn begin(store: &Store, id: &str) -> Transaction {
    loop {
        match store.begin(id).await {
            Ok(transaction) => return transaction,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Provisions an instance.
async fn provision(store: &Store, id: &str) {
    let mut transaction = begin(store, id).await;
    transaction
        .insert_instance(&instance(id))
        .await
        .expect("inserted");
    drop(transaction.commit().await.expect("committed"));
}

/// Binds on an instance that is there.
async fn bind(store: &Store, instance: &str, new: &NewBinding) {
    let mut transaction = begin(store, instance).await;
    transaction.insert_binding(new).await.expect("inserted");
    drop(transaction.commit().await.expect("committed"));
}

/// Unbinds what is there.
async fn unbind(store: &Store, instance: &str, binding: &str) {
    let mut transaction = begin(store, instance).await;
    let found = transaction
        .binding(binding)
        .await
        .expect("read")
        .expect("a binding");
    transaction.delete_binding(&found).await.expect("deleted");
    drop(transaction.commit().await.expect("committed"));
}
