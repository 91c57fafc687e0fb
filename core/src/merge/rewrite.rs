//! Lines and metrics that cannot be copied: other names, labels in conflict, irregular lines, series that could be
//! double.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::Options;
use super::plan::Family;
use super::source::{Source, label_hash};
use crate::config::LabelConflict;
use crate::exposition::{
    FamilyEntry, Format, Label, Line, MetricType, Page, is_metric_name, normalise_escapes, unescape,
};
use crate::labels::{EXPORTED, is_label_name};

/// The metrics that a family has so far: final labels to the original ones. A metric is all samples that differ
/// only in `le`, `quantile` or state, so that none is left out by halves.
pub(super) type Seen = HashMap<u64, u64>;

/// How the lines or metrics of one member are written.
#[derive(Debug)]
pub(super) struct Rewriter<'a> {
    pub(super) family: &'a Family,
    pub(super) source: &'a Source,
    /// Place of the source among all.
    place: usize,
    format: Format,
    label_conflict: LabelConflict,
    /// The lines are states that are written as gauges. States may be told in any order and again; of a gauge,
    /// all that is said of one series must stand together. Only the first of each series is sure to.
    states_as_gauges: bool,
    /// They may have labels with names of added ones.
    in_conflict: bool,
    /// They may be equal to others in the end, and go by what was [`Seen`].
    pub(super) checks: bool,
    /// A name in the lines may need quotes.
    may_need_quotes: bool,
}

/// A label as it is written.
#[derive(Debug)]
pub(super) struct Written<'a> {
    /// How often `exported_` goes before the name.
    pub(super) exported: usize,
    pub(super) label: Label<'a>,
}

impl<'a> Rewriter<'a> {
    /// For the member of `family` that is this entry of this source's page.
    pub(super) fn new(
        family: &'a Family,
        place: u32,
        source: &'a Source,
        (page, entry): (&Page, &FamilyEntry),
        options: &Options,
    ) -> Self {
        let in_conflict = entry.labels & source.conflict_bits != 0;
        let states_as_gauges =
            entry.kind == MetricType::StateSet && family.kind == MetricType::Gauge;
        Self {
            family,
            source,
            place: place as usize,
            format: options.format,
            label_conflict: options.label_conflict,
            states_as_gauges,
            in_conflict,
            checks: (source.overlaps && family.members.len() > 1)
                || (source.folds && in_conflict)
                || states_as_gauges,
            may_need_quotes: page.may_need_quotes(entry),
        }
    }

    /// Whether labels must be looked at one by one.
    pub(super) fn changes_labels(&self) -> bool {
        self.checks || self.in_conflict
    }

    /// Writes `line` (without line feed) anew, or leaves it out: then the answer is false.
    pub(super) fn write(
        &self,
        line: &[u8],
        irregular: bool,
        seen: Option<&mut Seen>,
        out: &mut Vec<u8>,
    ) -> bool {
        let line = Line::read(line);
        let labels = self.labels(line.labels());
        if let Some(seen) = seen
            && !self.is_first(line.labels(), &labels, seen)
        {
            return false;
        }
        let braced = self.may_need_quotes && !is_metric_name(&self.family.name);
        if braced {
            out.extend_from_slice(b"{\"");
        }
        out.extend_from_slice(&self.family.name);
        out.extend_from_slice(
            line.name
                .get(self.family.own_name.len()..)
                .unwrap_or_default(),
        );
        let mut separator = b'{';
        if braced {
            out.push(b'"');
            separator = b',';
        }
        if labels.is_empty() && !braced {
            out.extend_from_slice(self.source.block.braces());
        } else {
            for Written { exported, label } in &labels {
                out.push(separator);
                separator = b',';
                for _ in 0..*exported {
                    out.extend_from_slice(EXPORTED.as_bytes());
                }
                self.write_label_name(label.name, out);
                out.extend_from_slice(b"=\"");
                match self.format {
                    Format::Text => normalise_escapes(label.value, b"\\\"n", out),
                    Format::OpenMetrics | Format::Protobuf => {
                        out.extend_from_slice(label.value);
                    }
                }
                out.push(b'"');
            }
            if !self.source.labels.is_empty() {
                out.push(b',');
                out.extend_from_slice(self.source.block.plain());
            }
            out.push(b'}');
        }
        out.push(b' ');
        if irregular && self.format == Format::OpenMetrics {
            out.extend_from_slice(line.rest_without_exemplar());
            if self.family.kind.takes_exemplars()
                && let Some(exemplar) = line.exemplar()
            {
                self.write_exemplar(&exemplar, out);
            }
        } else {
            out.extend_from_slice(line.rest);
        }
        out.push(b'\n');
        true
    }

