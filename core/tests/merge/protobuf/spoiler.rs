//! Spoils pages: bytes at random, and single fields with all lengths kept right, which gets further.

use prost::encoding::{decode_varint, encode_varint};

use crate::tape::Tape;

/// Changes bytes somewhere.
pub(crate) fn bytes(tape: &mut Tape, page: &mut Vec<u8>) {
    if page.is_empty() {
        return;
    }
    let at = tape.below(page.len());
    let other = tape.below(page.len());
    match tape.below(8) {
        0 => page[at] = page[other],
        1 => drop(page.remove(at)),
        2 => page.insert(at, tape.below(256) as u8),
        3 => page.truncate(at),
        4 => page.swap(at, other),
        5 => page[at] ^= 1 << tape.below(8),
        6 => page[at] = page[at].wrapping_add(1),
        _ => page[at] = tape.below(256) as u8,
    }
}

/// Changes a field somewhere in one of the families.
pub(crate) fn field(tape: &mut Tape, page: &[u8]) -> Vec<u8> {
    let mut rest = page;
    let mut families = Vec::new();
    while let Some(family) = delimited(&mut rest) {
        families.push(family.to_vec());
    }
    let at = tape.below(families.len());
    let mut page = Vec::new();
    for (place, family) in families.into_iter().enumerate() {
        let family = if place == at {
            message(tape, &family, 0).unwrap_or(family)
        } else {
            family
        };
        encode_varint(family.len() as u64, &mut page);
        page.extend(family);
    }
    page
}

/// A field: its tag, and its value without a length.
#[derive(Clone)]
struct Field {
    tag: u64,
    value: Vec<u8>,
}

/// The message with one of its fields changed. None when it is no message.
fn message(tape: &mut Tape, message: &[u8], depth: usize) -> Option<Vec<u8>> {
    let mut fields = read(message)?;
    if fields.is_empty() {
        return Some(vec![0x08, tape.below(128) as u8]);
    }
    let at = tape.below(fields.len());
    let other = tape.below(fields.len());
    match tape.below(12) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(other, fields[at].clone()),
        2 => fields.swap(at, other),
        3 => fields[at].tag = fields[at].tag.wrapping_add(8),
        4 => fields[at].tag = (tape.below(20) as u64) << 3 | fields[at].tag & 7,
        _ => fields[at].value = value(tape, &fields[at], depth),
    }
    let mut written = Vec::new();
    for Field { tag, value } in fields {
        encode_varint(tag, &mut written);
        if tag & 7 == 2 {
            encode_varint(value.len() as u64, &mut written);
        }
        written.extend(value);
    }
    Some(written)
}

fn value(tape: &mut Tape, field: &Field, depth: usize) -> Vec<u8> {
    let numbers = [0, 1, 2, 3, 4, 5, 9, 127, 1 << 31, 1 << 62, u64::MAX];
    match field.tag & 7 {
        0 => {
            let mut value = Vec::new();
            encode_varint(numbers[tape.below(numbers.len())], &mut value);
            value
        }
        1 => {
            let doubles = [
                0.0,
                1.0,
                -1.0,
                0.5,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                1e300,
            ];
            doubles[tape.below(doubles.len())].to_le_bytes().to_vec()
        }
        2 if depth < 4 && !tape.rarely(8) => {
            message(tape, &field.value, depth + 1).unwrap_or_else(|| text(tape).into())
        }
        2 => text(tape).into(),
        _ => vec![0; 4],
    }
}

fn text(tape: &mut Tape) -> &'static [u8] {
    let texts: [&[u8]; 8] = [
        b"",
        b"a",
        b"le",
        b"quantile",
        b"__name__",
        b"index",
        "é".as_bytes(),
        b"\xff",
    ];
    texts[tape.below(texts.len())]
}

fn read(mut message: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = decode_varint(&mut message).ok()?;
        let value = match tag & 7 {
            0 => {
                let before = message;
                decode_varint(&mut message).ok()?;
                &before[..before.len() - message.len()]
            }
            1 => message.split_off(..8)?,
            2 => delimited(&mut message)?,
            5 => message.split_off(..4)?,
            _ => return None,
        };
        fields.push(Field {
            tag,
            value: value.to_vec(),
        });
    }
    Some(fields)
}

fn delimited<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = decode_varint(rest).ok()?;
    rest.split_off(..usize::try_from(length).ok()?)
}
