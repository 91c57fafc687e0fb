use promfetch_broker::store::{Binding, Instance, NewBinding, Store};
use promfetch_tests::database::Kind;
use promfetch_tests::{Database, eventually};

use super::{binding, instance, on_each_database, provision, settings, store_of};

on_each_database!(
    what_is_committed_is_read_back,
    what_is_dropped_leaves_nothing,
    ids_may_be_any_text,
    large_texts_are_kept_whole,
    errors_tell_what_to_do_and_no_values,
    a_pool_of_one_is_enough,
);

async fn what_is_committed_is_read_back(kind: Kind) {
    let database = Database::start(kind).await;
    let store = store_of(&database);
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(None));
    transaction
        .insert_instance(&instance("i"))
        .await
        .expect("inserted");
    let mut made = Vec::new();
    for new in [
        binding("b1", "app", "/metrics"),
        binding("b2", "app", ""),
        binding("key", "", ""),
    ] {
        let stored = transaction.insert_binding(&new).await.expect("inserted");
        let NewBinding {
            binding_id,
            service_id,
            plan_id,
            app_guid,
            space_guid,
            endpoint,
            parameters,
            nonce,
            created,
        } = new;
        let wanted = Binding {
            key: stored.key.clone(),
            seq: stored.seq,
            instance_id: Some("i".to_owned()),
            binding_id,
            service_id,
            plan_id,
            app_guid,
            space_guid,
            endpoint,
            parameters,
            nonce,
            created,
        };
        assert_eq!(stored, wanted);
        made.push(stored);
    }
    assert!(made.is_sorted_by_key(|binding| binding.seq));
    drop(transaction.commit().await.expect("committed"));

    // Another process sees the same.
    let other = store_of(&database);
    assert_eq!(other.bindings().await, Ok(made.clone()));
    let mut transaction = other.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(instance("i"))));
    for binding in &made {
        assert_eq!(
            transaction.binding(&binding.binding_id).await,
            Ok(Some(binding.clone()))
        );
    }
    assert_eq!(transaction.binding("b3").await, Ok(None));
    transaction
        .update_parameters(&made[0], "v1:other")
        .await
        .expect("updated");
    transaction.delete_binding(&made[1]).await.expect("deleted");
    let changed = Instance {
        plan_id: "another".to_owned(),
        context: "{\"a\":1}".to_owned(),
        updated: 7,
        ..instance("i")
    };
    transaction
        .update_instance(&changed)
        .await
        .expect("updated");
    drop(transaction.commit().await.expect("committed"));

    let mut transaction = other.begin("i2").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(None), "another instance");
    assert_eq!(
        transaction.binding("b1").await,
        Ok(None),
        "a binding is known by its instance"
    );
    drop(transaction);

    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(changed)));
    let left = vec![
        Binding {
            parameters: "v1:other".to_owned(),
            ..made[0].clone()
        },
        made[2].clone(),
    ];
    assert_eq!(transaction.delete_instance().await, Ok(left));
    assert_eq!(transaction.instance().await, Ok(None));
    assert_eq!(
        transaction.was_deprovisioned().await,
        Ok(false),
        "that is only kept where promfetcher was"
    );
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(store.bindings().await, Ok(vec![]));
    store.close().await;
    other.close().await;
}

async fn what_is_dropped_leaves_nothing(kind: Kind) {
    let database = Database::start(kind).await;
    let store = store_of(&database);
    provision(&store, "there").await;
    for _ in 0..3 {
        let mut transaction = store.begin("i").await.expect("a transaction");
        assert_eq!(transaction.instance().await, Ok(None));
        transaction
            .insert_instance(&instance("i"))
            .await
            .expect("inserted");
        transaction
            .insert_binding(&binding("b", "app", "/x"))
            .await
            .expect("inserted");
        drop(transaction);
        let mut transaction = store.begin("there").await.expect("a transaction");
        assert_eq!(transaction.delete_instance().await, Ok(vec![]));
    }
    assert_eq!(store.bindings().await, Ok(vec![]));
    let mut transaction = store.begin("there").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(instance("there"))));
}

async fn ids_may_be_any_text(kind: Kind) {
    let long = "x".repeat(4096);
    let longer = format!("{}\u{1F600}", "ä".repeat(2046));
    let ids = [
        "a",
        "A",
        "a ",
        " a",
        "ä",
        "Ä",
        "a\u{308}",
        "\u{1F600}",
        "'; DROP TABLE promfetch_instances; --",
        "\"`\\",
        "%_?$1",
        "\0",
        "a\0b",
        "\u{FDD0}0",
        "\n\r\t",
        "..",
        "../x",
        "\u{FFFD}\u{FFFF}\u{10FFFF}",
        "\u{202E}\u{200B}",
        "NULL",
        "0",
        &long,
        &longer,
    ];
    let database = Database::start(kind).await;
    let store = store_of(&database);
    for id in ids {
        let mut transaction = store.begin(id).await.expect("a transaction");
        assert_eq!(transaction.instance().await, Ok(None), "{id:?}");
        transaction
            .insert_instance(&Instance {
                space_guid: id.to_owned(),
                ..instance(id)
            })
            .await
            .unwrap_or_else(|error| panic!("{id:?}: {error}"));
        for other in ids {
            assert_eq!(transaction.binding(other).await, Ok(None), "{id:?}");
            transaction
                .insert_binding(&binding(other, id, other))
                .await
                .unwrap_or_else(|error| panic!("{other:?}: {error}"));
        }
        drop(transaction.commit().await.expect("committed"));
    }
    assert_eq!(
        store.bindings().await.expect("bindings").len(),
        ids.len() * ids.len()
    );
    for id in ids {
        let mut transaction = store.begin(id).await.expect("a transaction");
        let found = transaction
            .instance()
            .await
            .expect("read")
            .expect("an instance");
        assert_eq!((&*found.id, &*found.space_guid), (id, id));
        for other in ids {
            let found = transaction
                .binding(other)
                .await
                .expect("read")
                .expect("a binding");
            assert_eq!(found.instance_id.as_deref(), Some(id));
            assert_eq!(found.binding_id, other);
            assert_eq!(found.app_guid.as_deref(), Some(id));
            assert_eq!(found.endpoint.as_deref(), Some(other));
        }
        let gone = transaction.delete_instance().await.expect("deleted");
        assert_eq!(gone.len(), ids.len(), "{id:?}");
        drop(transaction.commit().await.expect("committed"));
    }
    assert_eq!(store.bindings().await, Ok(vec![]));
}

