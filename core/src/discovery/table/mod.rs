//! The routing table: which app instances there are, where, and who says so.
//!
//! Pure: it does no I/O, and the clock is an argument. The rules are those of gorouter, with these differences:
//! every endpoint ages, TLS ones too; several sources can vouch for one endpoint; and an instance whose
//! certificate names somebody else is removed and stays out for a while, however often a stale table lists it.
//!
//! One lock guards all. Heartbeats that change nothing and look-ups take it for reading, for a microsecond or so;
//! changes take it for writing one at a time. What walks the whole table does so in slices.

mod departed;
mod lease;
mod look_up;
mod near;
mod search;
mod slab;
mod snapshot;
mod state;
mod tombstones;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use hashbrown::HashSet;

pub use self::lease::{MAX_POLLS, Source};
pub use self::look_up::{Located, Process, WEB};
pub use self::near::{NearMiss, Nearby, Why};
pub use self::search::{Found, Matches, Overview};
pub use self::snapshot::RouteEntry;
pub use self::state::Bounds;
use self::state::State;
use super::record::{Record, identity_of, pack_tcp};
use crate::instance::Instance;
use crate::policy::AddressPolicy;

/// How many endpoints a walk looks at before it lets go of the lock.
const SLICE: u32 = 4096;
/// How many endpoints are removed before others get the lock.
const REMOVALS: usize = 256;

/// Why a registration was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address policy forbids to dial this address.
    Address,
    /// A bound of the table is reached.
    Full,
    /// This very instance at this address failed its identity check a short while ago.
    Tombstone,
}

/// What a registration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing but to renew the lease. The number names the endpoint to [`Seen`].
    Unchanged(u32),
    /// A new endpoint, or other data for a known one.
    Changed(u32),
    Refused(Refusal),
}

/// The endpoints that one poll, or a list of fixed targets, has named.
#[derive(Debug, Default)]
pub struct Seen(HashSet<u32>);

impl Seen {
    /// Notes what a registration has touched.
    pub fn note(&mut self, applied: Applied) {
        if let Applied::Unchanged(id) | Applied::Changed(id) = applied {
            self.0.insert(id);
        }
    }
}

/// How many of each there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub endpoints: usize,
    pub routes: usize,
    pub instances: usize,
    pub apps: usize,
    pub tombstones: usize,
}

/// The routing table. All methods take `&self`; see the module's text for what they hold for how long.
#[derive(Debug)]
pub struct Table {
    state: RwLock<State>,
    policy: AddressPolicy,
    stale_threshold: u64,
    /// Tick 0. Ticks are milliseconds.
    epoch: Instant,
    nats_connected: AtomicBool,
    /// When NATS was connected last: no heartbeat counts as older.
    nats_fresh: AtomicU64,
    /// When the latest good poll of each gorouter ended.
    polled: [AtomicU64; MAX_POLLS],
    /// When any source has said anything last.
    updated: AtomicU64,
}

impl Table {
    /// An empty table whose clock starts at `now`. NATS counts as away until [`Self::nats_connected`].
    pub fn new(
        stale_threshold: Duration,
        policy: AddressPolicy,
        bounds: Bounds,
        now: Instant,
    ) -> Self {
        Self {
            state: RwLock::new(State::new(bounds)),
            policy,
            stale_threshold: millis(stale_threshold),
            epoch: now,
            nats_connected: AtomicBool::new(false),
            nats_fresh: AtomicU64::new(0),
            polled: [const { AtomicU64::new(0) }; MAX_POLLS],
            updated: AtomicU64::new(0),
        }
    }

    /// Adds or updates the endpoint at (route key, address) and gives the source a lease on it. The last message
    /// wins, unless a stronger source vouches for the endpoint: fixed targets before NATS before polls.
    ///
    /// `key` must come from [`super::route`].
    pub fn register(&self, source: Source, key: &str, record: &Record, now: Instant) -> Applied {
        let now = self.tick(now);
        self.updated.store(now, Ordering::Relaxed);
        let nats_connected = self.nats_connected.load(Ordering::Relaxed);
        if let Some(applied) = renew(&self.read(), source, key, record, now, nats_connected) {
            return applied;
        }
        // Sockets are the operator's: what a message says never leads to one.
        if source != Source::Fixed
            && (record.is_socket() || !self.policy.allows_host(record.host()))
        {
            return Applied::Refused(Refusal::Address);
        }
        let mut state = self.write();
        // Another source may have been quicker between the two locks.
        if let Some(applied) = renew(&state, source, key, record, now, nats_connected) {
            return applied;
        }
        if source != Source::Fixed && state.tombstones.hold(record.identity(), now) {
            return Applied::Refused(Refusal::Tombstone);
        }
        let done = match state.endpoint(key, record.address()) {
            Some(id) => state.replace(id, record, now).map(|()| id),
            None => state.insert(key, record),
        };
        match done {
            Ok(id) => {
                state.endpoints[id].leases.renew(source, now);
                Applied::Changed(id)
            }
            Err(refusal) => Applied::Refused(refusal),
        }
    }

    /// Removes the endpoint at (route key, address), whoever is there. A fixed target stays. Whether one was removed.
    pub fn unregister(&self, key: &str, host: &str, port: u16, now: Instant) -> bool {
        let now = self.tick(now);
        self.updated.store(now, Ordering::Relaxed);
        let address = pack_tcp(host, port);
        // Each is repeated for ten minutes: most find nothing.
        if self.read().endpoint(key, &address).is_none() {
            return false;
        }
        let mut state = self.write();
        let Some(id) = state.endpoint(key, &address) else {
            return false;
        };
        if state.endpoints[id].leases.fixed() {
            return false;
        }
        state.remove(id, now);
        true
    }

