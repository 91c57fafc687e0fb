//! Pools of connections, alike for all databases.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolOptions;
use sqlx::{Connection, Pool};
use tokio::time::timeout;

use super::driver::Driver;
use super::open::{Open, error};
use super::{ACQUIRE, Answer, Database, STATEMENT, Session, Value, migrate};
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
        Ok(Open::new(connection))
    }
}

impl<D: Driver> Database for Pooled<D> {
    fn migrate(&self, take_over: Option<bool>) -> Answer<'_, bool> {
        Box::pin(async move {
            // Held until the tables are as they should be.
            let _lock = migrate::lock_file(self.file.as_deref()).await?;
            migrate::run(self.session().await?, take_over).await
        })
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
            // No limit of its own: waiting for the lock is waiting for others, and the caller limits the whole.
            open.begin().await?;
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
