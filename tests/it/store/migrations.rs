use promfetch_broker::store::Kind as ErrorKind;
use promfetch_tests::Database;
use promfetch_tests::database::Kind;
use tokio::task::JoinSet;

use super::{on_each_database, provision, settings, store, store_of};

on_each_database!(
    processes_that_start_at_once_make_the_tables_once,
    a_newer_version_is_refused_with_a_sentence,
    tables_are_kept_at_the_next_start,
    what_nobody_can_use_is_told,
);

async fn processes_that_start_at_once_make_the_tables_once(kind: Kind) {
    for _ in 0..10 {
        let database = Database::start(kind).await;
        let mut tasks = JoinSet::new();
        for number in 0..4 {
            let store = store_of(&database);
            tasks.spawn(async move {
                provision(&store, &format!("i{number}")).await;
                store.close().await;
            });
        }
        tasks.join_all().await;
        let rows = database
            .rows("SELECT id FROM promfetch_instances ORDER BY id")
            .await;
        assert_eq!(rows.len(), 4);
        let steps = database
            .rows("SELECT version FROM promfetch_migrations ORDER BY version")
            .await;
        assert_eq!(steps, [[Some("1".to_owned())]]);
    }
}

async fn a_newer_version_is_refused_with_a_sentence(kind: Kind) {
    let database = Database::start(kind).await;
    provision(&store_of(&database), "i").await;
    database
        .execute("INSERT INTO promfetch_migrations (version, description, success, checksum, execution_time) SELECT 99, description, success, checksum, 0 FROM promfetch_migrations")
        .await;
    let store = store_of(&database);
    let error = store.begin("i").await.expect_err("a newer version");
    assert_eq!(error.kind(), ErrorKind::Broken);
    assert_eq!(
        error.to_string(),
        "the tables in the database are of version 99, which this version of promfetch does not know: a newer one has worked on them. Use that one, or another database"
    );
    // It is looked at anew each time, and no lock is left behind.
    database
        .execute("DELETE FROM promfetch_migrations WHERE version = 99")
        .await;
    assert_eq!(store.bindings().await, Ok(vec![]));
}

async fn tables_are_kept_at_the_next_start(kind: Kind) {
    let database = Database::start(kind).await;
    provision(&store_of(&database), "i").await;
    if kind == Kind::Mariadb {
        // A step that was cut short is made again: there, no transaction holds it together.
        database
            .execute("UPDATE promfetch_migrations SET success = FALSE")
            .await;
    }
    let store = store_of(&database);
    let mut transaction = store.begin("i").await.expect("a transaction");
    assert!(transaction.instance().await.expect("read").is_some());
}

/// A place that is not there, and a login that is wrong.
async fn what_nobody_can_use_is_told(kind: Kind) {
    let database = Database::start(kind).await;
    let (place, _) = database.url.rsplit_once('/').expect("a URL");
    let urls = match kind {
        Kind::Sqlite => vec![
            (format!("{place}/missing/x.db"), "Its folder must exist"),
            ("sqlite:////proc/x.db".to_owned(), "cannot be opened"),
        ],
        Kind::Mariadb | Kind::Postgres => {
            let (scheme, rest) = database.url.split_once("://").expect("a URL");
            let (_, place_of_it) = rest.rsplit_once('@').expect("a login");
            vec![
                (format!("{place}/missing"), "missing"),
                (
                    format!("{scheme}://promfetch:hush@{place_of_it}"),
                    "promfetch",
                ),
            ]
        }
    };
    for (url, says) in urls {
        let error = store(&url).bindings().await.expect_err("a wrong place");
        assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
        assert!(!format!("{error:?}").contains("hush"));
    }
    assert!(!format!("{:?}", settings(&database.url)).contains("p#ss"));
}
