//! Numbers: sample values, bucket bounds and timestamps.
//!
//! The grammar is what Prometheus takes: Go's `ParseFloat` without hexadecimal and underscores. A number that
//! overflows to infinity is refused there, so it is refused here.

use super::bytes::{DIGIT, LANES, byte, is, no_digits, skip};

/// The end of the number that begins at `at`, or None when there is none.
///
/// The caller checks that a delimiter follows: `1e` ends after the `1`.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize) -> Option<usize> {
    short_number(bytes, at).or_else(|| any_number(bytes, at))
}

/// The same for most numbers that occur: few digits, perhaps with a point and a short exponent.
///
/// There is no loop over the digits: how many they are cannot be predicted.
#[inline]
fn short_number(bytes: &[u8], at: usize) -> Option<usize> {
    let others = no_digits(bytes, at)?;
    let whole = others.trailing_zeros() as usize;
    let end = if byte(bytes, at + whole) == b'.' {
        (others & (others - 1)).trailing_zeros() as usize
    } else {
        whole
    };
    if whole == 0 || end >= LANES {
        return None;
    }
    let end = at + end;
    if byte(bytes, end) | 0x20 != b'e' {
        return Some(end);
    }
    let power = end + 1 + usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
    let is_digit = |at: usize| is(byte(bytes, at), DIGIT);
    let end = power + 1 + usize::from(is_digit(power + 1));
    (is_digit(power) && !is_digit(end)).then_some(end)
}

/// The same for all numbers. Kept out of the way of the others.
#[inline(never)]
fn any_number(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(matches!(byte(bytes, at), b'+' | b'-'));
    let whole = skip(bytes, start, DIGIT);
    let (end, digits) = if byte(bytes, whole) == b'.' {
        let end = skip(bytes, whole + 1, DIGIT);
        (end, end - start - 1)
    } else {
        (whole, whole - start)
    };
    if digits == 0 {
        return word_number(bytes, start, start > at);
    }
    if byte(bytes, end) | 0x20 == b'e' || digits > MANY {
        return with_exponent(bytes, at, end, digits);
    }
    Some(end)
}

/// f64 reaches to 1.8e308: fewer digits than this and an exponent of two digits cannot overflow.
const MANY: usize = 200;

/// The end of the number that begins at `at` and has its digits up to `end`.
fn with_exponent(bytes: &[u8], at: usize, mut end: usize, digits: usize) -> Option<usize> {
    let mut exponent = 0;
    if byte(bytes, end) | 0x20 == b'e' {
        let power = end + 1 + usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
        let power_end = skip(bytes, power, DIGIT);
        exponent = power_end - power;
        if exponent > 0 {
            end = power_end;
        }
    }
    if (exponent > 2 || digits > MANY) && !value(bytes.get(at..end)?).is_finite() {
        return None;
    }
    Some(end)
}

/// `inf` and `infinity` with or without sign, `nan` without, in any case.
#[cold]
fn word_number(bytes: &[u8], start: usize, signed: bool) -> Option<usize> {
    let rest = bytes.get(start..)?;
    let is_word = |word: &str| {
        rest.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    };
    ["infinity", "inf", "nan"]
        .into_iter()
        .find(|word| is_word(word) && !(signed && *word == "nan"))
        .map(|word| start + word.len())
}

/// Whether all of `bytes` is one number.
pub(super) fn is_number(bytes: &[u8]) -> bool {
    number(bytes, 0) == Some(bytes.len())
}

/// The value of a number that [`number`] accepted.
pub(super) fn value(bytes: &[u8]) -> f64 {
    short_value(bytes).unwrap_or_else(|| {
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(f64::NAN)
    })
}

