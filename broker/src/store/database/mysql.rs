//! MySQL and MariaDB, alone or as a Galera cluster.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::MySql;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError};

use super::driver::{Driver, sqlx_calls};
use super::{Cell, Database, Row, Value, pooled};
use crate::config;
use crate::store::error::Kind;

/// READ COMMITTED: no gap locks, which make operations wait or fail that have nothing to do with each other. The other
/// two are limits that the server keeps, a little over ours: a process that has gone, or hangs, must not hold locks for
/// ever. Only MariaDB has the last one.
const SETTINGS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
     SET SESSION innodb_lock_wait_timeout = 9 /*M!100301 , SESSION idle_transaction_timeout = 15 */";

pub(super) fn open(options: MySqlConnectOptions, settings: &config::Store) -> Arc<dyn Database> {
    pooled::pool::<MySql>(settings, options, |pool| {
        pool.after_connect(|connection, _| MySql::raw(connection, SETTINGS).boxed())
    })
}

impl Driver for MySql {
    const BEGIN: &'static str = "START TRANSACTION";
    /// Counting locks the row as `FOR UPDATE` does, and also on a cluster whose nodes know only each other's changes,
    /// not their locks: of two transactions that count the same slot on two nodes, one fails.
    const LOCK_SLOT: Option<&'static str> =
        Some("UPDATE promfetch_slots SET turns = turns + 1 WHERE slot = ?");
    /// Such names hold for the whole server, so the database's is in it.
    const LOCK_MIGRATIONS: Option<&'static str> =
        Some("SELECT CAST(GET_LOCK(CONCAT('promfetch_', MD5(DATABASE())), 0) AS SIGNED)");
    const TABLE_EXISTS: &'static str = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?";
    const MIGRATIONS: &'static [&'static str] = &[include_str!("migrations/mysql/1_start.sql")];
    const CLOSE_WHEN_CUT_SHORT: bool = true;

    fn classify(error: &dyn DatabaseError) -> Kind {
        let number = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .map(MySqlDatabaseError::number);
        // https://mariadb.com/docs/server/reference/error-codes, the same numbers as MySQL's
        match number {
            // lock wait time-out, deadlock, row changed since the snapshot, lock not waited for
            Some(1205 | 1213 | 1020 | 3572) => Kind::Conflict,
            // too many connections (of the server, of the user, of its limits), shutdown (two), a time-out of the server
            // (three), connection killed, out of memory (two), disk full, read only (two), no majority in a cluster
            Some(
                1040 | 1203 | 1226 | 1053 | 1077 | 1969 | 3024 | 4031 | 1927 | 1037 | 1041 | 1021
                | 1290 | 1836 | 1047,
            ) => Kind::Unavailable,
            _ => Kind::Broken,
        }
    }

    sqlx_calls!(MySql, encode: str::to_owned, decode: std::convert::identity);
}
