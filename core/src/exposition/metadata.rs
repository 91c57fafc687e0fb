//! Lines that begin with `#`.

use super::bytes::{NAME, NAME_START, byte, is, skip, skip_blanks};
use super::error::{Fault, Step, quote};
use super::page::Span;
use super::quoted;
use super::scanner::Scanner;
use super::{Format, MetricType};

const BLANK_AFTER_NAME: &str = "expected a blank after the metric name";

impl Scanner<'_> {
    /// The end of the line that `at` is in, without its line feed.
    fn line_end(&self, at: usize) -> usize {
        self.bytes
            .get(at..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
            .map_or(self.bytes.len(), |feed| at + feed)
    }

    /// A line of a text page that begins with `#` at `start`. Gives the start of the next line.
    ///
    /// `# HELP` and `# TYPE` with a name are metadata, everything else is a comment.
    pub(super) fn text_comment(&mut self, start: usize) -> Step<usize> {
        let bytes = self.bytes;
        let end = self.line_end(start);
        let next = (end + 1).min(bytes.len());
        // A line that ends as on Windows.
        let end = end - usize::from(end > start && byte(bytes, end - 1) == b'\r');
        let word = skip_blanks(bytes, start + 1);
        let keyword = bytes.get(word..(word + 4).min(end)).unwrap_or_default();
        let is_help = keyword == b"HELP";
        if word == start + 1 || !(is_help || keyword == b"TYPE") {
            return Ok(next);
        }
        let name = skip_blanks(bytes, word + 4);
        // `# HELPFUL` is a comment, and so is a keyword without anything, as for Go's parser.
        if name == word + 4 || name >= end {
            return Ok(next);
        }
        let (family, name_end) = self.declare_named(name, end)?;
        let text = skip_blanks(bytes, name_end).min(end);
        if is_help {
            self.set_help(family, start, Span::new(text, end), true)?;
        } else {
            let word_end = text + trimmed_len(bytes.get(text..end).unwrap_or_default());
            self.set_type(family, start, Span::new(text, word_end), Format::Text)?;
        }
        Ok(next)
    }

    /// A line of an OpenMetrics page that begins with `#`. Gives the start of the next line.
    pub(super) fn openmetrics_metadata(&mut self, start: usize) -> Step<usize> {
        let bytes = self.bytes;
        let end = self.line_end(start);
        if end == bytes.len() {
            return Err(Fault::syntax(end, "the page does not end with `# EOF`"));
        }
        let line = bytes.get(start..end).unwrap_or_default();
        if line == b"# EOF" {
            return Err(Fault::syntax(end + 1, "something stands after `# EOF`"));
        }
        let keyword = line.get(..7).unwrap_or_default();
        if !matches!(keyword, b"# HELP " | b"# TYPE " | b"# UNIT ") {
            return Err(Fault::syntax(
                start,
                format!(
                    "expected `# HELP`, `# TYPE`, `# UNIT` or `# EOF`, found {}",
                    quote(line)
                ),
            ));
        }
        let name = start + 7;
        let before = self.families.current();
        let (family, name_end) = match self.declare_named(name, end) {
            Ok(declared) => declared,
            Err(fault) => return self.counter_beside(start)?.ok_or(fault),
        };
        if byte(bytes, name_end) != b' ' {
            return Err(Fault::syntax(name_end, BLANK_AFTER_NAME));
        }
        let text = Span::new(name_end + 1, end);
        if before != Some(family) {
            self.groups.finish()?;
        }
        if self
            .families
            .entry(family)
            .is_some_and(|entry| entry.first_run.is_some())
        {
            if let Some(sample) = self.counter_beside(start)? {
                return Ok(sample);
            }
            return Err(Fault::syntax(
                start,
                format!(
                    "metadata of {} after its samples",
                    quote(self.families.name(family))
                ),
            ));
        }
        match keyword {
            b"# HELP " => self.set_help(family, start, text, false)?,
            b"# TYPE " => self.set_type(family, start, text, Format::OpenMetrics)?,
            _ => self.set_unit(family, start, text)?,
        }
        Ok(end + 1)
    }

    /// The family that the name at `name` names, and the offset after the name.
    fn declare_named(&mut self, name: usize, end: usize) -> Step<(u32, usize)> {
        let bytes = self.bytes;
        self.latest = None;
        if byte(bytes, name) == b'"' {
            let (start, stop) = quoted::name(bytes, name)?;
            if !(stop + 1 >= end || matches!(byte(bytes, stop + 1), b' ' | b'\t')) {
                return Err(Fault::syntax(stop + 1, BLANK_AFTER_NAME));
            }
            let family = self.families.declare(start, stop)?;
            self.note_metric_name(family, bytes.get(start..stop).unwrap_or_default());
            return Ok((family, stop + 1));
        }
        let name_end = self.metadata_name(name, end)?;
        Ok((self.families.declare(name, name_end)?, name_end))
    }

    fn metadata_name(&self, name: usize, end: usize) -> Step<usize> {
        let bytes = self.bytes;
        // TYPE mostly follows HELP of the same metric.
        let current = self
            .families
            .current()
            .and_then(|family| self.families.entry(family))
            .filter(|entry| !entry.quoted_name)
            .map_or(&[][..], |entry| entry.name.of(bytes));
        let same = !current.is_empty()
            && bytes
                .get(name..end)
                .is_some_and(|rest| rest.starts_with(current));
        let name_end = skip(bytes, if same { name + current.len() } else { name }, NAME);
        if !is(byte(bytes, name), NAME_START)
            || !(name_end >= end || matches!(byte(bytes, name_end), b' ' | b'\t'))
        {
            let word = bytes
                .get(name..end)
                .unwrap_or_default()
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default();
            let message = format!("{} is no metric name", quote(word));
            return Err(Fault::syntax(name, message));
        }
        Ok(name_end)
    }

    fn set_help(
        &mut self,
        family: u32,
        line: usize,
        text: Span,
        tolerate_repeated: bool,
    ) -> Step<()> {
        let (bytes, name) = (self.bytes, self.families.name(family));
        let Some(entry) = self.families.entry_mut(family) else {
            return Ok(());
        };
        match entry.help {
            Some(known) if !tolerate_repeated || known.of(bytes) != text.of(bytes) => {
                Err(Fault::syntax(
                    line,
                    format!("a second HELP line for metric {}", quote(name)),
                ))
            }
            Some(_) => Ok(()),
            None => {
                entry.help = Some(text);
                Ok(())
            }
        }
    }

    fn set_type(&mut self, family: u32, line: usize, word: Span, format: Format) -> Step<()> {
        let (bytes, name) = (self.bytes, self.families.name(family));
        let Some(kind) = MetricType::from_word(word.of(bytes), format) else {
            return Err(Fault::syntax(
                word.start as usize,
                format!("unknown metric type {}", quote(word.of(bytes))),
            ));
        };
        let Some(entry) = self.families.entry_mut(family) else {
            return Ok(());
        };
        if entry.typed {
            return Err(Fault::syntax(
                line,
                format!("a second TYPE line for metric {}", quote(name)),
            ));
        }
        if entry.first_run.is_some() {
            return Err(Fault::syntax(
                line,
                format!("a TYPE line after samples of metric {}", quote(name)),
            ));
        }
        if entry.unit.is_some() && matches!(kind, MetricType::Info | MetricType::StateSet) {
            return Err(Fault::syntax(line, "a metric of this type has no unit"));
        }
        entry.kind = kind;
        entry.typed = true;
        Ok(())
    }

    fn set_unit(&mut self, family: u32, line: usize, unit: Span) -> Step<()> {
        let (bytes, name) = (self.bytes, self.families.name(family));
        let Some(entry) = self.families.entry_mut(family) else {
            return Ok(());
        };
        if entry.unit.is_some() {
            return Err(Fault::syntax(
                line,
                format!("a second UNIT line for metric {}", quote(name)),
            ));
        }
        let text = unit.of(bytes);
        if !text.is_empty() {
            if !name
                .strip_suffix(text)
                .is_some_and(|rest| rest.ends_with(b"_"))
            {
                return Err(Fault::syntax(
                    unit.start as usize,
                    format!(
                        "metric {} does not end with its unit {}",
                        quote(name),
                        quote(text)
                    ),
                ));
            }
            if matches!(entry.kind, MetricType::Info | MetricType::StateSet) {
                return Err(Fault::syntax(line, "a metric of this type has no unit"));
            }
        }
        entry.unit = Some(unit);
        Ok(())
    }
}

fn trimmed_len(text: &[u8]) -> usize {
    text.iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t'))
        .map_or(0, |last| last + 1)
}
