//! How each instance answered last: "why is my app not there?"

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hashbrown::{Equivalent, HashMap};
use tokio::time::Instant;

use super::app_health::{AppHealth, of_apps};
use crate::failure::Failure;
use crate::instance::{Address, App, Instance};

/// An instance not asked for this long is forgotten.
const FORGET: Duration = Duration::from_secs(600);

/// Instances remembered at most; beyond, the one asked longest ago is forgotten.
const CAPACITY: usize = 131_072;

/// The last answer of an instance, or why there was none.
#[derive(Clone, Debug)]
pub struct LastOutcome {
    /// The path that was asked for, with its query.
    pub path: Box<str>,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    pub failure: Option<Failure>,
    /// When the answer was complete or given up.
    pub at: SystemTime,
    pub duration: Duration,
    /// Bytes of the page after decompression.
    pub body_bytes: usize,
    pub samples: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    address: Address,
    who: Box<str>,
}

#[derive(Hash)]
struct Borrowed<'a> {
    address: &'a Address,
    /// The instance's GUID. Fixed targets have none; several apps of them may share an address.
    who: &'a str,
}

impl<'a> Borrowed<'a> {
    fn of(instance: &'a Instance) -> Self {
        Self {
            address: &instance.address,
            who: match &*instance.guid {
                "" => &instance.app.app_id,
                guid => guid,
            },
        }
    }
}

impl Equivalent<Key> for Borrowed<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.address == key.address && *self.who == *key.who
    }
}

#[derive(Debug)]
struct Entry {
    asked: Instant,
    turn: u64,
    app: Arc<App>,
    last: LastOutcome,
}

/// The last outcomes of all instances asked lately.
#[derive(Debug)]
pub(super) struct Health {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Key, Entry>,
    /// Entries by the time they were asked, the oldest first.
    order: BTreeMap<u64, Key>,
    turns: u64,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            capacity: CAPACITY,
            state: Mutex::default(),
        }
    }
}

impl Health {
    pub(super) fn record(&self, instance: &Instance, last: LastOutcome, now: Instant) {
        let borrowed = Borrowed::of(instance);
        let mut state = self.lock();
        state.turns += 1;
        let turn = state.turns;
        let State { entries, order, .. } = &mut *state;
        match entries.get_mut(&borrowed) {
            Some(entry) => {
                if let Some(key) = order.remove(&entry.turn) {
                    order.insert(turn, key);
                }
                *entry = Entry {
                    asked: now,
                    turn,
                    app: Arc::clone(&instance.app),
                    last,
                };
            }
            None => {
                let key = Key {
                    address: instance.address.clone(),
                    who: borrowed.who.into(),
                };
                order.insert(turn, key.clone());
                entries.insert(
                    key,
                    Entry {
                        asked: now,
                        turn,
                        app: Arc::clone(&instance.app),
                        last,
                    },
                );
                if entries.len() > self.capacity {
                    state.forget_oldest();
                }
            }
        }
    }

    pub(super) fn last(&self, instance: &Instance) -> Option<LastOutcome> {
        let state = self.lock();
        state
            .entries
            .get(&Borrowed::of(instance))
            .map(|entry| entry.last.clone())
    }

    /// How all apps asked lately are doing.
    pub(super) fn of_apps(&self) -> Vec<AppHealth> {
        let state = self.lock();
        let outcomes = state.entries.values();
        of_apps(
            outcomes.map(|entry| (&entry.app, &entry.last)),
            SystemTime::now(),
        )
    }

    pub(super) fn sweep(&self, now: Instant) {
        let mut state = self.lock();
        while let Some(entry) = state
            .order
            .first_key_value()
            .and_then(|(_, key)| state.entries.get(key))
        {
            if now.duration_since(entry.asked) <= FORGET {
                break;
            }
            state.forget_oldest();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::Transport;

    fn instance(port: u16, guid: &str) -> Instance {
        Instance {
            app: Arc::new(App::default()),
            address: Address::tcp("10.0.0.1", port),
            transport: Transport::default(),
            guid: guid.into(),
            index: "0".into(),
            isolation_segment: "".into(),
            availability_zone: "".into(),
        }
    }

    fn outcome(samples: usize) -> LastOutcome {
        let (at, duration) = (SystemTime::now(), Duration::from_millis(1));
        LastOutcome {
            path: "/metrics".into(),
            status: Some(200),
            failure: None,
            at,
            duration,
            body_bytes: 10,
            samples,
        }
    }

    fn sizes(health: &Health) -> (usize, usize) {
        let state = health.lock();
        (state.entries.len(), state.order.len())
    }

    #[test]
    fn the_latest_outcome_of_the_same_instance_counts() {
        let (health, now) = (Health::default(), Instant::now());
        health.record(&instance(1, "a"), outcome(1), now);
        health.record(&instance(1, "a"), outcome(2), now);
        assert_eq!(health.last(&instance(1, "a")).unwrap().samples, 2);
        assert!(
            health.last(&instance(1, "b")).is_none(),
            "the address was given to another instance"
        );
        assert!(health.last(&instance(2, "a")).is_none());
        assert_eq!(sizes(&health), (1, 1));
        let of_app = |app_id: &str| Instance {
            app: Arc::new(App {
                app_id: app_id.into(),
                ..App::default()
            }),
            ..instance(3, "")
        };
        health.record(&of_app("shop"), outcome(1), now);
        health.record(&of_app("cart"), outcome(2), now);
        let samples = |app_id: &str| health.last(&of_app(app_id)).unwrap().samples;
        assert_eq!(
            (samples("shop"), samples("cart")),
            (1, 2),
            "one address, two apps"
        );
    }

    #[test]
    fn memory_is_bounded_and_instances_not_asked_go() {
        let (health, now) = (
            Health {
                capacity: 3,
                ..Health::default()
            },
            Instant::now(),
        );
        for port in 1..=3 {
            health.record(&instance(port, "a"), outcome(1), now);
        }
        health.record(&instance(1, "a"), outcome(1), now + Duration::from_secs(10));
        health.record(&instance(4, "a"), outcome(1), now + Duration::from_secs(10));
        assert!(
            health.last(&instance(2, "a")).is_none(),
            "asked longest ago"
        );
        assert!(health.last(&instance(1, "a")).is_some());
        health.sweep(now + FORGET + Duration::from_secs(5));
        assert!(health.last(&instance(3, "a")).is_none());
        assert!(health.last(&instance(4, "a")).is_some());
        health.sweep(now + FORGET + Duration::from_secs(15));
        assert_eq!(sizes(&health), (0, 0));
    }
}
