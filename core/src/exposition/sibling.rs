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

/// How far ahead a family is looked for, in the order of the template. Pages mostly agree in the order.
const FAMILIES_AHEAD: usize = 8;
/// How far ahead a line is looked for in its family.
const LINES_AHEAD: usize = 16;
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
    misses: usize,
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
        (self.marks, self.line) = (marks, line);
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
        let Some((place, entry, head)) = sibling.head(self.bytes, start) else {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{Limits, Page};
    use super::*;

    const LIMITS: Limits = Limits {
        max_samples: 60,
        max_line: 100,
    };

    /// All that a scan found, or its error.
    fn scan(body: &[u8], limits: &Limits, like: Option<&Page>) -> Result<String, String> {
        let body = Bytes::copy_from_slice(body);
        let page = Page::scan_like(body, Format::Text, limits, like);
        let page = page.map_err(|error| error.to_string())?;
        let runs: Vec<_> = (0..)
            .map_while(|at| Some((page.run(at)?, page.marks(at))))
            .collect();
        let names: Vec<_> = (0..page.names().len())
            .map(|id| page.names().name(page.body(), id as u32).escape_ascii())
            .map(|name| name.to_string())
            .collect();
        Ok(format!("{:?}\n{runs:?}\n{names:?}", page.entries()))
    }

    fn check(template: &str, body: &[u8]) {
        let large = Limits {
            max_samples: 1000,
            max_line: 1000,
        };
        let template = Bytes::copy_from_slice(template.as_bytes());
        let Ok(template) = Page::scan(template, Format::Text, &large) else {
            return;
        };
        for limits in [LIMITS, large] {
            assert_eq!(
                scan(body, &limits, Some(&template)),
                scan(body, &limits, None),
                "{}\nlike\n{}",
                body.escape_ascii(),
                template.body().escape_ascii(),
            );
        }
    }

    const PAGE: &str = "\
# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 2\na_total{x=\"3\",y=\"z\"} 3\n\
# TYPE b gauge\nb 1\n\
# HELP h H\n# TYPE h histogram\nh_bucket{x=\"1\",le=\"1\"} 1\nh_bucket{x=\"1\",le=\"+Inf\"} 2\nh_sum{x=\"1\"} -3.5\nh_count{x=\"1\"} 2\n\
# HELP c C\n# TYPE c gauge\n# a comment\nc{z=\"1\",} 1e5\n\nc{z=\"2\",} -2 15\n\
u{v=\"1\"} 1\nu{v=\"2\"} 2\n";

    #[test]
    fn the_index_is_the_same_with_a_template_and_without() {
        for (change, why) in [
            (("", ""), "the same page"),
            (("} 2\n", "} 25.5\n"), "other values"),
            (("a_total{x=\"2\"} 2\n", ""), "a line is missing"),
            (
                ("a_total{x=\"3\",y=\"z\"} 3\n", ""),
                "the line with a name of its own is missing",
            ),
            (
                ("a_total{x=\"1\"} 1\n", "a_total{w=\"1\"} 1\n"),
                "another label name",
            ),
            (("x=\"2\"", "x=\"2\",new=\"é\""), "a new label name"),
            (("# TYPE b gauge\nb 1\n", ""), "a family is missing"),
            (
                ("# TYPE b gauge\n", "# TYPE d gauge\nd 1\n# TYPE b gauge\n"),
                "another family",
            ),
            (("# TYPE b gauge\n", "# TYPE b counter\n"), "another type"),
            (
                ("# TYPE b gauge\n", "# TYPE c gauge\n"),
                "another family of a name that comes again",
            ),
            (
                ("# TYPE h histogram\n", "# TYPE h gauge\n"),
                "its samples are no members any more",
            ),
            (
                ("h_count{x=\"1\"} 2", "h_count{x=\"1\"} -2"),
                "a negative count",
            ),
            (("h_sum{x=\"1\"} -3.5", "h_sum{x=\"1\"} x"), "no number"),
            (("b 1\n", "b 1 \n"), "blanks at the end"),
            (("b 1\n", "b 1 17\n"), "a timestamp"),
            (("b 1\n", "b 1\0\n"), "a NUL byte"),
            (
                ("u{v=\"2\"} 2\n", "u{v=\"2\"} 2"),
                "no line feed at the end",
            ),
            (("u{v=\"2\"} 2\n", "u{v=\"2\"} "), "no value at the end"),
            (
                ("u{v=\"1\"} 1\n", "a_total{x=\"9\"} 1\n"),
                "lines of a family apart",
            ),
        ] {
            assert!(PAGE.contains(change.0), "{why}");
            let other = PAGE.replacen(change.0, change.1, 1);
            check(PAGE, other.as_bytes());
            check(&other, PAGE.as_bytes());
        }
    }

    #[test]
    fn lines_that_the_template_has_are_taken_from_it() {
        let template = Page::scan(Bytes::from(PAGE), Format::Text, &LIMITS).unwrap();
        let mut scanner = Scanner::new(PAGE.as_bytes(), Format::Text, &LIMITS, Some(&template));
        assert_eq!(
            scanner.follow(0),
            PAGE.find("a_total{").unwrap(),
            "the label name is new"
        );
    }

    fn line() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec!["a", "b", "a_sum", "a_bucket", "a_count", "c"]);
        let label = prop::sample::select(vec!["x", "y", "le", "zz", "a_label_name"]);
        let value = prop::sample::select(vec![
            "1", "2", "-3", "1.5", "+Inf", "1e300", "nan", "7 7", "x",
        ]);
        let labels =
            prop::collection::vec((label, prop::sample::select(vec!["1", "2", "é"])), 0..3);
        let kind =
            prop::sample::select(vec!["counter", "gauge", "histogram", "summary", "untyped"]);
        let labels = labels.prop_map(|labels| {
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{value}\""))
                .collect();
            if labels.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", labels.join(","))
            }
        });
        prop_oneof![
            8 => (name.clone(), labels, value).prop_map(|(name, labels, value)| format!("{name}{labels} {value}\n")),
            1 => (name.clone(), kind.clone()).prop_map(|(name, kind)| format!("# TYPE {name} {kind}\n")),
            1 => (name.clone(), kind).prop_map(|(name, kind)| format!("# HELP {name} h\n# TYPE {name} {kind}\n")),
            1 => name.prop_map(|name| format!("# HELP {name} h\n")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_index_is_the_same_whatever_differs(
            lines in prop::collection::vec(line(), 1..40),
            changes in prop::collection::vec((any::<prop::sample::Index>(), line(), 0..3), 0..6),
        ) {
            // Most lines are good together when each stands after those that were accepted.
            let mut template = String::new();
            let mut kept = Vec::new();
            for line in lines {
                let longer = format!("{template}{line}");
                let scanned = Page::scan(Bytes::from(longer.clone()), Format::Text, &LIMITS);
                if scanned.is_ok() {
                    template = longer;
                    kept.push(line);
                }
            }
            for (at, line, change) in changes {
                let at = at.index(kept.len().max(1)).min(kept.len());
                match change {
                    0 => kept.insert(at, line),
                    1 if at < kept.len() => drop(kept.remove(at)),
                    _ if at < kept.len() => kept[at] = line,
                    _ => {}
                }
            }
            check(&template, kept.concat().as_bytes());
        }
    }
}