async fn large_texts_are_kept_whole(kind: Kind) {
    let large = format!("{{\"a\":\"{}\"}}", "ä\u{1F600}".repeat(200_000));
    let database = Database::start(kind).await;
    let store = store_of(&database);
    let mut transaction = store.begin("i").await.expect("a transaction");
    let large_instance = Instance {
        parameters: large.clone(),
        context: large.clone(),
        ..instance("i")
    };
    transaction
        .insert_instance(&large_instance)
        .await
        .expect("inserted");
    let stored = transaction
        .insert_binding(&NewBinding {
            parameters: large.clone(),
            ..binding("b", "app", "/x")
        })
        .await
        .expect("inserted");
    drop(transaction.commit().await.expect("committed"));
    assert_eq!(stored.parameters, large);
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert_eq!(transaction.instance().await, Ok(Some(large_instance)));
}

async fn errors_tell_what_to_do_and_no_values(kind: Kind) {
    use promfetch_broker::store::Kind as ErrorKind;
    let database = Database::start(kind).await;
    let store = store_of(&database);
    provision(&store, "hush").await;
    let error = async |work: &str| {
        let mut transaction = store.begin("hush").await.expect("a transaction");
        match work {
            "instance" => transaction
                .insert_instance(&instance("hush"))
                .await
                .expect_err(work),
            "another" => transaction
                .insert_instance(&instance("hush2"))
                .await
                .expect_err(work),
            "binding" => {
                let new = binding("hush", "hush", "/hush");
                transaction.insert_binding(&new).await.expect("inserted");
                transaction.insert_binding(&new).await.expect_err(work)
            }
            _ => {
                let mut transaction = {
                    drop(transaction);
                    store.begin("hush3").await.expect("a transaction")
                };
                transaction
                    .insert_binding(&binding("hush", "hush", "/hush"))
                    .await
                    .expect_err(work)
            }
        }
    };
    for (work, kind, why) in [
        ("instance", ErrorKind::Conflict, "it is there already"),
        ("another", ErrorKind::Broken, "not the instance of `begin`"),
        ("binding", ErrorKind::Conflict, "it is there already"),
        (
            "no instance",
            ErrorKind::Broken,
            "a binding needs an instance",
        ),
    ] {
        let error = error(work).await;
        assert_eq!(error.kind(), kind, "{why}: {error}");
        assert!(!error.to_string().contains("hush"), "{why}: {error}");
    }
    // Failed statements have left nothing and no connection that is good for nothing.
    assert_eq!(store.bindings().await, Ok(vec![]));
}

async fn a_pool_of_one_is_enough(kind: Kind) {
    let database = Database::start(kind).await;
    for max_idle in [0, 1] {
        let settings = promfetch_broker::config::Store {
            max_open: 1,
            max_idle,
            ..settings(&database.url)
        };
        let store = Store::new(&settings, None, true).expect("a store");
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..5 {
            let store = store.clone();
            tasks.spawn(async move {
                let id = format!("{max_idle}-{number}");
                provision(&store, &id).await;
                store.bindings().await.expect("bindings");
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no panic");
        }
    }
}

/// As many connections as may be open work at once, and as many as may be idle stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_stay_within_their_limits() {
    for (kind, count) in [
        (
            Kind::Mariadb,
            "SELECT CAST(COUNT(*) AS SIGNED) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
        ),
        (
            Kind::Postgres,
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ),
    ] {
        let database = Database::start(kind).await;
        let open = async || {
            let rows = database.rows(count).await;
            rows[0][0].clone().expect("a number")
        };
        let settings = promfetch_broker::config::Store {
            max_open: 4,
            max_idle: 2,
            ..settings(&database.url)
        };
        let store = Store::new(&settings, None, true).expect("a store");
        assert_eq!(open().await, "0", "nothing is opened before it is needed");
        let mut held = Vec::new();
        // Ids of different slots.
        for id in ["i0", "i1", "i2", "i3"] {
            held.push(store.begin(id).await.expect("a transaction"));
        }
        assert_eq!(open().await, "4", "{kind:?}");
        let error = store.bindings().await.expect_err("all are in use");
        assert_eq!(
            error.kind(),
            promfetch_broker::store::Kind::Unavailable,
            "{error}"
        );
        drop(held);
        // Those that come back at the same time do not see each other; the next one that comes back does.
        eventually("no more than the idle connections are left", async || {
            store.bindings().await.expect("bindings");
            (open().await == "2").then_some(())
        })
        .await;
        store.close().await;
        eventually("no connection is left", async || {
            (open().await == "0").then_some(())
        })
        .await;
        let error = store.bindings().await.expect_err("it is closed");
        assert_eq!(
            error.kind(),
            promfetch_broker::store::Kind::Unavailable,
            "{error}"
        );
    }
}
