//! Protobuf: metrics are copied, with the labels as further fields at their end.
//!
//! A family is one message that begins with its length, so all its metrics are measured before the first is written.
//! For those that are copied the index knows the length. The others are written twice, the first time to be measured
//! only: the order and with it the choice of duplicates is the same.

use super::Options;
use super::plan::Family;
use super::rewrite::{Rewriter, Seen, Written};
use super::source::Source;
use super::write::{Cursor, part};
use crate::exposition::protobuf::wire::{Field, Part};
use crate::exposition::protobuf::write::{
    Head, METRIC, field_len, varint_len, write_bytes, write_head,
};
use crate::exposition::protobuf::{field_of, message, samples};
use crate::exposition::{FamilyEntry, Label, MetricType, Page};
use crate::labels::EXPORTED;

/// The beginning of the family's message, up to its metrics.
pub(super) fn write_header(
    family: &Family,
    sources: &[Source],
    options: &Options,
    out: &mut Vec<u8>,
) {
    let mut seen = Seen::new();
    let mut length = 0;
    for member in &family.members {
        let Some((source, page, entry)) = part(sources, *member) else {
            continue;
        };
        let metrics = Metrics {
            rewriter: Rewriter::new(family, member.source, source, (page, entry), options),
            page,
            kind: entry.kind,
        };
        length += if metrics.are_changed() {
            metrics.changed_len(entry, &mut seen)
        } else {
            metrics.copied_len(entry, member.entry)
        };
    }
    let head = Head {
        name: &family.name,
        help: &family.help,
        unit: &family.unit,
        kind: family.kind,
    };
    head.write(length, out);
}

/// The metrics of one member.
pub(super) struct Metrics<'a> {
    pub(super) rewriter: Rewriter<'a>,
    pub(super) page: &'a Page,
    /// The type that they have in the page.
    pub(super) kind: MetricType,
}

impl<'a> Metrics<'a> {
    /// Whether they cannot be copied. A name is told once for all of a family, so another one changes nothing here.
    pub(super) fn are_changed(&self) -> bool {
        self.rewriter.changes_labels() || self.get_another_type()
    }

    /// Untyped metrics in a gauge or counter.
    fn get_another_type(&self) -> bool {
        self.kind != self.rewriter.family.kind
    }

    /// The length of all, copied.
    fn copied_len(&self, entry: &FamilyEntry, place: u32) -> usize {
        let added = self.rewriter.source.block.fields().len();
        let Some(sizes) = self.page.sizes(place as usize) else {
            return 0;
        };
        let (shortest, longest) = (sizes.shortest as usize, sizes.longest as usize);
        let head = 1 + varint_len(shortest + added);
        if head == 1 + varint_len(longest + added) {
            return sizes.bytes as usize + sizes.metrics as usize * (head + added);
        }
        self.page
            .metrics(entry)
            .map(|metric| field_len(metric.len() + added))
            .sum()
    }

    /// The length of all that are not left out, written anew.
    fn changed_len(&self, entry: &FamilyEntry, seen: &mut Seen) -> usize {
        let mut metric = Vec::new();
        let mut length = 0;
        for own in self.page.metrics(entry) {
            let seen = self.rewriter.checks.then_some(&mut *seen);
            if self.write(Part::new(own), seen, &mut metric) {
                length += field_len(metric.len());
            }
        }
        length
    }

    /// Copies the metrics of a run with the labels appended. False when `limit` was reached before the end.
    pub(super) fn copy(&self, run: u32, at: &mut Cursor, out: &mut Vec<u8>, limit: usize) -> bool {
        let labels = self.rewriter.source.block.fields();
        for mark in self.page.marks(run).get(at.mark..).unwrap_or_default() {
            if out.len() >= limit {
                return false;
            }
            at.mark += 1;
            if let Some(metric) = self.page.metric(*mark) {
                write_head(METRIC, metric.len() + labels.len(), out);
                out.extend_from_slice(metric.bytes());
                out.extend_from_slice(labels);
            }
        }
        true
    }

    /// Writes each metric of a run anew. False when `limit` was reached before the end.
    pub(super) fn rewrite(
        &self,
        run: u32,
        at: &mut Cursor,
        mut seen: Option<&mut Seen>,
        duplicates: &mut usize,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> bool {
        let mut metric = Vec::new();
        for mark in self.page.marks(run).get(at.mark..).unwrap_or_default() {
            if out.len() >= limit {
                return false;
            }
            at.mark += 1;
            let Some(own) = self.page.metric(*mark) else {
                continue;
            };
            if self.write(own, seen.as_deref_mut(), &mut metric) {
                write_bytes(METRIC, &metric, out);
            } else {
                *duplicates += samples(self.kind, own);
            }
        }
        true
    }

    /// Makes `out` the metric as it is written. False when it is left out.
    fn write(&self, metric: Part<'a>, seen: Option<&mut Seen>, out: &mut Vec<u8>) -> bool {
        let labels = self.rewriter.labels(labels_of(metric));
        if let Some(seen) = seen
            && !self.rewriter.is_first(labels_of(metric), &labels, seen)
        {
            return false;
        }
        out.clear();
        // Those that are left out are missing among the written ones.
        let mut written = labels.iter().peekable();
        for field in metric.accepted() {
            match (field.number, message(field)) {
                (1, Some(pair)) => {
                    let name = label_of(pair).name;
                    if let Some(label) = written.next_if(|written| written.label.name == name) {
                        write_pair(label, metric, field, pair, out);
                    }
                }
                (_, Some(value)) if self.get_another_type() && is_value(self.kind, field) => {
                    let (number, _) = field_of(self.rewriter.family.kind);
                    let only = value.accepted().find(|field| field.number == 1);
                    let only = only.map_or(&[][..], |only| value.slice(&only));
                    write_bytes(number as u8, only, out);
                }
                _ => out.extend_from_slice(metric.slice(&field)),
            }
        }
        out.extend_from_slice(self.rewriter.source.block.fields());
        true
    }
}

/// Whether it is the value of a metric of this type.
fn is_value(kind: MetricType, field: Field<'_>) -> bool {
    field.number == field_of(kind).0
}

/// The own labels of a metric.
fn labels_of<'a>(metric: Part<'a>) -> impl Iterator<Item = Label<'a>> {
    metric
        .accepted()
        .filter(|field| field.number == 1)
        .filter_map(message)
        .map(label_of)
}

fn label_of(pair: Part<'_>) -> Label<'_> {
    let text = |number: u32| {
        pair.accepted()
            .find(|field| field.number == number)
            .and_then(message)
            .map_or(&[][..], |text| text.bytes())
    };
    Label {
        name: text(1),
        value: text(2),
    }
}

/// A label under the name that it gets, with all else that its message may hold.
fn write_pair(
    label: &Written<'_>,
    metric: Part<'_>,
    field: Field<'_>,
    pair: Part<'_>,
    out: &mut Vec<u8>,
) {
    if label.exported == 0 {
        out.extend_from_slice(metric.slice(&field));
        return;
    }
    let name = [EXPORTED.repeat(label.exported).as_bytes(), label.label.name].concat();
    let others = || pair.accepted().filter(|field| field.number != 1);
    let length: usize = others().map(|field| field.end - field.start).sum();
    write_head(1, field_len(name.len()) + length, out);
    write_bytes(1, &name, out);
    for other in others() {
        out.extend_from_slice(pair.slice(&other));
    }
}
