//! One message, from its bytes to the table.

use std::time::Instant;

use super::message::Message;
use super::record::Record;
use super::route;
use super::table::{Applied, Refusal, Source, Table};

/// What a message asks for: its subject on NATS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `router.register`: the endpoint is there. Repeated every 20 seconds.
    Register,
    /// `router.unregister`: the endpoint has gone. Repeated, and possibly overtaken by a register.
    Unregister,
}

impl Subject {
    pub const ALL: [Self; 2] = [Self::Register, Self::Unregister];

    /// The subject of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|subject| subject.as_str() == name)
    }

    /// The name of the subject.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "router.register",
            Self::Unregister => "router.unregister",
        }
    }
}

/// What became of a message. With several routes in it, the first of these that fits any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The table is another one now.
    Changed,
    /// Known already (register), or not there (unregister).
    Unchanged,
    /// The identity failed its check a short while ago.
    Tombstone,
    /// The address policy forbids the address.
    Address,
    /// A bound of the table, or of the routes in one message, is reached.
    Full,
    /// No usable address, or no usable route.
    Unusable,
    /// Not a JSON object, or too large.
    Invalid,
}

impl Verdict {
    pub const ALL: [Self; 7] = [
        Self::Changed,
        Self::Unchanged,
        Self::Tombstone,
        Self::Address,
        Self::Full,
        Self::Unusable,
        Self::Invalid,
    ];

    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Tombstone => "tombstone",
            Self::Address => "address_refused",
            Self::Full => "full",
            Self::Unusable => "unusable",
            Self::Invalid => "invalid",
        }
    }
}

impl From<Applied> for Verdict {
    fn from(applied: Applied) -> Self {
        match applied {
            Applied::Changed(_) => Self::Changed,
            Applied::Unchanged(_) => Self::Unchanged,
            Applied::Refused(Refusal::Tombstone) => Self::Tombstone,
            Applied::Refused(Refusal::Address) => Self::Address,
            Applied::Refused(Refusal::Full) => Self::Full,
        }
    }
}

/// Applies messages, reusing its buffers from one to the next.
#[derive(Debug, Default)]
pub struct Applier {
    record: Record,
}

impl Applier {
    /// The host of the latest registration, for a message about it.
    pub fn host(&self) -> &str {
        self.record.host()
    }

    /// Applies one message of NATS. Never fails: a message that cannot be used only says so.
    pub fn apply(&mut self, table: &Table, subject: Subject, body: &[u8], now: Instant) -> Verdict {
        let Ok(message) = Message::parse(body) else {
            return Verdict::Invalid;
        };
        let Some((host, port)) = message.address() else {
            return Verdict::Unusable;
        };
        if subject == Subject::Register {
            let Some(registration) = message.registration() else {
                return Verdict::Unusable;
            };
            self.record.pack(&registration);
        }
        let keys = message.uris().filter_map(route::key);
        let verdicts = keys.map(|key| match subject {
            Subject::Register => table.register(Source::Nats, &key, &self.record, now).into(),
            Subject::Unregister if table.unregister(&key, host, port, now) => Verdict::Changed,
            Subject::Unregister => Verdict::Unchanged,
        });
        let verdict = verdicts.min().unwrap_or(Verdict::Unusable);
        if message.has_too_many_uris() {
            Verdict::Full
        } else {
            verdict
        }
    }
}
