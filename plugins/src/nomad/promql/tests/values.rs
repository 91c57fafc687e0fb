//! What one series says.

use super::super::GONE;
use super::{NOW, series, value};

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

#[test]
fn the_newest_sample_is_seen_for_five_minutes() {
    for (points, wanted, why) in [
        (
            &[(-1.0, 1.0), (0.0, 2.0)][..],
            Some(2.0),
            "a sample of now counts",
        ),
        (
            &[(-1.0, 1.0), (0.001, 2.0)],
            Some(1.0),
            "one of later does not",
        ),
        (
            &[(-300.0, 1.0)],
            Some(1.0),
            "the end of the look-back is in it",
        ),
        (&[(-300.001, 1.0)], None, "and nothing before"),
        (&[], None, "no sample, no value"),
        (&[(-2.0, 1.0), (-1.0, GONE)], None, "the series is gone"),
        (&[(-2.0, GONE), (-1.0, 1.0)], Some(1.0), "and came back"),
        (&[(-1.0, -0.0)], Some(-0.0), ""),
        (&[(-1.0, INF)], Some(INF), "infinite as Prometheus has it"),
    ] {
        assert_eq!(value("a", points), wanted, "{points:?}: {why}");
    }
    assert!(
        value("a", &[(0.0, NAN)]).unwrap().is_nan(),
        "NaN is a value like others"
    );
}

#[test]
fn counters_grow_between_the_ends_of_the_range_and_a_bit_beyond() {
    for (query, points, wanted, why) in [
        // 6 in 3 s. Both ends of the range are a sample away, so it goes on for 5 s.
        (
            "increase(a[5s])",
            &[(-4.0, 1.0), (-1.0, 7.0)][..],
            Some(10.0 * 0.9),
            "the counter began at zero, 0.5 s before",
        ),
        (
            "increase(a[5s])",
            &[(-4.0, 100.0), (-1.0, 106.0)],
            Some(10.0),
            "nothing says where it began",
        ),
        (
            "rate(a[5s])",
            &[(-4.0, 100.0), (-1.0, 106.0)],
            Some(2.0),
            "the same per second",
        ),
        (
            "increase(a[4s])",
            &[(-4.0, 0.0), (0.0, 8.0)],
            Some(8.0),
            "both ends of the range are in it",
        ),
        (
            "delta(a[4s])",
            &[(-4.001, 0.0), (-2.0, 1.0), (0.0, 8.0)],
            Some(14.0),
            "and nothing before",
        ),
        (
            "increase(a[60s])",
            &[(-10.0, 100.0), (-8.0, 104.0)],
            Some(8.0),
            "ends far away: half a step more on each side",
        ),
        (
            "increase(a[10s])",
            &[(-10.0, 5.0), (-5.0, 2.0), (0.0, 6.0)],
            Some(6.0),
            "a reset: 2 from zero, then 4",
        ),
        (
            "increase(a[10s])",
            &[(-10.0, 5.0), (-5.0, 2.0), (0.0, 1.0)],
            Some(3.0),
            "two resets: 2 from zero, 1 from zero",
        ),
        (
            "increase(a[10s])",
            &[(-10.0, 5.0), (0.0, 5.0)],
            Some(0.0),
            "nothing happened",
        ),
        (
            "increase(a[10s])",
            &[(-5.0, 5.0)],
            None,
            "one sample is too few",
        ),
        (
            "increase(a[10s])",
            &[(-10.0, 1.0), (-5.0, GONE), (0.0, 3.0)],
            Some(2.0),
            "what says that it was gone is no sample",
        ),
        (
            "increase(a[10s])",
            &[(0.0, 3.0), (5.0, 4.0)],
            None,
            "what comes later does not count",
        ),
        (
            "delta(a[10s])",
            &[(-10.0, 5.0), (-5.0, 2.0), (0.0, 1.0)],
            Some(-4.0),
            "a gauge has no resets",
        ),
        (
            "delta(a[12s])",
            &[(-10.0, 1.0), (0.0, 6.0)],
            Some(6.0),
            "and goes on below zero",
        ),
        (
            "increase(a[10s])",
            &[(-10.0, 1.0), (0.0, INF)],
            Some(INF),
            "",
        ),
    ] {
        let value = value(query, points);
        let near = match (value, wanted) {
            (Some(value), Some(wanted)) => value == wanted || (value - wanted).abs() < 1e-9,
            (value, wanted) => value == wanted,
        };
        assert!(
            near,
            "{query} of {points:?}: {value:?}, not {wanted:?}: {why}"
        );
    }
    assert!(
        value("rate(a[10s])", &[(-10.0, 1.0), (0.0, NAN)])
            .unwrap()
            .is_nan(),
        "NaN is no number to compute with"
    );
}

