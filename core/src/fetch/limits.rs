//! How many fetches run at once, over all pages, and who is next when that many are running.
//!
//! One app may use all that others do not ask for. Under contention the app with the fewest running fetches is
//! next, so the shares become equal. The last eighth of the limit is kept for apps that have less than their
//! equal share: an app whose instances all hang cannot keep the others waiting until its deadline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::oneshot;

/// The share of the limit that is kept for apps below their equal share: one of this many.
const RESERVE: usize = 8;

/// Who runs and who waits, without any clock or task: `W` is what tells a waiter that it may run.
#[derive(Debug)]
struct Queues<W> {
    limit: usize,
    running: usize,
    waiting: usize,
    apps: HashMap<Box<str>, Queue<W>>,
    /// Apps with waiters, by (running fetches, turn): the first is next.
    next: BTreeSet<(usize, u64, Box<str>)>,
    /// Counts up: names a waiter, and gives apps their turn among those with as many running.
    ticket: u64,
}

#[derive(Debug)]
struct Queue<W> {
    running: usize,
    turn: u64,
    waiting: BTreeMap<u64, W>,
}

impl<W> Queues<W> {
    fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            running: 0,
            waiting: 0,
            apps: HashMap::new(),
            next: BTreeSet::new(),
            ticket: 0,
        }
    }

    /// Whether an app with so many running may start one more.
    fn may_start(&self, running: usize) -> bool {
        // The share that the apps would have if one more came.
        let share = (self.limit / (self.apps.len() + 1)).max(1);
        let kept = self.limit / RESERVE;
        self.running < self.limit - kept || (self.running < self.limit && running < share)
    }

    /// Starts a fetch of the app, or else makes a waiter for it and says under which number.
    fn acquire<R>(&mut self, app: &str, waiter: impl FnOnce() -> (W, R)) -> Option<(u64, R)> {
        if !self.apps.contains_key(app) {
            self.apps.insert(
                app.into(),
                Queue {
                    running: 0,
                    turn: 0,
                    waiting: BTreeMap::new(),
                },
            );
        }
        self.ticket += 1;
        let ticket = self.ticket;
        let running = self
            .apps
            .get(app)
            .filter(|queue| queue.waiting.is_empty())
            .map(|queue| queue.running);
        let start = running.is_some_and(|running| self.may_start(running));
        let queue = self.apps.get_mut(app)?;
        if start {
            queue.running += 1;
            self.running += 1;
            return None;
        }
        if queue.waiting.is_empty() {
            queue.turn = ticket;
            self.next.insert((queue.running, ticket, app.into()));
        }
        let (waiter, rest) = waiter();
        queue.waiting.insert(ticket, waiter);
        self.waiting += 1;
        Some((ticket, rest))
    }

    /// Ends a fetch of the app and returns the waiters that may run now, with their apps.
    fn release(&mut self, app: &str) -> Vec<(Box<str>, W)> {
        self.change(app, |queue| queue.running = queue.running.saturating_sub(1));
        self.running = self.running.saturating_sub(1);
        let mut granted = Vec::new();
        while let Some((running, _, app)) = self.next.first().cloned() {
            // The first has the fewest running: when it may not start, nobody may.
            if !self.may_start(running) {
                break;
            }
            self.ticket += 1;
            let turn = self.ticket;
            let waiter = self.change(&app, |queue| {
                queue.turn = turn;
                queue.running += 1;
                queue.waiting.pop_first()
            });
            self.running += 1;
            self.waiting = self.waiting.saturating_sub(1);
            match waiter.flatten() {
                Some((_, waiter)) => granted.push((app, waiter)),
                None => break,
            }
        }
        granted
    }

    /// A waiter has left. Without effect when it was granted already.
    fn cancel(&mut self, app: &str, ticket: u64) {
        if self.change(app, |queue| queue.waiting.remove(&ticket).is_some()) == Some(true) {
            self.waiting = self.waiting.saturating_sub(1);
        }
    }

    /// Changes one app's queue and keeps its place among the others right.
    fn change<R>(&mut self, app: &str, change: impl FnOnce(&mut Queue<W>) -> R) -> Option<R> {
        let queue = self.apps.get_mut(app)?;
        if !queue.waiting.is_empty() {
            self.next.remove(&(queue.running, queue.turn, app.into()));
        }
        let result = change(queue);
        if !queue.waiting.is_empty() {
            self.next.insert((queue.running, queue.turn, app.into()));
        } else if queue.running == 0 {
            self.apps.remove(app);
        }
        Some(result)
    }
}

/// The limit of fetches at once. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Limit(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queues: Mutex<Queues<oneshot::Sender<Permit>>>,
    running: Gauge,
    waiting: Gauge,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queues<oneshot::Sender<Permit>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, queues: &Queues<oneshot::Sender<Permit>>) {
        self.running.set(queues.running as i64);
        self.waiting.set(queues.waiting as i64);
    }
}

impl Limit {
    /// A limit of so many fetches (at least one), shown in these two gauges.
    pub(super) fn new(limit: usize, running: Gauge, waiting: Gauge) -> Self {
        Self(Arc::new(Shared {
            queues: Mutex::new(Queues::new(limit)),
            running,
            waiting,
        }))
    }

