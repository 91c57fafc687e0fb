//! Spoiled pages. The scan compares each sample with the one before and checks only what is different; here the
//! same lines are checked in a surrounding in which it cannot do so, and the verdict must be the same.

use promfetch_core::exposition::Format;
use proptest::prelude::*;

use crate::families::Names;
use crate::reader::Pieces;
use crate::spoiler::{BYTES, spoil};
use crate::tape::{Tape, tape};
use crate::{good, merge_counted, openmetrics, scan, text};

/// The number of the line at fault; None when the page is good.
fn verdict(page: impl Into<Vec<u8>>, format: Format) -> Option<usize> {
    scan(page, format).err().map(|error| error.line)
}

fn names(tape: &mut Tape) -> Names {
    [Names::ByType, Names::Shared][tape.below(2)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn spoiled_text_is_judged_as_if_no_line_were_like_the_one_before(mut tape in tape(160)) {
        let names = names(&mut tape);
        let page = text::page(&mut tape, names);
        prop_assert_eq!(verdict(&*page, Format::Text), None, "{}", page);
        let spoiled = spoil(&mut tape, &page);
        let (found, want) = judge_text(&spoiled);
        prop_assert_eq!(found, want, "{}", String::from_utf8_lossy(&spoiled));
    }

    #[test]
    fn spoiled_openmetrics_is_judged_as_if_no_line_were_like_the_one_before(mut tape in tape(160)) {
        let names = names(&mut tape);
        let page = openmetrics::page(&mut tape, names);
        prop_assert_eq!(verdict(&*page, Format::OpenMetrics), None, "{}", page);
        let spoiled = spoil(&mut tape, &page);
        for (found, want) in judge_openmetrics(&spoiled) {
            prop_assert_eq!(found, want, "{}", String::from_utf8_lossy(&spoiled));
        }
    }

    #[test]
    fn what_the_scan_lets_through_can_be_merged(mut tape in tape(160), openmetrics in any::<bool>()) {
        let (format, page) = if openmetrics {
            (Format::OpenMetrics, openmetrics::page(&mut tape, Names::Shared))
        } else {
            (Format::Text, text::page(&mut tape, Names::Shared))
        };
        let first = good(&page, format);
        let spoiled = spoil(&mut tape, &page);
        if let Ok(second) = scan(spoiled, format) {
            let samples = first.samples() + second.samples();
            let (merged, duplicates) = merge_counted(&[first, second.into()], format);
            let found = good(&merged, format).samples();
            prop_assert_eq!(found + duplicates, samples, "{}", merged);
        }
    }

    #[test]
    fn no_bytes_make_the_scan_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for format in [Format::Text, Format::OpenMetrics] {
            let _ = scan(bytes.clone(), format);
        }
    }
}

/// Lines that resemble each other as on real pages, with labels in front and behind of what differs.
const TEXT: &str = r#"# TYPE h histogram
h_bucket{method="GET",path="/a",le="0.1"} 0
h_bucket{method="GET",path="/a",le="+Inf"} 1
h_bucket{method="GET",path="/b\\",le="0.1",} 2
h_count{method="GET",path="/b\\"} 1
h_count{method="PUT",path="/b\\",a="1"} 1
h_count{path="/b\\",method="PUT",a="1"} -0 5
{"h.i","a.b"="1",c="1"} 1
{"h.i","a.b"="1",c="2","d"="3"} 1
{"h.i","a.b"="2","d"="3"} 1
"#;
const OPENMETRICS: &str = r#"# TYPE h histogram
h_bucket{method="GET",path="/a",le="0.1"} 0
h_bucket{method="GET",path="/a",le="+Inf"} 1 # {a="1",b="2"} 1
h_bucket{method="GET",path="/b\\",le="+Inf"} 2
h_count{method="GET",path="/b\\"} 2
h_sum{method="GET",path="/b\\"} 2
# TYPE s stateset
s{s="on",a="1"} 0
s{s="off",a="1"} 1
# TYPE "s.t" stateset
{"s.t","s.t"="on","a"="1"} 0
{"s.t","s.t"="off","a"="1"} 1
# EOF
"#;

#[test]
fn one_wrong_byte_anywhere_is_judged_as_if_no_line_were_like_the_one_before() {
    assert_eq!(verdict(TEXT, Format::Text), None);
    for spoiled in one_byte_other(TEXT) {
        let (found, want) = judge_text(&spoiled);
        assert_eq!(found, want, "{}", String::from_utf8_lossy(&spoiled));
    }
    assert_eq!(verdict(OPENMETRICS, Format::OpenMetrics), None);
    for spoiled in one_byte_other(OPENMETRICS) {
        for (found, want) in judge_openmetrics(&spoiled) {
            assert_eq!(found, want, "{}", String::from_utf8_lossy(&spoiled));
        }
    }
}

