use std::collections::HashMap;

use promfetch_broker::store::{Binding, Store};
use promfetch_tests::Database;
use promfetch_tests::database::Kind;
use tokio::task::JoinSet;

use super::{
    begin, bind, binding, instance, on_each_database, provision, settings, store_of, unbind,
};

on_each_database!(
    there_and_back_row_by_row,
    an_operation_sees_what_old_processes_did,
    an_adopted_binding_gets_its_instance,
    instances_that_were_deprovisioned_are_remembered,
    without_writing_back_the_table_stays_as_it_is,
    what_the_table_cannot_hold_fails_nothing,
    who_takes_over_is_decided_once,
    a_table_that_was_dropped_is_filled_again,
    a_table_that_is_emptied_or_dropped_in_use_unbinds_nobody,
    thousands_of_rows_are_adopted_at_once,
    old_and_new_processes_work_side_by_side,
);

/// The table as gorm makes it. The collation is one that some servers have by default, and sqlx stumbles over.
async fn make_table(database: &Database, kind: Kind) {
    let options = match kind {
        Kind::Mariadb => "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        Kind::Sqlite | Kind::Postgres => "",
    };
    database
        .execute(&format!(
            "CREATE TABLE app_endpoints (guid varchar(255), app_guid varchar(255), endpoint varchar(255), PRIMARY KEY (guid)) {options}"
        ))
        .await;
}

/// What promfetcher does at a bind.
async fn old_bind(database: &Database, guid: &str, app: &str, endpoint: &str) {
    database
        .execute(&format!(
            "DELETE FROM app_endpoints WHERE app_guid = '{app}'"
        ))
        .await;
    database
        .execute(&format!(
            "INSERT INTO app_endpoints (guid, app_guid, endpoint) VALUES ('{guid}', '{app}', '{endpoint}')"
        ))
        .await;
}

/// What promfetcher does at an unbind.
async fn old_unbind(database: &Database, guid: &str) {
    database
        .execute(&format!("DELETE FROM app_endpoints WHERE guid = '{guid}'"))
        .await;
}

