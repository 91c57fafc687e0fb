//! Byte classes, and the search for the end of a quoted value.

/// May stand in a metric name after its first byte.
pub(super) const NAME: u8 = 1;
/// May stand in a label name after its first byte.
pub(super) const LABEL: u8 = 2;
/// May begin a metric name.
pub(super) const NAME_START: u8 = 4;
/// May begin a label name.
pub(super) const LABEL_START: u8 = 8;
/// A decimal digit.
pub(super) const DIGIT: u8 = 16;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => NAME | LABEL | NAME_START | LABEL_START,
            b'0'..=b'9' => NAME | LABEL | DIGIT,
            b':' => NAME | NAME_START,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// Whether the byte is in the class.
#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// The byte at `at`, or 0 at the end: bodies hold no NUL (the scan checks that first), so 0 means the end.
#[inline]
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    match bytes.get(at) {
        Some(byte) => *byte,
        None => 0,
    }
}

/// The first offset from `at` on whose byte is not in the class.
#[inline]
pub(super) fn skip(bytes: &[u8], mut at: usize, class: u8) -> usize {
    while is(byte(bytes, at), class) {
        at += 1;
    }
    at
}

/// The first offset from `at` on that is neither blank nor tab.
#[inline]
pub(super) fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\t') {
        at += 1;
    }
    at
}

/// Eight bytes from `at` on, the first in the lowest place; None near the end.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let chunk = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*chunk))
}

/// The offset of the first `"`, `\` or line feed from `at` on, or the length of `bytes`.
///
/// Eight bytes at a time: label values are short, and a call of memchr costs more than it saves on them.
#[inline]
pub(super) fn value_stop(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let hits =
            zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b'\\')) | zeros(word ^ repeat(b'\n'));
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < bytes.len() && !matches!(byte(bytes, at), b'"' | b'\\' | b'\n') {
        at += 1;
    }
    at
}

const fn repeat(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The high bit of each zero byte. Bits above the lowest one may be wrong (a borrow runs upward); the lowest is right.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stops_at_quote_backslash_or_line_feed_wherever_it_stands() {
        for stop in [b'"', b'\\', b'\n'] {
            for length in 0..40 {
                for at in 0..length {
                    let mut text = vec![b'!'; length]; // one below `"`: the borrow must not mislead
                    text[at] = stop;
                    text.extend_from_slice(b"\"\\\n#]\x0b");
                    assert_eq!(value_stop(&text, 0), at, "{stop} at {at} of {length}");
                }
            }
        }
        assert_eq!(value_stop(b"none here at all", 3), 16);
        assert_eq!(
            value_stop("éü\u{a2}\u{dc}\"".as_bytes(), 0),
            8,
            "bytes above 127 do not look like a quote"
        );
    }

    #[test]
    fn classes_follow_the_data_model() {
        for byte in 0..=255u8 {
            let letter = byte.is_ascii_alphabetic() || byte == b'_';
            assert_eq!(is(byte, LABEL_START), letter);
            assert_eq!(is(byte, LABEL), letter || byte.is_ascii_digit());
            assert_eq!(is(byte, NAME_START), letter || byte == b':');
            assert_eq!(
                is(byte, NAME),
                letter || byte == b':' || byte.is_ascii_digit()
            );
            assert_eq!(is(byte, DIGIT), byte.is_ascii_digit());
        }
    }
}
