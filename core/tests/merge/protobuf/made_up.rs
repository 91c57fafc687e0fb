//! Good pages, made up: all types, all parts that a metric can have, and fields that nobody knows.

use std::collections::BTreeMap;

use prost::Message;

use super::model::{
    Counter, Histogram, Metric, MetricFamily, Number, Quantile, Summary, Timestamp, Type,
};
use super::{classic, exemplar, native, pairs, span};
use crate::families::{LabelSet, Names, first_labels, next_labels};
use crate::tape::Tape;

const TYPES: [(Type, &str); 6] = [
    (Type::Gauge, "gauge"),
    (Type::Counter, "counter"),
    (Type::Histogram, "histogram"),
    (Type::Summary, "summary"),
    (Type::Untyped, "untyped"),
    (Type::GaugeHistogram, "gaugehistogram"),
];
const NUMBERS: [f64; 8] = [
    1.0,
    0.0,
    -1.5,
    2.5e7,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    -0.0,
];
const HELPS: [Option<&str>; 4] = [
    Some("Some help."),
    None,
    Some(""),
    Some("two\nlines \\ \"é\""),
];

/// Families, some of which appear again.
pub(crate) fn families(tape: &mut Tape, names: Names) -> Vec<MetricFamily> {
    let mut used: BTreeMap<String, Type> = BTreeMap::new();
    let mut number = 0;
    (0..=tape.below(5))
        .map(|_| {
            let (kind, word) = TYPES[tape.below(TYPES.len())];
            let name = names.pick(tape, word);
            let kind = *used.entry(name.clone()).or_insert(kind);
            let unit = name.rsplit_once('_').map(|(_, unit)| unit.to_owned());
            number += 1;
            let number = ["1", "2", "3", "4", "5", "6"][number - 1];
            let mut labels = first_labels(tape, "family");
            let metric = (0..tape.below(6))
                .map(|_| {
                    labels = next_labels(tape, &labels, "family");
                    // A family that appears again has no series twice.
                    let mut labels = labels.clone();
                    labels.insert(
                        tape.below(2).min(labels.len()),
                        ("family".to_owned(), number),
                    );
                    metric(tape, kind, &labels)
                })
                .collect();
            MetricFamily {
                help: HELPS[tape.below(HELPS.len())].map(str::to_owned),
                r#type: (kind != Type::Counter || tape.rarely(2)).then_some(kind as i32),
                metric,
                // The unit of a counter stands before `_total`, which would take another name.
                unit: unit.filter(|unit| unit != "total" && tape.rarely(4)),
                name: Some(name),
            }
        })
        .collect()
}

fn metric(tape: &mut Tape, kind: Type, labels: &LabelSet) -> Metric {
    let labels: Vec<(&str, &str)> = labels
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let mut metric = Metric {
        label: pairs(&labels),
        timestamp_ms: [None, None, Some(1_700_000_000_000), Some(-1)][tape.below(4)],
        ..Metric::default()
    };
    // A value that is 0 is mostly left out by writers of proto3.
    let number = |tape: &mut Tape| Number {
        value: (!tape.rarely(9)).then_some(NUMBERS[tape.below(NUMBERS.len())]),
    };
    match kind {
        Type::Gauge => metric.gauge = Some(number(tape)),
        Type::Untyped => metric.untyped = Some(number(tape)),
        Type::Counter => {
            metric.counter = Some(Counter {
                value: Some(NUMBERS[tape.below(4)]),
                exemplar: tape
                    .rarely(4)
                    .then(|| exemplar(&[("trace_id", "1f"), ("index", "")])),
                created_timestamp: created(tape),
            });
        }
        Type::Summary => {
            let quantile = |tape: &mut Tape| Quantile {
                quantile: Some(NUMBERS[tape.below(NUMBERS.len())]),
                value: Some(NUMBERS[tape.below(NUMBERS.len())]),
            };
            metric.summary = Some(Summary {
                sample_count: Some(tape.below(9) as u64),
                sample_sum: Some(NUMBERS[tape.below(NUMBERS.len())]),
                quantile: (0..tape.below(4)).map(|_| quantile(tape)).collect(),
                created_timestamp: created(tape),
            });
        }
        Type::Histogram | Type::GaugeHistogram => metric.histogram = Some(histogram(tape)),
    }
    metric
}

fn created(tape: &mut Tape) -> Option<Timestamp> {
    tape.rarely(3).then(|| Timestamp {
        seconds: 1_700_000_000,
        nanos: tape.below(1000) as i32,
    })
}

fn histogram(tape: &mut Tape) -> Histogram {
    let infinity = if tape.rarely(2) { f64::INFINITY } else { 1e9 };
    let buckets = [(-1.0, 0), (0.1, 1), (0.5, 1), (infinity, 7)];
    let classic = classic(&buckets[tape.below(5).min(4)..]);
    let mut histogram = match tape.below(4) {
        0 => classic,
        1 => native(6, &[(-3, 1), (2, 2)], &[1, 1, 1]),
        2 => Histogram {
            bucket: classic.bucket,
            negative_span: vec![span(0, 0), span(1 << 20, 1)],
            negative_delta: vec![3],
            zero_count: Some(2),
            ..native(5, &[], &[])
        },
        _ => Histogram {
            sample_count_float: Some(1.75),
            zero_count_float: Some(0.25),
            positive_span: vec![span(4, 2)],
            positive_count: vec![0.5, 1.0],
            ..native(0, &[], &[])
        },
    };
    histogram.created_timestamp = created(tape);
    if tape.rarely(3) {
        histogram.exemplars = vec![exemplar(&[]), exemplar(&[("a", "1"), ("b", "2")])];
    }
    if let Some(bucket) = histogram.bucket.last_mut().filter(|_| tape.rarely(3)) {
        bucket.exemplar = Some(exemplar(&[("trace_id", "ü")]));
    }
    histogram
}

/// The page of these families, with fields that nobody knows here and there.
pub(crate) fn page(tape: &mut Tape, families: &[MetricFamily]) -> Vec<u8> {
    let mut page = Vec::new();
    for family in families {
        let head = MetricFamily {
            metric: Vec::new(),
            ..family.clone()
        };
        let metrics: Vec<u8> = family
            .metric
            .iter()
            .flat_map(|metric| {
                let unknown =
                    [&[][..], &[], &[0x40, 7], &[0xfa, 0x06, 2, b'h', b'i']][tape.below(4)];
                let metric = metric.encode_to_vec();
                let metric = if tape.rarely(2) {
                    [unknown, &metric].concat()
                } else {
                    [&metric, unknown].concat()
                };
                field(4, &metric)
            })
            .collect();
        let head = head.encode_to_vec();
        // The order of fields is free.
        let message = match tape.below(4) {
            0 => [metrics, head].concat(),
            1 => [&head, &metrics, &[0x30, 1][..]].concat(),
            _ => [head, metrics].concat(),
        };
        prost::encoding::encode_varint(message.len() as u64, &mut page);
        page.extend(message);
    }
    page
}

/// A field of bytes.
pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend(bytes);
    field
}
