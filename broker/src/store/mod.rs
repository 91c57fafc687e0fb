//! Where service instances and bindings are kept: SQLite, MySQL or MariaDB, PostgreSQL, by `db_conn`.
//!
//! One operation of the service broker is one [`Transaction`]. It begins with a lock on the service instance, in this
//! process and in the database, so that operations on an instance follow each other, wherever they run. A transaction
//! that is dropped, because its client hung up or an error came up, leaves nothing behind.
//!
//! The database may be away at any time, also at the start: tables are made by the first call that reaches it.
//!
//! `database` holds what differs between the databases; `records` is the SQL for all of them; `legacy` keeps
//! promfetcher's table in step where promfetch has taken over from it.

mod database;
pub(crate) mod db_conn;
mod error;
mod keys;
mod legacy;

mod model;
mod records;

mod transaction;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use promfetch_core::calls::{Call, Calls};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};
use tokio::time::{Instant, sleep, timeout_at};

use database::Database;
use db_conn::Target;
pub use error::{Error, Kind};
pub use model::{Binding, BindingKey, Instance, NewBinding};
pub(crate) use records::now;
use transaction::Legacy;

pub use transaction::{Transaction, Turn};

use crate::config;

/// How long a call may wait for the database: for a connection, for its lock, for the first statements.
const WAIT: Duration = Duration::from_secs(10);
/// How long an operation may wait behind others of this process on the same instance: long enough that one which hangs
/// with the database has given up.
const TURN: Duration = Duration::from_secs(12);

/// How long promfetcher may take between the two statements of its bind.
const SETTLE: Duration = Duration::from_millis(300);

/// The store. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>, Counted);

/// How the store's operations are counted; uncounted until somebody wants to see it.
#[derive(Clone, Debug, Default)]
struct Counted {
    begin: Call,
    commit: Call,
    bindings: Call,
    reconcile: Call,
}

#[derive(Debug)]
struct Inner {
    database: Arc<dyn Database>,
    /// As configured, over what was found.
    take_over: Option<bool>,
    write_back: bool,
    /// Set when the tables are as this program needs them: whether the database is taken over.
    ready: OnceCell<bool>,
    /// One for each slot; fair.
    slots: Vec<Arc<Mutex<()>>>,
}

impl Store {
    /// A store in the database of the settings. Opens no connection yet. Needs a tokio runtime.
    ///
    /// `take_over`: whether to take over from promfetcher, if that is configured; else it depends on whether its table
    /// was there first. `write_back`: whether that table is kept in step.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when `db_conn` cannot be read; the text names the key and no part of its value.
    pub fn new(
        settings: &config::Store,
        take_over: Option<bool>,
        write_back: bool,
    ) -> Result<Self, Error> {
        let database = database::open(Target::parse(&settings.conn.0)?, settings);
        Ok(Self::over(database, take_over, write_back))
    }

    /// A store that ends with the process. Needs a tokio runtime.
    pub fn in_memory() -> Self {
        Self::over(database::in_memory(), Some(false), false)
    }

    /// The same store, whose operations are counted among these calls.
    #[must_use]
    pub fn counted(self, calls: &Calls) -> Self {
        let call = |name| calls.call("store", name);
        let counted = Counted {
            begin: call("begin"),
            commit: call("commit"),
            bindings: call("bindings"),
            reconcile: call("reconcile"),
        };
        Self(self.0, counted)
    }

    fn over(database: Arc<dyn Database>, take_over: Option<bool>, write_back: bool) -> Self {
        let inner = Inner {
            database,
            take_over,
            write_back,
            ready: OnceCell::new(),
            slots: (0..keys::SLOTS).map(|_| Arc::default()).collect(),
        };
        Self(Arc::new(inner), Counted::default())
    }

    /// Begins an operation on a service instance, as soon as others on it have ended.
    ///
    /// # Errors
    /// [`Kind::Conflict`] when others on the same instance take longer than 12 s; [`Kind::Unavailable`] when the database
    /// does not answer within 10 s.
    pub async fn begin(&self, instance_id: &str) -> Result<Transaction, Error> {
        let _call = self.1.begin.start();
        if self.taken_over().await? {
            return self.begin_taken_over(instance_id, false).await;
        }
        let slot = keys::slot(instance_id);
        let turn = self.turn(slot).await?;
        let session = within(self.0.database.begin(slot)).await?;
        let commit = self.1.commit.clone();
        Ok(Transaction::new(session, turn, instance_id, None, commit))
    }

