//! A validated page: the body and its index.

use bytes::Bytes;

use super::names::LabelNames;
use super::{Format, MetricType};

/// Part of a body, as offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// `start..end`; offsets fit because the scan refuses longer bodies.
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// How many bytes.
    #[inline]
    pub(super) fn len(self) -> usize {
        self.end as usize - self.start as usize
    }

    /// The bytes of this part, or nothing when it lies outside.
    pub(crate) fn of(self, body: &[u8]) -> &[u8] {
        body.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Where added labels go into a sample's line, and with which punctuation. Four bytes, one per sample. In protobuf
/// it is where a metric's field begins; labels go to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u32);

/// What is written at a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Splice {
    /// `,a="1"` after the last label.
    Comma = 0,
    /// `{a="1"}` after the name.
    Braces = 1,
    /// `a="1"` after an opening brace or a trailing comma.
    Plain = 2,
    /// Nothing here: the mark is the start of a line that is written anew, because strict readers would not take it.
    Irregular = 3,
}

impl Mark {
    /// Offsets stay below this, so that the two lowest bits are free for the splice.
    pub(super) const MAX_OFFSET: usize = 1 << 30;

    pub(super) fn new(at: usize, splice: Splice) -> Self {
        Self((at as u32) << 2 | splice as u32)
    }

    /// The offset in the body.
    #[inline]
    pub(crate) fn at(self) -> usize {
        (self.0 >> 2) as usize
    }

    /// The punctuation.
    #[inline]
    pub(crate) fn splice(self) -> Splice {
        match self.0 & 3 {
            0 => Splice::Comma,
            1 => Splice::Braces,
            2 => Splice::Plain,
            _ => Splice::Irregular,
        }
    }
}

/// Sample lines (or metrics) of one family that follow each other without a gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// First byte of the first line; end of the last one, with its line feed if it has one. In protobuf the fields
    /// of metrics are what lines are here.
    pub(crate) lines: Span,
    /// Place of the first line's mark; the marks end where those of the next run begin.
    pub(crate) marks: u32,
    /// The family's next run.
    pub(crate) next: Option<u32>,
}

/// One family of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FamilyEntry {
    pub(crate) name: Span,
    pub(crate) help: Option<Span>,
    pub(crate) unit: Option<Span>,
    pub(crate) kind: MetricType,
    /// Whether a TYPE line said so.
    pub(crate) typed: bool,
    /// Its name is none without quotes.
    pub(crate) quoted_name: bool,
    /// One bit (of 64, by hash) for each label name of its samples: a bit that is missing proves that a name is.
    pub(crate) labels: u64,
    pub(crate) first_run: Option<u32>,
    pub(crate) last_run: Option<u32>,
}

/// What the metrics of a family come to in a protobuf page, so that the length of a merged family is known before it
/// is written. It all fits: bodies are below 1 GiB, and a sample takes more than one byte.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Samples, as Prometheus counts them.
    pub(crate) samples: u32,
    pub(crate) metrics: u32,
    /// Bytes of all metrics, of the shortest and of the longest one, without tags and lengths.
    pub(crate) bytes: u32,
    pub(crate) shortest: u32,
    pub(crate) longest: u32,
}

impl Sizes {
    /// Adds a metric of this many bytes.
    pub(super) fn add(&mut self, bytes: usize, samples: usize) {
        let bytes = bytes as u32;
        self.shortest = match self.metrics {
            0 => bytes,
            _ => self.shortest.min(bytes),
        };
        self.longest = self.longest.max(bytes);
        self.bytes += bytes;
        self.metrics += 1;
        self.samples += samples as u32;
    }
}

/// What the scan found. Offsets point into the body that was scanned.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) families: Vec<FamilyEntry>,
    pub(crate) runs: Vec<Run>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) label_names: LabelNames,
    /// Protobuf alone: one for each family.
    pub(crate) sizes: Vec<Sizes>,
    /// Some name of the page is none without quotes, be it of a family, of a label or of an exemplar's label.
    pub(crate) quoted: bool,
    /// The bits (as in [`FamilyEntry::labels`]) of the labels among these.
    pub(crate) quoted_bits: u64,
}

impl Index {
    /// Begins a run of this family, whose first line or metric stands at `start..end`. Its mark comes next.
    pub(super) fn begin_run(&mut self, family: u32, start: usize, end: usize) {
        let run = self.runs.len() as u32;
        self.runs.push(Run {
            lines: Span::new(start, end),
            marks: self.marks.len() as u32,
            next: None,
        });
        let Some(entry) = self.families.get_mut(family as usize) else {
            return;
        };
        let before = entry.last_run.replace(run);
        entry.first_run = entry.first_run.or(Some(run));
        if let Some(before) = before.and_then(|before| self.runs.get_mut(before as usize)) {
            before.next = Some(run);
        }
    }

    /// The last run now ends here.
    pub(super) fn extend_run(&mut self, end: usize) {
        if let Some(run) = self.runs.last_mut() {
            run.lines.end = end as u32;
        }
    }
}

/// One instance's page, validated wholly. The body is shared, not copied.
#[derive(Debug)]
pub struct Page {
    body: Bytes,
    format: Format,
    index: Index,
}

impl Page {
    /// The body with the index that the scan made of it.
    pub(super) fn new(body: Bytes, format: Format, index: Index) -> Self {
        Self {
            body,
            format,
            index,
        }
    }

