//! A page scanned before, as a template for the next one.
//!
//! Instances of one app answer the same lines with other values. A line that is equal to one of the template up to
//! its value needs no second check of its name and labels: what they mean hangs on the family alone, and that is
//! compared too. Only the value is left to be checked, and the mark is that of the template, moved.
//!
//! The index comes out the same with a template and without. Whatever does not match goes the usual way, and so
//! does whatever is wrong: that way says what.

use super::bytes::{byte, line_feed};
use super::families::Families;
use super::names::LabelNames;
use super::number::number;
use super::page::{FamilyEntry, Mark, Page, Span, Splice};
use super::scanner::Scanner;
use super::{Format, MetricType};

#[cfg(test)]
mod tests;

/// How far ahead a family is looked for, in the order of the template. Pages mostly agree in the order.
const FAMILIES_AHEAD: usize = 8;
/// How far ahead a line is looked for in its family.
const LINES_AHEAD: usize = 16;
/// How many lines of a family may be looked for in vain, before its others are no longer.
const FAMILY_MISSES: usize = 3;
/// How many lines may be looked for in vain, before the template is put away. Those that are found count against it.
const MOST_MISSES: usize = 32;

/// The template, and how far it is read.
#[derive(Debug)]
pub(super) struct Sibling<'t> {
    page: &'t Page,
    body: &'t [u8],
    /// The place of the next family.
    next: usize,
    /// How many families at the start of both pages are known to be alike.
    alike: usize,
    /// The family that is read, of both pages.
    family: Option<u32>,
    entry: Option<&'t FamilyEntry>,
    /// The run that is read, with the marks that are left of it.
    run: Option<u32>,
    marks: &'t [Mark],
    /// Where the line of the first of these marks begins.
    line: usize,
    /// What was looked for in vain, in all and in this family.
    misses: usize,
    family_misses: usize,
    /// Bits of the template's label names that the page does not have, as of so many names.
    missing: u64,
    missing_of: usize,
}

impl<'t> Sibling<'t> {
    pub(super) fn new(page: &'t Page) -> Self {
        Self {
            page,
            body: page.body(),
            next: 0,
            alike: 0,
            family: None,
            entry: None,
            run: None,
            marks: &[],
            line: 0,
            misses: 0,
            family_misses: 0,
            missing: u64::MAX,
            missing_of: usize::MAX,
        }
    }

    /// The family whose HELP and TYPE stand at `start`, with its place and where they are in the template.
    #[inline]
    fn head(&self, bytes: &[u8], start: usize) -> Option<(usize, &'t FamilyEntry, Span)> {
        let families = self.page.entries().iter().enumerate().skip(self.next);
        families.take(FAMILIES_AHEAD).find_map(|(place, entry)| {
            let head = head(entry, self.page)?;
            let same = head.of(self.body) == bytes.get(start..start + head.len())?;
            same.then_some((place, entry, head))
        })
    }

    /// Whether the family at this place of the template cannot be known to the page yet: all families before it are
    /// the same in both.
    #[inline]
    fn is_new(&mut self, place: usize, families: &Families<'_>) -> bool {
        let entries = self.page.entries();
        while self.alike < families.len()
            && entries
                .get(self.alike)
                .is_some_and(|entry| entry.name.of(self.body) == families.name(self.alike as u32))
        {
            self.alike += 1;
        }
        self.alike == families.len() && self.alike == place
    }

    /// Goes to the family with this name and type.
    fn seek(&mut self, family: Option<u32>, families: &Families<'_>) {
        let Some(wanted) = family.and_then(|family| families.entry(family)) else {
            return;
        };
        let name = wanted.name.of(families.bytes());
        let entries = self.page.entries().iter().enumerate().skip(self.next);
        let found = entries.take(FAMILIES_AHEAD).find(|(_, entry)| {
            !entry.quoted_name && entry.kind == wanted.kind && entry.name.of(self.body) == name
        });
        match found {
            Some((place, entry)) => self.read(family, place, entry),
            None => {
                (self.family, self.entry, self.marks) = (family, None, &[]);
                self.misses += 1;
            }
        }
    }

