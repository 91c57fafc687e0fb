//! Readers of single values, in the forms that Go's YAML package takes: promfetcher's files are written for it.
//!
//! Each returns the value, or a clause that says what is allowed. The clause never holds the value: it may be a secret.

use std::time::Duration;

use ipnet::IpNet;

/// Go's longest duration: 2^63 - 1 nanoseconds, about 292 years.
const LONGEST: u128 = i64::MAX as u128;

/// What a duration looks like, for messages.
const DURATION_FORM: &str = "expected a duration such as `20s`, `1h30m` or `300ms`";

/// `true`, `yes`, `on`, `y` and their opposites, in any case. `1` and `0` are taken too, as is usual in environments.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "1" => Ok(true),
        "false" | "no" | "off" | "n" | "0" => Ok(false),
        _ => Err("expected `true` or `false` (also `yes`, `no`, `on`, `off`)".into()),
    }
}

/// A whole number, as Go reads it: `0x1f`, `0b11`, `0o17`, and **octal after a leading zero**: `010` is 8. Underscores are skipped.
pub fn integer(text: &str) -> Result<u64, String> {
    let plain = text.trim().replace('_', "");
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..).unwrap_or_default(), 16),
        [b'0', b'b' | b'B', ..] => (digits.get(2..).unwrap_or_default(), 2),
        [b'0', b'o' | b'O', ..] => (digits.get(2..).unwrap_or_default(), 8),
        [b'0', _, ..] => (digits.get(1..).unwrap_or_default(), 8),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return Err(
            if radix == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                "expected a whole number; after a leading zero it is octal and has no 8 or 9".into()
            } else {
                "expected a whole number".into()
            },
        );
    }
    u64::from_str_radix(digits, radix).map_err(|_| "expected a smaller number".into())
}

/// Bytes: a whole number, or one with the suffix `KiB`, `MiB` or `GiB`.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    // Hexadecimal, octal and binary make sense without a suffix only.
    if let Ok(bytes) = integer(text) {
        return Ok(bytes);
    }
    let number_ends = text
        .find(|character: char| !(character.is_ascii_digit() || character == '_'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(number_ends);
    let shift = match suffix.trim_start().to_ascii_lowercase().as_str() {
        "" => return integer(text),
        "kib" => 10,
        "mib" => 20,
        "gib" => 30,
        _ => return Err(
            "expected a size in bytes, or with one of the suffixes KiB, MiB, GiB, such as `64MiB`"
                .into(),
        ),
    };
    let count: u64 = number
        .replace('_', "")
        .parse()
        .map_err(|_| "expected a whole number before the suffix".to_owned())?;
    count
        .checked_mul(1 << shift)
        .ok_or_else(|| "expected a smaller size".into())
}

/// A duration as Go's `time.ParseDuration` reads it: `20s`, `1h30m`, `1.5h`, `300ms`. A bare whole number counts **nanoseconds**.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err("expected a duration that is not negative".into());
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned.is_empty() {
        return Err(DURATION_FORM.into());
    }
    let nanoseconds = if unsigned
        .bytes()
        .any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
        && !unsigned.starts_with("0x")
    {
        components(unsigned)?
    } else {
        u128::from(integer(unsigned).map_err(|_| DURATION_FORM.to_owned())?)
    };
    match u64::try_from(nanoseconds) {
        Ok(nanoseconds) if u128::from(nanoseconds) <= LONGEST => {
            Ok(Duration::from_nanos(nanoseconds))
        }
        _ => Err("expected a shorter duration".into()),
    }
}

/// `1h30m1.5s` in nanoseconds.
fn components(mut rest: &str) -> Result<u128, String> {
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let unit_starts = rest
            .find(|character: char| !(character.is_ascii_digit() || character == '.'))
            .ok_or(DURATION_FORM)?;
        let (number, after) = rest.split_at(unit_starts);
        let unit_ends = after
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_ends);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(DURATION_FORM.into());
        }
        let unit = unit_nanoseconds(unit)?;
        // Nineteen digits always fit; more whole digits are longer than any duration, further fraction digits are below a nanosecond.
        if whole.trim_start_matches('0').len() > 19 {
            return Err("expected a shorter duration".into());
        }
        let whole: u128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| DURATION_FORM.to_owned())?
        };
        total += whole * unit;
        let fraction = fraction.get(..fraction.len().min(19)).unwrap_or_default();
        if !fraction.is_empty() {
            let part: u128 = fraction.parse().map_err(|_| DURATION_FORM.to_owned())?;
            total += part * unit / 10u128.pow(u32::try_from(fraction.len()).unwrap_or(19));
        }
        if total > LONGEST {
            return Err("expected a shorter duration".into());
        }
        rest = after;
    }
    Ok(total)
}

