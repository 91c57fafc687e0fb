//! PostgreSQL.

use std::fmt::Write;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, Postgres};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::driver::{Driver, sqlx_calls};
use super::{Cell, Database, Row, Value, pooled};
use crate::config;
use crate::store::error::Kind;

/// Limits that the server keeps, a little over ours: a process that has gone, or hangs, must not hold locks for ever.
/// As a statement and not as start parameters, which PgBouncer refuses.
const SETTINGS: &str = "SET lock_timeout = '9s'; SET idle_in_transaction_session_timeout = '15s'";

pub(super) fn open(options: PgConnectOptions, settings: &config::Store) -> Arc<dyn Database> {
    pooled::pool::<Postgres>(settings, options, |pool| {
        pool.after_connect(|connection, _| Postgres::raw(connection, SETTINGS).boxed())
    })
}

impl Driver for Postgres {
    /// Named, since a server may have another default: with a snapshot taken before the lock, the work of the
    /// one before would not be seen.
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
    const LOCK_SLOT: Option<&'static str> =
        Some("SELECT slot FROM promfetch_slots WHERE slot = ? FOR UPDATE");
    /// The number is "promfetc" in ASCII; such locks belong to one database.
    const LOCK_MIGRATIONS: Option<&'static str> = Some(
        "SELECT CASE WHEN pg_try_advisory_lock(8102661195252986979) THEN 1::BIGINT ELSE 0::BIGINT END",
    );
    const TABLE_EXISTS: &'static str = "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?";
    const MIGRATIONS: &'static [&'static str] = &[include_str!("migrations/postgres/1_start.sql")];
    const CLOSE_WHEN_CUT_SHORT: bool = true;

    /// `?` becomes `$1`, `$2`, …
    fn statement(sql: &'static str) -> SqlStr {
        let mut numbered = String::with_capacity(sql.len() + 16);
        for (number, part) in sql.split('?').enumerate() {
            if number > 0 {
                // Writing to a String does not fail.
                let _ = write!(numbered, "${number}");
            }
            numbered.push_str(part);
        }
        // Made of a constant and numbers.
        AssertSqlSafe(numbered).into_sql_str()
    }

    fn classify(error: &dyn DatabaseError) -> Kind {
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        let code = error.code().unwrap_or_default();
        match &*code {
            // serialization_failure, deadlock_detected, lock_not_available
            "40001" | "40P01" | "55P03" => Kind::Conflict,
            // query_canceled (a time-out of the server), idle_in_transaction_session_timeout
            "57014" | "25P03" => Kind::Unavailable,
            // read_only_sql_transaction: a replica, as after a fail-over
            "25006" => Kind::Unavailable,
            // connection exceptions, insufficient resources, shutdown and start
            _ if ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Kind::Unavailable
            }
            _ => Kind::Broken,
        }
    }

    sqlx_calls!(Postgres, encode: encode, decode: decode);
}

/// PostgreSQL cannot hold NUL in texts, and an id may be any text. A code point that never stands for a character
/// takes its place, and is itself written as a pair.
const ESCAPE: char = '\u{FDD0}';

fn encode(text: &str) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text.to_owned();
    }
    text.replace(ESCAPE, "\u{FDD0}1").replace('\0', "\u{FDD0}0")
}

fn decode(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    text.replace("\u{FDD0}0", "\0")
        .replace("\u{FDD0}1", "\u{FDD0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered() {
        for (sql, numbered) in [
            ("SELECT 1", "SELECT 1"),
            (
                "UPDATE a SET b = ? WHERE c = ?",
                "UPDATE a SET b = $1 WHERE c = $2",
            ),
            ("?", "$1"),
        ] {
            assert_eq!(Postgres::statement(sql).as_str(), numbered);
        }
    }

    #[test]
    fn every_text_comes_back() {
        for text in [
            "",
            "plain",
            "\0",
            "a\0b\0",
            "\u{FDD0}",
            "\u{FDD0}0",
            "\u{FDD0}1\0",
            "0\u{FDD0}\u{FDD0}",
            "\u{FDD0}\u{FDD0}0",
        ] {
            let encoded = encode(text);
            assert!(!encoded.contains('\0'), "{text:?}");
            assert_eq!(decode(encoded), text, "{text:?}");
        }
    }
}
