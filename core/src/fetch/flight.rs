//! Equal requests share one fetch.
//!
//! A flight asks all targets of a page. Whoever makes an equal request soon after joins it; each caller takes
//! what is there at its own deadline and leaves; when the last one leaves, whatever still runs is dropped.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::progress::Progress;
use super::{Outcome, Target};

/// A flight may be joined this long. Later callers get a new one: with many callers and an instance that hangs,
/// one flight could otherwise go on for ever and serve ever older samples.
const JOIN_WINDOW: Duration = Duration::from_secs(1);

/// What makes two requests equal: everything that the answer depends on, the forwarded credentials too.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FlightKey(Box<[u8]>);

impl<T: Into<Vec<u8>>> From<T> for FlightKey {
    fn from(key: T) -> Self {
        Self(key.into().into_boxed_slice())
    }
}

/// Shows no content: it holds credentials.
impl fmt::Debug for FlightKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlightKey({} bytes)", self.0.len())
    }
}

/// One target's place in a flight.
#[derive(Debug, Default)]
struct Slot {
    progress: Progress,
    outcome: Mutex<Option<Outcome>>,
    /// Some caller left without an outcome and has reported that.
    is_overdue: AtomicBool,
}

impl Slot {
    fn outcome(&self) -> MutexGuard<'_, Option<Outcome>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fetch of all targets of one page.
#[derive(Debug)]
pub(super) struct Flight {
    targets: Vec<Arc<Target>>,
    slots: Vec<Slot>,
    started: Instant,
    /// Targets without an outcome.
    open: AtomicUsize,
    finished: OnceLock<Instant>,
    done: watch::Sender<bool>,
    /// The process had no room for one of the bodies: the page would blame an instance for that.
    pub(super) starved: Arc<AtomicBool>,
    /// Changed only under the lock of the map of flights.
    callers: AtomicUsize,
    tasks: Mutex<JoinSet<()>>,
}

impl Flight {
    fn new(targets: Vec<Arc<Target>>, now: Instant) -> Self {
        let count = targets.len();
        Self {
            slots: targets.iter().map(|_| Slot::default()).collect(),
            targets,
            started: now,
            open: AtomicUsize::new(count),
            finished: OnceLock::new(),
            done: watch::Sender::new(count == 0),
            starved: Arc::default(),
            callers: AtomicUsize::new(1),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    /// Starts one task for each target. `ask` gives its outcome.
    pub(super) fn start<F>(self: &Arc<Self>, ask: impl Fn(Seatbelt) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for at in 0..self.slots.len() {
            tasks.spawn(ask(Seatbelt {
                flight: Arc::clone(self),
                at,
            }));
        }
    }

    /// Waits until all targets have an outcome, or the deadline.
    pub(super) async fn wait(&self, deadline: Instant) {
        let mut done = self.done.subscribe();
        // An error of the inner future would mean that the flight is gone, which this reference prevents.
        let _ = timeout_at(deadline, done.wait_for(|done| *done)).await;
    }

    /// The outcomes so far, in the order of the targets. `overdue` is told of each target that has none yet, once
    /// a flight.
    pub(super) fn outcomes(&self, overdue: impl Fn(&Outcome, &Progress)) -> Vec<Outcome> {
        let each = self.slots.iter().zip(&self.targets).map(|(slot, target)| {
            if let Some(outcome) = slot.outcome().clone() {
                return outcome;
            }
            let late = Outcome {
                target: Arc::clone(target),
                result: Err(slot.progress.overdue()),
                duration: slot.progress.elapsed(),
            };
            if !slot.is_overdue.swap(true, Ordering::Relaxed) {
                overdue(&late, &slot.progress);
            }
            late
        });
        each.collect()
    }

    fn is_fresh(&self, now: Instant, cache: Duration) -> bool {
        match self.finished.get() {
            Some(finished) => now.duration_since(*finished) < cache,
            None => now.duration_since(self.started) <= JOIN_WINDOW,
        }
    }

    fn abort(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // Dropping the set ends its tasks, and with them their connections.
        drop(tasks);
    }
}

/// A task's hold on its slot. Dropping it without an outcome (a task that panicked) frees the callers all the same.
#[derive(Debug)]
pub(super) struct Seatbelt {
    flight: Arc<Flight>,
    at: usize,
}

impl Seatbelt {
    pub(super) fn target(&self) -> &Arc<Target> {
        &self.flight.targets[self.at]
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.flight.slots[self.at].progress
    }

    /// Shows an outcome to callers who leave before the last one is there.
    pub(super) fn show(&self, outcome: Outcome) {
        let before = self.flight.slots[self.at].outcome().replace(outcome);
        // Outside the lock: this may free a page.
        drop(before);
    }

    /// Hands the outcome to all callers.
    pub(super) fn finish(self, outcome: Outcome) {
        self.show(outcome);
    }
}

impl Drop for Seatbelt {
    fn drop(&mut self) {
        if self.flight.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = self.flight.finished.set(Instant::now());
            self.flight.done.send_replace(true);
        }
    }
}

/// All flights under way, and those that may be served once more.
#[derive(Debug, Default)]
pub(super) struct Flights {
    cache: Duration,
    map: Mutex<HashMap<FlightKey, Arc<Flight>>>,
}

/// How a caller came to its flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is new: this caller starts it.
    First,
    /// It was under way.
    Shared,
    /// It was finished.
    Cached,
}

impl Flights {
    pub(super) fn new(cache: Duration) -> Arc<Self> {
        Arc::new(Self {
            cache,
            map: Mutex::default(),
        })
    }