    /// Begins to read a family.
    fn read(&mut self, family: Option<u32>, place: usize, entry: &'t FamilyEntry) {
        self.family = family;
        self.entry = Some(entry);
        self.family_misses = 0;
        self.next = place + 1;
        self.enter(entry.first_run);
    }

    fn enter(&mut self, run: Option<u32>) {
        self.run = run;
        self.marks = run.map_or(&[], |run| self.page.marks(run));
        self.line = run
            .and_then(|run| self.page.run(run))
            .map_or(0, |run| run.lines.start as usize);
    }

    /// The next mark, and where the value of its line begins.
    #[inline]
    fn peek(&self, bytes: &[u8], start: usize) -> Option<(Mark, usize)> {
        let mark = *self.marks.first()?;
        let at = mark.at();
        let value = match mark.splice() {
            Splice::Braces if byte(self.body, at) == b' ' => at + 1,
            Splice::Comma | Splice::Plain if self.body.get(at..at + 2)? == b"} " => at + 2,
            // Written in another way than most.
            _ => return None,
        };
        let head = self.body.get(self.line..value)?;
        (bytes.get(start..start + head.len())? == head).then_some((mark, value))
    }

    /// Goes past the first mark; `after` is somewhere in its line, after the labels.
    #[inline]
    fn advance(&mut self, after: usize) {
        self.line = line_feed(self.body, after) + 1;
        self.marks = self.marks.get(1..).unwrap_or_default();
    }

    /// The line at `start` is not the next one: looks whether it is one of those after it.
    #[cold]
    fn look_ahead(&mut self, bytes: &[u8], start: usize) -> bool {
        let (marks, line) = (self.marks, self.line);
        for _ in 0..LINES_AHEAD {
            let Some(mark) = self.marks.first() else {
                break;
            };
            self.advance(mark.at());
            if self.peek(bytes, start).is_some() {
                return true;
            }
        }
        self.misses += 1;
        self.family_misses += 1;
        if self.family_misses < FAMILY_MISSES {
            (self.marks, self.line) = (marks, line);
        } else {
            self.enter(None);
        }
        false
    }

    /// Whether the family has no other lines than those of this run, which are so many.
    fn has_one_run(&self, lines: usize) -> bool {
        let is_only =
            |entry: &FamilyEntry| entry.first_run == entry.last_run && entry.first_run == self.run;
        self.entry.is_some_and(is_only)
            && self
                .run
                .is_some_and(|run| self.page.marks(run).len() == lines)
    }

    /// Whether all label names that the family has in the template occur in the page so far. Others would have to
    /// be noted.
    #[inline]
    fn knows_labels(&mut self, labels: u64, bytes: &[u8], names: &LabelNames) -> bool {
        if labels & self.missing != 0 && self.missing_of != names.len() {
            self.missing = self.page.names().missing(self.body, names, bytes);
            self.missing_of = names.len();
        }
        labels & self.missing == 0
    }
}

/// The lines before the samples of a family, when they are `# HELP` and `# TYPE`, or the latter alone.
#[inline]
fn head(entry: &FamilyEntry, page: &Page) -> Option<Span> {
    // Whether this is where the line begins shows when it is compared.
    let start = entry.name.start.checked_sub("# TYPE ".len() as u32)?;
    let end = page.run(entry.first_run?)?.lines.start;
    let name = "# TYPE ".len() + entry.name.len() + 1;
    let help = match entry.help {
        Some(help) if help.start == entry.name.end + 1 => name + help.len() + 1,
        Some(_) => return None,
        None => 0,
    };
    // A TYPE line cannot be shorter than this: so nothing else stands there.
    let kind = name + entry.kind.word(Format::Text).len() + 1;
    (entry.typed && end as usize == start as usize + help + kind).then_some(Span { start, end })
}

