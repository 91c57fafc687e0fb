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
pub(super) fn skip(bytes: &[u8], at: usize, class: u8) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !is(*byte, class))
        .unwrap_or(rest.len())
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

/// How many of the first `most` bytes from `a` and from `b` on are equal.
#[inline]
pub(super) fn common_prefix(bytes: &[u8], a: usize, b: usize, most: usize) -> usize {
    let from = |at: usize| bytes.get(at..).unwrap_or_default();
    let (left, right) = (from(a), from(b));
    let mut equal = 0;
    for (left, right) in left.as_chunks().0.iter().zip(right.as_chunks().0) {
        let differ = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if differ != 0 {
            return most.min(equal + first_byte(differ));
        }
        equal += WORD;
        if equal >= most {
            return most;
        }
    }
    // The body ends here.
    let rest = left.iter().zip(right).take(most).skip(equal);
    equal + rest.take_while(|(left, right)| left == right).count()
}

/// The offset of the first `"`, `\` or line feed from `at` on, or the length of `bytes`.
///
/// Label values are short: a call of memchr costs more than it saves on them.
#[inline]
pub(super) fn value_stop(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let (chunks, tail) = rest.as_chunks();
    for (place, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let hits =
            zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b'\\')) | zeros(word ^ repeat(b'\n'));
        if hits != 0 {
            return at + WORD * place + first_byte(hits);
        }
    }
    let stop = tail
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | b'\n'))
        .unwrap_or(tail.len());
    at + rest.len() - tail.len() + stop
}

/// The offset of the first line feed from `at` on, or the length of `bytes`. For the end of a line.
#[inline]
pub(super) fn line_feed(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let feeds = zeros(word ^ repeat(b'\n'));
        if feeds != 0 {
            return at + first_byte(feeds);
        }
        at += WORD;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// Bytes that are looked at in one step, as one integer: the first is the lowest.
const WORD: usize = 8;

/// Bytes of which [`no_digits`] tells.
pub(super) const LANES: usize = 16;

/// Which of the sixteen bytes from `at` on are no decimal digits: one bit for each, the lowest for the first, and one
/// for what comes after them. None near the end.
#[inline]
pub(super) fn no_digits(bytes: &[u8], at: usize) -> Option<u32> {
    let lanes = bytes.get(at..)?.first_chunk::<LANES>()?;
    let half = |word: u64| {
        // Digits become 0 to 9, all others more; adding 118 then sets the high bit of what is more than 9.
        let offsets = word ^ repeat(b'0');
        let others = (((offsets & repeat(0x7f)) + repeat(0x80 - 10)) | offsets) & repeat(0x80);
        // The product gathers the high bits in the highest byte.
        ((others >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    };
    let lanes = u128::from_le_bytes(*lanes);
    Some(half(lanes as u64) | half((lanes >> 64) as u64) << 8 | 1 << LANES)
}

/// The place of the first byte that has a bit set.
#[inline]
const fn first_byte(word: u64) -> usize {
    word.trailing_zeros() as usize / 8
}

/// The high bit of each zero byte. Bits above the lowest one may be wrong (a borrow runs upward); the lowest is right.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; WORD])
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
    fn common_prefixes_end_at_the_first_difference_or_at_the_bound() {
        let bytes = b"metric{a=\"1\"} 1\nmetric{a=\"2\"} 1\nmetric{a=\"2\"} 1";
        assert_eq!(common_prefix(bytes, 0, 16, 100), 10);
        assert_eq!(common_prefix(bytes, 0, 16, 7), 7);
        assert_eq!(common_prefix(bytes, 16, 32, 100), 15, "ends with the body");
        assert_eq!(common_prefix(bytes, 16, 32, 0), 0);
        assert_eq!(common_prefix(bytes, 16, 32, 12), 12);
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
