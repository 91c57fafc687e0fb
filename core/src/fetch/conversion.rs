//! One page on its way to another format, made once for all who want it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::body::{Owned, WORKERS};
use super::budget::{Account, Budgets};
use crate::exposition::{Dialect, Limits, Page};
use crate::failure::{Failure, Reason};

/// What the holders of one fetched page share of its conversion.
#[derive(Debug)]
pub(super) struct Conversion {
    /// Those that the page's own body is counted against.
    budgets: Budgets,
    /// Callers of one flight take the same dialects, so there is nearly always one to convert to.
    kept: Mutex<Option<Arc<Run>>>,
}

/// One conversion. It goes on while anyone holds it, whether they wait for it or not, and ends soon after: threads
/// for such work are few.
#[derive(Debug)]
pub(super) struct Run {
    dialect: Dialect,
    result: watch::Receiver<Option<Converted>>,
    is_told: AtomicBool,
    task: Option<AbortHandle>,
    /// The work looks whether this is still there.
    _wanted: Arc<()>,
}

/// How a conversion ends.
pub(super) type Converted = Result<Arc<Page>, Refused>;

/// Why there is no page in the other dialect.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// A budget had no room: the same page may be converted when other pages have gone.
    pub(super) for_now: bool,
    /// That budget was the one of the process: no instance is to blame.
    pub(super) is_starved: bool,
}

/// A failure that the page itself is the reason for: it would come again.
impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            for_now: false,
            is_starved: false,
        }
    }
}

/// Where a conversion is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At once, before the call returns: for what takes less time than handing it over.
    Here,
    /// On a thread for such work, when one is free.
    Thread,
}

impl Conversion {
    pub(super) fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            kept: Mutex::default(),
        }
    }

    /// The conversion of this page to this dialect. It begins now, unless somebody has asked for it before.
    pub(super) fn run(
        &self,
        page: &Arc<Page>,
        dialect: Dialect,
        limits: &Limits,
        place: Place,
    ) -> Arc<Run> {
        let wanted = Arc::new(());
        let work = Work {
            wanted: Arc::downgrade(&wanted),
            page: Arc::clone(page),
            dialect,
            limits: *limits,
            budgets: Budgets {
                // Whoever meets the refusal hears of it, and nobody else who shares the fetch.
                starved: Arc::default(),
                ..self.budgets.clone()
            },
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref().filter(|run| !run.is_refused_for_now()) {
            Some(run) if run.dialect == dialect => Arc::clone(run),
            // The one that is kept has others who wait for it.
            Some(_) => Run::start(work, wanted, place),
            None => Arc::clone(kept.insert(Run::start(work, wanted, place))),
        }
    }
}

impl Run {
    fn start(work: Work, wanted: Arc<()>, place: Place) -> Arc<Self> {
        let dialect = work.dialect;
        let (tell, result) = watch::channel(None);
        let task = match place {
            Place::Here => {
                tell.send_replace(Some(work.run()));
                None
            }
            Place::Thread => {
                let task = tokio::spawn(async move {
                    // The semaphore is never closed.
                    let worker = WORKERS.acquire().await.ok();
                    let work = move || {
                        let _worker = worker;
                        if work.wanted.strong_count() == 0 {
                            return Err(lost().into());
                        }
                        work.run()
                    };
                    // One that panics tells nothing.
                    if let Ok(converted) = tokio::task::spawn_blocking(work).await {
                        tell.send_replace(Some(converted));
                    }
                });
                Some(task.abort_handle())
            }
        };
        Arc::new(Self {
            dialect,
            result,
            is_told: AtomicBool::new(false),
            task,
            _wanted: wanted,
        })
    }

    /// The result, if there is one already.
    pub(super) fn now(&self) -> Option<Converted> {
        self.result.borrow().clone()
    }

    fn is_refused_for_now(&self) -> bool {
        matches!(&*self.result.borrow(), Some(Err(refused)) if refused.for_now)
    }

    /// Waits for the result.
    pub(super) async fn result(&self) -> Converted {
        let mut result = self.result.clone();
        let converted = result.wait_for(Option::is_some).await;
        converted
            .ok()
            .and_then(|converted| converted.clone())
            .unwrap_or_else(|| Err(lost().into()))
    }

