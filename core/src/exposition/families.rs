//! Which family a sample belongs to, and the runs of lines that each family has.

use hashbrown::HashTable;

use super::bytes::{NAME, byte, is};
use super::error::{Fault, Step, quote};
use super::line::Line;
use super::names::hash;
use super::page::{FamilyEntry, Index, Mark, Span};
use super::{Format, MetricType};

/// Collects families, runs and marks while the page is scanned.
#[derive(Debug)]
pub(super) struct Families<'a> {
    bytes: &'a [u8],
    format: Format,
    pub(super) max_samples: usize,
    pub(super) index: Index,
    by_name: HashTable<u32>,
    /// OpenMetrics: every name that a finished family reserves, as (hash, family, suffix).
    reserved: HashTable<(u64, u32, &'static str)>,
    /// The family of the latest metadata or sample.
    current: Option<u32>,
    /// The family of the last run.
    run_family: Option<u32>,
    scratch: Vec<u8>,
}

/// What a sample's name told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) family: u32,
    pub(super) kind: MetricType,
    /// What the name has after the family's name.
    pub(super) suffix: &'static str,
}

impl<'a> Families<'a> {
    pub(super) fn new(bytes: &'a [u8], format: Format, max_samples: usize) -> Self {
        // Lines of real pages have 60 to 150 bytes; a first guess of 100 saves most of the growing.
        let index = Index {
            marks: Vec::with_capacity((bytes.len() / 100).min(max_samples)),
            ..Index::default()
        };
        Self {
            bytes,
            format,
            max_samples,
            index,
            by_name: HashTable::new(),
            reserved: HashTable::new(),
            current: None,
            run_family: None,
            scratch: Vec::new(),
        }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The family of the latest metadata or sample.
    #[inline]
    pub(super) fn current(&self) -> Option<u32> {
        self.current
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.index.families.len()
    }

    pub(super) fn entry(&self, family: u32) -> Option<&FamilyEntry> {
        self.index.families.get(family as usize)
    }

    pub(super) fn entry_mut(&mut self, family: u32) -> Option<&mut FamilyEntry> {
        self.index.families.get_mut(family as usize)
    }

    /// The name of a family.
    pub(super) fn name(&self, family: u32) -> &'a [u8] {
        self.entry(family)
            .map_or(&[], |entry| entry.name.of(self.bytes))
    }

    /// The end of the sample name at `start` with its owner, when that is the current family.
    ///
    /// This compares with the family's name instead of looking at each byte.
    #[inline]
    pub(super) fn sample_of_current(&self, start: usize) -> Option<(usize, Owner)> {
        let family = self.current?;
        let entry = self.entry(family).filter(|entry| !entry.quoted_name)?;
        let rest = self
            .bytes
            .get(start..)?
            .strip_prefix(entry.name.of(self.bytes))?;
        let at = self.bytes.len() - rest.len();
        for suffix in entry.kind.suffixes(self.format) {
            let end = at + suffix.len();
            if rest.starts_with(suffix.as_bytes()) && !is(byte(self.bytes, end), NAME) {
                return Some((
                    end,
                    Owner {
                        family,
                        kind: entry.kind,
                        suffix,
                    },
                ));
            }
        }
        None
    }

    /// The family of the name at `start..end`, made when it is new. It becomes the current one.
    pub(super) fn declare(&mut self, start: usize, end: usize) -> Step<u32> {
        let name = self.bytes.get(start..end).unwrap_or_default();
        if let Some(current) = self.current
            && self.name(current) == name
        {
            return Ok(current);
        }
        let hashed = hash(name);
        if let Some(found) = self.find_hashed(name, hashed) {
            if self.format == Format::OpenMetrics {
                return Err(Fault::syntax(
                    start,
                    format!(
                        "metric {} appears again: its lines must stand together",
                        quote(name)
                    ),
                ));
            }
            self.current = Some(found);
            return Ok(found);
        }
        self.finish_current()?;
        if self.index.families.len() >= self.max_samples {
            return Err(Fault::too_large(
                start,
                format!(
                    "more than {} families, the number of samples allowed",
                    self.max_samples
                ),
            ));
        }
        let family = self.index.families.len() as u32;
        self.index.families.push(FamilyEntry {
            name: Span::new(start, end),
            help: None,
            unit: None,
            kind: MetricType::Unknown,
            typed: false,
            quoted_name: false,
            labels: 0,
            first_run: None,
            last_run: None,
        });
        let (bytes, families) = (self.bytes, &self.index.families);
        self.by_name.insert_unique(hashed, family, |known| {
            hash(
                families
                    .get(*known as usize)
                    .map_or(&[], |entry| entry.name.of(bytes)),
            )
        });
        self.current = Some(family);
        Ok(family)
    }

    /// Text: declares a family with its HELP and TYPE. None when there is one of this name already, or too many.
    /// `is_new` tells that there is none, and saves the search.
    pub(super) fn declare_like(&mut self, entry: FamilyEntry, is_new: bool) -> Option<u32> {
        let family = self.len() as u32;
        if self.len() >= self.max_samples
            || !(is_new || self.find(entry.name.of(self.bytes)).is_none())
        {
            return None;
        }
        self.index.families.push(entry);
        self.current = Some(family);
        Some(family)
    }

    /// The bits of the label names in these lines, as long as the family has not all of `most`.
    #[cold]
    pub(super) fn labels_of(&self, family: u32, most: u64, lines: Span) -> u64 {
        let mut labels = self.entry(family).map_or(0, |entry| entry.labels);
        for line in lines.of(self.bytes).split(|byte| *byte == b'\n') {
            if labels & most == most {
                break;
            }
            for label in Line::read(line).labels() {
                let names = &self.index.label_names;
                labels |= names
                    .find(self.bytes, label.name, hash(label.name))
                    .unwrap_or(0);
            }
        }
        labels
    }

