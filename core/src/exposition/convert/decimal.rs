//! Numbers in decimal: exactly for times, and as short as can be for values.

/// The number in `text` times 10^`places`; what is smaller than 1 is cut off. None when it is not finite, or has more
/// than 30 digits.
///
/// Floating point would not do: 1700000000.123 seconds are 1700000000122.99… milliseconds there.
pub(super) fn scaled(text: &str, places: i64) -> Option<i128> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match digits.iter().position(|byte| byte | 0x20 == b'e') {
        Some(at) => {
            let power = std::str::from_utf8(digits.get(at + 1..)?).ok()?;
            let is_number = power
                .trim_start_matches(['+', '-'])
                .bytes()
                .all(|byte| byte.is_ascii_digit());
            // Beyond 64 bits it is as good as infinite, in either direction.
            let power = power.parse().unwrap_or(if power.starts_with('-') {
                -1 << 40
            } else {
                1 << 40
            });
            (digits.get(..at)?, is_number.then_some(power)?)
        }
        None => (digits, 0),
    };
    let point = mantissa
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(mantissa.len());
    let mut digits = mantissa.iter().filter(|byte| **byte != b'.');
    // How many digits are wanted, counted from the first one.
    let wanted = (point as i64)
        .saturating_add(exponent)
        .saturating_add(places);
    let mut number: i128 = 0;
    for taken in 0..wanted.max(0) {
        let Some(digit) = digits.next() else {
            if number == 0 {
                break;
            }
            let zeros = u32::try_from(wanted - taken).ok()?;
            number = number.checked_mul(10i128.checked_pow(zeros)?)?;
            break;
        };
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    if digits.any(|byte| !byte.is_ascii_digit()) || number >= 10i128.pow(30) {
        return None;
    }
    Some(if negative { -number } else { number })
}

/// Appends `number` divided by 10^`places`, without zeros at the end.
pub(super) fn fraction(number: i128, places: u32, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let scale = 10u128.pow(places);
    let number = number.unsigned_abs();
    out.extend_from_slice((number / scale).to_string().as_bytes());
    let rest = number % scale;
    if rest > 0 {
        let digits = format!("{rest:0width$}", width = places as usize);
        out.push(b'.');
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

/// Appends a number as Go's `strconv` writes it with the format `g` and the fewest digits: `1`, `0.25`, `1e-07` is
/// `1e-7` here, `+Inf`.
pub(super) fn float(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    } else if size == 0.0 || (1e-4..1e21).contains(&size) {
        out.extend_from_slice(value.to_string().as_bytes());
    } else {
        out.extend_from_slice(format!("{value:e}").as_bytes());
    }
}

/// The same, but always with a point or an exponent, as OpenMetrics wants the bounds of buckets ("canonical numbers").
pub(super) fn canonical_float(value: f64, out: &mut Vec<u8>) {
    let start = out.len();
    float(value, out);
    let written = out.get(start..).unwrap_or_default();
    if value.is_finite() && !written.iter().any(|byte| matches!(byte, b'.' | b'e')) {
        out.extend_from_slice(b".0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_without_noise() {
        for (text, places, want) in [
            ("1700000000.123", 3, Some(1_700_000_000_123)),
            ("1700000000.1239", 3, Some(1_700_000_000_123)), // cut down, not rounded
            ("-1.0009", 3, Some(-1000)),                     // towards zero
            ("1.6e+09", 3, Some(1_600_000_000_000)),
            ("16e8", 3, Some(1_600_000_000_000)),
            ("1600000000000e-3", 3, Some(1_600_000_000_000)),
            (".5", 3, Some(500)),
            ("5.", 3, Some(5000)),
            ("+5", 0, Some(5)),
            ("0e99999999999999999999", 3, Some(0)),
            ("1e-99999999999999999999", 3, Some(0)),
            ("1e99999999999999999999", 3, None),
            ("1e30", 3, None),
            (
                "9223372036854775807",
                3,
                Some(9_223_372_036_854_775_807_000),
            ),
            ("000000000000000000000000000000000000000000001", 0, Some(1)),
            ("NaN", 3, None),
            ("+Inf", 3, None),
            ("infinity", 3, None),
        ] {
            assert_eq!(scaled(text, places), want, "{text}");
        }
    }

    #[test]
    fn times_are_written_without_zeros_at_the_end() {
        for (number, places, want) in [
            (1_700_000_000_000, 3, "1700000000"),
            (1_700_000_000_120, 3, "1700000000.12"),
            (-5, 3, "-0.005"),
            (0, 3, "0"),
            (1, 9, "0.000000001"),
        ] {
            let mut out = Vec::new();
            fraction(number, places, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn floats_have_the_fewest_digits() {
        for (value, want, canonical) in [
            (0.0, "0", "0.0"),
            (-0.0, "-0", "-0.0"),
            (1.0, "1", "1.0"),
            (0.25, "0.25", "0.25"),
            (1e15, "1000000000000000", "1000000000000000.0"),
            (
                9_007_199_254_740_992.0,
                "9007199254740992",
                "9007199254740992.0",
            ),
            (1e21, "1e21", "1e21"),
            (1e-7, "1e-7", "1e-7"),
            (f64::MAX, "1.7976931348623157e308", "1.7976931348623157e308"),
            (f64::INFINITY, "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Inf", "-Inf"),
            (f64::NAN, "NaN", "NaN"),
        ] {
            let (mut plain, mut with_point) = (Vec::new(), Vec::new());
            float(value, &mut plain);
            canonical_float(value, &mut with_point);
            assert_eq!(String::from_utf8(plain).unwrap(), want);
            assert_eq!(String::from_utf8(with_point).unwrap(), canonical);
        }
    }
}
