//! What differs between the databases. Above this module there is one SQL for all, with `?` for values and nothing but
//! text and 64-bit integers in columns.

mod driver;
mod migrate;
mod mysql;
mod open;
mod pooled;
mod postgres;
mod sqlite;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::db_conn::Target;
use super::error::Error;
use crate::config;

/// How long to wait for a connection, its opening included.
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);
/// How long one statement may take before the database counts as hanging.
pub(super) const STATEMENT: Duration = Duration::from_secs(5);
/// promfetcher's table.
pub(super) const LEGACY_TABLE: &str = "app_endpoints";

pub(super) type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// One of the three databases.
pub(super) trait Database: Debug + Send + Sync {
    /// Brings our tables to the version of this program, one process at a time. Tells whether the database is taken
    /// over from promfetcher: `take_over`, or whether its table stood there before ours.
    fn migrate(&self, take_over: Option<bool>) -> Answer<'_, bool>;

    /// A connection for reading, each statement for itself.
    fn read(&self) -> Answer<'_, Box<dyn Session>>;

    /// A transaction that holds the lock of a slot.
    fn begin(&self, slot: usize) -> Answer<'_, Box<dyn Session>>;

    /// Closes all connections; waits for those in use, but not for ever.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A connection, or a transaction on it. A transaction that is dropped is rolled back.
///
/// When a call fails or its future is dropped, the session is good for nothing but being dropped.
pub(super) trait Session: Send {
    fn execute<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Answer<'a, ()>;

    /// All rows of a query.
    fn fetch<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Answer<'a, Vec<Row>>;

    fn commit(self: Box<Self>) -> Answer<'static, ()>;
}

/// What a `?` stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// `None` is NULL.
    Maybe(Option<&'a str>),
    Int(i64),
}

/// What stands in a column.
#[derive(Debug)]
enum Cell {
    Null,
    Text(String),
    Int(i64),
}

/// A row, read from left to right.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Cell>);

impl Row {
    /// The next column, which may be NULL.
    pub(super) fn maybe(&mut self) -> Result<Option<String>, Error> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            other => Err(unexpected("a text", other.as_ref())),
        }
    }

    /// The next column, a text.
    pub(super) fn text(&mut self) -> Result<String, Error> {
        self.maybe()?.ok_or_else(|| unexpected("a text", None))
    }

    /// The next column, a number.
    pub(super) fn int(&mut self) -> Result<i64, Error> {
        match self.0.next() {
            Some(Cell::Int(number)) => Ok(number),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }
}

/// Columns have other types than ours when somebody else made the table.
fn unexpected(wanted: &str, found: Option<&Cell>) -> Error {
    let found = match found {
        None | Some(Cell::Null) => "nothing",
        Some(Cell::Text(_)) => "a text",
        Some(Cell::Int(_)) => "a number",
    };
    Error::broken(format_args!(
        "a column in the database holds {found} where {wanted} is expected"
    ))
}

/// The database of a `db_conn`. Opens nothing yet.
pub(super) fn open(target: Target, settings: &config::Store) -> Arc<dyn Database> {
    match target {
        Target::Sqlite(file) => sqlite::open(Some(file)),
        Target::Mysql(place) => mysql::open(*place, settings),
        Target::Postgres(place) => postgres::open(*place, settings),
    }
}

/// A database of this process alone, which ends with it.
pub(super) fn in_memory() -> Arc<dyn Database> {
    sqlite::open(None)
}
