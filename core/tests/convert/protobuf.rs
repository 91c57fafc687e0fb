//! Good pages of protobuf messages, made up: all types, classic and native histograms, exemplars, units, times.

use crate::families::{LabelSet, Names, first_labels, next_labels};
use crate::messages::{
    body, counter, exemplar, family, gauge, histogram, spans, summary, timestamp,
};
use crate::model::{Histogram, LabelPair, Metric, MetricFamily, Number, Type};
use crate::tape::Tape;

const TYPES: [(Type, &str); 6] = [
    (Type::Gauge, "gauge"),
    (Type::Counter, "counter"),
    (Type::Histogram, "histogram"),
    (Type::Summary, "summary"),
    (Type::Untyped, "untyped"),
    (Type::GaugeHistogram, "gaugehistogram"),
];
const VALUES: [f64; 8] = [1.0, 0.0, -1.5, 1e300, f64::NAN, f64::INFINITY, 0.1, 1e6];
const SOME: [f64; 4] = [1.0, 17.0, 0.25, 1e21];
const TIMES: [i64; 4] = [1_700_000_000_123, 17, 0, -5];

/// A page of several families.
pub(crate) fn page(tape: &mut Tape, names: Names) -> Vec<u8> {
    let mut families: Vec<MetricFamily> = Vec::new();
    for _ in 0..=tape.below(5) {
        let (kind, word) = TYPES[tape.below(TYPES.len())];
        let mut name = names.pick(tape, word);
        if kind == Type::Counter && tape.rarely(2) {
            name += "_total";
        }
        if families.iter().any(|family| family.name() == name) {
            continue;
        }
        let mut labels = first_labels(tape, "");
        let mut metrics = Vec::new();
        for _ in 0..tape.below(5) {
            metrics.push(metric(tape, kind, &labels));
            labels = next_labels(tape, &labels, "");
        }
        let mut made = family(&name, kind, metrics);
        if tape.rarely(3) {
            made.help = Some(["", "a \"b\" \\ \n", " é"][tape.below(3)].to_owned());
        }
        families.push(made);
    }
    body(&families)
}

fn metric(tape: &mut Tape, kind: Type, labels: &LabelSet) -> Metric {
    let value = VALUES[tape.below(VALUES.len())];
    let some = SOME[tape.below(SOME.len())];
    let mut metric = match kind {
        Type::Gauge => gauge(&[], value),
        Type::Counter => counter(&[], if tape.rarely(8) { value } else { some }),
        Type::Untyped => Metric {
            untyped: Some(Number { value: Some(value) }),
            ..Metric::default()
        },
        Type::Summary => summary(
            tape.below(9) as u64,
            if tape.rarely(8) { value } else { some },
            &[
                (0.5, some),
                (if tape.rarely(8) { 2.0 } else { 0.99 }, value),
            ],
        ),
        Type::Histogram | Type::GaugeHistogram if tape.rarely(3) => native(tape),
        Type::Histogram | Type::GaugeHistogram => classic(tape, some),
    };
    metric.label = labels
        .iter()
        .map(|(name, value)| LabelPair {
            // Names are as lines have them.
            name: Some(name.replace("\\n", "\n").replace(['"', '\\'], "")),
            value: Some((*value).to_owned()),
        })
        .collect();
    if tape.rarely(3) {
        metric.timestamp_ms = Some(TIMES[tape.below(TIMES.len())]);
    }
    let created = tape
        .rarely(3)
        .then(|| timestamp((1_500_000_000, 250_000_000)));
    let example = tape
        .rarely(3)
        .then(|| exemplar(&[("trace", "\"")], some, Some((17, 5))));
    if let Some(counter) = &mut metric.counter {
        (counter.created_timestamp, counter.exemplar) = (created, example);
    } else if let Some(summary) = &mut metric.summary {
        summary.created_timestamp = created;
    } else if let Some(histogram) = &mut metric.histogram {
        if kind == Type::Histogram {
            histogram.created_timestamp = created;
        }
        if let Some(bucket) = histogram.bucket.first_mut() {
            bucket.exemplar = example;
        } else {
            histogram.exemplars = example.into_iter().collect();
        }
    }
    metric
}

fn classic(tape: &mut Tape, sum: f64) -> Metric {
    let mut count = 0;
    let mut buckets = Vec::new();
    for bound in [-1.5, 0.1, 1.0, 1e3, f64::INFINITY] {
        count += tape.below(4) as u64;
        if !tape.rarely(3) && (bound > 0.0 || tape.rarely(3)) {
            buckets.push((bound, count));
        }
    }
    histogram(count, sum, &buckets)
}

fn native(tape: &mut Tape) -> Metric {
    let zero = tape.below(3) as u64;
    let counts: Vec<i64> = (0..4).map(|_| tape.below(5) as i64).collect();
    let deltas = [counts[0], counts[1] - counts[0], counts[2] - counts[1]];
    let below = if tape.rarely(3) { counts[3] } else { 0 };
    let total = zero + (counts[..3].iter().sum::<i64>() + below) as u64;
    Metric {
        histogram: Some(Histogram {
            sample_count: Some(total),
            sample_sum: Some(1.5),
            schema: Some([0, 3, -1, 8][tape.below(4)]),
            zero_threshold: Some([1e-128, 0.0, 1.0][tape.below(3)]),
            zero_count: Some(zero),
            positive_span: spans(&[([-3, 0, 40][tape.below(3)], 2), (tape.below(3) as i32, 1)]),
            positive_delta: deltas.to_vec(),
            negative_span: if below > 0 { spans(&[(2, 1)]) } else { vec![] },
            negative_delta: if below > 0 { vec![below] } else { vec![] },
            ..Histogram::default()
        }),
        ..Metric::default()
    }
}
