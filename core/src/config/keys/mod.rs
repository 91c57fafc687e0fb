//! The keys of discovery, fetch and merge. The service adds its own in the same form.

mod discovery;
mod fetch;
mod page;

use std::time::Duration;

use super::kind::Kind;
use super::table::Table;

/// The table of all keys of this crate.
pub fn table() -> Table {
    Table::new(&[discovery::KEYS, fetch::KEYS, page::KEYS])
}

/// The keys of fixed targets alone, as a program may hand them over while it runs.
pub fn targets() -> Table {
    table().within("targets[]")
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A port to connect to.
const PORT: Kind = Kind::Integer { min: 1, max: 65535 };

/// More connections or fetches than a process can have descriptors for.
const MANY: u64 = 1_000_000;
