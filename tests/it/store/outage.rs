use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use promfetch_broker::store::{Error, Kind as ErrorKind, Store};
use promfetch_tests::database::Kind;
use promfetch_tests::{Database, Server, eventually, wait};
use tokio::time::timeout;

use super::{binding, instance, provision, store, store_of};

/// What both kinds of servers can do.
macro_rules! on_each_server {
    ($($test:ident),+ $(,)?) => {
        mod mariadb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Server::mariadb().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Server::postgres().await).await;
            })+
        }
    };
}

on_each_server!(
    a_crash_in_the_middle_loses_nothing_that_was_confirmed,
    a_server_that_comes_up_late_is_found,
    a_server_that_hangs_is_given_up,
    a_process_that_hangs_does_not_hold_the_others_up,
);

/// One more, with a binding of that number: both or neither.
async fn count(store: &Store) -> Result<(), Error> {
    let mut transaction = store.begin("i").await?;
    let mut found = transaction.instance().await?.expect("an instance");
    found.updated += 1;
    transaction.update_instance(&found).await?;
    transaction
        .insert_binding(&binding(&found.updated.to_string(), "app", "/x"))
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// What is counted; the bindings have to tell the same.
async fn counted(store: &Store) -> i64 {
    let mut transaction =
        eventually("the database is back", async || store.begin("i").await.ok()).await;
    let found = transaction
        .instance()
        .await
        .expect("read")
        .expect("an instance");
    drop(transaction);
    let counted = found.updated - instance("i").updated;
    let bindings = store.bindings().await.expect("bindings").len();
    assert_eq!(
        i64::try_from(bindings),
        Ok(counted),
        "half an operation is there"
    );
    counted
}

async fn a_crash_in_the_middle_loses_nothing_that_was_confirmed(mut server: Server) {
    let stores = [store(&server.url()), store(&server.url())];
    provision(&stores[0], "i").await;
    let stop = Arc::new(AtomicBool::new(false));
    let confirmed = Arc::new(AtomicI64::new(0));
    let unknown = Arc::new(AtomicI64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (store, stop) = (stores[number % 2].clone(), Arc::clone(&stop));
        let (confirmed, unknown) = (Arc::clone(&confirmed), Arc::clone(&unknown));
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match count(&store).await {
                    Ok(()) => confirmed.fetch_add(1, Ordering::Relaxed),
                    Err(error) => match error.kind() {
                        ErrorKind::Conflict => 0,
                        ErrorKind::Unavailable => unknown.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}: {error}"),
                    },
                };
            }
        });
    }
    for _ in 0..3 {
        let before = confirmed.load(Ordering::Relaxed);
        eventually("operations succeed", async || {
            (confirmed.load(Ordering::Relaxed) > before + 5).then_some(())
        })
        .await;
        server.kill();
        server.restart().await;
    }
    stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    let counted = counted(&stores[0]).await;
    let confirmed = confirmed.load(Ordering::Relaxed);
    let unknown = unknown.load(Ordering::Relaxed);
    assert!(
        (confirmed..=confirmed + unknown).contains(&counted),
        "{confirmed} confirmed, {unknown} unknown, {counted} found"
    );
}

async fn a_server_that_comes_up_late_is_found(mut server: Server) {
    server.kill();
    let store = store(&server.url());
    for _ in 0..2 {
        let error = store.begin("i").await.expect_err("no server");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!error.to_string().contains("p#ss"), "{error}");
    }
    assert!(store.taken_over().await.is_err(), "nobody knows yet");
    server.restart().await;
    provision(&store, "i").await;
    assert_eq!(store.taken_over().await, Ok(false));
    server.kill();
    assert_eq!(
        store.taken_over().await,
        Ok(false),
        "once known, it is known"
    );
    let error = store.bindings().await.expect_err("no server");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    server.restart().await;
    assert_eq!(counted(&store).await, 0);
}

/// Fails when the work does not come to an end, or to another one than that the database is away.
async fn given_up<T: std::fmt::Debug>(work: impl Future<Output = Result<T, Error>>) {
    let error = timeout(wait::LIMIT, work)
        .await
        .expect("it is given up some time")
        .expect_err("the server hangs");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

async fn a_server_that_hangs_is_given_up(server: Server) {
    let store = store(&server.url());
    provision(&store, "i").await;

    // Between operations: connections are there, and nobody answers on them.
    server.pause();
    given_up(store.begin("i")).await;
    given_up(store.bindings()).await;
    server.resume();
    assert_eq!(counted(&store).await, 0);

    // In the middle of one, and at its end.
    for at_the_end in [false, true] {
        let mut transaction = store.begin("i").await.expect("a transaction");
        let mut found = transaction
            .instance()
            .await
            .expect("read")
            .expect("an instance");
        if at_the_end {
            found.updated += 1;
            transaction.update_instance(&found).await.expect("updated");
            transaction
                .insert_binding(&binding("b", "app", "/x"))
                .await
                .expect("inserted");
            server.pause();
            given_up(transaction.commit()).await;
        } else {
            server.pause();
            given_up(transaction.insert_binding(&binding("b", "app", "/x"))).await;
            drop(transaction);
        }
        server.resume();
        let counted = counted(&store).await;
        // A commit that was not answered may have happened.
        assert!(counted == 0 || at_the_end, "{counted}");
    }

    // A process that starts meanwhile.
    server.pause();
    let late = super::store(&server.url());
    given_up(late.begin("i")).await;
    server.resume();
    counted(&late).await;
}

/// A process that neither goes on nor ends, with a transaction open: the server ends it.
async fn a_process_that_hangs_does_not_hold_the_others_up(server: Server) {
    let (hanging, store) = (store(&server.url()), store(&server.url()));
    provision(&store, "i").await;
    let mut transaction = hanging.begin("i").await.expect("a transaction");
    transaction
        .insert_binding(&binding("b", "app", "/x"))
        .await
        .expect("inserted");
    eventually("the other process gets the lock", async || {
        match store.begin("i").await {
            Ok(_) => Some(()),
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable),
                    "{error}"
                );
                None
            }
        }
    })
    .await;
    let error = transaction
        .commit()
        .await
        .expect_err("the server has ended it");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(store.bindings().await, Ok(vec![]));
}

/// SQLite has no server; another process may hold its file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_process_holds_is_waited_for() {
    let database = Database::start(Kind::Sqlite).await;
    let [holding, reading, store] = [(); 3].map(|()| store_of(&database));
    provision(&store, "i").await;
    assert_eq!(reading.bindings().await, Ok(vec![]));
    let transaction = holding.begin("i").await.expect("a transaction");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { count(&store).await }
    });
    assert_eq!(
        reading.bindings().await,
        Ok(vec![]),
        "reading does not wait"
    );
    assert!(!waiting.is_finished());
    drop(transaction);
    assert_eq!(waiting.await.expect("no panic"), Ok(()));

    let _transaction = holding.begin("i").await.expect("a transaction");
    let error = store.begin("i").await.expect_err("held for too long");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}