/// Rows of promfetcher's table as `guid app endpoint`.
async fn rows(database: &Database) -> Vec<String> {
    database
        .rows("SELECT guid, app_guid, endpoint FROM app_endpoints ORDER BY app_guid, guid")
        .await
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// Bindings as `binding app endpoint`, the oldest first; `?` in front of adopted ones.
async fn bindings(store: &Store) -> Vec<String> {
    store
        .bindings()
        .await
        .expect("bindings")
        .into_iter()
        .map(|binding| {
            let adopted = if binding.instance_id.is_none() {
                "?"
            } else {
                ""
            };
            let Binding {
                binding_id,
                app_guid,
                endpoint,
                ..
            } = binding;
            format!(
                "{adopted}{binding_id} {} {}",
                app_guid.unwrap_or_default(),
                endpoint.unwrap_or_default()
            )
        })
        .collect()
}

async fn there_and_back_row_by_row(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    old_bind(&database, "b1", "a1", "/1").await;
    old_bind(&database, "b2", "a2", "/2").await;

    let store = store_of(&database);
    assert_eq!(store.taken_over().await, Ok(true));
    assert_eq!(bindings(&store).await, [""; 0]);
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(bindings(&store).await, ["?b1 a1 /1", "?b2 a2 /2"]);
    assert_eq!(rows(&database).await, ["b1 a1 /1", "b2 a2 /2"]);
    assert_eq!(store.reconcile().await, Ok(false), "once is enough");

    provision(&store, "i").await;
    bind(&store, "i", &binding("b3", "a1", "/3")).await;
    assert_eq!(
        rows(&database).await,
        ["b3 a1 /3", "b2 a2 /2"],
        "the newest"
    );
    bind(&store, "i", &binding("b4", "a1", "")).await;
    bind(&store, "i", &binding("key", "", "")).await;
    assert_eq!(
        rows(&database).await,
        ["b3 a1 /3", "b2 a2 /2"],
        "no endpoint, no app: nothing for promfetcher"
    );
    assert_eq!(store.reconcile().await, Ok(false));

    old_bind(&database, "b5", "a1", "/5").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(
        bindings(&store).await,
        [
            "?b1 a1 /1",
            "?b2 a2 /2",
            "b3 a1 /3",
            "b4 a1 ",
            "key  ",
            "?b5 a1 /5"
        ],
        "the old process' is the newest, ours stay below it"
    );
    assert_eq!(rows(&database).await, ["b5 a1 /5", "b2 a2 /2"]);

    unbind(&store, "i", "b5").await;
    assert_eq!(
        rows(&database).await,
        ["b3 a1 /3", "b2 a2 /2"],
        "the one before is back"
    );
    old_unbind(&database, "b3").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(
        bindings(&store).await,
        ["?b1 a1 /1", "?b2 a2 /2", "b4 a1 ", "key  "]
    );
    assert_eq!(rows(&database).await, ["b1 a1 /1", "b2 a2 /2"]);

    old_unbind(&database, "b2").await;
    old_unbind(&database, "b1").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(bindings(&store).await, ["b4 a1 ", "key  "]);
    assert_eq!(rows(&database).await, [""; 0]);

    bind(&store, "i", &binding("b6", "a1", "/6")).await;
    bind(&store, "i", &binding("b7", "a2", "/7")).await;
    assert_eq!(rows(&database).await, ["b6 a1 /6", "b7 a2 /7"]);
    let mut transaction = begin(&store, "i").await;
    let gone = transaction.delete_instance().await.expect("deleted");
    assert_eq!(gone.len(), 4);
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(rows(&database).await, [""; 0], "with the instance");
    assert_eq!(store.reconcile().await, Ok(false));
}

async fn an_operation_sees_what_old_processes_did(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    let store = store_of(&database);
    provision(&store, "i").await;
    bind(&store, "i", &binding("b1", "a1", "/1")).await;

    old_bind(&database, "b2", "a2", "/2").await;
    let mut transaction = begin(&store, "i").await;
    let found = transaction.binding("b2").await.expect("read");
    assert_eq!(found.map(|found| found.instance_id), Some(None));
    let turn = transaction.commit().await.expect("committed");
    assert!(turn.changed_others());
    drop(turn);

    old_unbind(&database, "b1").await;
    let mut transaction = begin(&store, "i").await;
    assert_eq!(transaction.binding("b1").await, Ok(None));
    drop(transaction);
    // Nothing was committed, so it is seen again.
    let mut transaction = begin(&store, "i").await;
    assert_eq!(transaction.binding("b1").await, Ok(None));
    assert!(
        transaction
            .commit()
            .await
            .expect("committed")
            .changed_others()
    );

    let turn = begin(&store, "i").await.commit().await.expect("committed");
    assert!(!turn.changed_others(), "nothing has happened since");
}

async fn an_adopted_binding_gets_its_instance(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    old_bind(&database, "b1", "a1", "/1").await;
    let store = store_of(&database);
    let mut transaction = begin(&store, "i").await;
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    let adopted = transaction
        .binding("b1")
        .await
        .expect("read")
        .expect("adopted");
    assert_eq!(adopted.nonce.len(), 32);
    assert!(adopted.nonce.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_eq!(
        (
            &*adopted.service_id,
            &*adopted.plan_id,
            &*adopted.parameters
        ),
        ("", "", "")
    );
    let attached = transaction
        .attach(&adopted, "service", "plan", "space")
        .await
        .expect("attached");
    assert_ne!(attached.key, adopted.key);
    assert_eq!(
        attached,
        Binding {
            key: attached.key.clone(),
            instance_id: Some("i".to_owned()),
            service_id: "service".to_owned(),
            plan_id: "plan".to_owned(),
            space_guid: "space".to_owned(),
            ..adopted
        }
    );
    assert_eq!(transaction.binding("b1").await, Ok(Some(attached.clone())));
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(store.bindings().await, Ok(vec![attached.clone()]));
    assert_eq!(rows(&database).await, ["b1 a1 /1"]);
    assert_eq!(store.reconcile().await, Ok(false));

    let mut transaction = begin(&store, "another").await;
    assert_eq!(
        transaction.binding("b1").await,
        Ok(None),
        "it belongs to one instance now"
    );
    drop(transaction);
    let mut transaction = begin(&store, "i").await;
    assert_eq!(transaction.delete_instance().await, Ok(vec![attached]));
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(rows(&database).await, [""; 0]);
}

async fn instances_that_were_deprovisioned_are_remembered(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    let store = store_of(&database);
    provision(&store, "i").await;
    for id in ["i", "one of promfetcher's, never seen here"] {
        let mut transaction = begin(&store, id).await;
        assert_eq!(transaction.was_deprovisioned().await, Ok(false), "{id}");
        transaction.delete_instance().await.expect("deleted");
        drop(transaction.commit().await.expect("committed"));
        let mut transaction = begin(&store, id).await;
        assert_eq!(transaction.was_deprovisioned().await, Ok(true), "{id}");
        transaction.delete_instance().await.expect("deleted again");
        drop(transaction.commit().await.expect("committed"));
    }
    provision(&store, "i").await;
    let mut transaction = begin(&store, "i").await;
    assert_eq!(
        transaction.was_deprovisioned().await,
        Ok(false),
        "it is there again"
    );
}

async fn without_writing_back_the_table_stays_as_it_is(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    old_bind(&database, "b1", "a1", "/1").await;
    old_bind(&database, "b2", "a2", "/2").await;
    let before = rows(&database).await;
    let store = Store::new(&settings(&database.url), None, false).expect("a store");
    assert_eq!(store.reconcile().await, Ok(true));
    provision(&store, "i").await;
    bind(&store, "i", &binding("b3", "a1", "/3")).await;
    unbind(&store, "i", "b1").await;
    unbind(&store, "i", "b2").await;
    assert_eq!(rows(&database).await, before);
    assert_eq!(
        store.reconcile().await,
        Ok(false),
        "what was unbound stays so"
    );
    assert_eq!(bindings(&store).await, ["b3 a1 /3"]);

    old_bind(&database, "b4", "a2", "/4").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(bindings(&store).await, ["b3 a1 /3", "?b4 a2 /4"]);

    // Switched on again: as if it had never been off.
    let store = store_of(&database);
    assert_eq!(
        store.reconcile().await,
        Ok(false),
        "nothing of ours changes"
    );
    assert_eq!(rows(&database).await, ["b3 a1 /3", "b4 a2 /4"]);
}

async fn what_the_table_cannot_hold_fails_nothing(kind: Kind) {
    let long = "x".repeat(256);
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    let store = store_of(&database);
    provision(&store, "i").await;
    for (new, why) in [
        (binding(&long, "a1", "/x"), "an id that is too long"),
        (binding("b2", &long, "/x"), "an app that is too long"),
        (binding("b3", "a3", &long), "an endpoint that is too long"),
        (binding("b4\0", "a4", "/x"), "NUL"),
        (binding("\u{1F600}", "a5", "/x"), "beyond ASCII"),
    ] {
        bind(&store, "i", &new).await;
        assert_eq!(rows(&database).await, [""; 0], "{why}");
    }
    assert_eq!(store.reconcile().await, Ok(false));

    provision(&store, "i2").await;
    bind(&store, "i", &binding("same", "a6", "/6")).await;
    bind(&store, "i2", &binding("same", "a7", "/7")).await;
    assert_eq!(
        rows(&database).await,
        ["same a6 /6"],
        "an id that two instances use is that of the first"
    );
    unbind(&store, "i", "same").await;
    assert_eq!(rows(&database).await, ["same a7 /7"]);
    old_unbind(&database, "same").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(rows(&database).await, [""; 0]);
    assert_eq!(store.bindings().await.expect("bindings").len(), 5);
}

async fn who_takes_over_is_decided_once(kind: Kind) {
    let take_over = async |database: &Database, configured| {
        Store::new(&settings(&database.url), configured, true)
            .expect("a store")
            .taken_over()
            .await
            .expect("known")
    };
    let database = Database::start(kind).await;
    assert!(!take_over(&database, None).await, "there is no table");
    make_table(&database, kind).await;
    old_bind(&database, "b1", "a1", "/1").await;
    assert!(
        !take_over(&database, None).await,
        "promfetch was there first"
    );
    let store = store_of(&database);
    assert_eq!(store.reconcile().await, Ok(false));
    provision(&store, "i").await;
    bind(&store, "i", &binding("b2", "a1", "/2")).await;
    assert_eq!(rows(&database).await, ["b1 a1 /1"], "nobody's business");
    assert!(take_over(&database, Some(true)).await, "as configured");
    assert!(
        !take_over(&database, None).await,
        "only while it is configured"
    );

    let database = Database::start(kind).await;
    assert!(take_over(&database, Some(true)).await);
    assert_eq!(rows(&database).await, [""; 0], "the table was made");
    assert!(
        !take_over(&database, None).await,
        "a table of our own making says nothing"
    );

    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    assert!(!take_over(&database, Some(false)).await, "as configured");
    assert!(
        take_over(&database, None).await,
        "it was there first all the same"
    );
}

async fn a_table_that_was_dropped_is_filled_again(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    old_bind(&database, "b1", "a1", "/1").await;
    let store = store_of(&database);
    provision(&store, "i").await;
    bind(&store, "i", &binding("b2", "a2", "/2")).await;
    store.close().await;
    database.execute("DROP TABLE app_endpoints").await;

    let store = store_of(&database);
    assert_eq!(store.taken_over().await, Ok(true));
    assert_eq!(
        store.reconcile().await,
        Ok(false),
        "nobody has unbound everything"
    );
    assert_eq!(bindings(&store).await, ["?b1 a1 /1", "b2 a2 /2"]);
    assert_eq!(rows(&database).await, ["b1 a1 /1", "b2 a2 /2"]);
}

/// Somebody tidies up, or restores another state of that one table.
async fn a_table_that_is_emptied_or_dropped_in_use_unbinds_nobody(kind: Kind) {
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    old_bind(&database, "b0", "a0", "/0").await;
    let store = store_of(&database);
    provision(&store, "i").await;
    for number in 1..5 {
        let new = binding(&format!("b{number}"), &format!("a{number}"), "/x");
        bind(&store, "i", &new).await;
    }
    let all = bindings(&store).await;
    assert_eq!(all.len(), 5);
    for statement in ["DELETE FROM app_endpoints", "DROP TABLE app_endpoints"] {
        database.execute(statement).await;
        assert_eq!(store.reconcile().await, Ok(false), "{statement}");
        assert_eq!(bindings(&store).await, all, "{statement}");
        assert_eq!(rows(&database).await.len(), 5, "{statement}: written again");
    }
    // An operation meets it as well as a look does.
    database.execute("DROP TABLE app_endpoints").await;
    unbind(&store, "i", "b4").await;
    assert_eq!(rows(&database).await.len(), 4);
    // One that is unbound by an old process still counts.
    old_unbind(&database, "b1").await;
    assert_eq!(store.reconcile().await, Ok(true));
    assert_eq!(bindings(&store).await.len(), 3);
}

async fn thousands_of_rows_are_adopted_at_once(kind: Kind) {
    const ROWS: usize = 2350;
    let database = Database::start(kind).await;
    make_table(&database, kind).await;
    let values: Vec<_> = (0..ROWS)
        .map(|number| format!("('b{number:04}', 'a{number:04}', '/{number}')"))
        .collect();
    database
        .execute(&format!(
            "INSERT INTO app_endpoints VALUES {}",
            values.join(", ")
        ))
        .await;
    let before = rows(&database).await;
    let store = store_of(&database);
    assert_eq!(store.reconcile().await, Ok(true));
    let adopted: Vec<_> = before.iter().map(|row| format!("?{row}")).collect();
    assert_eq!(bindings(&store).await, adopted);
    assert_eq!(rows(&database).await, before);
    assert_eq!(store.reconcile().await, Ok(false));
}

/// In a table that takes large and small letters for the same, as MySQL's usually do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_the_table_takes_for_another_is_left_out() {
    let database = Database::start(Kind::Mariadb).await;
    database
        .execute("CREATE TABLE app_endpoints (guid varchar(255) COLLATE utf8mb4_general_ci PRIMARY KEY, app_guid varchar(255), endpoint varchar(255))")
        .await;
    let store = store_of(&database);
    provision(&store, "i").await;
    bind(&store, "i", &binding("b1", "a1", "/1")).await;
    bind(&store, "i", &binding("B1", "a2", "/2")).await;
    assert_eq!(rows(&database).await, ["b1 a1 /1"]);
    assert_eq!(store.reconcile().await, Ok(false));
    assert_eq!(bindings(&store).await, ["b1 a1 /1", "B1 a2 /2"]);
    unbind(&store, "i", "b1").await;
    assert_eq!(rows(&database).await, ["B1 a2 /2"]);
    bind(&store, "i", &binding("b1", "a2", "/3")).await;
    assert_eq!(rows(&database).await, ["b1 a2 /3"], "in its place");
}

/// Two old processes and two new ones bind and unbind the same apps. When they have ended, both tables say the same,
/// and nothing was lost that nobody unbound.
async fn old_and_new_processes_work_side_by_side(kind: Kind) {
    const APPS: usize = 4;
    const ROUNDS: usize = 8;
    let database = std::sync::Arc::new(Database::start(kind).await);
    make_table(&database, kind).await;
    let stores = [store_of(&database), store_of(&database)];
    provision(&stores[0], "i0").await;
    provision(&stores[1], "i1").await;
    let mut tasks = JoinSet::new();
    for process in 0..2 {
        let database = std::sync::Arc::clone(&database);
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let guid = format!("old{process}-{round}");
                old_bind(&database, &guid, &format!("a{}", round % APPS), "/old").await;
                if round % 3 == 0 {
                    old_unbind(&database, &guid).await;
                }
            }
        });
    }
    for (process, store) in stores.iter().enumerate() {
        let store = store.clone();
        tasks.spawn(async move {
            let instance = format!("i{process}");
            for round in 0..ROUNDS {
                let id = format!("new{process}-{round}");
                bind(
                    &store,
                    &instance,
                    &binding(&id, &format!("a{}", round % APPS), "/new"),
                )
                .await;
                store
                    .reconcile()
                    .await
                    .map(drop)
                    .unwrap_or_else(conflicts_only);
            }
        });
    }
    tasks.join_all().await;
    // The last look of one process may be before the last change of another.
    let _ = stores[0].reconcile().await.expect("reconciled");
    assert_eq!(
        stores[1].reconcile().await,
        Ok(false),
        "both tables say the same"
    );

    let mut newest = HashMap::new();
    for binding in stores[0].bindings().await.expect("bindings") {
        let app = binding.app_guid.expect("an app");
        let endpoint = binding.endpoint.expect("an endpoint");
        newest.insert(
            app.clone(),
            format!("{} {app} {endpoint}", binding.binding_id),
        );
    }
    let mut newest: Vec<_> = newest.into_values().collect();
    newest.sort_by_key(|row| row.split(' ').nth(1).map(str::to_owned));
    assert_eq!(rows(&database).await, newest);
}

fn conflicts_only(error: promfetch_broker::store::Error) {
    assert_eq!(
        error.kind(),
        promfetch_broker::store::Kind::Conflict,
        "{error}"
    );
}
