//! Keeps the bindings in memory the same as those in the database.
//!
//! Every process reads them all again every ten seconds, and soon after another one has changed something: it says so
//! over NATS, on `promfetch.bindings`. Anybody on that NATS can publish there, so nothing in such a message is read,
//! and it makes nobody read the database more often than four times a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use promfetch_core::nats::Servers;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Bindings;
use crate::store::{Error, Kind, Store};

/// The subject of the hints.
const SUBJECT: &str = "promfetch.bindings";
/// Between two readings that nobody has asked for.
const PERIOD: Duration = Duration::from_secs(10);
/// Between two readings while the database is away.
const RETRY: Duration = Duration::from_secs(2);
/// Bindings that are sealed anew between two readings.
const SEALED_AT_ONCE: usize = 50;
/// The shortest time between two readings.
const PAUSE: Duration = Duration::from_millis(250);

/// The store, the bindings in memory, and how the two keep in step. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Keeper(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    bindings: Bindings,
    wanted: Notify,
    changed: Notify,
    status: Mutex<Status>,
    /// How many bindings have parameters that cannot be opened, as the log says.
    locked: AtomicUsize,
    /// Until when a process that could not read the database is taken for starting.
    grace: Instant,
}

/// How far a process knows the bindings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// When they were read last; `None`: never.
    pub(crate) read: Option<Instant>,
    /// Why they could not be read at the last try.
    pub(crate) problem: Option<String>,
}

impl Keeper {
    /// `grace`: after that time the process is ready also without bindings.
    pub(crate) fn new(store: Store, bindings: Bindings, grace: Duration) -> Self {
        Self(Arc::new(Shared {
            store,
            bindings,
            wanted: Notify::new(),
            changed: Notify::new(),
            status: Mutex::default(),
            locked: AtomicUsize::new(0),
            grace: Instant::now() + grace,
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn bindings(&self) -> &Bindings {
        &self.0.bindings
    }

    pub(crate) fn status(&self) -> Status {
        self.lock().clone()
    }

    /// Whether apps can be asked: their bindings are known, or have not been for so long that it would be worse to
    /// wait on.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.bindings.is_loaded() || Instant::now() >= self.0.grace
    }

    /// Waits for [`is_ready`](Self::is_ready).
    #[cfg(test)]
    pub(crate) async fn wait_ready(&self) {
        while !self.is_ready() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// A request to this process has changed the database: the others are to read it.
    pub(crate) fn tell_others(&self) {
        self.0.changed.notify_one();
    }

    /// The database may hold something else than the memory: it is to be read soon.
    pub(crate) fn look_again(&self) {
        self.0.wanted.notify_one();
    }

    /// Keeps in step until shutdown.
    pub(crate) async fn run(self, nats: Option<Servers>, shutdown: CancellationToken) {
        let hints = async {
            if let Some(nats) = nats {
                self.exchange_hints(nats).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.read_for_ever() => {}
            () = hints => {}
        }
    }

    async fn read_for_ever(&self) {
        loop {
            let begun = Instant::now();
            let outcome = self.read().await;
            let mut pause = match outcome {
                Ok(true) => PERIOD,
                // Requests change something all the time; memory follows them, but not what other processes do.
                Ok(false) => PAUSE,
                Err(_) => RETRY,
            };
            let was_taken = matches!(outcome, Ok(true));
            self.note(outcome);
            if was_taken {
                match self.seal_anew().await {
                    Ok(true) => pause = PAUSE,
                    Ok(false) => {}
                    Err(problem) => {
                        tracing::warn!(%problem, "secrets of bindings could not be sealed with the current key");
                    }
                }
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.0.wanted.notified() => sleep_until(begun + PAUSE).await,
            }
        }
    }

    /// Reads the bindings, and takes them. False: requests to this process have changed something at every try.
    async fn read(&self) -> Result<bool, Error> {
        let Shared {
            store, bindings, ..
        } = &*self.0;
        match store.reconcile().await {
            Ok(true) => self.tell_others(),
            Ok(false) => {}
            Err(error) if error.kind() == Kind::Unavailable => return Err(error),
            // It writes, and what is to be written is not needed to serve.
            Err(problem) => {
                tracing::warn!(%problem, "promfetcher's table could not be compared with promfetch's");
            }
        }
        for _ in 0..3 {
            let seen = bindings.changes();
            let rows = store.bindings().await?;
            if bindings.replace(&rows, seen) {
                self.complain_of_locked();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says when apps are asked otherwise than they were bound, because a key is missing. Once, not at every reading.
    fn complain_of_locked(&self) {
        let locked = self.0.bindings.locked();
        if self.0.locked.swap(locked, Ordering::Relaxed) != locked && locked > 0 {
            tracing::error!(
                bindings = locked,
                "the secrets of bindings cannot be opened: `broker.secret_key` is another one than when they were made, and `broker.previous_secret_key` is not that one; their apps are asked without them"
            );
        }
    }

    /// What was sealed with the previous key is sealed with the current one, so that the previous one can be given up.
    /// Some at a time: each is a transaction. Tells whether there may be more.
    async fn seal_anew(&self) -> Result<bool, Error> {
        let Shared {
            store, bindings, ..
        } = &*self.0;
        let vault = bindings.vault();
        let mut sealed = 0;
        for (instance_id, binding_id) in bindings.outdated(SEALED_AT_ONCE) {
            let mut transaction = store.begin(&instance_id).await?;
            let Some(row) = transaction.binding(&binding_id).await? else {
                continue;
            };
            let text = vault
                .load(&row)
                .and_then(|loaded| vault.store(&row.key, &loaded.parameters));
            if let Some(text) = text {
                transaction.update_parameters(&row, &text).await?;
                transaction.commit().await?;
                sealed += 1;
            }
        }
        Ok(sealed == SEALED_AT_ONCE)
    }

    fn note(&self, outcome: Result<bool, Error>) {
        let mut status = self.lock();
        let problem = outcome.as_ref().err().map(ToString::to_string);
        match &problem {
            None if status.problem.is_some() => tracing::info!("the database is back"),
            // Once for each kind of trouble, not at every try.
            Some(problem) if status.problem.as_ref() != Some(problem) => {
                tracing::warn!(
                    problem,
                    known = status.read.is_some(),
                    "the bindings could not be read; those known so far stay in effect"
                );
            }
            _ => {}
        }
        if matches!(outcome, Ok(true)) {
            if status.read.is_none() {
                tracing::info!(
                    bindings = self.0.bindings.len(),
                    "the bindings have been read"
                );
            }
            status.read = Some(Instant::now());
        }
        status.problem = problem;
    }

    /// Tells other processes of changes, and hears of theirs. Without NATS they find out by themselves.
    async fn exchange_hints(&self, nats: Servers) {
        // What this process has changed itself is in its memory.
        let options = nats.options.retry_on_initial_connect().no_echo();
        let Ok(client) = options.connect(&nats.addresses[..]).await else {
            return;
        };
        let Ok(mut hints) = client.subscribe(SUBJECT).await else {
            return;
        };
        loop {
            tokio::select! {
                hint = hints.next() => match hint {
                    Some(_) => self.look_again(),
                    None => return,
                },
                () = self.0.changed.notified() => {
                    let told = client.publish(SUBJECT, bytes::Bytes::new()).await;
                    if told.is_err() || client.flush().await.is_err() {
                        tracing::debug!("other processes could not be told of a change; they will find it themselves");
                    }
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Status> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
