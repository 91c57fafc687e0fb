//! Pools, sessions and time limits, alike for all databases.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Connection, Pool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::driver::Driver;
use super::{ACQUIRE, Answer, Database, Row, STATEMENT, Session, Value, migrate};
use crate::config;
use crate::store::error::Error;

/// Stands for "no limit" of connections, which sqlx does not know.
const UNLIMITED: u32 = 100;

/// A pool of connections to one database.
#[derive(Debug)]
pub(super) struct Pooled<D: Driver> {
    pub(super) pool: Pool<D>,
    /// SQLite's file.
    pub(super) file: Option<PathBuf>,
}

/// A pool with the limits of the configuration. `prepare` adds what the database needs.
pub(super) fn pool<D: Driver>(
    settings: &config::Store,
    options: <D::Connection as Connection>::Options,
    prepare: impl FnOnce(PoolOptions<D>) -> PoolOptions<D>,
) -> Arc<Pooled<D>> {
    // sqlx has no limit on idle connections, so those that are too many are closed as they come back. (Some that come
    // back at the same moment may all stay, until one of them is used again or 10 minutes have passed.) The pool is
    // known only after these options; it is held weakly, or it would hold itself.
    let itself: Arc<OnceLock<Weak<Pooled<D>>>> = Arc::default();
    let known = Arc::clone(&itself);
    let max_idle = usize::try_from(settings.max_idle).unwrap_or(usize::MAX);
    let limits = PoolOptions::new()
        .max_connections(match settings.max_open {
            0 => UNLIMITED,
            limit => limit,
        })
        .max_lifetime((!settings.max_life.is_zero()).then_some(settings.max_life))
        .acquire_timeout(ACQUIRE)
        // A wait that succeeds is not worth a line, one that does not is an error of ours.
        .acquire_slow_threshold(ACQUIRE)
        .after_release(move |_, _| {
            let keep = known
                .get()
                .and_then(Weak::upgrade)
                .is_none_or(|pooled| pooled.pool.num_idle() < max_idle);
            async move { Ok(keep) }.boxed()
        });
    let pooled = Arc::new(Pooled {
        pool: prepare(limits).connect_lazy_with(options),
        file: None,
    });
    // Set once, here.
    let _ = itself.set(Arc::downgrade(&pooled));
    pooled
}

impl<D: Driver> Pooled<D> {
    pub(super) async fn session(&self) -> Result<Open<D>, Error> {
        let connection = self.pool.acquire().await.map_err(error::<D>)?;
        Ok(Open {
            connection: Some(connection),
            in_transaction: false,
            cut_short: false,
        })
    }
}

impl<D: Driver> Database for Pooled<D> {
    fn migrate(&self, take_over: Option<bool>) -> Answer<'_, bool> {
        Box::pin(migrate::run(self, take_over))
    }

    fn read(&self) -> Answer<'_, Box<dyn Session>> {
        Box::pin(async {
            let session: Box<dyn Session> = Box::new(self.session().await?);
            Ok(session)
        })
    }

    fn begin(&self, slot: usize) -> Answer<'_, Box<dyn Session>> {
        Box::pin(async move {
            let mut open = self.session().await?;
            open.in_transaction = true;
            // No limit of its own: waiting for the lock is waiting for others, and the caller limits the whole.
            open.unlimited(|connection| D::raw(connection, D::BEGIN))
                .await?;
            if let Some(lock) = D::LOCK_SLOT {
                let slot = [Value::Int(i64::try_from(slot).unwrap_or_default())];
                open.unlimited(|connection| D::fetch(connection, lock, &slot))
                    .await?;
            }
            let session: Box<dyn Session> = Box::new(open);
            Ok(session)
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if timeout(STATEMENT, self.pool.close()).await.is_err() {
                tracing::warn!("connections to the database did not end in time");
            }
        })
    }
}

/// A connection in use.
pub(super) struct Open<D: Driver> {
    /// There until the session ends.
    connection: Option<PoolConnection<D>>,
    in_transaction: bool,
    /// A statement was begun and has not ended, or its connection failed.
    cut_short: bool,
}

impl<D: Driver> Open<D> {
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
    async fn unlimited<'s, T>(
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
