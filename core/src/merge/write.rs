//! Writing the page: pieces of it and label blocks are copied, nothing is formatted.
//!
//! The lines of a run follow each other in the body, so from one mark to the next is one piece: the end of a line
//! and the start of the following one. A sample costs two copies, that piece and the label block. How metrics of
//! protobuf pages are written is told in `append.rs`.

use super::append::Metrics;
use super::health::Rows;
use super::plan::{Family, Member, Plan};
use super::rewrite::{Rewriter, Seen};
use super::source::Source;
use super::{Options, Stats, append};
use crate::exposition::{FamilyEntry, Format, Page, Run, Splice, is_metric_name};

/// Bytes after which a chunk is given out: it stays in the processor's cache on its way to the socket.
pub(super) const CHUNK: usize = 64 << 10;
/// Members whose first lines are asked for at once.
const AHEAD: usize = 8;
/// Room for the line that goes over the limit.
pub(super) const SLACK: usize = 4 << 10;

/// A merge under way.
#[derive(Debug)]
pub(super) struct Writer {
    plan: Plan,
    health: Rows,
    options: Options,
    at: Cursor,
    /// The metrics of the family at hand, when its lines are checked for duplicates.
    seen: Seen,
    done: bool,
}

/// What is written next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    family: usize,
    member: usize,
    /// The member's run; None before its first.
    run: Option<u32>,
    /// How many lines or metrics of the run have their labels.
    pub(super) mark: usize,
    /// Lines: the body is copied up to here.
    copied: usize,
}

impl Writer {
    pub(super) fn new(plan: Plan, health: Rows, options: Options) -> Self {
        Self {
            plan,
            health,
            options,
            at: Cursor::default(),
            seen: Seen::new(),
            done: false,
        }
    }

    pub(super) fn stats(&self) -> Stats {
        self.plan.stats
    }

    /// Bytes of the whole page, about.
    pub(super) fn size_estimate(&self) -> usize {
        let sources = self
            .plan
            .sources
            .iter()
            .filter_map(|source| Some((source, source.page.as_deref()?)));
        let pages: usize = sources
            .map(|(source, page)| {
                // A length that was one byte may become two.
                let block = source.block.alone(page.format()).len() + 1;
                page.len() + page.places() * block
            })
            .sum();
        pages + self.health.size_estimate() + SLACK
    }

    /// Writes until `out` has `limit` bytes or a little more. False when nothing is left to write.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, limit: usize) -> bool {
        while out.len() < limit {
            if self.at.family < self.plan.families.len() {
                self.step(out, limit);
            } else if !self.health.fill(out, limit, self.options.format) {
                if !self.done && self.options.format == Format::OpenMetrics {
                    out.extend_from_slice(b"# EOF\n");
                }
                self.done = true;
                return false;
            }
        }
        true
    }

    /// Writes what is left of the family at hand, or of that of the health series. False when nothing is left.
    pub(super) fn fill_family(&mut self, out: &mut Vec<u8>) -> bool {
        let family = self.at.family;
        if family < self.plan.families.len() {
            while self.at.family == family {
                self.step(out, usize::MAX);
            }
            return true;
        }
        if self.health.is_done() {
            return self.fill(out, usize::MAX);
        }
        self.health
            .fill_family(out, usize::MAX, self.options.format);
        true
    }

    /// Writes a part of the family at hand: at most one run.
    fn step(&mut self, out: &mut Vec<u8>, limit: usize) {
        let Some(family) = self.plan.families.get(self.at.family) else {
            return;
        };
        let Some(member) = family.members.get(self.at.member).copied() else {
            return self.end_family();
        };
        let Some((source, page, entry)) = part(&self.plan.sources, member) else {
            self.at.member += 1;
            return;
        };
        if self.at.run.is_none() {
            if self.at.member == 0 {
                match self.options.format {
                    Format::Text | Format::OpenMetrics => {
                        write_header(family, self.options.format, out);
                    }
                    Format::Protobuf => {
                        append::write_header(family, &self.plan.sources, &self.options, out);
                    }
                }
            }
            self.at.run = entry.first_run;
            self.at.mark = 0;
            if self.at.member.is_multiple_of(AHEAD) {
                touch(&self.plan.sources, family, self.at.member);
            }
        }
        let Some((place, run)) = self
            .at
            .run
            .and_then(|place| Some((place, page.run(place)?)))
        else {
            self.at = Cursor {
                family: self.at.family,
                member: self.at.member + 1,
                ..Cursor::default()
            };
            return;
        };
        if self.at.mark == 0 {
            self.at.copied = run.lines.start as usize;
        }
        let rewriter = Rewriter::new(family, member.source, source, (page, entry), &self.options);
        let seen = rewriter.checks.then_some(&mut self.seen);
        let (at, duplicates) = (&mut self.at, &mut self.plan.stats.duplicates);
        let finished = if self.options.format == Format::Protobuf {
            let metrics = Metrics {
                rewriter,
                page,
                kind: entry.kind,
            };
            if metrics.are_changed() {
                metrics.rewrite(place, at, seen, duplicates, out, limit)
            } else {
                metrics.copy(place, at, out, limit)
            }
        } else {
            let lines = Lines {
                rewriter,
                page,
                run,
                place,
            };
            if lines.rewriter.changes_labels() || family.is_renamed() {
                lines.rewrite(at, seen, duplicates, out, limit)
            } else {
                lines.copy(at, out, limit)
            }
        };
        if finished {
            self.at.mark = 0;
            match run.next {
                Some(next) => self.at.run = Some(next),
                None => {
                    self.at = Cursor {
                        family: self.at.family,
                        member: self.at.member + 1,
                        ..Cursor::default()
                    }
                }
            }
        }
    }

    /// Goes to the next family and lets go of the pages that none needs any more.
    fn end_family(&mut self) {
        self.seen = Seen::new();
        let members = self
            .plan
            .families
            .get(self.at.family)
            .map_or(&[][..], |family| &family.members);
        for member in members {
            if let Some(source) = self
                .plan
                .sources
                .get_mut(member.source as usize)
                .filter(|source| source.last_family == self.at.family)
            {
                source.page = None;
            }
        }
        self.at = Cursor {
            family: self.at.family + 1,
            ..Cursor::default()
        };
    }
}

