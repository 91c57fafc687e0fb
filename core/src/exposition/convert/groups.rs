//! Metrics of a family: samples that belong together, in the order in which they are written.

use std::cmp::Ordering;
use std::rc::Rc;

use hashbrown::HashMap;

use super::decimal;
use super::flat::{Bound, Labels, Sample};
use crate::exposition::{MetricType, hash};

/// What makes samples one metric, beside their labels.
#[derive(Clone, Copy, Debug)]
pub(super) struct By {
    /// `le`, `quantile` or the state tell metrics apart too: these samples are no histogram, summary or stateset.
    pub(super) apart: bool,
    /// So does the time. Otherwise a metric has samples of several times, in order.
    pub(super) time: bool,
    /// Samples of one metric stay in the order that they have.
    pub(super) keep: bool,
}

impl By {
    /// What OpenMetrics calls a metric.
    pub(super) fn metric(kind: MetricType) -> Self {
        Self {
            apart: !matches!(
                kind,
                MetricType::Histogram
                    | MetricType::GaugeHistogram
                    | MetricType::Summary
                    | MetricType::StateSet
            ),
            time: false,
            keep: false,
        }
    }

    /// One message of protobuf.
    pub(super) fn message(kind: MetricType) -> Self {
        Self {
            time: true,
            ..Self::metric(kind)
        }
    }
}

/// A sample with the number of its metric.
pub(super) type Numbered<'a> = (u32, Sample<'a>);

/// Puts samples of one metric together; metrics stand by their first sample.
pub(super) fn arrange(samples: Vec<Sample<'_>>, by: By) -> Vec<Numbered<'_>> {
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let mut latest: Option<(Labels<'_>, u64)> = None;
    let mut numbered = Vec::with_capacity(samples.len());
    for sample in samples {
        let labels = match &latest {
            Some((labels, hash)) if Rc::ptr_eq(labels, &sample.labels) => *hash,
            _ => hash_of(&sample.labels),
        };
        latest = Some((sample.labels.clone(), labels));
        let count = numbers.len() as u32;
        let number = *numbers.entry(key(&sample, labels, by)).or_insert(count);
        numbered.push((number, sample));
    }
    let order = |one: &Numbered<'_>, other: &Numbered<'_>| {
        let within = if by.keep {
            Ordering::Equal
        } else {
            order(&one.1, &other.1)
        };
        one.0.cmp(&other.0).then(within)
    };
    if !numbered.is_sorted_by(|one, other| order(one, other) != Ordering::Greater) {
        numbered.sort_by(order);
    }
    numbered
}

/// Samples of one metric, one slice after the other.
pub(super) fn metrics<'s, 'a>(
    samples: &'s [Numbered<'a>],
) -> impl Iterator<Item = &'s [Numbered<'a>]> {
    samples.chunk_by(|one, other| one.0 == other.0)
}

/// The sum of what the labels come to: their order does not matter.
pub(super) fn hash_of(labels: &Labels<'_>) -> u64 {
    labels.iter().fold(0u64, |sum, (name, value)| {
        sum.wrapping_add(pair(name, value.as_bytes()))
    })
}

fn pair(name: &str, value: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    (hash(name.as_bytes()).rotate_left(17) ^ hash(value)).wrapping_mul(MULTIPLIER)
}

fn key(sample: &Sample<'_>, labels: u64, by: By) -> u64 {
    let mut key = labels;
    if by.apart
        && let Some(apart) = &sample.apart
    {
        key = key.wrapping_add(match &apart.value {
            Bound::Text(text) => pair(&apart.name, text.as_bytes()),
            // As it will be written: what is said elsewhere on the page may look the same.
            Bound::Number(number) => {
                let mut text = Vec::new();
                decimal::canonical_float(*number, &mut text);
                pair(&apart.name, &text)
            }
        });
    }
    if by.time {
        let time = sample.time.and_then(|time| time.millis());
        key = key.wrapping_add(pair(
            if time.is_some() { "with" } else { "without" },
            &time.unwrap_or_default().to_le_bytes(),
        ));
    }
    key
}

/// The order of samples of one metric.
fn order(one: &Sample<'_>, other: &Sample<'_>) -> Ordering {
    let time = |sample: &Sample<'_>| sample.time.map(|time| time.order());
    let bound = |sample: &Sample<'_>| {
        let bound = sample.apart.as_ref().and_then(|apart| apart.value.number());
        // States, and bounds that are none, stay as they stand.
        bound.unwrap_or(f64::NEG_INFINITY)
    };
    time(one)
        .cmp(&time(other))
        .then_with(|| rank(one.suffix).cmp(&rank(other.suffix)))
        .then_with(|| bound(one).total_cmp(&bound(other)))
}

fn rank(suffix: &str) -> usize {
    ["_count", "_gcount", "_sum", "_gsum", "_created"]
        .iter()
        .position(|known| *known == suffix)
        .map_or(0, |place| place + 1)
}