    /// The same page with its body in the keeping of `house`, which must give the same bytes back.
    pub(crate) fn rehouse(self, house: impl FnOnce(Bytes) -> Bytes) -> Self {
        Self {
            body: house(self.body),
            ..self
        }
    }

    /// The format of the body.
    pub fn format(&self) -> Format {
        self.format
    }

    /// How many samples the page has, as Prometheus counts them: a histogram of a protobuf page is several.
    pub fn samples(&self) -> usize {
        match self.format {
            Format::Text | Format::OpenMetrics => self.index.marks.len(),
            Format::Protobuf => self
                .index
                .sizes
                .iter()
                .map(|sizes| sizes.samples as usize)
                .sum(),
        }
    }

    /// Bytes of the body.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Bytes of the index, without the names of labels.
    pub fn index_len(&self) -> usize {
        size_of_val(&*self.index.marks)
            + size_of_val(&*self.index.runs)
            + size_of_val(&*self.index.families)
            + size_of_val(&*self.index.sizes)
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The families in order of their first appearance.
    pub fn families(&self) -> impl Iterator<Item = FamilyRef<'_>> {
        self.index
            .families
            .iter()
            .enumerate()
            .map(|(place, entry)| FamilyRef {
                page: self,
                entry,
                place,
            })
    }

    /// The body that was scanned.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn entries(&self) -> &[FamilyEntry] {
        &self.index.families
    }

    /// The label names with their hashes.
    pub(super) fn names(&self) -> &LabelNames {
        &self.index.label_names
    }

    /// The run with this place.
    #[inline]
    pub(crate) fn run(&self, run: u32) -> Option<&Run> {
        self.index.runs.get(run as usize)
    }

    /// How many lines or metrics the page has: places where labels are added.
    pub(crate) fn places(&self) -> usize {
        self.index.marks.len()
    }

    /// The runs of a family, in order.
    pub(crate) fn runs_of(&self, entry: &FamilyEntry) -> impl Iterator<Item = u32> {
        std::iter::successors(entry.first_run, |run| self.run(*run)?.next)
    }

    /// Protobuf: what the metrics of the family at this place come to.
    pub(crate) fn sizes(&self, family: usize) -> Option<&Sizes> {
        self.index.sizes.get(family)
    }

    /// The marks of a run, one per line or metric.
    pub(crate) fn marks(&self, run: u32) -> &[Mark] {
        let start = self.run(run).map_or(0, |found| found.marks as usize);
        let end = self
            .run(run + 1)
            .map_or(self.index.marks.len(), |next| next.marks as usize);
        self.index.marks.get(start..end).unwrap_or_default()
    }

    /// Whether a name of the page, of a family or of a label, is none without quotes.
    pub(crate) fn has_quoted_names(&self) -> bool {
        self.index.quoted
    }

    /// Whether lines of this family may have such a name. Too often is possible, too rarely is not.
    pub(crate) fn may_need_quotes(&self, entry: &FamilyEntry) -> bool {
        entry.quoted_name || entry.labels & self.index.quoted_bits != 0
    }

    /// The label names of the page's samples as they stand, by first appearance.
    pub(super) fn label_names(&self) -> impl Iterator<Item = &[u8]> {
        self.index.label_names.iter(&self.body)
    }

    /// Whether any sample of the page has a label of this name; if so, its bit in [`FamilyEntry::labels`].
    pub(crate) fn label(&self, name: &[u8], hash: u64) -> Option<u64> {
        self.index.label_names.find(&self.body, name, hash)
    }
}

/// One family of a [`Page`].
#[derive(Clone, Copy, Debug)]
pub struct FamilyRef<'a> {
    page: &'a Page,
    entry: &'a FamilyEntry,
    /// Its place in the page.
    place: usize,
}

impl<'a> FamilyRef<'a> {
    pub(super) fn page(&self) -> &'a Page {
        self.page
    }

    pub(super) fn entry(&self) -> &'a FamilyEntry {
        self.entry
    }

    /// Its name, as on its TYPE line (a counter of an OpenMetrics page has no `_total` here). Of a name in quotes
    /// what stands between them, escapes included.
    pub fn name(&self) -> &'a str {
        text(self.entry.name, self.page)
    }

    /// Its type.
    pub fn kind(&self) -> MetricType {
        self.entry.kind
    }

    /// Its HELP text as it stands in the page, escapes included (protobuf has none).
    pub fn help(&self) -> Option<&'a str> {
        self.entry.help.map(|span| text(span, self.page))
    }

    /// Its unit (OpenMetrics and protobuf).
    pub fn unit(&self) -> Option<&'a str> {
        self.entry.unit.map(|span| text(span, self.page))
    }

    /// How many samples it has.
    pub fn samples(&self) -> usize {
        match self.page.format {
            Format::Text | Format::OpenMetrics => self
                .page
                .runs_of(self.entry)
                .map(|run| self.page.marks(run).len())
                .sum(),
            Format::Protobuf => self
                .page
                .sizes(self.place)
                .map_or(0, |sizes| sizes.samples as usize),
        }
    }
}

fn text(span: Span, page: &Page) -> &str {
    std::str::from_utf8(span.of(&page.body)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_keeps_offset_and_splice() {
        for splice in [
            Splice::Comma,
            Splice::Braces,
            Splice::Plain,
            Splice::Irregular,
        ] {
            for at in [0, 1, Mark::MAX_OFFSET - 1] {
                let mark = Mark::new(at, splice);
                assert_eq!((mark.at(), mark.splice()), (at, splice));
            }
        }
        assert_eq!(size_of::<Mark>(), 4);
    }
}
