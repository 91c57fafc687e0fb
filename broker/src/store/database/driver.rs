//! What sqlx's three drivers do not have in common, and the calls into them.

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{SqlSafeStr, SqlStr};

use super::{Row, Value};
use crate::store::error::Kind;

pub(super) trait Driver: sqlx::Database {
    const BEGIN: &'static str;
    /// Locks the row of a slot until the transaction ends; nothing where `BEGIN` locks everything.
    const LOCK_SLOT: Option<&'static str>;
    /// Gives 1 when the right to change tables is ours, for as long as the connection lasts; other values: not yet.
    /// Nothing where a file is locked for that.
    const LOCK_MIGRATIONS: Option<&'static str>;
    /// Gives a row when there is a table of this name.
    const TABLE_EXISTS: &'static str;
    /// The steps to the newest tables, numbered from 1. A released one never changes.
    const MIGRATIONS: &'static [&'static str];
    /// Whether a connection is closed when a statement on it was cut short. Else the statement is known to end.
    const CLOSE_WHEN_CUT_SHORT: bool;

    /// The statement in this database's own form.
    fn statement(sql: &'static str) -> SqlStr {
        sql.into_sql_str()
    }

    fn classify(error: &dyn DatabaseError) -> Kind;

    // What follows is written by `sqlx_calls`: sqlx has no bounds with which it could be written once for all.

    fn execute<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    fn fetch<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> BoxFuture<'a, Result<Vec<Row>, sqlx::Error>>;

    /// A statement without values, not prepared.
    fn raw<'a>(
        connection: &'a mut Self::Connection,
        sql: &'static str,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>>;

    fn run_migrations<'a>(
        connection: &'a mut Self::Connection,
        migrator: &'a Migrator,
    ) -> BoxFuture<'a, Result<(), MigrateError>>;
}

/// Writes the calls into sqlx, within `impl Driver`. `encode` and `decode` turn texts into what the database can hold
/// and back.
macro_rules! sqlx_calls {
    ($database:ty, encode: $encode:expr, decode: $decode:expr) => {
        fn execute<'a>(
            connection: &'a mut <$database as sqlx::Database>::Connection,
            sql: &'static str,
            values: &'a [Value<'a>],
        ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
            let query = sqlx::query::<$database>(Self::statement(sql));
            let query = values.iter().fold(query, |query, value| match value {
                Value::Text(text) => query.bind($encode(*text)),
                Value::Maybe(text) => query.bind(text.map($encode)),
                Value::Int(number) => query.bind(*number),
            });
            Box::pin(async move { query.execute(connection).await.map(drop) })
        }

        fn fetch<'a>(
            connection: &'a mut <$database as sqlx::Database>::Connection,
            sql: &'static str,
            values: &'a [Value<'a>],
        ) -> BoxFuture<'a, Result<Vec<Row>, sqlx::Error>> {
            let query = sqlx::query::<$database>(Self::statement(sql));
            let query = values.iter().fold(query, |query, value| match value {
                Value::Text(text) => query.bind($encode(*text)),
                Value::Maybe(text) => query.bind(text.map($encode)),
                Value::Int(number) => query.bind(*number),
            });
            Box::pin(async move {
                let rows = query.fetch_all(connection).await?;
                rows.iter()
                    .map(|row| {
                        let cells = (0..sqlx::Row::len(row)).map(|column| {
                            let value = sqlx::Row::try_get_raw(row, column)?;
                            if sqlx::ValueRef::is_null(&value) {
                                return Ok(Cell::Null);
                            }
                            let kind = sqlx::ValueRef::type_info(&value);
                            if <i64 as sqlx::Type<$database>>::compatible(&kind) {
                                return sqlx::Row::try_get(row, column).map(Cell::Int);
                            }
                            // Unchecked: with a binary collation, MySQL's texts call themselves binary
                            // (launchbadge/sqlx#3387). What is no UTF-8 is refused all the same.
                            sqlx::Row::try_get_unchecked::<String, _>(row, column)
                                .map($decode)
                                .map(Cell::Text)
                        });
                        Ok(Row(cells
                            .collect::<Result<Vec<_>, sqlx::Error>>()?
                            .into_iter()))
                    })
                    .collect()
            })
        }

        fn raw<'a>(
            connection: &'a mut <$database as sqlx::Database>::Connection,
            sql: &'static str,
        ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
            Box::pin(async move { sqlx::Executor::execute(connection, sql).await.map(drop) })
        }

        fn run_migrations<'a>(
            connection: &'a mut <$database as sqlx::Database>::Connection,
            migrator: &'a Migrator,
        ) -> BoxFuture<'a, Result<(), MigrateError>> {
            Box::pin(migrator.run_direct(None, connection, false))
        }
    };
}
pub(super) use sqlx_calls;
