//! Pages that a caller cannot take become pages that it can, before they are merged.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::body::{LARGE, Owned, WORKERS};
use super::budget::{Account, Budgets};
use super::{Fetched, Outcome};
use crate::exposition::{Dialect, Limits, Page};
use crate::failure::{Failure, Reason};

/// Pages with no more bytes than this together are converted at once: handing them to threads would take as long.
const SMALL: usize = 16 << 10;

/// What conversions may take beyond the deadline, when an instance that hangs has used up all time before it: half
/// of the least margin that [`scrape_timeout`](crate::client::scrape_timeout) keeps for the way back.
const GRACE: Duration = Duration::from_millis(250);

/// What the callers of one fetched page share of its conversion.
#[derive(Debug)]
pub(super) struct Conversion {
    /// Those that the page's own body is counted against.
    budgets: Budgets,
    /// Callers of one flight take the same dialects, so there is nearly always one to convert to.
    done: OnceLock<(Dialect, Result<Arc<Page>, Failure>)>,
}

impl Conversion {
    pub(super) fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            done: OnceLock::new(),
        }
    }

    /// Set when the process had no room for one of the pages of this flight.
    pub(super) fn is_starved(&self) -> bool {
        self.budgets.starved.load(Ordering::Relaxed)
    }
}

/// One page to convert, by the place of its outcome.
struct Job {
    at: usize,
    fetched: Fetched,
}

/// How a conversion ended.
pub(super) struct Converted {
    pub(super) at: usize,
    pub(super) result: Result<Fetched, Failure>,
    /// Nobody else has had this result.
    pub(super) is_new: bool,
}

/// Converts the pages that do not fit: a few small ones at once, others in parallel on threads for such work. What
/// is not done a little after the deadline is a `timeout`: a page with a hole is better than one that comes too late.
pub(super) async fn all(
    outcomes: &[Outcome],
    dialect: Dialect,
    limits: Limits,
    deadline: Instant,
) -> Vec<Converted> {
    let jobs: Vec<Job> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(at, outcome)| {
            let fetched = outcome.result.as_ref().ok()?.clone();
            (!fetched.page.fits(dialect)).then_some(Job { at, fetched })
        })
        .collect();
    let bytes: usize = jobs.iter().map(|job| job.fetched.page.len()).sum();
    if bytes <= SMALL {
        return jobs.iter().map(|job| job.run(dialect, &limits)).collect();
    }
    let mut open: BTreeSet<usize> = jobs.iter().map(|job| job.at).collect();
    let mut tasks = JoinSet::new();
    for batch in batches(jobs) {
        tasks.spawn(async move {
            // The semaphore is never closed. It is asked for each batch, so that other pages get their turn.
            let worker = WORKERS.acquire().await.ok();
            let work = move || {
                let _worker = worker;
                let run = |job: Job| job.run(dialect, &limits);
                batch.into_iter().map(run).collect::<Vec<_>>()
            };
            tokio::task::spawn_blocking(work).await
        });
    }
    let latest = deadline.max(Instant::now()) + GRACE;
    let mut done = Vec::with_capacity(open.len());
    let why = loop {
        match timeout_at(latest, tasks.join_next()).await {
            Ok(Some(Ok(Ok(batch)))) => done.extend(batch.into_iter().inspect(|converted| {
                open.remove(&converted.at);
            })),
            // A batch that panicked has no results.
            Ok(Some(_)) => {}
            Ok(None) => break Failure::new(Reason::Protocol, "the page could not be converted"),
            Err(_) => {
                let detail = "the page was received, but not converted before the deadline";
                break Failure::new(Reason::Timeout, detail);
            }
        }
    };
    done.extend(open.into_iter().map(|at| Converted {
        at,
        result: Err(why.clone()),
        is_new: true,
    }));
    done
}

/// Jobs together that are worth a thread.
fn batches(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut batches = Vec::new();
    let mut room = 0;
    for job in jobs {
        let bytes = job.fetched.page.len();
        if bytes > room || batches.is_empty() {
            batches.push(Vec::new());
            room = LARGE;
        }
        room = room.saturating_sub(bytes);
        if let Some(batch) = batches.last_mut() {
            batch.push(job);
        }
    }
    batches
}

impl Job {
    /// Converts the page, unless an equal caller has done so.
    fn run(&self, dialect: Dialect, limits: &Limits) -> Converted {
        let Self { at, fetched } = self;
        let conversion = &fetched.conversion;
        let mut is_new = false;
        let mut fresh = || {
            is_new = true;
            convert(&fetched.page, dialect, limits, conversion.budgets.clone())
        };
        let (of, shared) = conversion.done.get_or_init(|| (dialect, fresh()));
        let result = if *of == dialect {
            shared.clone()
        } else {
            fresh()
        };
        Converted {
            at: *at,
            result: result.map(|page| Fetched {
                page,
                ..fetched.clone()
            }),
            is_new,
        }
    }
}

/// The page in another dialect, counted as bodies are: while it grows, and for as long as anyone holds a slice of it.
fn convert(
    page: &Page,
    dialect: Dialect,
    limits: &Limits,
    budgets: Budgets,
) -> Result<Arc<Page>, Failure> {
    let mut account = Account::new(budgets);
    // What most conversions need. Without it there is nothing to begin.
    account.grow(page.len() + page.len() / 4)?;
    let account = Arc::new(Mutex::new((account, None)));
    let held = Arc::clone(&account);
    let meter = move |bytes| {
        let (account, refusal) = &mut *held.lock().unwrap_or_else(PoisonError::into_inner);
        *refusal = account.resize(bytes).err();
        refusal.is_none()
    };
    let converted = page.convert_metered(dialect, limits, Box::new(meter));
    // The meter has gone with the conversion.
    let Some((mut account, refusal)) = Arc::into_inner(account)
        .map(|lock| lock.into_inner().unwrap_or_else(PoisonError::into_inner))
    else {
        return Err(Failure::new(
            Reason::Protocol,
            "the page could not be converted",
        ));
    };
    let converted = converted.map_err(|error| {
        refusal.unwrap_or_else(|| {
            let mut failure = Failure::from(error);
            failure.detail = format!("written as {}: {}", dialect.format, failure.detail);
            failure
        })
    })?;
    account.resize(converted.len())?;
    let keep = |body: Bytes| Bytes::from_owner(Owned::new(body, account));
    Ok(Arc::new(converted.rehouse(keep)))
}