    /// The type of the family of this name.
    pub(super) fn kind_of_name(&mut self, name: &[u8]) -> Option<MetricType> {
        let family = self.find(name)?;
        self.entry(family).map(|entry| entry.kind)
    }

    /// The family of this name.
    fn find(&mut self, name: &[u8]) -> Option<u32> {
        self.find_hashed(name, hash(name))
    }

    fn find_hashed(&mut self, name: &[u8], hashed: u64) -> Option<u32> {
        let (bytes, families) = (self.bytes, &self.index.families);
        let name_of = |family: &u32| {
            families
                .get(*family as usize)
                .map_or(&[][..], |entry| entry.name.of(bytes))
        };
        // The names of families that the template knew are not put in before they are asked for.
        let known = self.by_name.len();
        for family in known as u32..families.len() as u32 {
            self.by_name
                .insert_unique(hash(name_of(&family)), family, |family| {
                    hash(name_of(family))
                });
        }
        self.by_name
            .find(hashed, |family| name_of(family) == name)
            .copied()
    }

    /// The family that a sample of this name belongs to, when it is not the current one.
    pub(super) fn owner(&mut self, start: usize, end: usize) -> Step<Owner> {
        let name = self.bytes.get(start..end).unwrap_or_default();
        if self.format == Format::Text {
            // A family of exactly this name comes before a histogram or summary that has such samples.
            for suffix in ["", "_bucket", "_sum", "_count"] {
                let Some(base) = name.strip_suffix(suffix.as_bytes()) else {
                    continue;
                };
                let found = self.find(base);
                if let Some(owner) = found.and_then(|family| self.member(family, name)) {
                    self.current = Some(owner.family);
                    return Ok(owner);
                }
            }
        }
        let family = self.declare(start, end)?;
        match self.member(family, name) {
            Some(owner) => Ok(owner),
            // OpenMetrics: `# TYPE x counter` and then a sample `x`.
            None => {
                let kind = self
                    .entry(family)
                    .map_or(MetricType::Unknown, |entry| entry.kind)
                    .word(self.format);
                Err(Fault::syntax(
                    start,
                    format!(
                        "sample {} does not fit a metric of type {kind}",
                        quote(name)
                    ),
                ))
            }
        }
    }

    /// The family as owner of `name`, when its type has samples of such a name.
    pub(super) fn member(&self, family: u32, name: &[u8]) -> Option<Owner> {
        let entry = self.entry(family)?;
        let rest = name.strip_prefix(entry.name.of(self.bytes))?;
        let suffix = entry
            .kind
            .suffixes(self.format)
            .iter()
            .find(|suffix| suffix.as_bytes() == rest)?;
        Some(Owner {
            family,
            kind: entry.kind,
            suffix,
        })
    }

    /// Notes a sample line `start..end` (with line feed) and the label names (bits) that it has.
    #[inline]
    pub(super) fn add(
        &mut self,
        family: u32,
        start: usize,
        end: usize,
        mark: Mark,
        labels: u64,
    ) -> Step<()> {
        if self.index.marks.len() >= self.max_samples {
            return Err(Fault::too_large(
                start,
                format!("more than {} samples", self.max_samples),
            ));
        }
        self.note_lines(family, start, end);
        self.index.marks.push(mark);
        self.note_labels(family, labels);
        Ok(())
    }

    /// Notes sample lines `start..end`; their marks come next.
    #[inline]
    pub(super) fn note_lines(&mut self, family: u32, start: usize, end: usize) {
        match self.index.runs.last_mut() {
            Some(run) if self.run_family == Some(family) && run.lines.end as usize == start => {
                run.lines.end = end as u32
            }
            _ => self.begin_run(family, start, end),
        }
    }

    /// Notes the label names (bits) that samples of the family have.
    #[inline]
    pub(super) fn note_labels(&mut self, family: u32, labels: u64) {
        if let Some(entry) = self.index.families.get_mut(family as usize) {
            entry.labels |= labels;
        }
    }

    fn begin_run(&mut self, family: u32, start: usize, end: usize) {
        self.index.begin_run(family, start, end);
        self.run_family = Some(family);
    }

    /// OpenMetrics: the current family ends; the names that it reserves must be free.
    pub(super) fn finish_current(&mut self) -> Step<()> {
        let Some(family) = self.current.take() else {
            return Ok(());
        };
        if self.format == Format::Text {
            return Ok(());
        }
        let (kind, span) = self
            .entry(family)
            .map_or((MetricType::Unknown, Span::default()), |entry| {
                (entry.kind, entry.name)
            });
        for suffix in kind.reserved(self.format) {
            self.scratch.clear();
            self.scratch.extend_from_slice(span.of(self.bytes));
            self.scratch.extend_from_slice(suffix.as_bytes());
            let (bytes, families, wanted) = (self.bytes, &self.index.families, &self.scratch);
            let base = |family: u32| {
                families
                    .get(family as usize)
                    .map_or(&[][..], |entry| entry.name.of(bytes))
            };
            let taken = |(_, family, suffix): &(u64, u32, &str)| {
                wanted.strip_prefix(base(*family)) == Some(suffix.as_bytes())
            };
            let hash = hash(wanted);
            if let Some((_, other, _)) = self.reserved.find(hash, taken) {
                let other = quote(base(*other));
                let message = format!(
                    "metric {} has the name {}, which metric {other} reserves",
                    quote(base(family)),
                    quote(wanted)
                );
                return Err(Fault::syntax(span.start as usize, message));
            }
            self.reserved
                .insert_unique(hash, (hash, family, suffix), |(hash, _, _)| *hash);
        }
        Ok(())
    }
}
