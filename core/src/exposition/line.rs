//! A single sample line taken apart, for the lines that the merge cannot copy as they are.

use super::bytes::{NAME, byte, skip, skip_blanks};
use super::page::Span;
use super::quoted;

/// A label of a [`Line`]: name and value as they stand, without quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The parts of a sample line that the scan accepted.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The metric name as it stands, without quotes.
    pub(crate) name: &'a [u8],
    /// Everything between the braces.
    labels: &'a [u8],
    /// The value and what follows it, without blanks at either end.
    pub(crate) rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// Takes a line apart; it has no line feed.
    pub(crate) fn read(line: &'a [u8]) -> Self {
        if byte(line, 0) == b'{' {
            return Self::read_braced(line);
        }
        let name_end = skip(line, 0, NAME);
        let open = skip_blanks(line, name_end);
        let (labels, after) = if byte(line, open) == b'{' {
            let close = Labels {
                text: line,
                at: open + 1,
            }
            .end();
            (Span::new(open + 1, close), close + 1)
        } else {
            (Span::default(), name_end)
        };
        let rest = line.get(after..).unwrap_or_default();
        Self {
            name: line.get(..name_end).unwrap_or_default(),
            labels: labels.of(line),
            rest: rest.trim_ascii(),
        }
    }

    /// The line with the name that is in quotes behind its brace; without one the name is empty.
    #[cold]
    fn read_braced(line: &'a [u8]) -> Self {
        let first = skip_blanks(line, 1);
        let (mut name, mut labels) = (Span::default(), 1);
        if byte(line, first) == b'"' {
            let end = quoted::end(line, first + 1);
            if byte(line, skip_blanks(line, end + 1)) != b'=' {
                (name, labels) = (Span::new(first + 1, end), end + 1);
            }
        }
        let close = Labels {
            text: line,
            at: labels,
        }
        .end();
        let rest = line.get(close + 1..).unwrap_or_default();
        Self {
            name: name.of(line),
            labels: Span::new(labels, close).of(line),
            rest: rest.trim_ascii(),
        }
    }

    /// The labels in order.
    pub(crate) fn labels(&self) -> impl Iterator<Item = Label<'a>> + use<'a> {
        Labels {
            text: self.labels,
            at: 0,
        }
    }

    /// What follows the name, without an exemplar.
    pub(crate) fn rest_without_exemplar(&self) -> &'a [u8] {
        // Between value and exemplar stands nothing that could hold ` # `.
        memchr::memmem::find(self.rest, b" # ")
            .and_then(|at| self.rest.get(..at))
            .unwrap_or(self.rest)
    }

    /// The exemplar, as a line without a name.
    pub(crate) fn exemplar(&self) -> Option<Line<'a>> {
        let at = memchr::memmem::find(self.rest, b" # ")?;
        Some(Line::read_braced(self.rest.get(at + 3..)?))
    }
}

/// Walks over labels.
#[derive(Debug)]
struct Labels<'a> {
    text: &'a [u8],
    at: usize,
}

impl Labels<'_> {
    /// The offset of the closing brace.
    fn end(mut self) -> usize {
        while self.next().is_some() {}
        self.skip_separators()
    }

    fn skip_separators(&self) -> usize {
        let mut at = self.at;
        while matches!(byte(self.text, at), b' ' | b'\t' | b',') {
            at += 1;
        }
        at
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Label<'a>;

    fn next(&mut self) -> Option<Label<'a>> {
        let mut start = self.skip_separators();
        let mut end = skip(self.text, start, NAME);
        let mut after = end;
        if end == start {
            if byte(self.text, start) != b'"' {
                return None;
            }
            start += 1;
            end = quoted::end(self.text, start);
            after = end + 1;
        }
        let value = skip_blanks(self.text, skip_blanks(self.text, after) + 1) + 1;
        let stop = quoted::end(self.text, value);
        self.at = stop + 1;
        Some(Label {
            name: self.text.get(start..end)?,
            value: self.text.get(value..stop)?,
        })
    }
}

/// Appends `value` with the escapes resolved. An unknown escape stands for itself, as Prometheus reads it.
pub(crate) fn unescape(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        match byte(rest, at + 1) {
            b'n' => out.push(b'\n'),
            escaped @ (b'\\' | b'"') => out.push(escaped),
            0 => out.push(b'\\'),
            other => out.extend_from_slice(&[b'\\', other]),
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// Appends `value` with unknown escapes written as Go's expfmt takes them: `\d` becomes `\\d`.
pub(crate) fn normalise_escapes(value: &[u8], known: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..=at).unwrap_or_default());
        let next = byte(rest, at + 1);
        if known.contains(&next) {
            out.push(next);
            rest = rest.get(at + 2..).unwrap_or_default();
        } else {
            out.push(b'\\');
            rest = rest.get(at + 1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> (String, Vec<(String, String)>, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let read = Line::read(line.as_bytes());
        (
            text(read.name),
            read.labels()
                .map(|label| (text(label.name), text(label.value)))
                .collect(),
            text(read.rest),
        )
    }

    #[test]
    fn lines_come_apart_whatever_blanks_they_have() {
        for (line, labels, rest) in [
            ("m 1", vec![], "1"),
            ("m\t1\t2 ", vec![], "1\t2"),
            ("m{} 1", vec![], "1"),
            ("m { } 1", vec![], "1"),
            (r#"m{a="1"}2"#, vec![("a", "1")], "2"),
            (
                r#"m{a="1",b="}{,= "} 1 2"#,
                vec![("a", "1"), ("b", "}{,= ")],
                "1 2",
            ),
            (
                r#"m { a = "1" , b = "2" , } 1"#,
                vec![("a", "1"), ("b", "2")],
                "1",
            ),
            (
                r#"m{a="\\",b="\"}",c=""} 1"#,
                vec![("a", r"\\"), ("b", r#"\"}"#), ("c", "")],
                "1",
            ),
        ] {
            let labels = labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(
                parts(line),
                ("m".to_owned(), labels, rest.to_owned()),
                "{line}"
            );
        }
    }

    #[test]
    fn an_exemplar_can_be_left_out() {
        for (line, want) in [
            (r#"m_total{a=" # "} 1 # {b="c"} 2"#, "1"),
            (r#"m_total 1 3 # {b="\" # \""} 2 4"#, "1 3"),
            ("m_total 1", "1"),
        ] {
            assert_eq!(
                Line::read(line.as_bytes()).rest_without_exemplar(),
                want.as_bytes(),
                "{line}"
            );
        }
    }

    #[test]
    fn escapes_are_resolved_or_made_strict() {
        for (text, resolved, strict) in [
            (r"plain", "plain", r"plain"),
            (r"C:\dir", r"C:\dir", r"C:\\dir"),
            (r"a\\b\nc", "a\\b\nc", r"a\\b\nc"),
            (r#"\"q\""#, "\"q\"", r#"\"q\""#),
            (r"\é", r"\é", r"\\é"),
            (r"\\\x", r"\\x", r"\\\\x"),
        ] {
            let mut out = Vec::new();
            unescape(text.as_bytes(), &mut out);
            assert_eq!(out, resolved.as_bytes(), "{text}");
            out.clear();
            normalise_escapes(text.as_bytes(), b"\\\"n", &mut out);
            assert_eq!(out, strict.as_bytes(), "{text}");
        }
    }
}
