//! Who vouches for an endpoint, and since when: it lives as long as one source does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Most gorouters that can be polled: each has a bit in [`Leases`].
pub const MAX_POLLS: usize = 64;

/// Where a registration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A poll of the gorouter with this number, below [`MAX_POLLS`].
    Poll(u8),
    /// A message on NATS.
    Nats,
    /// A fixed target.
    Fixed,
}

/// The leases of one endpoint. Heartbeats renew them under the table's read lock.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// When the latest heartbeat came, in ticks; 0: no lease.
    nats: AtomicU64,
    /// One bit for each gorouter whose latest good answer has the endpoint.
    polls: AtomicU64,
    fixed: AtomicBool,
}

impl Leases {
    pub(super) fn renew(&self, source: Source, now: u64) {
        match source {
            Source::Nats => self.nats.store(now, Ordering::Relaxed),
            // Only on a change: the bit is nearly always set, and a plain load leaves the cache line shared.
            Source::Poll(number) if self.polled(number) => {}
            Source::Poll(number) => {
                self.polls.fetch_or(bit(number), Ordering::Relaxed);
            }
            Source::Fixed => self.fixed.store(true, Ordering::Relaxed),
        }
    }

    pub(super) fn release(&self, source: Source) {
        match source {
            Source::Nats => self.nats.store(0, Ordering::Relaxed),
            Source::Poll(number) => {
                self.polls.fetch_and(!bit(number), Ordering::Relaxed);
            }
            Source::Fixed => self.fixed.store(false, Ordering::Relaxed),
        }
    }

    pub(super) fn held_by(&self, source: Source) -> bool {
        match source {
            Source::Nats => self.nats_seen() != 0,
            Source::Poll(number) => self.polled(number),
            Source::Fixed => self.fixed(),
        }
    }

    pub(super) fn none(&self) -> bool {
        self.nats_seen() == 0 && self.polls() == 0 && !self.fixed()
    }

    pub(super) fn nats_seen(&self) -> u64 {
        self.nats.load(Ordering::Relaxed)
    }

    pub(super) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    pub(super) fn polled(&self, number: u8) -> bool {
        self.polls() & bit(number) != 0
    }

    pub(super) fn fixed(&self) -> bool {
        self.fixed.load(Ordering::Relaxed)
    }

    /// Whether what this source says must not replace what a stronger one has said: the configuration comes
    /// before NATS, which is fresher than any poll as long as it is connected.
    pub(super) fn outrank(&self, source: Source, nats_connected: bool) -> bool {
        match source {
            Source::Fixed => false,
            Source::Nats => self.fixed(),
            Source::Poll(_) => self.fixed() || (nats_connected && self.nats_seen() != 0),
        }
    }
}

fn bit(number: u8) -> u64 {
    1u64.checked_shl(u32::from(number)).unwrap_or(0)
}