#[test]
fn functions_over_time() {
    for (query, points, wanted, why) in [
        (
            "avg_over_time(a[10s])",
            &[(-10.0, 1.0), (-5.0, 2.0), (0.0, 6.0)][..],
            Some(3.0),
            "both ends are in it",
        ),
        (
            "avg_over_time(a[9s])",
            &[(-10.0, 1.0), (-5.0, 2.0), (0.0, 6.0)],
            Some(4.0),
            "",
        ),
        (
            "avg_over_time(a[9s])",
            &[(-10.0, 1.0)],
            None,
            "nothing in range",
        ),
        (
            "avg_over_time(a[9s])",
            &[(-1.0, 1.7e308), (0.0, 1.7e308)],
            Some(1.7e308),
            "no sum that is too large",
        ),
        (
            "avg_over_time(a[9s])",
            &[(-2.0, INF), (-1.0, 1.0), (0.0, INF)],
            Some(INF),
            "",
        ),
        (
            "sum_over_time(a[9s])",
            &[(-3.0, 1e100), (-2.0, 1.0), (-1.0, -1e100), (0.0, 1.0)],
            Some(2.0),
            "rounding loses nothing",
        ),
        (
            "sum_over_time(a[9s])",
            &[(-1.0, INF), (0.0, 1.0)],
            Some(INF),
            "",
        ),
        (
            "sum_over_time(a[9s])",
            &[(-1.0, 1.0), (0.0, GONE)],
            Some(1.0),
            "what says that it is gone is no sample",
        ),
        ("sum_over_time(a[9s])", &[(0.0, GONE)], None, ""),
        (
            "max_over_time(a[9s])",
            &[(-2.0, NAN), (-1.0, 3.0), (0.0, 2.0)],
            Some(3.0),
            "NaN gives way",
        ),
        (
            "max_over_time(a[9s])",
            &[(-2.0, 1.0), (-1.0, NAN), (0.0, -2.0)],
            Some(1.0),
            "",
        ),
        (
            "min_over_time(a[9s])",
            &[(-2.0, NAN), (-1.0, 3.0), (0.0, 2.0)],
            Some(2.0),
            "",
        ),
        (
            "min_over_time(a[9s])",
            &[(-1.0, 3.0), (0.0, -INF)],
            Some(-INF),
            "",
        ),
        (
            "max_over_time(a[1ms])",
            &[(-0.001, 3.0), (0.0, 2.0)],
            Some(3.0),
            "the smallest range has two times in it",
        ),
    ] {
        assert_eq!(value(query, points), wanted, "{query} of {points:?}: {why}");
    }
    for query in ["avg_over_time(a[9s])", "sum_over_time(a[9s])"] {
        let value = value(query, &[(-1.0, INF), (0.0, -INF)]).unwrap();
        assert!(
            value.is_nan(),
            "{query}: opposite infinities have no sum, but {value}"
        );
    }
    let nothing_else = [(-1.0, NAN), (0.0, NAN)];
    assert!(
        value("max_over_time(a[9s])", &nothing_else)
            .unwrap()
            .is_nan()
    );
    assert!(
        value("min_over_time(a[9s])", &nothing_else)
            .unwrap()
            .is_nan()
    );
}

#[test]
fn arithmetic_with_numbers() {
    let a = [(0.0, 6.0)];
    for (query, wanted, why) in [
        ("a * 2 + 1", 13.0, ""),
        ("1 - a", -5.0, "the number may stand on the left"),
        ("-a", -6.0, ""),
        ("a / 0", INF, "as floats do"),
        ("-a / 0", -INF, ""),
        ("a % 4", 2.0, ""),
        ("-a % 4", -2.0, "the sign of the left side"),
        ("a % -4", 2.0, ""),
        ("6.5 % a", 0.5, "no whole numbers are needed"),
        ("a % Inf", 6.0, ""),
        ("a ^ 0", 1.0, ""),
        ("a ^ -Inf", 0.0, ""),
        ("a * (1 + 1)", 12.0, "numbers alone are computed first"),
        ("a + Inf", INF, ""),
    ] {
        assert_eq!(value(query, &a), Some(wanted), "{query}: {why}");
    }
    for query in ["a % 0", "(a - a_) / 0", "a * NaN", "(-a) ^ 0.5"] {
        let query = query.replace("(a - a_)", "(sum(a) - sum(a))");
        assert!(value(&query, &a).unwrap().is_nan(), "{query}");
    }
    assert_eq!(value("a + 1", &[]), None, "no series, no sum");
}

#[test]
fn times_at_the_ends_of_time_are_no_panic() {
    use super::super::{Millis, Query};
    let ends = |value| vec![(Millis::MIN, value), (0, value), (Millis::MAX, value)];
    for query in ["a", "rate(a[1d])", "delta(a[1d])", "avg_over_time(a[1d])"] {
        let query = Query::parse(query).unwrap();
        for at in [Millis::MIN, -1, 0, NOW, Millis::MAX] {
            let mut one = series("", &[]);
            one.points = ends(1.0);
            assert!(query.evaluate(at, &[vec![one]]).is_ok());
            let mut disordered = series("", &[]);
            disordered.points = vec![(5, 1.0), (-7, 2.0), (Millis::MAX, 3.0), (0, 4.0), (0, 5.0)];
            assert!(query.evaluate(at, &[vec![disordered]]).is_ok());
        }
    }
}
