//! A second, slow and simple reader of sample lines, so that the scan is not checked with itself.

use std::collections::BTreeMap;

/// One sample. Samples with equal meaning are equal, however they are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub(crate) name: String,
    /// Values are unescaped; an escape that nobody knows stands for itself.
    pub(crate) labels: BTreeMap<String, String>,
    /// Value, timestamp and exemplar, one blank between them.
    pub(crate) rest: String,
}

/// A line in pieces as they stand there. None when it is no sample, or one that is not written correctly.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) rest: &'a str,
}

impl<'a> Pieces<'a> {
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let line = line.trim_start_matches([' ', '\t']);
        let (name, mut rest) = word(line, ':');
        if name.is_empty() {
            return None;
        }
        let mut labels = Vec::new();
        if let Some(inside) = blanks(rest).strip_prefix('{') {
            rest = blanks(inside);
            while !rest.starts_with('}') {
                let (label, after) = word(rest, '_');
                let value = blanks(blanks(after).strip_prefix('=')?).strip_prefix('"')?;
                let end = closing_quote(value)?;
                labels.push((label, &value[..end]));
                rest = blanks(&value[end + 1..]);
                match rest.strip_prefix(',') {
                    Some(next) => rest = blanks(next),
                    None if rest.starts_with('}') => {}
                    None => return None,
                }
            }
            rest = &rest[1..];
        }
        Some(Self { name, labels, rest })
    }
}

fn word(text: &str, also: char) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == also))
        .unwrap_or(text.len());
    text.split_at(end)
}

fn blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn closing_quote(value: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            '"' if !escaped => return Some(at),
            '\n' => return None,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}

/// The samples of a page in order.
pub(crate) fn samples(page: &str) -> Vec<Sample> {
    page.lines()
        .map(blanks)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let pieces = Pieces::read(line).unwrap_or_else(|| panic!("no sample: {line:?}"));
            let labels = pieces
                .labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), unescape(value)))
                .collect();
            Sample {
                name: pieces.name.to_owned(),
                labels,
                rest: pieces.rest.split_whitespace().collect::<Vec<_>>().join(" "),
            }
        })
        .collect()
}

fn unescape(value: &str) -> String {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, false) => out.push(c),
            _ => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '"')) => out.push(c),
                other => out.extend(['\\'].into_iter().chain(other)),
            },
        }
    }
    out
}

#[test]
fn equal_samples_are_equal_however_they_are_written() {
    let plain = samples("m{a=\"\\\\d\",b=\"\\\"\"} 1 2\n");
    for other in [
        "m{b=\"\\\"\",a=\"\\\\d\",} 1 2",
        "# HELP m\n\n\tm { a = \"\\d\" ,\tb = \"\\\"\" }1  2 \n# EOF\n",
    ] {
        assert_eq!(samples(other), plain, "{other}");
    }
    assert_ne!(samples("m{a=\"\\\\d\"} 1 2"), plain);
}