/// The page without one byte, with another in its place, or with one more.
fn one_byte_other(page: &str) -> impl Iterator<Item = Vec<u8>> {
    let page = page.as_bytes();
    (0..page.len()).flat_map(move |at| {
        let with = move |end: usize, bytes: &[u8]| [&page[..at], bytes, &page[end..]].concat();
        BYTES
            .iter()
            .flat_map(move |byte| [with(at, &[*byte]), with(at + 1, &[*byte])])
            .chain([with(at + 1, &[])])
    })
}

#[test]
fn metadata_can_change_what_an_equal_line_means() {
    let line = "x_bucket{le=\"low\"} 1\n";
    assert_eq!(verdict([line, line].concat(), Format::Text), None);
    let page = [line, "# TYPE x histogram\n", line].concat();
    assert_eq!(verdict(page, Format::Text), Some(3), "`low` is no number");
}

/// What the scan says of the page, and what it must say.
fn judge_text(page: &[u8]) -> (Option<usize>, Option<usize>) {
    let (apart, numbers) = keep_apart(page);
    let want = verdict(apart, Format::Text).map(|line| numbers[line - 1]);
    (verdict(page, Format::Text), want)
}

/// The same for OpenMetrics, in two ways. Pages that are no UTF-8 are refused before any line is looked at.
fn judge_openmetrics(page: &[u8]) -> Vec<(Option<usize>, Option<usize>)> {
    let found = verdict(page, Format::OpenMetrics);
    match std::str::from_utf8(page) {
        Ok(page) => [0, 1]
            .map(|parity| (found, verdict(turn(page, parity), Format::OpenMetrics)))
            .to_vec(),
        Err(_) => vec![(found.map(|_| 0), Some(0))],
    }
}

/// Text: puts a sample of the same name with another label before each sample that has labels. Gives the page, and
/// for each of its lines the number of the line that it was.
fn keep_apart(page: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut apart, mut numbers) = (Vec::new(), Vec::new());
    for (number, line) in page.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let start = line.trim_ascii_start();
        let end = start
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')))
            .unwrap_or(start.len());
        let (name, rest) = start.split_at(end);
        let is_name = name.first().is_some_and(|first| !first.is_ascii_digit());
        if is_name && rest.trim_ascii_start().starts_with(b"{") {
            apart.extend_from_slice(name);
            apart.extend_from_slice(b"{keeps_apart=\"1\"} 1\n");
            numbers.push(number + 1);
        }
        if let Some(name) = name_in_braces(start) {
            apart.extend_from_slice(&[b"{", name, b",keeps_apart=\"1\"} 1\n"].concat());
            numbers.push(number + 1);
        }
        apart.extend_from_slice(line);
        numbers.push(number + 1);
    }
    // An error may stand after the last line feed.
    numbers.push(numbers.last().map_or(1, |last| last + 1));
    (apart, numbers)
}

/// The metric name in quotes that the line begins with behind its brace.
fn name_in_braces(line: &[u8]) -> Option<&[u8]> {
    let inside = blanks(line.strip_prefix(b"{")?);
    let mut end = 1;
    loop {
        match inside.strip_prefix(b"\"")?.get(end - 1)? {
            b'"' => break,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    let (name, rest) = inside.split_at(end + 1);
    matches!(blanks(rest).first()?, b',' | b'}').then_some(name)
}

fn blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// OpenMetrics: turns the labels round in every other line, where their order means nothing. A line thus begins
/// differently from the one before when there are two labels or more.
fn turn(page: &str, parity: usize) -> String {
    let lines = page
        .split_inclusive('\n')
        .enumerate()
        .map(|(number, line)| {
            let pieces = (number % 2 == parity)
                .then(|| Pieces::read(line))
                .flatten()
                .filter(|pieces| !pieces.labels.is_empty());
            let Some(Pieces { name, labels, rest }) = pieces else {
                return line.to_owned();
            };
            let written = |labels: &[(&str, &str)]| {
                let pairs: Vec<String> = labels
                    .iter()
                    .map(|(name, value)| format!("{name}=\"{value}\""))
                    .collect();
                let pairs = pairs.join(",");
                if name.starts_with('"') {
                    format!("{{{name},{pairs}}}{rest}")
                } else {
                    format!("{name}{{{pairs}}}{rest}")
                }
            };
            // The reader of this test is lenient. What it read must be all there is.
            if written(&labels) != line {
                return line.to_owned();
            }
            let turned: Vec<_> = labels.iter().rev().copied().collect();
            written(&turned)
        });
    lines.collect()
}
