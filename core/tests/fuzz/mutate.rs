//! Spoils pages. The result is often wrong in one place, and often enough still right.

use promfetch_core::exposition::Format;

use crate::corpus::{Corpus, FORMATS};
use crate::random::Random;

/// What means something to a scanner of lines.
const WORDS: &[&[u8]] = &[
    b"# TYPE ",
    b"# HELP ",
    b"# UNIT ",
    b"# EOF\n",
    b" counter\n",
    b" gauge\n",
    b" histogram\n",
    b" summary\n",
    b" untyped\n",
    b" unknown\n",
    b" gaugehistogram\n",
    b" stateset\n",
    b" info\n",
    b"_total",
    b"_created",
    b"_bucket",
    b"_sum",
    b"_count",
    b"_gsum",
    b"_gcount",
    b"_info",
    b"le=\"+Inf\"",
    b"le=\"",
    b"quantile=\"0.5\"",
    b"{",
    b"}",
    b",",
    b"=",
    b"\"",
    b"\\",
    b"\\n",
    b"\\\"",
    b" ",
    b"\t",
    b"\n",
    b"\r\n",
    b" # {a=\"b\"} 1",
    b" # {} 1 2.5",
    b"NaN",
    b"+Inf",
    b"-Inf",
    b"-0",
    b"1e400",
    b"0.1",
    b" 1700000000000",
    b" -1.5",
    b"{\"a b\"} 1\n",
    b"\"a.b\"",
    b"index=\"0\",",
    b"__name__=\"x\"",
    b"exported_index=\"1\",",
    b"promfetch_up 1\n",
    b"\xff",
    b"\0",
    b"\xc3\xa9",
    b"a",
    b":",
    b"_",
];

/// Keys of fields, and numbers at the edges.
const FIELDS: &[&[u8]] = &[
    b"\x0a\x01a",
    b"\x12\x00",
    b"\x18\x00",
    b"\x18\x04",
    b"\x18\x05",
    b"\x18\x07",
    b"\x22\x00",
    b"\x2a\x01s",
    b"\x22\x02\x0a\x00",
    b"\x09\0\0\0\0\0\0\xf0\x3f",
    b"\x11\0\0\0\0\0\0\xf8\x7f",
    b"\x08\x01",
    b"\x30\x01",
    b"\x3a\x00",
    b"\x1a\x00",
    b"\x28\x10",
    b"\x62\x04\x08\x00\x10\x01",
    b"\x68\x02",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x80",
    b"\x7f",
    b"\0",
    b"\x80\x08",
    b"\x0a\x0a\x0a\x05index\x12\x010",
    b"\x7a\x02\x08\x01",
    b"\xff",
];

/// A piece of some page with some mistakes, and the format as which it is read.
pub(crate) fn page(random: &mut Random, corpus: &Corpus) -> (Vec<u8>, Format) {
    let format = *random.pick(&FORMATS);
    let pages = corpus.of(format);
    let most = if random.once_in(20) { 400 } else { 24 };
    let mut body = piece(random, &pages, most);
    for _ in 0..random.below(3) {
        // Families of several programs in one page.
        let other = piece(random, &pages, 8);
        body.extend(other);
    }
    let words = if format == Format::Protobuf {
        FIELDS
    } else {
        WORDS
    };
    for _ in 0..random.below(5) {
        change(random, &mut body, words);
    }
    let mut body = body.concat();
    for _ in 0..random.below(3) {
        spoil(random, &mut body, words);
    }
    if format == Format::OpenMetrics && !random.once_in(10) {
        body.extend(b"# EOF\n");
    }
    // Now and then as something that it is not.
    let format = if random.once_in(50) {
        *random.pick(&FORMATS)
    } else {
        format
    };
    (body, format)
}

/// Some lines or messages that follow each other. The end of an OpenMetrics page comes later.
fn piece(random: &mut Random, pages: &[&[Vec<u8>]], most: usize) -> Vec<Vec<u8>> {
    let page = random.pick(pages);
    let from = random.below(page.len());
    let until = (from + 1 + random.below(most)).min(page.len());
    let pieces = page[from..until]
        .iter()
        .filter(|piece| !piece.starts_with(b"# EOF"));
    pieces.cloned().collect()
}

/// Changes whole lines or messages.
fn change(random: &mut Random, pieces: &mut Vec<Vec<u8>>, words: &[&[u8]]) {
    let (one, other) = (random.below(pieces.len()), random.below(pieces.len()));
    if pieces.is_empty() {
        return;
    }
    match random.below(5) {
        0 => pieces.swap(one, other),
        1 => pieces.insert(one, pieces[other].clone()),
        2 => drop(pieces.remove(one)),
        3 => {
            let word = *random.pick(words);
            let piece = &mut pieces[one];
            let at = random.below(piece.len() + 1);
            piece.splice(at..at, word.iter().copied());
        }
        _ => {
            // The head of one, the tail of another.
            let cut = random.below(pieces[other].len());
            let tail = pieces[other][cut..].to_vec();
            let at = random.below(pieces[one].len());
            pieces[one].truncate(at);
            pieces[one].extend(tail);
        }
    }
}

/// Changes bytes.
fn spoil(random: &mut Random, body: &mut Vec<u8>, words: &[&[u8]]) {
    let at = random.below(body.len());
    if body.is_empty() {
        return;
    }
    match random.below(6) {
        0 => body[at] ^= 1 << random.below(8),
        1 => drop(body.remove(at)),
        2 => body.truncate(at),
        3 => body[at] = random.number() as u8,
        4 => {
            let until = (at + random.below(8)).min(body.len());
            drop(body.drain(at..until));
        }
        _ => {
            let word = *random.pick(words);
            let until = (at + word.len()).min(body.len());
            body.splice(at..until, word.iter().copied());
        }
    }
}