    /// Whether nobody has had the result before: true once.
    pub(super) fn is_news(&self) -> bool {
        !self.is_told.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// All that a conversion needs.
struct Work {
    wanted: Weak<()>,
    page: Arc<Page>,
    dialect: Dialect,
    limits: Limits,
    budgets: Budgets,
}

impl Work {
    /// The page in another dialect, counted as bodies are: while it grows, and for as long as anyone holds a slice
    /// of it.
    fn run(self) -> Converted {
        let Self {
            wanted,
            page,
            dialect,
            limits,
            budgets,
        } = self;
        let starved = Arc::clone(&budgets.starved);
        let no_room = |failure| Refused {
            failure,
            for_now: true,
            is_starved: starved.load(Ordering::Relaxed),
        };
        let mut account = Account::new(budgets);
        // What most conversions need. Without it there is nothing to begin.
        account.grow(page.len() + page.len() / 4).map_err(no_room)?;
        let account = Arc::new(Mutex::new((account, None)));
        let held = Arc::clone(&account);
        let meter = move |bytes| {
            let (account, refusal) = &mut *held.lock().unwrap_or_else(PoisonError::into_inner);
            *refusal = account.resize(bytes).err();
            refusal.is_none() && wanted.strong_count() > 0
        };
        let converted = page.convert_metered(dialect, &limits, Box::new(meter));
        // The meter has gone with the conversion.
        let (mut account, refusal) = Arc::into_inner(account)
            .map(|lock| lock.into_inner().unwrap_or_else(PoisonError::into_inner))
            .ok_or_else(lost)?;
        if let Some(failure) = refusal {
            return Err(no_room(failure));
        }
        let converted = converted.map_err(|error| {
            let mut failure = Failure::from(error);
            failure.detail = format!("written as {}: {}", dialect.format, failure.detail);
            failure
        })?;
        account.resize(converted.len()).map_err(no_room)?;
        let keep = |body: Bytes| Bytes::from_owner(Owned::new(body, account));
        Ok(Arc::new(converted.rehouse(keep)))
    }
}

/// The failure of a conversion that has no result.
fn lost() -> Failure {
    Failure::new(Reason::Protocol, "the page could not be converted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Format;
    use crate::fetch::budget::test_budgets;

    const LIMITS: Limits = Limits {
        max_samples: 1 << 20,
        max_line: 1 << 10,
    };

    fn page(samples: usize) -> Arc<Page> {
        let lines = (0..samples).map(|at| format!("queue{{path=\"/{at}\"}} 1\n"));
        let body = format!("# TYPE queue gauge\n{}# EOF\n", lines.collect::<String>());
        Arc::new(Page::scan(body.into(), Format::OpenMetrics, &LIMITS).unwrap())
    }

    #[test]
    fn work_that_nobody_wants_ends_on_its_way() {
        for (is_wanted, want) in [(true, true), (false, false)] {
            let wanted = Arc::new(());
            let budgets = test_budgets(1 << 30, 1 << 30);
            let work = Work {
                wanted: Arc::downgrade(&wanted),
                page: page(10_000),
                dialect: Dialect::plain(Format::Text),
                limits: LIMITS,
                budgets: budgets.clone(),
            };
            let _wanted = is_wanted.then_some(wanted);
            let converted = work.run();
            assert_eq!(converted.is_ok(), want, "{converted:?}");
            drop(converted);
            assert_eq!(budgets.process.used(), 0);
        }
    }

    #[tokio::test]
    async fn what_waits_for_a_thread_goes_with_those_who_hold_it() {
        let dialect = Dialect::plain(Format::Text);
        let conversion = Conversion::new(test_budgets(1 << 30, 1 << 30));
        let page = page(10);
        // As many as there are, however many that is.
        let mut all = Vec::new();
        while let Ok(worker) = WORKERS.try_acquire() {
            all.push(worker);
        }
        let run = conversion.run(&page, dialect, &LIMITS, Place::Thread);
        let again = conversion.run(&page, dialect, &LIMITS, Place::Here);
        assert!(Arc::ptr_eq(&run, &again), "equal callers share it");
        tokio::task::yield_now().await;
        drop((run, again));
        drop(conversion);
        while Arc::strong_count(&page) > 1 {
            tokio::task::yield_now().await;
        }
        drop(all);
        assert!(WORKERS.acquire().await.is_ok());
    }
}