/// The value when it has at most 15 digits, perhaps with a point: digits and power of ten are exact then, so that
/// their quotient is the nearest number (Clinger, "How to read floating point numbers accurately", 1990).
fn short_value(bytes: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (mut digits, mut point, mut number) = (0, None, 0u64);
    for byte in bytes {
        match byte {
            b'0'..=b'9' if digits < 15 => {
                digits += 1;
                number = number * 10 + u64::from(byte - b'0');
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let fraction: usize = digits - point.unwrap_or(digits);
    (digits > 0).then_some(number as f64 / POWERS.get(fraction)?)
}

/// The end of a text timestamp (milliseconds, digits only, at most 63 bits), or None.
#[inline]
pub(super) fn milliseconds(bytes: &[u8], at: usize) -> Option<usize> {
    let end = skip(bytes, at, DIGIT);
    let digits = bytes.get(at..end)?;
    let fits = match digits.len() {
        0 => false,
        1..=18 => true,
        _ => std::str::from_utf8(digits).is_ok_and(|text| text.parse::<i64>().is_ok()),
    };
    fits.then_some(end)
}

/// An OpenMetrics timestamp in seconds, kept as `prometheus_client` keeps it, so that it orders alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stamp {
    /// Without exponent: whole seconds and nanoseconds.
    Decimal(i64, i32),
    /// With exponent, or without whole part.
    Float(f64),
}

impl Stamp {
    /// Reads a number that [`number`] accepted. None when it is not finite or beyond 63 bits.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let seconds = value(bytes);
        if seconds.is_nan() || seconds.abs() >= 9e18 {
            return None;
        }
        let mut parts = bytes.splitn(2, |byte| *byte == b'.');
        let whole = parts
            .next()
            .and_then(|part| std::str::from_utf8(part).ok())
            .and_then(|part| part.parse::<i64>().ok());
        let fraction = parts.next().unwrap_or_default();
        match whole {
            Some(whole) if fraction.iter().all(|byte| is(*byte, DIGIT)) => {
                let nanos = (0..9).fold(0i32, |sum, place| {
                    sum * 10 + i32::from(fraction.get(place).map_or(0, |digit| digit - b'0'))
                });
                Some(Self::Decimal(whole, if whole < 0 { -nanos } else { nanos }))
            }
            _ => Some(Self::Float(seconds)),
        }
    }

    /// The order of two timestamps; None when they are written in different ways, which strict readers cannot compare.
    pub(super) fn compare(self, other: Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Decimal(a, b), Self::Decimal(c, d)) => Some((a, b).cmp(&(c, d))),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_prometheus_reads() {
        for text in [
            "0",
            "1",
            "-1",
            "+1",
            "1.5",
            "1.",
            ".5",
            "-.5",
            "1e5",
            "1E+5",
            "1e-400",
            "1e-99",
            "9e+99",
            "1.7976931348623157e308",
            "Inf",
            "+Inf",
            "-inf",
            "INFINITY",
            "-Infinity",
            "NaN",
            "nan",
            "00012",
            "123456789012345678901234567890",
        ] {
            assert!(is_number(text.as_bytes()), "{text}");
        }
        for (text, why) in [
            ("", "nothing"),
            ("+", "a sign alone"),
            (".", "a point alone"),
            ("e5", "no digits"),
            ("1.2.3", "two points"),
            ("1..", "two points"),
            ("1e", "no exponent"),
            ("1e+", "no exponent"),
            ("1e400", "overflows: Go reports a range error"),
            ("0x1p-2", "hexadecimal is not allowed"),
            ("0x1A", "hexadecimal is not allowed"),
            ("1_000", "underscores are not allowed"),
            ("+NaN", "Go takes no sign before NaN"),
            ("infi", "not a word"),
            ("1 ", "a blank"),
            ("1\r", "a carriage return"),
            ("١", "digits are ASCII"),
        ] {
            assert!(!is_number(text.as_bytes()), "{text:?}: {why}");
        }
        assert!(!is_number(&[b'9'; 400]), "400 digits overflow");
    }

    #[test]
    fn short_numbers_end_where_all_numbers_do() {
        let digits = "1234567890123456789";
        let mut texts: Vec<String> = (0..20).map(|length| digits[..length].to_owned()).collect();
        for point in 0..18 {
            texts.push(format!("{}.{}", &digits[..point], &digits[point..18]));
            texts.push(format!("{}.{}", &digits[..point], &digits[..3]));
        }
        for text in texts.clone() {
            for power in [
                "e", "e5", "E+15", "e-7", "e+", "e100", "e+1000", ".", "x", ":", "/",
            ] {
                texts.push(format!("{text}{power}"));
            }
        }
        let mut short = 0;
        for text in texts {
            for after in ["\n", " 17\n", "\nnext{a=\"b\"} 123456789012345678"] {
                let line = format!("{text}{after}");
                if let Some(end) = short_number(line.as_bytes(), 0) {
                    assert_eq!(Some(end), any_number(line.as_bytes(), 0), "{line:?}");
                    short += 1;
                }
            }
        }
        assert!(short > 300, "{short}");
    }

    #[test]
    fn values_are_exact() {
        for (text, want) in [
            ("0", 0.0),
            ("15", 15.0),
            ("999999999999999", 999_999_999_999_999.0),
            ("-2.5", -2.5),
            ("1e3", 1000.0),
            ("0.1", 0.1),
            ("5.", 5.0),
            (".25", 0.25),
            ("12345.6789012345", 12345.6789012345),
            ("0.00000000000001", 1e-14),
            ("0.000000000000001", 1e-15),
            ("123456789012345.6", 123_456_789_012_345.6),
        ] {
            assert_eq!(value(text.as_bytes()), want);
        }
        assert!(value(b"nan").is_nan());
        assert_eq!(value(b"+Inf"), f64::INFINITY);
    }

    #[test]
    fn text_timestamps_are_digits_of_63_bits() {
        for (text, end) in [
            ("0", Some(1)),
            ("1395066363000", Some(13)),
            ("9223372036854775807", Some(19)),
        ] {
            assert_eq!(milliseconds(text.as_bytes(), 0), end, "{text}");
        }
        for text in ["", "-1", "+1", "9223372036854775808", "x"] {
            assert_eq!(milliseconds(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn stamps_compare_as_in_prometheus_client() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let read = |text: &str| Stamp::read(text.as_bytes());
        for (a, b, want) in [
            ("1", "2", Some(Less)),
            ("1.5", "1.50", Some(Equal)),
            ("1.0000000001", "1", Some(Equal)), // nanoseconds at most
            ("-1.5", "-1", Some(Less)),
            ("1e3", "1.5e3", Some(Less)),
            ("1.600000000e+09", "1600000000", None),
            ("2.", "1.9", Some(Greater)),
        ] {
            assert_eq!(
                read(a).unwrap().compare(read(b).unwrap()),
                want,
                "{a} with {b}"
            );
        }
        for text in ["NaN", "+Inf", "1e300", "99999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
