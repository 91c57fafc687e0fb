//! A client at work: its runtime, its log, and the way into it from the program's threads.

use std::cell::RefCell;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::registry::Registry;
use promfetch_core::client::Client;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};

use crate::code::{PROMFETCH_CANCELLED, PROMFETCH_UNAVAILABLE};
use crate::error::Error;
use crate::guard;
use crate::options::Options;
use crate::process::Process;
use crate::signals;

/// Two are enough to scan pages on both cores of a small machine; a host has threads of its own beside them.
const THREADS: usize = 2;
/// Threads that resolve names or convert large pages, at most.
const BLOCKING_THREADS: usize = 16;
/// How long freeing waits for a name server. The library stays in memory, so a thread that is late does no harm.
const LAST_NAMES: Duration = Duration::from_secs(2);

thread_local! {
    /// The log of the client whose thread this is.
    static LOG: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// A client with all that it needs. Calls under way hold it, too.
#[derive(Debug)]
pub(crate) struct Running {
    /// The process that made it: its threads are nowhere else.
    process: Process,
    client: Client,
    registry: Registry,
    shutdown: CancellationToken,
    dispatch: Option<Dispatch>,
    for_threads: ForThreads,
    runtime: ManuallyDrop<Runtime>,
}

/// The log for threads that start. It is taken away at the end, since parts of the runtime may outlive its threads for
/// a moment, and the program waits for its finalizer.
type ForThreads = Arc<Mutex<Option<Dispatch>>>;

impl Running {
    pub(crate) fn start(options: &Options) -> Result<Self, Error> {
        let dispatch = options.log().map(|logger| logger.dispatch());
        scoped(dispatch.as_ref(), || {
            let (config, warnings) = options.read()?;
            for warning in warnings {
                tracing::warn!(target: "promfetch", "{warning}");
            }
            for warning in options.unknown() {
                tracing::debug!(target: "promfetch", "{warning}");
            }
            let for_threads = ForThreads::new(Mutex::new(dispatch.clone()));
            let runtime = runtime(&for_threads)?;
            let mut registry = Registry::default();
            let shutdown = CancellationToken::new();
            let client = {
                let _inside = runtime.enter();
                Client::start(config, &mut registry, shutdown.clone())?
            };
            Ok(Self {
                process: Process::this(),
                client,
                registry,
                shutdown,
                dispatch: dispatch.clone(),
                for_threads,
                runtime: ManuallyDrop::new(runtime),
            })
        })
    }

    /// The process in which the client works.
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Ends all calls under way.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits for the work, on the caller's thread.
    pub(crate) fn wait<T>(
        &self,
        cancelled: &CancellationToken,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let end = |why: &str| Err(Error::new(PROMFETCH_CANCELLED, why));
        self.scoped(|| {
            self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = self.shutdown.cancelled() => end("the client was closed or freed meanwhile"),
                    () = cancelled.cancelled() => end("the request was cancelled"),
                    result = work => result,
                }
            })
        })
    }

    /// Does something with the client's log.
    pub(crate) fn scoped<T>(&self, body: impl FnOnce() -> T) -> T {
        scoped(self.dispatch.as_ref(), body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if !self.process.is_here() {
            // The threads are in the parent: waiting for them here would never end.
            return;
        }
        // SAFETY: it is taken once, here, and not used afterwards.
        let runtime = unsafe { ManuallyDrop::take(&mut self.runtime) };
        if guard::is_in_callback() {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(LAST_NAMES);
        }
        lock(&self.for_threads).take();
    }
}

fn scoped<T>(dispatch: Option<&Dispatch>, body: impl FnOnce() -> T) -> T {
    match dispatch {
        Some(dispatch) => dispatcher::with_default(dispatch, body),
        None => body(),
    }
}

fn lock(dispatch: &ForThreads) -> MutexGuard<'_, Option<Dispatch>> {
    dispatch.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime(dispatch: &ForThreads) -> Result<Runtime, Error> {
    let mut builder = Builder::new_multi_thread();
    builder
        .worker_threads(THREADS)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("promfetch")
        .enable_all();
    let dispatch = Arc::clone(dispatch);
    builder
        .on_thread_start(move || {
            signals::leave_to_the_host();
            let current = lock(&dispatch).clone();
            LOG.set(current.map(|dispatch| dispatcher::set_default(&dispatch)));
        })
        .on_thread_stop(|| LOG.set(None));
    // tokio panics when the first thread cannot be started.
    let built = catch_unwind(AssertUnwindSafe(|| {
        signals::without_any(|| builder.build())
    }));
    let why = match built {
        Ok(Ok(runtime)) => return Ok(runtime),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no more threads".to_owned(),
    };
    Err(Error::new(
        PROMFETCH_UNAVAILABLE,
        format!("the client's threads cannot be started: {why}"),
    ))
}
