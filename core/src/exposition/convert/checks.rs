//! What the structure of a format can hold. Families that it cannot are written *loose*: without structure.

use super::flat::Sample;
use super::groups::{Numbered, metrics};
use crate::exposition::{MetricType, number};

/// Whether the samples, arranged by [`By::metric`](super::groups::By::metric), keep the rules of OpenMetrics for a
/// family of this type (`exposition/groups.rs`). Missing `+Inf` buckets and counts are no hindrance: they are added.
pub(super) fn openmetrics(kind: MetricType, samples: &[Numbered<'_>]) -> bool {
    match kind {
        MetricType::Counter => samples.iter().all(|(_, sample)| {
            matches!(sample.suffix, "_total" | "_created")
                && (sample.suffix == "_created" || is_positive(sample))
        }),
        MetricType::Summary => {
            metrics(samples).all(|metric| {
                let timed = metric.iter().filter(|(_, sample)| sample.time.is_some());
                let timed = timed.count();
                timed == 0 || timed == metric.len()
            }) && samples.iter().all(|(_, sample)| match sample.suffix {
                "" => {
                    let quantile = sample.apart.as_ref().and_then(|it| it.value.number());
                    quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile))
                        && (is_positive(sample) || sample.value.value().is_nan())
                }
                "_count" => sample.value.count().is_some() && !has(sample, "quantile"),
                "_sum" => is_positive(sample) && !has(sample, "quantile"),
                _ => !has(sample, "quantile"),
            })
        }
        MetricType::Histogram | MetricType::GaugeHistogram => metrics(samples)
            .all(|metric| Histogram::read(metric).is_some_and(|it| it.is_strict(kind))),
        _ => true,
    }
}

/// Whether the samples, arranged by [`By::message`](super::groups::By::message), fit in messages of this type.
pub(super) fn protobuf(kind: MetricType, samples: &[Numbered<'_>]) -> bool {
    match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => metrics(samples).all(|metric| {
            Histogram::read(metric).is_some_and(|it| {
                let counts_all = it.infinite || it.count.is_some_and(|count| count >= it.last);
                counts_all && it.sum.is_some() && it.same_time
            })
        }),
        MetricType::Summary => metrics(samples).all(summary_message),
        _ => true,
    }
}

fn summary_message(metric: &[Numbered<'_>]) -> bool {
    let mut before = None;
    let quantiles = metric.iter().filter(|(_, sample)| sample.suffix.is_empty());
    for (_, sample) in quantiles {
        let Some(quantile) = sample.apart.as_ref().and_then(|it| it.value.number()) else {
            return false;
        };
        if before.replace(quantile) == Some(quantile) {
            return false;
        }
    }
    let one = |suffix: &str| {
        metric
            .iter()
            .filter(|(_, sample)| sample.suffix == suffix)
            .count()
            == 1
    };
    let labels = |(_, sample): &Numbered<'_>| !has(sample, "quantile");
    let count = metric.iter().find(|(_, sample)| sample.suffix == "_count");
    one("_count")
        && one("_sum")
        && metric.iter().all(labels)
        && count.is_some_and(|(_, sample)| sample.value.count().is_some())
}

/// Whether text takes these samples as a family of this type: bounds and quantiles are numbers, counts are not negative.
pub(super) fn text(kind: MetricType, samples: &[Sample<'_>]) -> bool {
    let name = match kind {
        MetricType::Histogram | MetricType::GaugeHistogram => "le",
        MetricType::Summary => "quantile",
        _ => return true,
    };
    samples.iter().all(|sample| {
        let mut plain = sample.labels.iter().filter(|(label, _)| label == name);
        let counts =
            kind != MetricType::Summary && !matches!(sample.suffix, "_sum" | "_gsum" | "_created");
        plain.all(|(_, value)| number::is_number(value.as_bytes()))
            && sample
                .apart
                .as_ref()
                .is_none_or(|apart| apart.value.number().is_some())
            && !(counts && sample.value.value() < 0.0)
    })
}

fn is_positive(sample: &Sample<'_>) -> bool {
    // Not for NaN.
    sample.value.value() >= 0.0
}

fn has(sample: &Sample<'_>, name: &str) -> bool {
    sample.labels.iter().any(|(label, _)| label == name)
}

/// One histogram at one moment, whose buckets are in order and cumulative.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// The count of the last bucket.
    pub(super) last: u64,
    /// The last bucket is the one for all.
    pub(super) infinite: bool,
    pub(super) count: Option<u64>,
    sum: Option<f64>,
    created: bool,
    below_zero: bool,
    same_time: bool,
}

impl Histogram {
    /// None when these samples are none.
    pub(super) fn read(metric: &[Numbered<'_>]) -> Option<Self> {
        let mut read = Self::default();
        let mut before: Option<f64> = None;
        for (_, sample) in metric {
            if has(sample, "le") {
                return None;
            }
            match sample.suffix {
                "_bucket" => {
                    let bound = sample.apart.as_ref()?.value.number()?;
                    let count = sample.value.count()?;
                    if before.is_some_and(|before| bound <= before) || count < read.last {
                        return None;
                    }
                    before = Some(bound);
                    read.last = count;
                    read.below_zero |= bound < 0.0;
                    read.infinite = bound == f64::INFINITY;
                }
                "_count" | "_gcount" => {
                    if read.count.replace(sample.value.count()?).is_some() {
                        return None;
                    }
                }
                "_sum" | "_gsum" => {
                    if read.sum.replace(sample.value.value()).is_some() {
                        return None;
                    }
                }
                "_created" => {
                    if std::mem::replace(&mut read.created, true) {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        let times = || {
            metric
                .iter()
                .map(|(_, sample)| sample.time.map(|time| time.order()))
        };
        read.same_time = times()
            .zip(times().skip(1))
            .all(|(one, other)| one == other);
        Some(read)
    }

    fn is_strict(&self, kind: MetricType) -> bool {
        let counted = match (self.infinite, self.count) {
            (true, Some(count)) => count == self.last,
            (true, None) => true,
            (false, Some(count)) => count >= self.last,
            (false, None) => false,
        };
        // Count and sum go together, and a count can be added.
        let summed = match self.sum {
            Some(sum) if kind == MetricType::Histogram => sum >= 0.0 && !self.below_zero,
            Some(sum) => sum >= 0.0 || (self.below_zero && !sum.is_nan()),
            None => self.count.is_none(),
        };
        self.same_time && counted && summed
    }
}
