//! One connection in use: its statements, their time limits, and how it goes back.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::driver::Driver;
use super::{Answer, Row, STATEMENT, Session, Value};
use crate::store::error::Error;

/// A connection in use.
pub(super) struct Open<D: Driver> {
    /// There until the session ends.
    connection: Option<PoolConnection<D>>,
    in_transaction: bool,
    /// A statement was begun and has not ended, or its connection failed.
    cut_short: bool,
}

impl<D: Driver> Open<D> {
    pub(super) fn new(connection: PoolConnection<D>) -> Self {
        Self {
            connection: Some(connection),
            in_transaction: false,
            cut_short: false,
        }
    }

    /// Begins a transaction. Without a commit it is rolled back when the session is dropped.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.in_transaction = true;
        self.unlimited(|connection| D::raw(connection, D::BEGIN))
            .await
    }

    /// Runs a statement within the limit of one.
    pub(super) async fn limited<'s, T>(
        &'s mut self,
        limit: Duration,
        statement: impl FnOnce(&'s mut D::Connection) -> BoxFuture<'s, Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        timeout(limit, self.unlimited(statement))
            .await
            .unwrap_or_else(|_| {
                Err(Error::unavailable(format_args!(
                    "the database did not answer within {} s",
                    limit.as_secs()
                )))
            })
    }

    /// Runs a statement. When the future is dropped before, it counts as cut short.
    pub(super) async fn unlimited<'s, T>(
        &'s mut self,
        statement: impl FnOnce(&'s mut D::Connection) -> BoxFuture<'s, Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let connection = self
            .connection
            .as_mut()
            .ok_or_else(|| Error::broken("the session has ended"))?;
        self.cut_short = true;
        let result = statement(connection).await;
        // What the database itself says leaves the connection as it was.
        self.cut_short = !matches!(result, Ok(_) | Err(sqlx::Error::Database(_)));
        result.map_err(error::<D>)
    }

    /// Ends the session and its connection, with all locks that belong to it.
    pub(super) async fn close(mut self) {
        if let Some(connection) = self.connection.take() {
            // It is closed whether or not the database hears of it in time.
            let _ = timeout(STATEMENT, connection.close()).await;
        }
    }
}

impl<D: Driver> Session for Open<D> {
    fn execute<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Answer<'a, ()> {
        Box::pin(self.limited(STATEMENT, move |connection| {
            D::execute(connection, sql, values)
        }))
    }

    fn fetch<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Answer<'a, Vec<Row>> {
        Box::pin(self.limited(STATEMENT, move |connection| {
            D::fetch(connection, sql, values)
        }))
    }

    fn commit(mut self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            self.limited(STATEMENT, |connection| D::raw(connection, "COMMIT"))
                .await?;
            self.in_transaction = false;
            Ok(())
        })
    }
}

impl<D: Driver> Drop for Open<D> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            // Returning to the pool needs a runtime; the end of a connection does not.
            drop(connection.detach());
            return;
        };
        if self.cut_short && D::CLOSE_WHEN_CUT_SHORT {
            drop(connection.detach());
        } else if self.in_transaction {
            runtime.spawn(async move {
                let rolled_back = timeout(STATEMENT, D::raw(&mut connection, "ROLLBACK")).await;
                // An error of the database: there was no transaction any more.
                if !matches!(rolled_back, Ok(Ok(()) | Err(sqlx::Error::Database(_)))) {
                    drop(connection.detach());
                }
            });
        }
    }
}

pub(super) fn error<D: Driver>(error: sqlx::Error) -> Error {
    Error::from_sqlx(error, D::classify)
}
