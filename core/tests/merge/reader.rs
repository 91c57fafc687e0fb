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

/// A line in pieces as they stand there, names with their quotes if they have some. None when it is no sample, or one that is not written correctly.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) rest: &'a str,
}

impl<'a> Pieces<'a> {
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let line = line.trim_start_matches([' ', '\t']);
        let (mut name, mut rest) = word(line, ':');
        let mut labels = Vec::new();
        if let Some(inside) = blanks(rest).strip_prefix('{') {
            rest = blanks(inside);
            if name.is_empty() {
                (name, rest) = quoted(rest)?;
                rest = blanks(rest);
                rest = match rest.strip_prefix(',') {
                    Some(next) => blanks(next),
                    None => rest.starts_with('}').then_some(rest)?,
                };
            }
            while !rest.starts_with('}') {
                let (label, after) = quoted(rest).unwrap_or_else(|| word(rest, '_'));
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
        (!name.is_empty()).then_some(Self { name, labels, rest })
    }
}

/// A name with the quotes that it begins with, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let end = closing_quote(text.strip_prefix('"')?)?;
    Some(text.split_at(end + 2))
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
    page.trim_start_matches('\u{feff}')
        .lines()
        .map(|line| blanks(line.trim_end_matches('\r')))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let pieces = Pieces::read(line).unwrap_or_else(|| panic!("no sample: {line:?}"));
            let labels = pieces
                .labels
                .iter()
                .map(|(name, value)| (plain(name), unescape(value)))
                .collect();
            Sample {
                name: plain(pieces.name),
                labels,
                rest: rest(pieces.rest),
            }
        })
        .collect()
}

/// The name that is meant.
fn plain(name: &str) -> String {
    let inside = name
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    unescape(inside.unwrap_or(name))
}

/// Value, timestamp and exemplar, without quotes around names that need none.
fn rest(rest: &str) -> String {
    let mut text = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((value, exemplar)) = text.split_once(" # ") {
        let line = format!("exemplar{exemplar}");
        let pieces = Pieces::read(&line).unwrap_or_else(|| panic!("no exemplar: {exemplar:?}"));
        let labels: Vec<String> = pieces
            .labels
            .iter()
            .map(|(name, value)| {
                let plain = plain(name);
                let needs_none = word(&plain, '_').1.is_empty()
                    && !plain.starts_with(|c: char| c.is_ascii_digit());
                let name = if needs_none { &plain } else { *name };
                format!("{name}=\"{value}\"")
            })
            .collect();
        text = format!("{value} # {{{}}}{}", labels.join(","), pieces.rest);
    }
    text
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
    let dotted = samples(r#"{"m.n","a"="1","b\"c"="2"} 1 # {"d"="3"} 4"#);
    assert_eq!(
        samples(r#"{ "m.n" , "b\"c" = "2",a="1"} 1 # {d="3"} 4"#),
        dotted
    );
    assert_eq!(dotted[0].name, "m.n");
    assert_eq!(dotted[0].labels["b\"c"], "2");
}
