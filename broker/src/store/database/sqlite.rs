//! A file of SQLite. One process works with it at a time, or a few on one machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite};

use super::driver::{Driver, sqlx_calls};
use super::pooled::Pooled;
use super::{Cell, Database, Row, Value};
use crate::store::error::Kind;

/// How long to wait for another process that is writing.
const BUSY: Duration = Duration::from_secs(8);

/// How long to wait for the connection: for operations of this process, that is.
const TURN: Duration = Duration::from_secs(10);

/// A database in this file; with none in memory.
pub(super) fn open(file: Option<PathBuf>) -> Arc<dyn Database> {
    let options = SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let options = match &file {
        None => options.in_memory(true),
        Some(file) => options
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered with 201 is on the disk.
            .synchronous(SqliteSynchronous::Full),
    };
    // One connection: SQLite writes one transaction after the other anyway. It stays open, since a database in memory
    // ends with it.
    let pool = PoolOptions::<Sqlite>::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        // There is no network in between, and sqlx closes a connection when a caller goes away during that test.
        .test_before_acquire(false)
        .acquire_timeout(TURN)
        .acquire_slow_threshold(TURN)
        .connect_lazy_with(options);
    Arc::new(Pooled { pool, file })
}

impl Driver for Sqlite {
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const LOCK_SLOT: Option<&'static str> = None;
    const LOCK_MIGRATIONS: Option<&'static str> = None;
    const TABLE_EXISTS: &'static str =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?";
    const MIGRATIONS: &'static [&'static str] = &[include_str!("migrations/sqlite/1_start.sql")];
    /// A thread works on the statements one by one, so a rollback waits for what was cut short.
    const CLOSE_WHEN_CUT_SHORT: bool = false;

    fn classify(error: &dyn DatabaseError) -> Kind {
        // The low byte of extended codes is the code: https://www.sqlite.org/rescode.html
        let code = error.code().and_then(|code| code.parse::<u32>().ok());
        match code.map(|code| code & 0xff) {
            // SQLITE_BUSY, SQLITE_LOCKED
            Some(5 | 6) => Kind::Conflict,
            // SQLITE_NOMEM, SQLITE_INTERRUPT, SQLITE_IOERR, SQLITE_FULL
            Some(7 | 9 | 10 | 13) => Kind::Unavailable,
            _ => Kind::Broken,
        }
    }

    sqlx_calls!(Sqlite, encode: str::to_owned, decode: std::convert::identity);
}