    /// Joins the flight of this key, or makes one for these targets.
    pub(super) fn join(
        self: &Arc<Self>,
        key: FlightKey,
        targets: Vec<Arc<Target>>,
        now: Instant,
    ) -> Seat {
        let mut map = self.lock();
        if let Some(flight) = map
            .get(&key)
            .filter(|flight| flight.is_fresh(now, self.cache))
        {
            flight.callers.fetch_add(1, Ordering::Relaxed);
            let role = if flight.finished.get().is_some() {
                Role::Cached
            } else {
                Role::Shared
            };
            return Seat {
                flights: Arc::clone(self),
                key,
                flight: Arc::clone(flight),
                role,
            };
        }
        let flight = Arc::new(Flight::new(targets, now));
        map.insert(key.clone(), Arc::clone(&flight));
        Seat {
            flights: Arc::clone(self),
            key,
            flight,
            role: Role::First,
        }
    }

    /// Forgets finished flights that are too old, or all that nobody is looking at.
    pub(super) fn sweep(&self, now: Instant, all: bool) {
        let is_kept = |flight: &Arc<Flight>| {
            flight.callers.load(Ordering::Relaxed) > 0 || (!all && flight.is_fresh(now, self.cache))
        };
        let old: Vec<_> = self
            .lock()
            .extract_if(|_, flight| !is_kept(flight))
            .collect();
        // Outside the lock: this frees the pages.
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, Arc<Flight>>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's place in a flight; dropping it leaves.
#[derive(Debug)]
pub(super) struct Seat {
    flights: Arc<Flights>,
    key: FlightKey,
    pub(super) flight: Arc<Flight>,
    pub(super) role: Role,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut map = self.flights.lock();
        if self.flight.callers.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let is_cached = self.flight.finished.get().is_some()
            && self.flight.is_fresh(Instant::now(), self.flights.cache);
        // A newer flight may have taken the key.
        let is_mine = map
            .get(&self.key)
            .is_some_and(|flight| Arc::ptr_eq(flight, &self.flight));
        if is_mine && !is_cached {
            map.remove(&self.key);
        }
        drop(map);
        self.flight.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Reason};
    use crate::fetch::progress::Phase;
    use crate::instance::{Address, Transport};
    use crate::labels::Labels;

    fn targets(count: u16) -> Vec<Arc<Target>> {
        let target = |port| Target {
            extras: None,
            profile: None,
            instance: None,
            exporter: None,
            address: Address::tcp("10.0.0.1", port),
            transport: Transport::default(),
            host: "shop.example.org".into(),
            path_and_query: "/metrics".into(),
            labels: Labels::new(),
            trusted: false,
        };
        (0..count).map(|port| Arc::new(target(port))).collect()
    }

    /// Finishes targets with an even port at once; the others never.
    async fn half(belt: Seatbelt) {
        if belt.target().address.port().unwrap_or_default() % 2 == 1 {
            belt.progress().start();
            belt.progress().enter(Phase::Waiting);
            std::future::pending::<()>().await;
        }
        let outcome = Outcome {
            target: Arc::clone(belt.target()),
            result: Err(Failure::new(Reason::Status4xx, "404")),
            duration: Duration::ZERO,
        };
        belt.finish(outcome);
    }

    fn reasons(outcomes: &[Outcome]) -> Vec<Reason> {
        outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().err())
            .map(|failure| failure.reason)
            .collect()
    }

