//! Families of text and OpenMetrics pages.

use std::borrow::Cow;
use std::rc::Rc;

use super::flat::{Apart, Bound, Exemplar, Family, Labels, Number, Sample, Time};
use super::labels::{LabelNames, plain};
use crate::exposition::page::Span;
use crate::exposition::{FamilyEntry, Format, Line, MetricType, Page};

/// Reads one family of a page of lines.
pub(super) fn read<'a>(page: &'a Page, entry: &FamilyEntry, names: &'a LabelNames) -> Family<'a> {
    let text = |span: Option<Span>| span.map(|span| span.of(page.body()));
    let mut reader = Reader {
        page,
        kind: entry.kind,
        name: entry.name.of(page.body()),
        names,
        samples: Vec::new(),
    };
    let mut run = entry.first_run;
    while let Some(at) = run {
        if let Some(found) = page.run(at) {
            reader.lines(found.lines.of(page.body()));
        }
        run = page.run(at).and_then(|found| found.next);
    }
    Family {
        typed: entry.typed,
        help: text(entry.help).map(|raw| help(raw, page.format())),
        unit: text(entry.unit)
            .filter(|unit| !unit.is_empty())
            .map(String::from_utf8_lossy),
        samples: reader.samples,
    }
}

#[derive(Debug)]
struct Reader<'a> {
    page: &'a Page,
    kind: MetricType,
    name: &'a [u8],
    names: &'a LabelNames,
    samples: Vec<Sample<'a>>,
}

impl<'a> Reader<'a> {
    fn lines(&mut self, lines: &'a [u8]) {
        for line in lines.split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                self.line(line.trim_ascii_start());
            }
        }
    }

    fn line(&mut self, line: &'a [u8]) {
        let format = self.page.format();
        let line = Line::read(line);
        let suffix = self
            .kind
            .suffixes(format)
            .iter()
            .find(|suffix| line.name.get(self.name.len()..) == Some(suffix.as_bytes()));
        let suffix = suffix.copied().unwrap_or_default();
        let (labels, apart) = self.labels(&line, suffix);
        let (rest, exemplar) = match format {
            Format::OpenMetrics => {
                let rest = line.rest_without_exemplar();
                let exemplar = line.rest.get(rest.len() + 3..);
                (rest, exemplar.map(|text| Rc::new(self.exemplar(text))))
            }
            _ => (line.rest, None),
        };
        let mut words = words(rest);
        self.samples.push(Sample {
            suffix,
            labels,
            apart,
            value: Number::Text(words.next().unwrap_or_default()),
            time: words.next().and_then(|word| time(word, format)),
            exemplar,
        });
    }

    fn labels(&self, line: &Line<'a>, suffix: &str) -> (Labels<'a>, Option<Apart<'a>>) {
        let apart_name: &[u8] = match (self.kind, suffix) {
            (MetricType::Histogram | MetricType::GaugeHistogram, "_bucket") => b"le",
            (MetricType::Summary, "") => b"quantile",
            (MetricType::StateSet, _) => self.name,
            _ => b"",
        };
        let mut apart = None;
        let mut labels = Vec::new();
        for label in line.labels() {
            let name = self.names.get(plain(label.name, self.page.format()));
            let value = plain(label.value, self.page.format());
            if label.name == apart_name {
                let value = Bound::Text(value);
                apart = Some(Apart { name, value });
            } else {
                labels.push((name, value));
            }
        }
        // The samples of a histogram share theirs.
        match self.samples.last() {
            Some(before) if *before.labels == labels => (before.labels.clone(), apart),
            _ => (Rc::new(labels), apart),
        }
    }

    fn exemplar(&self, exemplar: &'a [u8]) -> Exemplar<'a> {
        let line = Line::read(exemplar);
        let text = |raw| plain(raw, self.page.format());
        let names = line.labels().map(|label| text(label.name)).collect();
        let values = line.labels().map(|label| text(label.value));
        let mut words = words(line.rest);
        Exemplar {
            labels: self
                .names
                .of_exemplar(names)
                .into_iter()
                .zip(values)
                .collect(),
            value: Number::Text(words.next().unwrap_or_default()),
            time: words.next().map(Time::Seconds),
        }
    }
}

fn words(rest: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(rest)
        .unwrap_or_default()
        .split_ascii_whitespace()
}

fn time(word: &str, format: Format) -> Option<Time<'_>> {
    match format {
        Format::OpenMetrics => Some(Time::Seconds(word)),
        _ => word.parse().ok().map(Time::Millis),
    }
}

/// HELP without its escapes: text knows `\\` and `\n`, OpenMetrics `\"` too.
fn help(raw: &[u8], format: Format) -> Cow<'_, str> {
    if format == Format::OpenMetrics || memchr::memmem::find(raw, b"\\\"").is_none() {
        return plain(raw, format);
    }
    let text = String::from_utf8_lossy(raw);
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some('\\') | None => out.push('\\'),
                Some(other) => out.extend(['\\', other]),
            },
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_has_the_escapes_of_its_format() {
        for (raw, text, openmetrics) in [
            (r"a\\b\nc", "a\\b\nc", "a\\b\nc"),
            (r#"a \"b\""#, r#"a \"b\""#, r#"a "b""#),
            (r#"\\"x"#, r#"\"x"#, r#"\"x"#),
            (r"C:\dir", r"C:\dir", r"C:\dir"),
            (r#"\n\\n\"\"#, "\n\\n\\\"\\", "\n\\n\"\\"),
        ] {
            assert_eq!(help(raw.as_bytes(), Format::Text), text, "{raw}");
            assert_eq!(
                help(raw.as_bytes(), Format::OpenMetrics),
                openmetrics,
                "{raw}"
            );
        }
    }
}
