//! Bringing our tables to the version of this program. One process does it, the others wait.
//!
//! sqlx's own lock does not hold on MySQL and SQLite, so it stays off and there is one of ours: a lock by name that
//! belongs to a connection, or a file beside SQLite's.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tokio::time::{Instant, sleep};

use super::driver::Driver;
use super::open::Open;
use super::{LEGACY_TABLE, Row, Session, Value};
use crate::store::error::{Error, Kind};

/// How long to wait for another process that works on the tables.
const WAIT: Duration = Duration::from_secs(30);
/// How often to try meanwhile.
const TRY: Duration = Duration::from_millis(50);
/// How long a step may take.
const STEP: Duration = Duration::from_secs(60);
/// Where sqlx keeps which steps were made. Its usual table may belong to another program in the same database.
const TABLE: &str = "promfetch_migrations";

/// Makes the steps that are missing. Tells whether this database is taken over from promfetcher: `take_over`, or
/// whether its table stood there before ours.
pub(super) async fn run<D: Driver>(
    mut session: Open<D>,
    take_over: Option<bool>,
) -> Result<bool, Error> {
    let result = steps(&mut session, take_over).await;
    if D::LOCK_MIGRATIONS.is_some() {
        // The lock ends with the connection, whatever happened to it.
        session.close().await;
    }
    result
}

/// Keeps other processes from working on the tables in this file, for as long as what is returned is held.
pub(super) async fn lock_file(file: Option<&Path>) -> Result<Option<File>, Error> {
    match file {
        None => Ok(None),
        Some(file) => prepare_file(file).await.map(Some),
    }
}

async fn steps<D: Driver>(session: &mut Open<D>, take_over: Option<bool>) -> Result<bool, Error> {
    if let Some(lock) = D::LOCK_MIGRATIONS {
        lock_by_name(session, lock).await?;
    }
    let legacy = table_exists(session, LEGACY_TABLE).await?;
    // Looked for first: where nothing is to be done, a process starts without waiting for one that is writing.
    if table_exists(session, TABLE).await? && has_unfinished(session).await? {
        // A step that was cut short. Where that can happen (MySQL), steps bear to be run again; elsewhere there is
        // never such a row. sqlx would wait for somebody to repair it by hand.
        session
            .execute("DELETE FROM promfetch_migrations WHERE NOT success", &[])
            .await?;
    }
    let mut migrator = Migrator::with_migrations(
        D::MIGRATIONS
            .iter()
            .zip(1..)
            .map(|(sql, version)| {
                Migration::new(
                    version,
                    "promfetch".into(),
                    MigrationType::Simple,
                    sql.into_sql_str(),
                    false,
                )
            })
            .collect(),
    );
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(TABLE);
    session
        .limited(STEP, |connection| {
            Box::pin(async move {
                D::run_migrations(connection, &migrator)
                    .await
                    .map_err(sqlx::Error::from)
            })
        })
        .await?;
    // Remembered once, since a table that we make ourselves says nothing.
    let first = meta(session, "taken_over").await?;
    let first = match first {
        Some(text) => text == "true",
        None => {
            let text = if legacy { "true" } else { "false" };
            session
                .execute(
                    "INSERT INTO promfetch_meta (name, value) VALUES ('taken_over', ?)",
                    &[Value::Text(text)],
                )
                .await?;
            legacy
        }
    };
    let taken_over = take_over.unwrap_or(first);
    if taken_over && !legacy {
        make_legacy_table(session).await?;
    }
    Ok(taken_over)
}

async fn has_unfinished<D: Driver>(session: &mut Open<D>) -> Result<bool, Error> {
    let rows = session
        .fetch(
            "SELECT version FROM promfetch_migrations WHERE NOT success",
            &[],
        )
        .await?;
    Ok(!rows.is_empty())
}

async fn meta<D: Driver>(session: &mut Open<D>, name: &str) -> Result<Option<String>, Error> {
    let mut rows = session
        .fetch(
            "SELECT value FROM promfetch_meta WHERE name = ?",
            &[Value::Text(name)],
        )
        .await?;
    rows.first_mut().map(Row::text).transpose()
}

/// Makes promfetcher's table, as gorm does. Whoever dropped it did not unbind all apps, so no row is missed in it.
async fn make_legacy_table<D: Driver>(session: &mut Open<D>) -> Result<(), Error> {
    session
        .execute(
            "UPDATE promfetch_bindings SET legacy_row = 0 WHERE legacy_row = 1",
            &[],
        )
        .await?;
    session
        .execute(
            "CREATE TABLE IF NOT EXISTS app_endpoints (guid VARCHAR(255) NOT NULL PRIMARY KEY, app_guid VARCHAR(255), endpoint VARCHAR(255))",
            &[],
        )
        .await
}

async fn table_exists<D: Driver>(session: &mut Open<D>, name: &str) -> Result<bool, Error> {
    let rows = session.fetch(D::TABLE_EXISTS, &[Value::Text(name)]).await?;
    Ok(!rows.is_empty())
}

async fn lock_by_name<D: Driver>(session: &mut Open<D>, lock: &'static str) -> Result<(), Error> {
    let give_up = Instant::now() + WAIT;
    loop {
        let ours = match session.fetch(lock, &[]).await {
            Ok(mut rows) => match rows.first_mut() {
                Some(row) => row.int()? == 1,
                None => false,
            },
            // Percona's cluster forbids such locks. Steps bear to be run twice; two at once at worst end with a
            // conflict, and the next call tries again.
            Err(error) if error.kind() == Kind::Broken => true,
            Err(error) => return Err(error),
        };
        if ours {
            return Ok(());
        }
        if Instant::now() > give_up {
            return Err(busy());
        }
        sleep(TRY).await;
    }
}

/// Makes the file of a database if there is none, and locks the one beside it.
///
/// Nobody else may read the new one: it holds what people gave as parameters. SQLite gives its other files the same
/// mode. The file itself cannot be the lock: closing it would end SQLite's own locks on it.
async fn prepare_file(database: &Path) -> Result<File, Error> {
    let failed = |file: &Path, error: std::io::Error| {
        Error::broken(format_args!(
            "the file {} of `db_conn` cannot be opened: {error}. Its folder must exist, and promfetch must be allowed to write there",
            file.display()
        ))
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    match options.clone().create_new(true).open(database) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(database, error)),
    }
    let mut lock = database.as_os_str().to_owned();
    lock.push(".lock");
    let lock = Path::new(&lock);
    let file = options
        .create(true)
        .open(lock)
        .map_err(|error| failed(lock, error))?;
    let give_up = Instant::now() + WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(lock, error)),
            Err(TryLockError::WouldBlock) if Instant::now() > give_up => return Err(busy()),
            Err(TryLockError::WouldBlock) => sleep(TRY).await,
        }
    }
}

fn busy() -> Error {
    Error::unavailable(format_args!(
        "another process has been at work on the tables in the database for more than {} s",
        WAIT.as_secs()
    ))
}