fn unit_nanoseconds(unit: &str) -> Result<u128, String> {
    Ok(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" | "day" | "days" => {
            return Err(format!(
                "{DURATION_FORM}; there is no unit for days: `24h` is one day"
            ));
        }
        _ => return Err(format!("{DURATION_FORM}; units are ns, us, ms, s, m, h")),
    })
}

/// A range of addresses such as `10.0.0.0/8`, or one address.
pub fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| {
            "expected a range of addresses such as `10.0.0.0/8` or `2001:db8::/32`, or one address"
                .into()
        })
}

/// A duration in its shortest Go form: `1h30m`, `300ms`, `0s`.
pub fn duration_text(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".into();
    }
    let mut rest = nanoseconds;
    let mut text = String::new();
    for (unit, size) in [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    text
}

/// A size with the largest suffix that leaves it whole: `64MiB`, `1500`.
pub fn size_text(bytes: u64) -> String {
    match bytes {
        0 => "0".into(),
        _ if bytes.is_multiple_of(1 << 30) => format!("{}GiB", bytes >> 30),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "expected a duration such as `20s`, `1h30m` or `300ms`";

    #[test]
    fn booleans_are_those_of_gos_yaml() {
        for text in [
            "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", "1", " yes ",
        ] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["false", "False", "no", "NO", "off", "Off", "n", "N", "0"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "maybe", "yess", "2", "null", "tru e"] {
            assert_eq!(
                boolean(text).unwrap_err(),
                "expected `true` or `false` (also `yes`, `no`, `on`, `off`)",
                "{text}"
            );
        }
    }

    #[test]
    fn integers_are_those_of_gos_yaml() {
        for (text, number, why) in [
            ("0", 0, "zero alone is not octal"),
            ("8085", 8085, "decimal"),
            ("010", 8, "a leading zero means octal in YAML 1.1"),
            ("0o17", 15, "YAML 1.2's octal"),
            ("0x1F", 31, "hexadecimal"),
            ("0b101", 5, "binary"),
            ("1_000", 1000, "underscores are skipped"),
            ("+5", 5, "a sign"),
            ("18446744073709551615", u64::MAX, "the largest"),
        ] {
            assert_eq!(integer(text), Ok(number), "{text}: {why}");
        }
        for (text, message, why) in [
            ("", "expected a whole number", "empty"),
            ("-1", "expected a whole number", "no count is negative"),
            ("1.5", "expected a whole number", "a fraction"),
            ("1e3", "expected a whole number", "an exponent"),
            ("0x", "expected a whole number", "no digits"),
            ("++5", "expected a whole number", "two signs"),
            ("ten", "expected a whole number", "a word"),
            ("٣", "expected a whole number", "digits of other scripts"),
            (
                "089",
                "expected a whole number; after a leading zero it is octal and has no 8 or 9",
                "not octal",
            ),
            (
                "18446744073709551616",
                "expected a smaller number",
                "too large",
            ),
        ] {
            assert_eq!(integer(text).unwrap_err(), message, "{text}: {why}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_binary_suffix() {
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("0x10", 16),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("1_024KiB", 1 << 20),
            ("2GiB", 2 << 30),
            ("010MiB", 10 << 20),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        let form =
            "expected a size in bytes, or with one of the suffixes KiB, MiB, GiB, such as `64MiB`";
        for (text, message, why) in [
            ("64MB", form, "a decimal suffix is not what most mean by it"),
            ("64M", form, "unclear suffix"),
            ("-1", form, "negative"),
            ("1.5GiB", form, "a fraction"),
            (
                "MiB",
                "expected a whole number before the suffix",
                "no number",
            ),
            (
                "99999999999999999999KiB",
                "expected a whole number before the suffix",
                "too many digits",
            ),
            (
                "18446744073709551615GiB",
                "expected a smaller size",
                "overflows",
            ),
            ("", "expected a whole number", "empty"),
        ] {
            assert_eq!(size(text).unwrap_err(), message, "{text}: {why}");
        }
    }

    #[test]
    fn durations_are_those_of_go() {
        for (text, milliseconds, why) in [
            ("20s", 20_000.0, "seconds"),
            ("1h30m", 5_400_000.0, "two components"),
            ("1.5h", 5_400_000.0, "a fraction"),
            (".5s", 500.0, "no digit before the point"),
            ("5.s", 5_000.0, "none after it"),
            ("300ms", 300.0, "milliseconds"),
            ("1us", 0.001, "microseconds"),
            ("1µs", 0.001, "micro sign"),
            ("1μs", 0.001, "Greek mu"),
            ("7ns", 0.000_007, "nanoseconds"),
            ("0", 0.0, "zero needs no unit"),
            ("+2s", 2_000.0, "a sign"),
            ("20000000", 20.0, "a bare number counts nanoseconds"),
            (
                "0.1234567890123456789012345s",
                123.456_789,
                "digits below a nanosecond fall away",
            ),
            ("0000000000000000000000001s", 1_000.0, "leading zeros"),
        ] {
            let expected = Duration::from_nanos((milliseconds * 1e6_f64).round() as u64);
            assert_eq!(duration(text), Ok(expected), "{text}: {why}");
        }
        for (text, message, why) in [
            ("", FORM, "empty"),
            ("+", FORM, "sign alone"),
            ("s", FORM, "no number"),
            (".s", FORM, "point alone"),
            ("1.2.3s", FORM, "two points"),
            (
                "20 s",
                "expected a duration such as `20s`, `1h30m` or `300ms`; units are ns, us, ms, s, m, h",
                "a space",
            ),
            ("1h30", FORM, "the last unit is missing"),
            ("1.5", FORM, "a fraction of nothing"),
            (
                "-5s",
                "expected a duration that is not negative",
                "negative",
            ),
            (
                "1d",
                "expected a duration such as `20s`, `1h30m` or `300ms`; there is no unit for days: `24h` is one day",
                "promfetcher's job description promises days, Go has none",
            ),
            (
                "5 minutes",
                "expected a duration such as `20s`, `1h30m` or `300ms`; units are ns, us, ms, s, m, h",
                "words",
            ),
            (
                "300y",
                "expected a duration such as `20s`, `1h30m` or `300ms`; units are ns, us, ms, s, m, h",
                "years",
            ),
            (
                "9999999999h",
                "expected a shorter duration",
                "longer than Go can say",
            ),
            (
                "99999999999999999999999999h",
                "expected a shorter duration",
                "far longer",
            ),
            (
                "18446744073709551615",
                "expected a shorter duration",
                "more nanoseconds than Go can say",
            ),
        ] {
            assert_eq!(duration(text).unwrap_err(), message, "{text}: {why}");
        }
    }

    #[test]
    fn networks_are_ranges_or_single_addresses() {
        for (text, network_text) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1", "::1/128"),
            (" 2001:db8::/32 ", "2001:db8::/32"),
        ] {
            assert_eq!(
                network(text).map(|network| network.to_string()),
                Ok(network_text.to_owned())
            );
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0",
            "localhost",
            "10.0.0.0/8,127.0.0.1",
        ] {
            assert_eq!(
                network(text).unwrap_err(),
                "expected a range of addresses such as `10.0.0.0/8` or `2001:db8::/32`, or one address",
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", odd in "[-+0-9._a-zµ ]{0,40}") {
            for text in [&text, &odd] {
                let _ = (boolean(text).is_ok(), integer(text).is_ok(), size(text).is_ok(), duration(text).is_ok(), network(text).is_ok());
            }
        }

        #[test]
        fn what_is_written_is_read_again(nanoseconds in 0..=i64::MAX as u64, bytes: u64) {
            let time = Duration::from_nanos(nanoseconds);
            proptest::prop_assert_eq!(duration(&duration_text(time)), Ok(time));
            proptest::prop_assert_eq!(size(&size_text(bytes)), Ok(bytes));
        }
    }
}