    /// A label's name. One that is among the added ones, and so gets `exported_`, never needs quotes.
    fn write_label_name(&self, name: &[u8], out: &mut Vec<u8>) {
        let quoted = self.may_need_quotes && !is_label_name(name);
        let quote: &[u8] = if quoted { b"\"" } else { b"" };
        for piece in [quote, name, quote] {
            out.extend_from_slice(piece);
        }
    }

    /// An exemplar with names as strict readers take them, or nothing when they cannot: `prometheus_client` loses
    /// count of escaped quotes.
    fn write_exemplar(&self, exemplar: &Line<'_>, out: &mut Vec<u8>) {
        let has_quote =
            |label: Label<'_>| label.name.contains(&b'"') || label.value.contains(&b'"');
        if exemplar.labels().any(has_quote) {
            return;
        }
        out.extend_from_slice(b" # {");
        for (place, label) in exemplar.labels().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            self.write_label_name(label.name, out);
            for piece in [b"=\"", label.value, b"\""] {
                out.extend_from_slice(piece);
            }
        }
        out.extend_from_slice(b"} ");
        out.extend_from_slice(exemplar.rest);
    }

    /// The sample's own labels as they are written.
    pub(super) fn labels<'l>(&self, own: impl Iterator<Item = Label<'l>>) -> Vec<Written<'l>> {
        let is_added = |name: &[u8]| {
            self.source
                .labels
                .iter()
                .any(|(added, _)| added.as_bytes() == name)
        };
        let mut labels: Vec<Written<'l>> =
            own.map(|label| Written { exported: 0, label }).collect();
        if self.source.conflict_bits == 0 {
            return labels;
        }
        if self.label_conflict == LabelConflict::Drop {
            labels.retain(|written| !is_added(written.label.name));
            return labels;
        }
        for at in 0..labels.len() {
            let Some(name) = labels
                .get(at)
                .map(|written| written.label.name)
                .filter(|name| is_added(name))
            else {
                continue;
            };
            let mut exported = 1;
            loop {
                let candidate = [EXPORTED.repeat(exported).as_bytes(), name].concat();
                let taken = labels.iter().any(|other| *other == candidate[..]);
                if !taken && !is_added(&candidate) {
                    break;
                }
                exported += 1;
            }
            if let Some(written) = labels.get_mut(at) {
                written.exported = exported;
            }
        }
        labels
    }

    /// Notes the sample's metric. False when another metric has these labels already.
    pub(super) fn is_first<'l>(
        &self,
        own: impl Iterator<Item = Label<'l>>,
        labels: &[Written<'_>],
        seen: &mut Seen,
    ) -> bool {
        let apart = |name: &[u8]| match self.family.kind {
            MetricType::Histogram | MetricType::GaugeHistogram => name == b"le",
            MetricType::Summary => name == b"quantile",
            MetricType::StateSet => name == self.family.own_name,
            _ => false,
        };
        let mut value = Vec::new();
        let mut hash = |name: &[u8], text: &[u8]| {
            if self.format == Format::Protobuf {
                return label_hash(name, text);
            }
            value.clear();
            unescape(text, &mut value);
            label_hash(name, &value)
        };
        let mut finally = self.source.labels_hash;
        for Written { exported, label } in
            labels.iter().filter(|written| !apart(written.label.name))
        {
            let sum = if *exported == 0 {
                hash(label.name, label.value)
            } else {
                hash(
                    &[EXPORTED.repeat(*exported).as_bytes(), label.name].concat(),
                    label.value,
                )
            };
            finally = finally.wrapping_add(sum);
        }
        let mut originally = self.place as u64;
        for label in own.filter(|label| !apart(label.name)) {
            originally = originally.wrapping_add(hash(label.name, label.value));
        }
        match seen.entry(finally) {
            Entry::Occupied(entry) => !self.states_as_gauges && *entry.get() == originally,
            Entry::Vacant(entry) => {
                entry.insert(originally);
                true
            }
        }
    }
}

impl PartialEq<[u8]> for Written<'_> {
    /// Whether it is written with this name.
    fn eq(&self, name: &[u8]) -> bool {
        let mut rest = name;
        for _ in 0..self.exported {
            let Some(shorter) = rest.strip_prefix(EXPORTED.as_bytes()) else {
                return false;
            };
            rest = shorter;
        }
        rest == self.label.name
    }
}
