//! Instances whose certificate named somebody else: what a stale table must not bring back.

use hashbrown::HashMap;

/// How long a tombstone keeps an identity out, in ticks (milliseconds). A new registration (another GUID, address
/// or transport) is another identity and is never kept out. The bound is for the case that the check was wrong,
/// or that the instance is back at the same place: then nothing is lost for ever.
pub(super) const LIFE: u64 = 10 * 60 * 1000;
/// Most tombstones at once: beyond, an endpoint is removed without one, and the next page finds it again.
const MAX: usize = 100_000;

/// Identities (address, transport, GUID) with the tick at which they are forgiven.
#[derive(Debug, Default)]
pub(super) struct Tombstones(HashMap<Box<[u8]>, u64>);

impl Tombstones {
    pub(super) fn add(&mut self, identity: &[u8], now: u64) {
        if self.0.len() < MAX || self.0.contains_key(identity) {
            self.0.insert(identity.into(), now + LIFE);
        }
    }

    pub(super) fn hold(&self, identity: &[u8], now: u64) -> bool {
        !self.0.is_empty() && self.0.get(identity).is_some_and(|until| now < *until)
    }

    pub(super) fn purge(&mut self, now: u64) {
        self.0.retain(|_, until| now < *until);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
