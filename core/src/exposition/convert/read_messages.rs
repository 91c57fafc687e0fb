//! Families of protobuf pages.

use super::flat::Family;
use super::labels::LabelNames;
use crate::exposition::{FamilyEntry, Page};

/// Reads one family of a page of messages.
pub(super) fn read<'a>(_page: &'a Page, entry: &FamilyEntry, _names: &'a LabelNames) -> Family<'a> {
    Family {
        kind: entry.kind,
        typed: entry.typed,
        help: None,
        unit: None,
        samples: Vec::new(),
    }
}