    /// Ends a good poll: the gorouter's lease ends on all endpoints that it has not listed. How many were removed.
    pub fn finish_poll(&self, number: u8, seen: &Seen, now: Instant) -> usize {
        let removed = self.keep(Source::Poll(number), seen, now);
        self.poll_done(number, now);
        removed
    }

    /// Ends the source's lease on all endpoints that are not among these. How many were removed.
    pub fn keep(&self, source: Source, seen: &Seen, now: Instant) -> usize {
        self.release(source, self.tick(now), |id, state| {
            state.endpoints[id].leases.held_by(source) && !seen.0.contains(&id)
        })
    }

    /// Notes a good poll that ends no lease: one whose missing endpoints are not believed to be gone yet.
    pub fn poll_done(&self, number: u8, now: Instant) {
        let now = self.tick(now);
        self.updated.store(now, Ordering::Relaxed);
        if let Some(polled) = self.polled.get(usize::from(number)) {
            polled.store(now, Ordering::Relaxed);
        }
    }

    /// NATS is there (again): heartbeats were missed in the meantime, so the clock of all endpoints starts anew.
    pub fn nats_connected(&self, now: Instant) {
        self.nats_fresh.store(self.tick(now), Ordering::Relaxed);
        self.nats_connected.store(true, Ordering::Relaxed);
    }

    /// NATS is away: nothing ages until it is back.
    pub fn nats_disconnected(&self) {
        self.nats_connected.store(false, Ordering::Relaxed);
    }

    /// Ends the leases that NATS has not renewed for the stale threshold, unless it is away, and forgets old
    /// tombstones and apps that left long ago. How many endpoints were removed.
    pub fn age(&self, now: Instant) -> usize {
        let now = self.tick(now);
        if self.read().tombstones.len() != 0 {
            self.write().tombstones.purge(now);
        }
        if !self.read().departed.is_empty() {
            self.write().departed.purge(now);
        }
        if !self.nats_connected.load(Ordering::Relaxed) {
            return 0;
        }
        let fresh = self.nats_fresh.load(Ordering::Relaxed);
        self.release(Source::Nats, now, |id, state| {
            let seen = state.endpoints[id].leases.nats_seen();
            seen != 0 && now.saturating_sub(seen.max(fresh)) > self.stale_threshold
        })
    }

    /// Removes an instance whose certificate named somebody else, on all its routes, and keeps its identity out
    /// until it registers under another one, or for ten minutes. Fixed targets stay. Whether it was removed.
    pub fn bury(&self, instance: &Instance, now: Instant) -> bool {
        let (address, identity) = identity_of(instance);
        let mut state = self.write();
        let buried: Vec<u32> = state
            .at_address(&address)
            .filter(|id| state.instances[*id].identity() == identity)
            .collect();
        let endpoints: Vec<u32> = buried
            .iter()
            .flat_map(|id| state.instances[*id].endpoints.iter().copied())
            .collect();
        if endpoints.is_empty()
            || endpoints
                .iter()
                .any(|id| state.endpoints[*id].leases.fixed())
        {
            return false;
        }
        let now = self.tick(now);
        for id in endpoints {
            state.remove(id, now);
        }
        state.tombstones.add(&identity, now);
        true
    }

    /// How much there is.
    pub fn sizes(&self) -> Sizes {
        let state = self.read();
        Sizes {
            endpoints: state.endpoints.len(),
            routes: state.routes.len(),
            instances: state.instances.len(),
            apps: state.apps.len(),
            tombstones: state.tombstones.len(),
        }
    }

    /// Time since any source has said anything; since the start, if none has.
    pub fn update_age(&self, now: Instant) -> Duration {
        self.since(self.updated.load(Ordering::Relaxed), now)
    }

    /// Ends this source's lease on the endpoints that `ended` names, and removes those that nobody vouches for any more.
    fn release(&self, source: Source, now: u64, ended: impl Fn(u32, &State) -> bool) -> usize {
        let mut removed = 0;
        let mut start = 0;
        loop {
            let found: Vec<u32> = {
                let state = self.read();
                let end = state.endpoints.end().min(start + SLICE);
                if start >= end {
                    return removed;
                }
                let slice = (start..end)
                    .filter(|id| state.endpoints.get(*id).is_some() && ended(*id, &state))
                    .collect();
                start = end;
                slice
            };
            for batch in found.chunks(REMOVALS) {
                let mut state = self.write();
                for id in batch {
                    // It may have been renewed, removed or replaced since.
                    if state.endpoints.get(*id).is_none() || !ended(*id, &state) {
                        continue;
                    }
                    let leases = &state.endpoints[*id].leases;
                    leases.release(source);
                    if leases.none() {
                        state.remove(*id, now);
                        removed += 1;
                    }
                }
            }
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the epoch; never 0, which means "never".
    fn tick(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.epoch)) + 1
    }

    fn since(&self, tick: u64, now: Instant) -> Duration {
        Duration::from_millis(self.tick(now).saturating_sub(tick.max(1)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

/// The whole of a heartbeat that changes nothing: the endpoint is there as the record says (or a stronger source
/// knows better), and its lease is renewed.
fn renew(
    state: &State,
    source: Source,
    key: &str,
    record: &Record,
    now: u64,
    nats_connected: bool,
) -> Option<Applied> {
    let id = state.endpoint(key, record.address())?;
    let leases = &state.endpoints[id].leases;
    if !(state.is(id, record) || leases.outrank(source, nats_connected)) {
        return None;
    }
    leases.renew(source, now);
    Some(Applied::Unchanged(id))
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
