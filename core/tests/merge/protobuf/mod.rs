//! Pages of delimited protobuf messages. They are made and read with prost here, which the code under test does not
//! use for either.

use bytes::Bytes;
use prost::Message;

mod histograms;
mod made_up;
mod merged;
#[path = "../../../src/exposition/protobuf/model.rs"]
#[allow(dead_code, reason = "tests do not name every field")]
pub(crate) mod model;
mod scan;
mod spoiled;
mod spoiler;

use model::{
    Bucket, BucketSpan, Counter, Exemplar, Histogram, LabelPair, Metric, MetricFamily, Number,
    Quantile, Summary, Timestamp, Type,
};

/// The page of these families.
fn page(families: &[MetricFamily]) -> Vec<u8> {
    families
        .iter()
        .flat_map(Message::encode_length_delimited_to_vec)
        .collect()
}

/// The families of a page.
fn families(page: &[u8]) -> Vec<MetricFamily> {
    let mut page = Bytes::copy_from_slice(page);
    let mut families = Vec::new();
    while !page.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut page).expect("a family"));
    }
    families
}

fn family(name: &str, kind: Type, metrics: impl IntoIterator<Item = Metric>) -> MetricFamily {
    MetricFamily {
        name: Some(name.to_owned()),
        help: Some(format!("Help of {name}.")),
        r#type: Some(kind as i32),
        metric: metrics.into_iter().collect(),
        unit: None,
    }
}

fn pairs(labels: &[(&str, &str)]) -> Vec<LabelPair> {
    labels
        .iter()
        .map(|(name, value)| LabelPair {
            name: Some((*name).to_owned()),
            value: Some((*value).to_owned()),
        })
        .collect()
}

fn gauge(labels: &[(&str, &str)], value: f64) -> Metric {
    Metric {
        label: pairs(labels),
        gauge: Some(Number { value: Some(value) }),
        ..Metric::default()
    }
}

fn untyped(labels: &[(&str, &str)], value: f64) -> Metric {
    Metric {
        label: pairs(labels),
        untyped: Some(Number { value: Some(value) }),
        ..Metric::default()
    }
}

fn counter(labels: &[(&str, &str)], value: f64) -> Metric {
    Metric {
        label: pairs(labels),
        counter: Some(Counter {
            value: Some(value),
            ..Counter::default()
        }),
        ..Metric::default()
    }
}

fn summary(labels: &[(&str, &str)], quantiles: &[f64]) -> Metric {
    let quantile = |quantile: &f64| Quantile {
        quantile: Some(*quantile),
        value: Some(1.5),
    };
    Metric {
        label: pairs(labels),
        summary: Some(Summary {
            sample_count: Some(3),
            sample_sum: Some(4.5),
            quantile: quantiles.iter().map(quantile).collect(),
            created_timestamp: Some(Timestamp {
                seconds: 1_700_000_000,
                nanos: 5,
            }),
        }),
        ..Metric::default()
    }
}

fn histogram(labels: &[(&str, &str)], histogram: Histogram) -> Metric {
    Metric {
        label: pairs(labels),
        histogram: Some(histogram),
        ..Metric::default()
    }
}

/// Classic buckets: bounds with cumulative counts.
fn classic(buckets: &[(f64, u64)]) -> Histogram {
    let bucket = |(bound, count): &(f64, u64)| Bucket {
        cumulative_count: Some(*count),
        upper_bound: Some(*bound),
        ..Bucket::default()
    };
    Histogram {
        sample_count: Some(buckets.last().map_or(0, |(_, count)| *count)),
        sample_sum: Some(1.5),
        bucket: buckets.iter().map(bucket).collect(),
        ..Histogram::default()
    }
}

/// A native histogram with these spans and deltas on the positive side.
fn native(count: u64, spans: &[(i32, u32)], deltas: &[i64]) -> Histogram {
    Histogram {
        sample_count: Some(count),
        sample_sum: Some(1.5),
        schema: Some(3),
        zero_threshold: Some(1e-128),
        zero_count: Some(0),
        positive_span: spans
            .iter()
            .map(|(offset, length)| span(*offset, *length))
            .collect(),
        positive_delta: deltas.to_vec(),
        ..Histogram::default()
    }
}

fn span(offset: i32, length: u32) -> BucketSpan {
    BucketSpan {
        offset: Some(offset),
        length: Some(length),
    }
}

fn exemplar(labels: &[(&str, &str)]) -> Exemplar {
    Exemplar {
        label: pairs(labels),
        value: Some(0.5),
        timestamp: Some(Timestamp {
            seconds: 1_700_000_000,
            nanos: 999_999_999,
        }),
    }
}
