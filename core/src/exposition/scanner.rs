//! What a pass over a body has to remember from line to line.

use super::families::{Families, Owner};
use super::groups::Groups;
use super::names::Known;
use super::page::{Page, Span};
use super::sibling::Sibling;
use super::{Format, Limits};

/// State of one pass. The methods are in `scan.rs`, `sample.rs`, `sample_labels.rs` and `metadata.rs`.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) families: Families<'a>,
    pub(super) groups: Groups,
    /// A page of the same kind that was scanned before.
    pub(super) sibling: Option<Sibling<'a>>,
    /// The latest sample: the next one mostly begins alike. None after metadata.
    pub(super) latest: Option<Latest>,
    /// Where the labels of the latest sample are. Those beyond its own are from samples before; their names are
    /// different from all others here.
    pub(super) places: Vec<Place>,
    /// For each label name of the page the line that had it last, to find a name that stands twice.
    pub(super) last_line: Vec<u32>,
    /// Counts lines on which a label name was not the known one.
    pub(super) line: u32,
    /// For values with escapes.
    pub(super) scratch: Vec<u8>,
    pub(super) limits: Limits,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(
        bytes: &'a [u8],
        format: Format,
        limits: &Limits,
        like: Option<&'a Page>,
    ) -> Self {
        Self {
            bytes,
            families: Families::new(bytes, format, limits.max_samples),
            groups: Groups::default(),
            sibling: like
                .filter(|page| page.format() == format)
                .map(Sibling::new),
            latest: None,
            places: Vec::new(),
            last_line: Vec::new(),
            line: 0,
            scratch: Vec::new(),
            limits: *limits,
        }
    }
}

/// The sample before the one at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    pub(super) start: usize,
    pub(super) name_len: usize,
    pub(super) owner: Owner,
    /// How many labels it has.
    pub(super) labels: usize,
}

/// One label of the latest sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) known: Known,
    /// Where its value begins, counted from the start of the sample.
    pub(super) value: usize,
    /// What the labels before it told.
    pub(super) before: Told,
    pub(super) before_group: Group,
}

/// What the labels of one sample told so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// One bit for each name.
    pub(super) bits: u64,
    /// An escape that strict readers do not know.
    pub(super) irregular: bool,
    /// There is a label `le`.
    pub(super) bound: bool,
}

/// The same for OpenMetrics alone; nothing of it changes in text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Hash of the labels that make the group.
    pub(super) hash: u64,
    /// The values of `le` and `quantile`; empty when there are none.
    pub(super) bound: Span,
    pub(super) quantile: Span,
    /// There is a label with the family's name.
    pub(super) state: bool,
}