    /// Begins where promfetcher's table is kept in step, which belongs to all instances at once. What old processes did
    /// there is taken in first, so that the operation sees it. `stale`: the table is known to differ from ours.
    async fn begin_taken_over(&self, instance_id: &str, stale: bool) -> Result<Transaction, Error> {
        let turn = self.turn(0).await?;
        within(self.take_in(turn, instance_id, stale)).await
    }

    async fn take_in(
        &self,
        turn: OwnedMutexGuard<()>,
        instance_id: &str,
        stale: bool,
    ) -> Result<Transaction, Error> {
        let mut missing = HashSet::new();
        let mut repaired = false;
        loop {
            let mut session = self.0.database.begin(0).await?;
            let view = match legacy::View::read(&mut *session).await {
                Ok(view) => view,
                Err(error) if error.kind() == Kind::Broken && !repaired => {
                    // Perhaps somebody has dropped the table: it is made again, as at the start.
                    drop(session);
                    repaired = true;
                    self.0.database.migrate(self.0.take_over).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let unbound = view.unbound();
            // To bind, promfetcher deletes the app's rows and then adds its own, not in one transaction. So a row has
            // to be missing twice before that counts as an unbind.
            if !unbound.is_subset(&missing) {
                missing = unbound;
                drop(session);
                sleep(SETTLE).await;
                continue;
            }
            let legacy = Legacy {
                write_back: self.0.write_back,
                stale,
                took_in: view.take_in(&mut *session).await?,
            };
            let commit = self.1.commit.clone();
            return Ok(Transaction::new(
                session,
                turn,
                instance_id,
                Some(legacy),
                commit,
            ));
        }
    }

    /// Takes over what old processes of promfetcher have bound and unbound, and brings their table to what ours says.
    /// Tells whether bindings of ours have changed. Does nothing unless the database is taken over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reconcile(&self) -> Result<bool, Error> {
        let _call = self.1.reconcile.start();
        if !self.taken_over().await? {
            return Ok(false);
        }
        let view = within(async {
            let mut session = self.0.database.read().await?;
            legacy::View::read(&mut *session).await
        })
        .await;
        match view {
            Ok(view) if !view.differs(self.0.write_back) => return Ok(false),
            Err(error) if error.kind() != Kind::Broken => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let transaction = self.begin_taken_over("", true).await?;
        Ok(transaction.commit().await?.changed_others())
    }

    /// All bindings, by `seq` ascending.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn bindings(&self) -> Result<Vec<Binding>, Error> {
        let _call = self.1.bindings.start();
        within(async {
            self.ready().await?;
            let mut session = self.0.database.read().await?;
            records::bindings(&mut *session).await
        })
        .await
    }

    /// Whether this database was promfetcher's before it was ours, or what is configured about that.
    ///
    /// # Errors
    /// When the database cannot be asked and it is not known yet.
    pub async fn taken_over(&self) -> Result<bool, Error> {
        within(self.ready()).await
    }

    /// The same, if it is known without asking the database.
    pub fn known_taken_over(&self) -> Option<bool> {
        self.0.take_over.or_else(|| self.0.ready.get().copied())
    }

    /// Closes all connections; operations that are under way may end first.
    pub async fn close(&self) {
        self.0.database.close().await;
    }

    /// Sees to it that the tables are there; tells whether the database is taken over.
    async fn ready(&self) -> Result<bool, Error> {
        let ready = self.0.ready.get_or_try_init(|| async {
            let inner = Arc::clone(&self.0);
            // In a task of its own: a caller that goes away must not cut it short.
            tokio::spawn(async move { inner.database.migrate(inner.take_over).await })
                .await
                .unwrap_or_else(|error| Err(Error::broken(error)))
        });
        ready.await.copied()
    }

    /// Waits for the operations on this slot that came before. That they take long is no fault of the database's.
    async fn turn(&self, slot: usize) -> Result<OwnedMutexGuard<()>, Error> {
        let turn = Arc::clone(&self.0.slots[slot % keys::SLOTS]).lock_owned();
        timeout_at(Instant::now() + TURN, turn).await.map_err(|_| {
            Error::new(
                Kind::Conflict,
                format_args!(
                    "operations that came before have not ended within {} s",
                    TURN.as_secs()
                ),
            )
        })
    }
}

/// Runs something that must not take longer than [`WAIT`].
async fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout_at(Instant::now() + WAIT, work)
        .await
        .unwrap_or_else(|_| {
            Err(Error::unavailable(format_args!(
                "the database did not answer within {} s",
                WAIT.as_secs()
            )))
        })
}

#[cfg(test)]
mod tests;
