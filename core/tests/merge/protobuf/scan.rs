//! What the scan accepts and refuses, and how many samples it finds.

use promfetch_core::exposition::{Format, Limits, MetricType, Page, ScanErrorKind};
use prost::Message;

use super::model::{Counter, Histogram, Metric, MetricFamily, Timestamp, Type};
use super::{
    classic, counter, exemplar, family, gauge, histogram, native, page, pairs, summary, untyped,
};
use crate::scan;

/// What the scan says of a page with one family.
pub(crate) fn verdict(family: &MetricFamily) -> String {
    verdict_of(page(std::slice::from_ref(family)))
}

fn verdict_of(body: Vec<u8>) -> String {
    match scan(body, Format::Protobuf) {
        Ok(page) => format!("{} samples", page.samples()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn samples_are_counted_as_prometheus_makes_them() {
    let infinity = f64::INFINITY;
    let both = Histogram {
        bucket: classic(&[(1.0, 1), (2.0, 3)]).bucket,
        ..native(3, &[(0, 2)], &[1, 1])
    };
    for (kind, metric, want, why) in [
        (Type::Gauge, gauge(&[], 1.0), 1, "a value"),
        (Type::Counter, counter(&[], 1.0), 1, "a value"),
        (Type::Untyped, untyped(&[], f64::NAN), 1, "a value"),
        (Type::Summary, summary(&[], &[]), 2, "sum and count"),
        (
            Type::Summary,
            summary(&[], &[0.5, 2.0, f64::NAN]),
            5,
            "quantiles may be anything",
        ),
        (
            Type::Histogram,
            histogram(&[], classic(&[])),
            3,
            "+Inf, sum and count",
        ),
        (
            Type::Histogram,
            histogram(&[], classic(&[(1.0, 1), (2.0, 3)])),
            5,
            "+Inf is not there",
        ),
        (
            Type::Histogram,
            histogram(&[], classic(&[(1.0, 1), (infinity, 3)])),
            4,
            "+Inf is there",
        ),
        (
            Type::Histogram,
            histogram(&[], native(2, &[(-3, 1), (2, 1)], &[1, 0])),
            1,
            "native",
        ),
        (
            Type::Histogram,
            histogram(&[], native(0, &[(0, 0)], &[])),
            1,
            "native without observations",
        ),
        (
            Type::Histogram,
            histogram(&[], both.clone()),
            6,
            "native and classic",
        ),
        (
            Type::GaugeHistogram,
            histogram(&[], both),
            6,
            "native and classic",
        ),
    ] {
        let body = page(&[family("x", kind, [metric.clone(), metric])]);
        let found = scan(body, Format::Protobuf).unwrap();
        assert_eq!(found.samples(), 2 * want, "{kind:?}: {why}");
        assert_eq!(
            found.families().next().unwrap().samples(),
            2 * want,
            "{kind:?}"
        );
    }
}

#[test]
fn families_tell_name_type_help_and_unit() {
    let seconds = MetricFamily {
        unit: Some("seconds".to_owned()),
        ..family("time_seconds_total", Type::Counter, [counter(&[], 1.0)])
    };
    let bare = MetricFamily {
        help: None,
        r#type: None,
        ..family("ü.ü", Type::Counter, [counter(&[("é\n", "")], -1.0)])
    };
    let empty = family("empty", Type::GaugeHistogram, []);
    let found = scan(page(&[seconds, bare, empty]), Format::Protobuf).unwrap();
    let told: Vec<_> = found
        .families()
        .map(|family| {
            (
                family.name(),
                family.kind(),
                family.help(),
                family.unit(),
                family.samples(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "time_seconds_total",
                MetricType::Counter,
                Some("Help of time_seconds_total."),
                Some("seconds"),
                1
            ),
            ("ü.ü", MetricType::Counter, None, None, 1),
            (
                "empty",
                MetricType::GaugeHistogram,
                Some("Help of empty."),
                None,
                0
            ),
        ]
    );
}

#[test]
fn broken_metrics_are_refused_with_family_metric_and_reason() {
    let in_family = |kind, metric: Metric| family("x", kind, [gauge_like(kind), metric]);
    for (kind, metric, want) in [
        (
            Type::Gauge,
            gauge(&[("", "1")], 1.0),
            "byte 43: family `x`: metric 2 `=1`: label 1: a label without name",
        ),
        (
            Type::Gauge,
            gauge(&[("a", "1"), ("b", ""), ("a", "2")], 1.0),
            "byte 60: family `x`: metric 2 `a=1,b=,a=2`: label 3: the label name `a` stands there twice",
        ),
        (
            Type::Gauge,
            gauge(&[("__name__", "y")], 1.0),
            "byte 45: family `x`: metric 2 `__name__=y`: label 1: a label `__name__`: the name is that of the family",
        ),
        (
            Type::Gauge,
            counter(&[("a", "1")], 1.0),
            "byte 49: family `x`: metric 2 `a=1`: a value of another type than gauge",
        ),
        (
            Type::Counter,
            gauge(&[], 1.0),
            "byte 41: family `x`: metric 2: a value of another type than counter",
        ),
        (
            Type::Untyped,
            gauge(&[], 1.0),
            "byte 41: family `x`: metric 2: a value of another type than untyped",
        ),
        (
            Type::Summary,
            counter(&[], 1.0),
            "byte 53: family `x`: metric 2: a value of another type than summary",
        ),
        (
            Type::GaugeHistogram,
            summary(&[], &[]),
            "byte 43: family `x`: metric 2: a value of another type than histogram",
        ),
        (
            Type::Counter,
            Metric {
                label: pairs(&[("a", "1")]),
                ..Metric::default()
            },
            "byte 41: family `x`: metric 2 `a=1`: no value of type counter",
        ),
        (
            Type::Gauge,
            Metric {
                counter: counter(&[], 1.0).counter,
                ..gauge(&[], 1.0)
            },
            "byte 52: family `x`: metric 2: a value of another type than gauge",
        ),
        (
            Type::Histogram,
            histogram(&[("le", "1")], classic(&[])),
            "byte 43: family `x`: metric 2 `le=1`: a label `le`, which the samples of a histogram get",
        ),
        (
            Type::Summary,
            summary(&[("quantile", "1")], &[]),
            "byte 53: family `x`: metric 2 `quantile=1`: a label `quantile`, which the samples of a summary get",
        ),
        (
            Type::Counter,
            Metric {
                counter: Some(Counter {
                    exemplar: Some(exemplar(&[("id", "1"), ("", "2")])),
                    ..Counter::default()
                }),
                ..Metric::default()
            },
            "byte 56: family `x`: metric 2: counter: exemplar: a label without name",
        ),
        (
            Type::Counter,
            Metric {
                counter: Some(Counter {
                    exemplar: Some(exemplar(&[("id", "1"), ("b", "2"), ("id", "2")])),
                    ..Counter::default()
                }),
                ..Metric::default()
            },
            "byte 45: family `x`: metric 2: counter: exemplar: the label name `id` stands there twice",
        ),
        (
            Type::Counter,
            Metric {
                counter: Some(Counter {
                    created_timestamp: Some(Timestamp {
                        seconds: 0,
                        nanos: -1,
                    }),
                    ..Counter::default()
                }),
                ..Metric::default()
            },
            "byte 45: family `x`: metric 2: counter: a timestamp with less than 0 nanoseconds or a second of them",
        ),
        (
            Type::Counter,
            Metric {
                counter: Some(Counter {
                    created_timestamp: Some(Timestamp {
                        seconds: 253_402_300_800,
                        nanos: 0,
                    }),
                    ..Counter::default()
                }),
                ..Metric::default()
            },
            "byte 45: family `x`: metric 2: counter: a timestamp beyond the years 1 to 9999",
        ),
    ] {
        let found = verdict(&in_family(kind, metric.clone()));
        assert_eq!(found, want, "{metric:?}");
    }
}

/// A metric of this type.
fn gauge_like(kind: Type) -> Metric {
    match kind {
        Type::Gauge => gauge(&[("a", "1")], 1.0),
        Type::Counter => counter(&[("a", "1")], 1.0),
        Type::Untyped => untyped(&[("a", "1")], 1.0),
        Type::Summary => summary(&[("a", "1")], &[]),
        Type::Histogram | Type::GaugeHistogram => histogram(&[("a", "1")], classic(&[])),
    }
}

#[test]
fn broken_families_are_refused_with_the_reason() {
    let good = || family("x_seconds", Type::Gauge, [gauge(&[], 1.0)]);
    let with_unit = |name: &str, kind, unit: &str| MetricFamily {
        unit: Some(unit.to_owned()),
        ..family(name, kind, [])
    };
    for (families, want) in [
        (
            vec![MetricFamily {
                name: None,
                ..good()
            }],
            "byte 1: a family without name",
        ),
        (
            vec![MetricFamily {
                name: Some(String::new()),
                ..good()
            }],
            "byte 1: family ``: a family without name",
        ),
        (
            vec![MetricFamily {
                r#type: Some(6),
                ..good()
            }],
            "byte 32: family `x_seconds`: the unknown metric type 6",
        ),
        (
            vec![MetricFamily {
                r#type: Some(-1),
                ..good()
            }],
            "byte 32: family `x_seconds`: the unknown metric type -1",
        ),
        (
            vec![with_unit("x_seconds", Type::Gauge, "seconds")],
            "0 samples",
        ),
        (vec![with_unit("x_seconds", Type::Gauge, "")], "0 samples"),
        (
            vec![with_unit("x_seconds", Type::Gauge, "bytes")],
            "byte 36: family `x_seconds`: the name does not end with the unit `bytes`",
        ),
        (
            vec![with_unit("seconds", Type::Gauge, "seconds")],
            "byte 32: family `seconds`: the name does not end with the unit `seconds`",
        ),
        (
            vec![with_unit("x_seconds_total", Type::Counter, "seconds")],
            "0 samples",
        ),
        (
            vec![with_unit("x_seconds_total", Type::Gauge, "seconds")],
            "byte 48: family `x_seconds_total`: the name does not end with the unit `seconds`",
        ),
        (
            vec![with_unit("x_total", Type::Counter, "total")],
            "byte 32: family `x_total`: the name does not end with the unit `total`",
        ),
        (vec![good(), good()], "2 samples"),
        (
            vec![
                good(),
                MetricFamily {
                    r#type: Some(3),
                    metric: vec![],
                    ..good()
                },
            ],
            "byte 50: family `x_seconds`: it appears again, with another type",
        ),
    ] {
        assert_eq!(verdict_of(page(&families)), want, "{families:?}");
    }
}

#[test]
fn broken_messages_are_refused_with_the_place() {
    let mut whole = page(&[family("x", Type::Gauge, [gauge(&[("a", "1")], 1.0)])]);
    let unknown = [&whole[..], &[4, 0x0a, 1, b'y', 0x78]].concat();
    for (body, want) in [
        (vec![], "0 samples"),
        (vec![0], "byte 1: a family without name"),
        (vec![0x80], "byte 0: a number that is cut off"),
        (
            vec![3, 0x0a, 1],
            "byte 0: a length of 3, and only 2 bytes follow",
        ),
        (vec![0xff; 11], "byte 0: a number of more than 64 bits"),
        (vec![3, 0x0a, 1, 0xff], "byte 3: field 1 is not valid UTF-8"),
        (
            vec![6, 0x0a, 1, b'x', 0x12, 1, 0xc3],
            "byte 6: family `x`: field 2 is not valid UTF-8",
        ),
        (
            vec![6, 0x0a, 1, b'x', 0x0a, 1, b'y'],
            "byte 4: family `x`: field 1 stands there twice",
        ),
        (vec![2, 0x08, 1], "byte 1: field 1 has the wrong wire type"),
        (
            vec![5, 0x0a, 1, b'x', 0x1a, 0],
            "byte 4: family `x`: field 3 has the wrong wire type",
        ),
        (
            vec![5, 0x0a, 1, b'x', 0x20, 0],
            "byte 4: family `x`: metric 1: field 4 has the wrong wire type",
        ),
        (
            vec![4, 0x0a, 1, b'x', 0x33],
            "byte 4: family `x`: a group, which this format has not",
        ),
        (
            vec![5, 0x0a, 1, b'x', 0x00, 0],
            "byte 4: family `x`: a field with an impossible number",
        ),
        (unknown, "byte 44: family `y`: a number that is cut off"),
        (
            b"# HELP x y\nx 1\n".to_vec(),
            "byte 0: a length of 35, and only 14 bytes follow",
        ),
        (
            b"<html>".to_vec(),
            "byte 0: a length of 60, and only 5 bytes follow",
        ),
    ] {
        assert_eq!(verdict_of(body.clone()), want, "{body:x?}");
    }
    // No beginning of a page is a page, but for the empty one.
    while whole.pop().is_some() && !whole.is_empty() {
        assert!(scan(&*whole, Format::Protobuf).is_err(), "{whole:x?}");
    }
}

#[test]
fn text_must_be_utf8_also_deep_inside() {
    for (part, value) in [
        (
            "label name",
            Metric {
                label: pairs(&[("é", "1")]),
                ..gauge(&[], 1.0)
            },
        ),
        (
            "label value",
            Metric {
                label: pairs(&[("a", "é")]),
                ..gauge(&[], 1.0)
            },
        ),
    ] {
        let mut body = page(&[family("x", Type::Gauge, [value])]);
        assert!(scan(&*body, Format::Protobuf).is_ok(), "{part}");
        let at = body
            .windows(2)
            .position(|two| two == "é".as_bytes())
            .unwrap();
        body[at + 1] = b'x';
        let error = scan(&*body, Format::Protobuf).unwrap_err();
        assert!(
            error.message.ends_with("is not valid UTF-8"),
            "{part}: {error}"
        );
        assert_eq!(
            (error.line, error.column, error.offset),
            (0, 0, at),
            "{part}"
        );
    }
}

#[test]
fn numbers_may_come_packed_and_unknown_fields_anywhere() {
    // positive_span {length: 2}, positive_delta 1 and 1 packed, sample_count 3, and field 99 of each wire type.
    let unknown = [
        0x98, 0x06, 5, 0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0x9a, 0x06, 1, 0, 0x9d, 0x06, 1, 2, 3, 4,
    ];
    let value = [&[0x62, 2, 0x10, 2, 0x6a, 2, 2, 2, 0x08, 3][..], &unknown].concat();
    let metric = [&unknown[..], &[0x3a, value.len() as u8], &value].concat();
    // The name comes last.
    let family = [
        &[0x22, metric.len() as u8][..],
        &metric,
        &unknown,
        &[0x18, 4, 0x0a, 1, b'x'],
    ]
    .concat();
    assert_eq!(
        verdict_of([&[family.len() as u8][..], &family].concat()),
        "1 samples"
    );
}

#[test]
fn limits_are_kept() {
    let body = page(&[
        family(
            "x",
            Type::Gauge,
            [gauge(&[("a", "1")], 1.0), gauge(&[("a", "2")], 1.0)],
        ),
        family("y", Type::Summary, [summary(&[], &[0.5])]),
    ]);
    for (max_samples, max_line, want) in [
        (
            5,
            36,
            "byte 78: family `y`: metric 1: a metric of more than 36 bytes",
        ),
        (
            4,
            36,
            "byte 78: family `y`: metric 1: a metric of more than 36 bytes",
        ),
        (
            1,
            36,
            "byte 39: family `x`: metric 2 `a=2`: more than 1 samples",
        ),
        (
            5,
            18,
            "byte 18: family `x`: metric 1 `a=1`: a metric of more than 18 bytes",
        ),
        (5, 6, "byte 4: family `x`: a text of more than 6 bytes"),
    ] {
        let limits = Limits {
            max_samples,
            max_line,
        };
        let found = Page::scan(body.clone().into(), Format::Protobuf, &limits);
        let found = match found {
            Ok(page) => format!("{} samples", page.samples()),
            Err(error) => {
                assert_eq!(error.kind, ScanErrorKind::TooLarge);
                error.to_string()
            }
        };
        assert_eq!(found, want, "{max_samples} samples, {max_line} bytes");
    }
    let families: Vec<_> = ["a", "b", "c"]
        .map(|name| family(name, Type::Gauge, []))
        .into();
    let limits = Limits {
        max_samples: 2,
        max_line: 100,
    };
    let error = Page::scan(page(&families).into(), Format::Protobuf, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "byte 39: family `c`: more than 2 families, the number of samples allowed"
    );
    assert_eq!(families[0].encoded_len(), 17);
}
