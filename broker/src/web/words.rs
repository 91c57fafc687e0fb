//! Numbers as people read them.

use std::time::Duration;

/// A number with commas between its thousands.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 instance`, `2 instances`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if number == 1 { one } else { many }
    )
}

/// A size in bytes with three digits at most.
pub(crate) fn bytes(size: usize) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = size as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // As it will be rounded, so that there is no `1024 KiB`.
    while value >= 1023.5
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = Some(next);
    }
    let digits = if value < 9.95 { 1 } else { 0 };
    format!("{value:.digits$} {}", unit.copied().unwrap_or_default())
}

/// A time with two or three digits.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        _ if seconds.is_nan() || seconds < 0.0005 => "under 1 ms".into(),
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1000.0),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        _ if seconds < 99.5 => format!("{seconds:.0} s"),
        _ if seconds < 5970.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds < 172_800.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    }
}

/// How long ago something was.
pub(crate) fn ago(seconds: f64) -> String {
    if seconds < 1.0 {
        return "just now".into();
    }
    format!("{} ago", time(seconds.floor()).replace(".0 ", " "))
}

/// [`ago`] of a duration.
pub(crate) fn since(duration: Duration) -> String {
    ago(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, want) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (2_000_000, "2,000,000"),
            (12_345, "12,345"),
        ] {
            assert_eq!(grouped(number), want);
        }
        assert_eq!(counted(1, "instance", "instances"), "1 instance");
        assert_eq!(counted(1200, "instance", "instances"), "1,200 instances");
        assert_eq!(counted(0, "instance", "instances"), "0 instances");
    }

    #[test]
    fn sizes_have_the_largest_unit() {
        for (size, want) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10_189, "10 KiB"),
            (1_048_000, "1023 KiB"),
            (1_048_300, "1.0 MiB"),
            (64 << 20, "64 MiB"),
            (3 << 40, "3.0 TiB"),
            (usize::MAX, "16777216 TiB"),
        ] {
            assert_eq!(bytes(size), want);
        }
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        for (seconds, want, how_long) in [
            (0.0, "under 1 ms", "just now"),
            (f64::NAN, "under 1 ms", ""),
            (0.0123, "12 ms", "just now"),
            (0.9996, "1.0 s", "just now"),
            (2.34, "2.3 s", "2 s ago"),
            (9.99, "10 s", "9 s ago"),
            (99.0, "99 s", "99 s ago"),
            (100.0, "2 min", "2 min ago"),
            (5400.0, "90 min", "90 min ago"),
            (7200.0, "2 h", "2 h ago"),
            (259_200.0, "3 days", "3 days ago"),
        ] {
            assert_eq!(time(seconds), want, "{seconds}");
            if !how_long.is_empty() {
                assert_eq!(ago(seconds), how_long, "{seconds}");
            }
        }
    }
}