    #[tokio::test]
    async fn callers_share_a_flight_and_the_last_one_leaving_ends_it() {
        let flights = Flights::new(Duration::ZERO);
        let now = Instant::now();
        let first = flights.join("key".into(), targets(4), now);
        let second = flights.join("key".into(), targets(4), now);
        let other = flights.join("other".into(), targets(4), now);
        assert_eq!(
            (first.role, second.role, other.role),
            (Role::First, Role::Shared, Role::First)
        );
        first.flight.start(half);

        first
            .flight
            .wait(Instant::now() + Duration::from_millis(50))
            .await;
        let overdue = AtomicUsize::new(0);
        let count = |_: &Outcome, _: &Progress| {
            overdue.fetch_add(1, Ordering::Relaxed);
        };
        let want = [
            Reason::Status4xx,
            Reason::Timeout,
            Reason::Status4xx,
            Reason::Timeout,
        ];
        assert_eq!(reasons(&first.flight.outcomes(count)), want);
        drop(first);
        assert_eq!(reasons(&second.flight.outcomes(count)), want);
        assert_eq!(overdue.load(Ordering::Relaxed), 2, "each is reported once");
        let flight = Arc::downgrade(&second.flight);
        drop(second);
        // The tasks hold the flight: when it is gone, they are.
        while flight.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
        drop(other);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn an_old_flight_is_not_joined_and_its_end_leaves_the_new_one_alone() {
        let flights = Flights::new(Duration::ZERO);
        let now = Instant::now();
        let old = flights.join("key".into(), targets(1), now);
        let new = flights.join(
            "key".into(),
            targets(1),
            now + JOIN_WINDOW + Duration::from_millis(1),
        );
        assert_eq!(new.role, Role::First);
        drop(old);
        assert_eq!(
            flights
                .join("key".into(), targets(1), now + JOIN_WINDOW)
                .role,
            Role::Shared
        );
    }

    #[tokio::test]
    async fn a_finished_flight_is_served_again_only_from_a_cache() {
        for (cache, later, want) in [
            (Duration::ZERO, Duration::ZERO, Role::First),
            (Duration::from_secs(5), Duration::from_secs(4), Role::Cached),
            (Duration::from_secs(5), Duration::from_secs(6), Role::First),
        ] {
            let flights = Flights::new(cache);
            let seat = flights.join("key".into(), targets(1), Instant::now());
            seat.flight.start(half);
            seat.flight
                .wait(Instant::now() + Duration::from_secs(10))
                .await;
            drop(seat);
            assert_eq!(
                flights
                    .join("key".into(), targets(1), Instant::now() + later)
                    .role,
                want,
                "{cache:?}, {later:?} later"
            );
            flights.sweep(Instant::now() + Duration::from_secs(60), false);
            assert!(flights.lock().is_empty(), "{cache:?}");
        }
    }

    #[tokio::test]
    async fn a_task_that_panics_frees_the_callers() {
        let flights = Flights::new(Duration::ZERO);
        let seat = flights.join("key".into(), targets(1), Instant::now());
        seat.flight.start(|belt| async move {
            let _belt = belt;
            panic!("on purpose");
        });
        seat.flight
            .wait(Instant::now() + Duration::from_secs(60))
            .await;
        assert_eq!(seat.flight.outcomes(|_, _| ()).len(), 1);
    }

    #[test]
    fn a_key_never_shows_its_content() {
        assert_eq!(
            format!("{:?}", FlightKey::from("Basic c2VjcmV0")),
            "FlightKey(14 bytes)"
        );
    }
}
