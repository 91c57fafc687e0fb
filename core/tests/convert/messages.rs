//! Protobuf pages for tests: made, shown, and taken apart into series as Prometheus does.

use prost::Message;

use crate::model::{
    Bucket, BucketSpan, Counter, Exemplar, Histogram, LabelPair, Metric, MetricFamily, Number,
    Quantile, Summary, Timestamp, Type,
};

/// The body with these families.
pub(crate) fn body(families: &[MetricFamily]) -> Vec<u8> {
    families
        .iter()
        .flat_map(Message::encode_length_delimited_to_vec)
        .collect()
}

/// The families of a body.
pub(crate) fn families(mut body: &[u8]) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    while !body.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut body).expect("a message"));
    }
    families
}

pub(crate) fn family(name: &str, kind: Type, metric: Vec<Metric>) -> MetricFamily {
    MetricFamily {
        name: Some(name.to_owned()),
        help: None,
        r#type: Some(kind.into()),
        metric,
        unit: None,
    }
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> Vec<LabelPair> {
    pairs
        .iter()
        .map(|(name, value)| LabelPair {
            name: Some((*name).to_owned()),
            value: Some((*value).to_owned()),
        })
        .collect()
}

pub(crate) fn counter(pairs: &[(&str, &str)], value: f64) -> Metric {
    Metric {
        label: labels(pairs),
        counter: Some(Counter {
            value: Some(value),
            ..Counter::default()
        }),
        ..Metric::default()
    }
}

pub(crate) fn gauge(pairs: &[(&str, &str)], value: f64) -> Metric {
    Metric {
        label: labels(pairs),
        gauge: Some(Number { value: Some(value) }),
        ..Metric::default()
    }
}

pub(crate) fn summary(count: u64, sum: f64, quantiles: &[(f64, f64)]) -> Metric {
    let quantiles = quantiles.iter().map(|(quantile, value)| Quantile {
        quantile: Some(*quantile),
        value: Some(*value),
    });
    Metric {
        summary: Some(Summary {
            sample_count: Some(count),
            sample_sum: Some(sum),
            quantile: quantiles.collect(),
            created_timestamp: None,
        }),
        ..Metric::default()
    }
}

pub(crate) fn histogram(count: u64, sum: f64, buckets: &[(f64, u64)]) -> Metric {
    let buckets = buckets.iter().map(|(bound, count)| Bucket {
        upper_bound: Some(*bound),
        cumulative_count: Some(*count),
        ..Bucket::default()
    });
    Metric {
        histogram: Some(Histogram {
            sample_count: Some(count),
            sample_sum: Some(sum),
            bucket: buckets.collect(),
            ..Histogram::default()
        }),
        ..Metric::default()
    }
}

/// Spans of a native histogram as (offset, length).
pub(crate) fn spans(spans: &[(i32, u32)]) -> Vec<BucketSpan> {
    spans
        .iter()
        .map(|(offset, length)| BucketSpan {
            offset: Some(*offset),
            length: Some(*length),
        })
        .collect()
}

pub(crate) fn exemplar(pairs: &[(&str, &str)], value: f64, time: Option<(i64, i32)>) -> Exemplar {
    Exemplar {
        label: labels(pairs),
        value: Some(value),
        timestamp: time.map(timestamp),
    }
}

pub(crate) fn timestamp((seconds, nanos): (i64, i32)) -> Timestamp {
    Timestamp { seconds, nanos }
}

/// A page as text, to compare: one line for each family and metric.
pub(crate) fn show(body: &[u8]) -> String {
    let mut out = String::new();
    for family in families(body) {
        out += &format!("{:?} {}", family.r#type(), family.name());
        for (what, text) in [("help", &family.help), ("unit", &family.unit)] {
            if let Some(text) = text {
                out += &format!(" {what}={text:?}");
            }
        }
        out += "\n";
        for metric in &family.metric {
            out += &show_metric(metric);
            out += "\n";
        }
    }
    out
}

fn show_metric(metric: &Metric) -> String {
    let mut out = format!(" {{{}}}", show_labels(&metric.label));
    let mut created = None;
    if let Some(counter) = &metric.counter {
        out += &format!(" {}", counter.value());
        out += &show_exemplar(counter.exemplar.as_ref());
        created = counter.created_timestamp;
    }
    for number in [&metric.gauge, &metric.untyped].into_iter().flatten() {
        out += &format!(" {}", number.value());
    }
    if let Some(summary) = &metric.summary {
        out += &format!(
            " count={} sum={}",
            summary.sample_count(),
            summary.sample_sum()
        );
        for quantile in &summary.quantile {
            out += &format!(" {}:{}", quantile.quantile(), quantile.value());
        }
        created = summary.created_timestamp;
    }
    if let Some(histogram) = &metric.histogram {
        out += &format!(
            " count={} sum={}",
            histogram.sample_count(),
            histogram.sample_sum()
        );
        for bucket in &histogram.bucket {
            out += &format!(" {}:{}", bucket.upper_bound(), bucket.cumulative_count());
            out += &show_exemplar(bucket.exemplar.as_ref());
        }
        if let Some(schema) = histogram.schema {
            out += &format!(" schema={schema}");
        }
        created = histogram.created_timestamp;
    }
    if let Some(created) = created {
        out += &format!(" created={}.{:09}", created.seconds, created.nanos);
    }
    if let Some(time) = metric.timestamp_ms {
        out += &format!(" @{time}");
    }
    out
}

fn show_exemplar(exemplar: Option<&Exemplar>) -> String {
    let Some(exemplar) = exemplar else {
        return String::new();
    };
    let time = exemplar.timestamp.map_or(String::new(), |time| {
        format!(" @{}.{:09}", time.seconds, time.nanos)
    });
    format!(
        " # {{{}}} {}{time}",
        show_labels(&exemplar.label),
        exemplar.value()
    )
}

fn show_labels(labels: &[LabelPair]) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|pair| format!("{}={:?}", pair.name(), pair.value()))
        .collect();
    pairs.join(",")
}
