//! Label pairs: of metrics, whose names the merge asks for, and of exemplars.

use super::wire::{Once, Part};
use crate::exposition::error::{Fault, Step, quote};
use crate::exposition::names::{LabelNames, MAX_LABEL_NAMES, Role};
use crate::exposition::page::Span;
use crate::labels::is_label_name;

/// A label of the metric before, at its place: the next metric mostly has the same name there.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: Span,
    id: u32,
    bit: u64,
    role: Role,
}

/// Checks the labels of one metric after the other.
#[derive(Debug, Default)]
pub(super) struct Labels {
    places: Vec<Place>,
    /// How many labels the metric at hand has so far.
    count: usize,
    /// Number of the metric at hand.
    metric: u32,
    /// For each label name of the page the metric that had it last, to find a name that stands twice.
    last: Vec<u32>,
    /// One bit for each label name of the metric.
    pub(super) bits: u64,
    /// One bit for each name of the page that is none without quotes.
    pub(super) quoted_bits: u64,
    /// It has a label `le`, or `quantile`.
    pub(super) bound: bool,
    pub(super) quantile: bool,
}

impl Labels {
    /// A new metric.
    pub(super) fn begin(&mut self) {
        self.count = 0;
        self.metric += 1;
        self.bits = 0;
        self.bound = false;
        self.quantile = false;
    }

    /// Checks one more label of the metric.
    pub(super) fn add(&mut self, body: &[u8], pair: Part<'_>, names: &mut LabelNames) -> Step<()> {
        let name = name_of(pair)?;
        let place = match self.places.get(self.count) {
            Some(known) if known.name.of(body) == name.bytes() => *known,
            _ => self.other(body, name, names)?,
        };
        self.count += 1;
        let last = self.last.get_mut(place.id as usize);
        if last.is_some_and(|last| std::mem::replace(last, self.metric) == self.metric) {
            return Err(Fault::syntax(
                name.at(),
                format!("the label name {} stands there twice", quote(name.bytes())),
            ));
        }
        self.bits |= place.bit;
        self.bound |= place.role == Role::Bound;
        self.quantile |= place.role == Role::Quantile;
        Ok(())
    }

    /// A label whose name is not the one that the metric before has at this place.
    fn other(&mut self, body: &[u8], name: Part<'_>, names: &mut LabelNames) -> Step<Place> {
        if name.bytes() == b"__name__" {
            return Err(Fault::syntax(
                name.at(),
                "a label `__name__`: the name is that of the family",
            ));
        }
        let Some(known) = names.intern(body, name.at(), name.end()) else {
            return Err(Fault::too_large(
                name.at(),
                format!("more than {MAX_LABEL_NAMES} different label names"),
            ));
        };
        let (id, bit, role) = known.parts();
        if !is_label_name(name.bytes()) {
            self.quoted_bits |= bit;
        }
        let place = Place {
            name: Span::new(name.at(), name.end()),
            id,
            bit,
            role,
        };
        if self.last.len() <= id as usize {
            self.last.resize(id as usize + 1, 0);
        }
        match self.places.get_mut(self.count) {
            Some(known) => *known = place,
            None => self.places.push(place),
        }
        Ok(place)
    }
}

/// The name of a label pair that is as it should be.
fn name_of(mut pair: Part<'_>) -> Step<Part<'_>> {
    let at = pair.at();
    let mut once = Once::default();
    let mut name = None;
    while let Some(field) = pair.field()? {
        match field.number {
            1 => {
                once.note(&field)?;
                name = Some(field.text()?);
            }
            2 => {
                once.note(&field)?;
                field.text()?;
            }
            _ => {}
        }
    }
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| Fault::syntax(at, "a label without name"))
}

/// Checks the labels of exemplars. These are not among the names of the page.
#[derive(Debug, Default)]
pub(super) struct ExemplarLabels<'a> {
    names: Vec<&'a [u8]>,
    /// Some name so far is none without quotes.
    pub(super) quoted: bool,
}

impl<'a> ExemplarLabels<'a> {
    /// A new exemplar.
    pub(super) fn begin(&mut self) {
        self.names.clear();
    }

    pub(super) fn add(&mut self, pair: Part<'a>) -> Step<()> {
        let name = name_of(pair)?.bytes();
        self.quoted |= !is_label_name(name);
        self.names.push(name);
        Ok(())
    }

    /// The exemplar that began at this offset is over.
    pub(super) fn finish(&mut self, at: usize) -> Step<()> {
        self.names.sort_unstable();
        let twice = self
            .names
            .windows(2)
            .find_map(|pair| pair.first().filter(|first| pair.last() == Some(first)));
        match twice {
            Some(name) => Err(Fault::syntax(
                at,
                format!("the label name {} stands there twice", quote(name)),
            )),
            None => Ok(()),
        }
    }
}
