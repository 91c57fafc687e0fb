//! What queries look back on: the samples of past pages, for as long as somebody asks for them.
//!
//! promfetch keeps nothing; it fetches when somebody asks. So the first query for the samples of an app starts a
//! [`recorder`] that fetches the app's page at each step and keeps of it what queries want, each want in a [`track`]
//! of its own. A want that nobody has asked for a while goes, and with the last one of an app its recorder.

mod budget;
mod recorder;
mod track;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use promfetch_core::selector::Selector;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::budget::Budget;
pub use self::recorder::Record;
use self::recorder::Recorder;
pub use self::track::{Tick, Window};
use super::promql::{Millis, VectorSelector};
use crate::source::Source;

/// Most apps that are fetched at each step.
pub const MAX_APPS: usize = 200;
/// Most bytes of all samples with their labels.
const MAX_BYTES: usize = 256 << 20;
/// Most pages that are fetched and read at one time.
const MAX_PAGES: usize = 8;

/// The samples of past pages by app. Cloning shares it.
#[derive(Clone, Debug)]
pub struct History(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Source,
    step: Duration,
    idle: Duration,
    budget: Budget,
    pages: Semaphore,
    shutdown: CancellationToken,
    recorders: Mutex<HashMap<Selector, Arc<Recorder>>>,
}

impl History {
    /// An empty history of the source's apps. Everything that runs for it ends with `shutdown`.
    pub fn new(
        source: Source,
        step: Duration,
        idle: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            source,
            step,
            idle,
            budget: Budget::new(MAX_BYTES),
            pages: Semaphore::new(MAX_PAGES),
            shutdown,
            recorders: Mutex::default(),
        }))
    }

    /// What is recorded of an app for a selector, kept for `keep` from now on. If nothing was, one page is waited
    /// for, which may have failed. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When a bound is reached.
    pub async fn record(
        &self,
        app: &Selector,
        wanted: &VectorSelector,
        keep: Duration,
    ) -> Result<Record, String> {
        let record = {
            let mut recorders = self
                .0
                .recorders
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let recorder = match recorders.get(app) {
                Some(recorder) => Arc::clone(recorder),
                None => {
                    if recorders.len() >= MAX_APPS {
                        return Err(format!(
                            "{MAX_APPS} apps are recorded already, which is the most: query fewer, or wait until what nobody asks for goes (`idle`)"
                        ));
                    }
                    let recorder = Arc::new(Recorder::new(app.clone()));
                    recorders.insert(app.clone(), Arc::clone(&recorder));
                    tokio::spawn(recorder::run(Arc::clone(&recorder), Arc::clone(&self.0)));
                    recorder
                }
            };
            // Under the lock of the recorders: one that ends because nobody wants anything of it takes it too.
            recorder.want(wanted, keep, &self.0.budget)?
        };
        record.wait().await;
        Ok(record)
    }
}

/// The time as samples have it.
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    millis(since)
}

/// A duration as samples have it.
pub fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests;