    /// Waits until one more fetch of this app may run. Dropping the future leaves the queue.
    pub(super) async fn acquire(&self, app: &Arc<str>) -> Permit {
        let queued = {
            let mut queues = self.0.lock();
            let queued = queues.acquire(app, oneshot::channel);
            self.0.show(&queues);
            queued
        };
        if let Some((ticket, receiver)) = queued {
            let _waiting = Waiting {
                limit: self,
                app,
                ticket,
            };
            // A sender that is gone without a word cannot be: only a grant takes it out of the queue.
            if let Ok(permit) = receiver.await {
                return permit;
            }
        }
        Permit {
            shared: Arc::clone(&self.0),
            app: Arc::clone(app),
        }
    }

    /// Fetches running now.
    pub(super) fn running(&self) -> usize {
        self.0.lock().running
    }
}

/// A place in the queue; dropping it leaves.
struct Waiting<'a> {
    limit: &'a Limit,
    app: &'a str,
    ticket: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut queues = self.limit.0.lock();
        queues.cancel(self.app, self.ticket);
        self.limit.0.show(&queues);
    }
}

/// The right to run one fetch; dropping it lets the next one run.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    app: Arc<str>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let granted = {
            let mut queues = self.shared.lock();
            let granted = queues.release(&self.app);
            self.shared.show(&queues);
            granted
        };
        // Outside the lock: a waiter that has just left gives the permit back by dropping it.
        for (app, waiter) in granted {
            drop(waiter.send(Permit {
                shared: Arc::clone(&self.shared),
                app: Arc::from(app),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// Starts `count` fetches of an app; those that must wait do so under the app's name.
    fn ask(queues: &mut Queues<&'static str>, app: &'static str, count: usize) -> Vec<u64> {
        (0..count)
            .filter_map(|_| queues.acquire(app, || (app, ())).map(|(ticket, ())| ticket))
            .collect()
    }

    fn names(granted: &[(Box<str>, &'static str)]) -> Vec<&'static str> {
        granted.iter().map(|(_, name)| *name).collect()
    }

    #[test]
    fn one_app_uses_all_that_nobody_else_asks_for() {
        let mut queues = Queues::new(4);
        assert_eq!(ask(&mut queues, "a", 6).len(), 2);
        assert_eq!((queues.running, queues.waiting), (4, 2));
        assert_eq!(names(&queues.release("a")), ["a"]);
    }

    #[test]
    fn under_contention_the_shares_become_equal() {
        let mut queues = Queues::new(6);
        ask(&mut queues, "a", 12);
        ask(&mut queues, "b", 4);
        ask(&mut queues, "c", 4);
        // Each slot that `a` gives up goes to whoever has least, in turn, until all have two.
        let order: Vec<_> = (0..4).flat_map(|_| names(&queues.release("a"))).collect();
        assert_eq!(order, ["b", "c", "b", "c"]);
        // From then on, each app's slot goes back to itself: shares stay equal.
        assert_eq!(names(&queues.release("a")), ["a"]);
        assert_eq!(names(&queues.release("b")), ["b"]);
        assert_eq!(queues.running, 6);
    }

    #[test]
    fn the_last_eighth_is_for_apps_below_their_share() {
        let mut queues = Queues::new(16);
        assert_eq!(
            ask(&mut queues, "a", 16).len(),
            2,
            "fourteen start, two are kept"
        );
        assert_eq!(
            ask(&mut queues, "b", 2).len(),
            0,
            "another app starts at once"
        );
        assert_eq!(
            ask(&mut queues, "c", 1).len(),
            1,
            "the limit holds for everybody"
        );
        assert_eq!(queues.running, 16);
        assert_eq!(names(&queues.release("a")), ["c"]);
    }

    #[test]
    fn waiters_that_left_get_nothing_and_nothing_is_left_behind() {
        let mut queues = Queues::new(1);
        ask(&mut queues, "a", 1);
        let gone = ask(&mut queues, "b", 1);
        ask(&mut queues, "c", 1);
        queues.cancel("b", gone[0]);
        queues.cancel("b", gone[0]);
        assert_eq!(queues.waiting, 1);
        assert_eq!(names(&queues.release("a")), ["c"]);
        assert!(queues.release("c").is_empty());
        assert_eq!(
            (
                queues.running,
                queues.waiting,
                queues.apps.len(),
                queues.next.len()
            ),
            (0, 0, 0, 0)
        );
    }

    #[tokio::test]
    async fn a_permit_goes_on_even_when_the_first_waiter_leaves_after_its_grant() {
        let limit = Limit::new(1, Gauge::default(), Gauge::default());
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let first = limit.acquire(&a).await;
        let mut leaving = Box::pin(limit.acquire(&b));
        assert!((&mut leaving).now_or_never().is_none());
        let mut staying = Box::pin(limit.acquire(&a));
        assert!((&mut staying).now_or_never().is_none());
        assert_eq!(limit.0.waiting.get(), 2);
        drop(first);
        // Granted, but not looked at: the permit in the channel must not be lost.
        drop(leaving);
        let second = staying.await;
        assert_eq!((limit.0.running.get(), limit.0.waiting.get()), (1, 0));
        drop(second);
        assert_eq!(limit.running(), 0);
    }
}