/// Reads a little of what the next members need, so that it is in the processor's cache when their turn comes: the
/// pages of many instances are not, and memory can look for several of them at once.
fn touch(sources: &[Source], family: &Family, from: usize) {
    let members = family.members.iter().skip(from).take(AHEAD);
    for (_, page, entry) in members.filter_map(|member| part(sources, *member)) {
        let Some((place, run)) = entry
            .first_run
            .and_then(|place| Some((place, page.run(place)?)))
        else {
            continue;
        };
        let mark = page.marks(place).first().copied();
        std::hint::black_box((mark, page.body().get(run.lines.start as usize).copied()));
    }
}

pub(super) fn part(sources: &[Source], member: Member) -> Option<(&Source, &Page, &FamilyEntry)> {
    let source = sources.get(member.source as usize)?;
    let page = source.page.as_deref()?;
    Some((source, page, page.entries().get(member.entry as usize)?))
}

/// HELP, TYPE and UNIT.
fn write_header(family: &Family, format: Format, out: &mut Vec<u8>) {
    let quote: &[u8] = if is_metric_name(&family.name) {
        b""
    } else {
        b"\""
    };
    let mut line = |keyword: &[u8], text: &[u8]| {
        let name = [quote, &family.name, quote];
        for piece in [b"# ", keyword, b" "]
            .into_iter()
            .chain(name)
            .chain([&b" "[..], text, b"\n"])
        {
            out.extend_from_slice(piece);
        }
    };
    if !family.help.is_empty() {
        line(b"HELP", &family.help);
    }
    line(b"TYPE", family.kind.word(format).as_bytes());
    if !family.unit.is_empty() {
        line(b"UNIT", &family.unit);
    }
}

/// The lines of one run of one member.
struct Lines<'a> {
    rewriter: Rewriter<'a>,
    page: &'a Page,
    run: &'a Run,
    place: u32,
}

impl Lines<'_> {
    /// Copies the lines with the labels spliced in. False when `limit` was reached before the end.
    fn copy(&self, at: &mut Cursor, out: &mut Vec<u8>, limit: usize) -> bool {
        let body = self.page.body();
        let block = &self.rewriter.source.block;
        let mut copied = at.copied;
        for mark in self
            .page
            .marks(self.place)
            .get(at.mark..)
            .unwrap_or_default()
        {
            if out.len() >= limit {
                at.copied = copied;
                return false;
            }
            let (splice, offset) = (mark.splice(), mark.at());
            out.extend_from_slice(body.get(copied..offset).unwrap_or_default());
            if splice == Splice::Irregular {
                let end = self.line_end(offset);
                self.rewriter
                    .write(body.get(offset..end).unwrap_or_default(), true, None, out);
                copied = end + 1;
            } else {
                out.extend_from_slice(block.piece(splice));
                copied = offset;
            }
            at.mark += 1;
        }
        let rest = body
            .get(copied..self.run.lines.end as usize)
            .unwrap_or_default();
        out.extend_from_slice(rest);
        if rest.last().is_some_and(|byte| *byte != b'\n') {
            out.push(b'\n');
        }
        true
    }

    /// Writes each line anew. False when `limit` was reached before the end.
    fn rewrite(
        &self,
        at: &mut Cursor,
        mut seen: Option<&mut Seen>,
        duplicates: &mut usize,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> bool {
        let body = self.page.body();
        for mark in self
            .page
            .marks(self.place)
            .get(at.mark..)
            .unwrap_or_default()
        {
            if out.len() >= limit {
                return false;
            }
            let end = self.line_end(at.copied);
            let line = body.get(at.copied..end).unwrap_or_default();
            if !self.rewriter.write(
                line,
                mark.splice() == Splice::Irregular,
                seen.as_deref_mut(),
                out,
            ) {
                *duplicates += 1;
            }
            at.copied = end + 1;
            at.mark += 1;
        }
        true
    }

    /// The end of the line that begins at `start`, without its line feed.
    fn line_end(&self, start: usize) -> usize {
        let end = self.run.lines.end as usize;
        let rest = self.page.body().get(start..end).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(end, |feed| start + feed)
    }
}
