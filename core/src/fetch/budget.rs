//! How many bytes of instances' pages may be in memory: in the whole process, and for one page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::metrics::Metrics;
use crate::failure::{Failure, Reason};

/// The two budgets that every body is counted against.
#[derive(Clone, Debug)]
pub(super) struct Budgets {
    pub(super) process: Arc<Process>,
    pub(super) page: Arc<Budget>,
    /// Set when the process had no room for a body of this page.
    pub(super) starved: Arc<AtomicBool>,
}

/// A number of bytes that must not be exceeded.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
        }
    }

    /// Takes so many bytes and returns how many are used then, or takes nothing.
    fn take(&self, bytes: usize) -> Option<usize> {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .ok()
            .map(|used| used + bytes)
    }

    fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The process-wide budget, shown in the metrics.
#[derive(Debug)]
pub(super) struct Process {
    budget: Budget,
    metrics: Arc<Metrics>,
}

impl Process {
    pub(super) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            budget: Budget::new(limit),
            metrics,
        }
    }

    /// Whether nothing is left for another page.
    pub(super) fn is_exhausted(&self) -> bool {
        self.budget.used.load(Ordering::Relaxed) >= self.budget.limit
    }

    /// The limit, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.budget.limit
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.budget.used.load(Ordering::Relaxed)
    }
}

/// The bytes that one body holds of both budgets. They go back when the account is dropped, so it travels with
/// the body for as long as anyone keeps it.
#[derive(Debug)]
pub(super) struct Account {
    budgets: Budgets,
    held: usize,
}

/// The budget that has no room.
enum Full {
    Page,
    Process,
}

impl Account {
    pub(super) fn new(budgets: Budgets) -> Self {
        Self { budgets, held: 0 }
    }

    /// Holds so many bytes more.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] when one of the budgets has not so many; nothing is taken then.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        let (what, key, limit) = match self.take(bytes) {
            Ok(()) => return Ok(()),
            Err(Full::Page) => ("this page", "max_page", self.budgets.page.limit),
            Err(Full::Process) => {
                self.budgets.starved.store(true, Ordering::Relaxed);
                let limit = self.budgets.process.limit();
                ("all pages under way", "max_inflight", limit)
            }
        };
        Err(Failure::new(
            Reason::TooLarge,
            format!("the inputs of {what} are larger than {limit} bytes together (`{key}`)"),
        ))
    }

    /// The same for bytes that are only guessed: a refusal says nothing of the page or the process.
    pub(super) fn try_grow(&mut self, bytes: usize) -> bool {
        self.take(bytes).is_ok()
    }

    fn take(&mut self, bytes: usize) -> Result<(), Full> {
        let Budgets { process, page, .. } = &self.budgets;
        let of_page = page.take(bytes).ok_or(Full::Page)?;
        let Some(of_process) = process.budget.take(bytes) else {
            page.give(bytes);
            return Err(Full::Process);
        };
        self.held += bytes;
        process.metrics.inflight.inc_by(bytes as i64);
        process.metrics.nearness.page.see(of_page);
        process.metrics.nearness.inflight.see(of_process);
        Ok(())
    }

    /// Holds only so many bytes from now on.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let back = self.held.saturating_sub(bytes);
        self.held -= back;
        self.budgets.page.give(back);
        self.budgets.process.budget.give(back);
        self.budgets.process.metrics.inflight.dec_by(back as i64);
    }

    /// Holds exactly so many bytes from now on.
    ///
    /// # Errors
    /// As [`Self::grow`]; it holds as many as before then.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), Failure> {
        match bytes.checked_sub(self.held) {
            Some(more) => self.grow(more),
            None => {
                self.shrink_to(bytes);
                Ok(())
            }
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
pub(super) fn test_budgets(process: usize, page: usize) -> Budgets {
    let mut registry = prometheus_client::registry::Registry::default();
    let metrics = Metrics::register(&crate::config::Fetch::default(), 1000, &mut registry);
    Budgets {
        process: Arc::new(Process::new(process, Arc::new(metrics))),
        page: Arc::new(Budget::new(page)),
        starved: Arc::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_when_the_account_goes() {
        let budgets = test_budgets(100, 80);
        let mut first = Account::new(budgets.clone());
        first.grow(60).unwrap();
        let mut second = Account::new(budgets.clone());
        let failure = second.grow(30).unwrap_err();
        assert_eq!(failure.reason, Reason::TooLarge);
        assert!(failure.detail.contains("max_page"), "{failure}");
        second.grow(20).unwrap();
        first.shrink_to(10);
        assert_eq!(budgets.process.used(), 30);
        second.resize(70).unwrap();
        assert!(second.resize(71).is_err(), "over `max_page`");
        second.resize(5).unwrap();
        assert_eq!((second.held(), budgets.process.used()), (5, 15));
        drop(second);
        drop(first);
        assert_eq!(
            (
                budgets.process.used(),
                budgets.page.used.load(Ordering::Relaxed)
            ),
            (0, 0)
        );
        assert_eq!(budgets.process.metrics.inflight.get(), 0);
    }

    #[test]
    fn the_process_budget_is_shared_by_all_pages_and_a_refusal_takes_nothing() {
        let budgets = test_budgets(100, 80);
        let other = Budgets {
            process: Arc::clone(&budgets.process),
            page: Arc::new(Budget::new(80)),
            starved: Arc::default(),
        };
        let (mut one, mut two) = (Account::new(budgets), Account::new(other.clone()));
        one.grow(70).unwrap();
        let failure = two.grow(40).unwrap_err();
        assert!(failure.detail.contains("max_inflight"), "{failure}");
        assert_eq!(other.page.used.load(Ordering::Relaxed), 0);
        two.grow(30).unwrap();
        assert!(other.process.is_exhausted());
        assert!(two.grow(usize::MAX).is_err(), "no overflow");
    }

    #[test]
    fn a_guess_that_is_refused_leaves_no_trace() {
        for (process, page, why) in [(50, 100, "`max_inflight`"), (100, 50, "`max_page`")] {
            let budgets = test_budgets(process, page);
            let mut account = Account::new(budgets.clone());
            assert!(account.try_grow(10), "{why}");
            assert!(!account.try_grow(41), "{why}");
            assert_eq!((account.held(), budgets.process.used()), (10, 10), "{why}");
            assert_eq!(budgets.page.used.load(Ordering::Relaxed), 10, "{why}");
            assert!(!budgets.starved.load(Ordering::Relaxed), "{why}");
        }
    }
}