impl Scanner<'_> {
    /// Goes over all lines from `start` on that the template has too. Gives the start of the line after them.
    #[inline]
    pub(super) fn follow(&mut self, start: usize) -> usize {
        let mut at = start;
        while let Some(sibling) = &self.sibling {
            if sibling.misses > MOST_MISSES {
                self.sibling = None;
                break;
            }
            let before = at;
            if byte(self.bytes, at) == b'#' {
                at = self.follow_head(at);
            }
            at = self.follow_samples(at);
            if at == before {
                break;
            }
        }
        at
    }

    /// Takes HELP and TYPE of a family at `start`, if they are those of the template.
    fn follow_head(&mut self, start: usize) -> usize {
        let Some(sibling) = &mut self.sibling else {
            return start;
        };
        // Its lines are no longer than they are together.
        let Some((place, entry, head)) = sibling
            .head(self.bytes, start)
            .filter(|(_, _, head)| head.len() <= self.limits.max_line)
        else {
            sibling.misses += 1;
            return start;
        };
        let is_new = sibling.is_new(place, &self.families);
        let moved = |span: Span| Span {
            start: span.start - head.start + start as u32,
            end: span.end - head.start + start as u32,
        };
        let like = FamilyEntry {
            name: moved(entry.name),
            help: entry.help.map(moved),
            labels: 0,
            first_run: None,
            last_run: None,
            ..*entry
        };
        let Some(family) = self.families.declare_like(like, is_new) else {
            return start;
        };
        self.latest = None;
        sibling.read(Some(family), place, entry);
        start + head.len()
    }

    /// Takes the samples from `start` on that are those of the template.
    fn follow_samples(&mut self, start: usize) -> usize {
        let (bytes, families) = (self.bytes, &mut self.families);
        let Some(sibling) = &mut self.sibling else {
            return start;
        };
        if sibling.family != families.current() {
            sibling.seek(families.current(), families);
        }
        let (Some(family), Some(entry)) = (sibling.family, sibling.entry) else {
            return start;
        };
        // A TYPE line may have come since the family was looked for.
        if families.entry(family).map(|known| known.kind) != Some(entry.kind) {
            sibling.family = None;
            return start;
        }
        if !sibling.knows_labels(entry.labels, bytes, &families.index.label_names) {
            return start;
        }
        let first_mark = families.index.marks.len();
        let mut at = start;
        while families.index.marks.len() < families.max_samples {
            let Some((mark, value)) = sibling.peek(bytes, at) else {
                if !sibling.marks.is_empty() && sibling.look_ahead(bytes, at) {
                    continue;
                }
                break;
            };
            let moved = |offset: usize| offset - sibling.line + at;
            let end = match number(bytes, moved(value)) {
                // Whether a histogram's may be negative depends on the line.
                Some(end)
                    if byte(bytes, end) == b'\n'
                        && end - at <= self.limits.max_line
                        && (entry.kind != MetricType::Histogram
                            || byte(bytes, moved(value)) != b'-') =>
                {
                    end
                }
                _ => break,
            };
            if at == start {
                families.note_lines(family, start, end + 1);
            }
            let mark = Mark::new(moved(mark.at()), mark.splice());
            families.index.marks.push(mark);
            sibling.advance(value);
            at = end + 1;
        }
        let lines = families.index.marks.len() - first_mark;
        if lines == 0 {
            return start;
        }
        sibling.misses = sibling.misses.saturating_sub(lines);
        let labels = if sibling.has_one_run(lines) {
            entry.labels
        } else {
            families.labels_of(family, entry.labels, Span::new(start, at))
        };
        families.note_labels(family, labels);
        families.index.extend_run(at);
        if sibling.marks.is_empty() {
            let run = sibling.run.and_then(|run| sibling.page.run(run));
            sibling.enter(run.and_then(|run| run.next));
        }
        at
    }
}
