//! Families as messages of protobuf.

use prost::Message;

use super::checks::Histogram as Whole;
use super::created::moment;
use super::flat::{Exemplar, Labels, Sample};
use super::groups::{Numbered, metrics};
use super::output::Output;
use super::shape::Piece;
use crate::exposition::ScanError;
use crate::exposition::protobuf::model::{
    Bucket, Counter, Exemplar as ExemplarMessage, Histogram, LabelPair, Metric, MetricFamily,
    Number, Quantile, Summary, Timestamp, Type,
};
use crate::exposition::protobuf::unit_fits;
use crate::exposition::protobuf::write::METRIC;

/// Writes a family with its length. One without metrics is left out: readers of the format do not expect it.
pub(super) fn write(piece: &Piece<'_>, out: &mut Output) -> Result<(), ScanError> {
    if piece.samples.is_empty() {
        return Ok(());
    }
    let kind = Type::from(piece.kind);
    let fits = |unit: &&str| unit_fits(piece.name.as_bytes(), piece.kind, unit.as_bytes());
    let family = MetricFamily {
        name: Some(piece.name.clone()),
        help: piece.help.as_deref().map(str::to_owned),
        r#type: Some(kind.into()),
        metric: Vec::new(),
        unit: piece.unit.as_deref().filter(fits).map(str::to_owned),
    };
    let mut writer = FamilyWriter::begin(&family, out);
    for metric in metrics(&piece.samples) {
        match kind {
            Type::Histogram | Type::GaugeHistogram => {
                writer.metrics(histogram(metric), metric.len())?;
            }
            Type::Summary => writer.metrics(summary(metric), metric.len())?,
            Type::Counter => {
                let mut made = Vec::new();
                counters(metric, &mut made);
                writer.metrics(made, metric.len())?;
            }
            Type::Gauge | Type::Untyped => {
                for (_, sample) in metric {
                    let (gauge, untyped) = match kind {
                        Type::Gauge => (number(sample), None),
                        _ => (None, number(sample)),
                    };
                    let made = Metric {
                        gauge,
                        untyped,
                        ..labelled(sample)
                    };
                    writer.metrics([made], 1)?;
                }
            }
        }
    }
    writer.finish();
    Ok(())
}

/// Writes a family metric by metric, so that never more than one stands in memory.
pub(super) struct FamilyWriter<'o> {
    out: &'o mut Output,
    start: usize,
}

impl<'o> FamilyWriter<'o> {
    /// Writes all but the metrics.
    pub(super) fn begin(family: &MetricFamily, out: &'o mut Output) -> Self {
        let start = out.bytes.len();
        // A Vec takes whatever it is given.
        let _ = family.encode(&mut out.bytes);
        Self { out, start }
    }

    /// Writes metrics that are made of so many samples.
    pub(super) fn metrics(
        &mut self,
        made: impl IntoIterator<Item = Metric>,
        samples: usize,
    ) -> Result<(), ScanError> {
        for metric in made {
            prost::encoding::message::encode(METRIC.into(), &metric, &mut self.out.bytes);
        }
        for _ in 0..samples {
            self.out.count()?;
        }
        Ok(())
    }

    /// Puts the length before it all.
    pub(super) fn finish(self) {
        let mut length = Vec::with_capacity(prost::length_delimiter_len(usize::MAX));
        prost::encoding::encode_varint((self.out.bytes.len() - self.start) as u64, &mut length);
        self.out.bytes.splice(self.start..self.start, length);
    }
}

/// A metric that has labels and time, and no value yet.
fn plain(sample: &Sample<'_>) -> Metric {
    Metric {
        label: pairs(&sample.labels),
        timestamp_ms: sample.time.and_then(|time| time.millis()),
        ..Metric::default()
    }
}

/// The same for samples that are metrics of their own: all labels are written.
fn labelled(sample: &Sample<'_>) -> Metric {
    let mut metric = plain(sample);
    if let Some(apart) = &sample.apart {
        let mut value = Vec::new();
        let value = match &apart.value {
            super::flat::Bound::Text(text) => text.to_string(),
            super::flat::Bound::Number(number) => {
                super::decimal::float(*number, &mut value);
                String::from_utf8_lossy(&value).into_owned()
            }
        };
        metric.label.push(LabelPair {
            name: Some(apart.name.to_string()),
            value: Some(value),
        });
    }
    metric
}

fn pairs(labels: &Labels<'_>) -> Vec<LabelPair> {
    labels
        .iter()
        .map(|(name, value)| LabelPair {
            name: Some(name.to_string()),
            value: Some(value.to_string()),
        })
        .collect()
}

fn number(sample: &Sample<'_>) -> Option<Number> {
    Some(Number {
        value: Some(sample.value.value()),
    })
}

fn counters(metric: &[Numbered<'_>], out: &mut Vec<Metric>) {
    let created = created(metric);
    let totals = metric
        .iter()
        .filter(|(_, sample)| sample.suffix != "_created");
    out.extend(totals.map(|(_, sample)| Metric {
        counter: Some(Counter {
            value: Some(sample.value.value()),
            exemplar: exemplar(sample),
            created_timestamp: created,
        }),
        ..plain(sample)
    }));
}

fn summary(metric: &[Numbered<'_>]) -> Option<Metric> {
    let (_, first) = metric.first()?;
    let quantiles = metric.iter().filter_map(|(_, sample)| {
        Some(Quantile {
            quantile: Some(sample.apart.as_ref()?.value.number()?),
            value: Some(sample.value.value()),
        })
    });
    let one = |suffix: &str| metric.iter().find(|(_, sample)| sample.suffix == suffix);
    Some(Metric {
        summary: Some(Summary {
            sample_count: one("_count").and_then(|(_, sample)| sample.value.count()),
            sample_sum: one("_sum").map(|(_, sample)| sample.value.value()),
            quantile: quantiles.collect(),
            created_timestamp: created(metric),
        }),
        ..plain(first)
    })
}

fn histogram(metric: &[Numbered<'_>]) -> Option<Metric> {
    let (_, first) = metric.first()?;
    let whole = Whole::read(metric)?;
    let buckets = metric.iter().filter_map(|(_, sample)| {
        Some(Bucket {
            cumulative_count: sample.value.count(),
            cumulative_count_float: None,
            upper_bound: Some(sample.apart.as_ref()?.value.number()?),
            exemplar: exemplar(sample),
        })
    });
    let sum = metric
        .iter()
        .find(|(_, sample)| matches!(sample.suffix, "_sum" | "_gsum"));
    Some(Metric {
        histogram: Some(Histogram {
            sample_count: Some(whole.count.unwrap_or(whole.last)),
            sample_sum: sum.map(|(_, sample)| sample.value.value()),
            bucket: buckets.collect(),
            created_timestamp: created(metric),
            ..Histogram::default()
        }),
        ..plain(first)
    })
}

fn created(metric: &[Numbered<'_>]) -> Option<Timestamp> {
    let (_, sample) = metric
        .iter()
        .find(|(_, sample)| sample.suffix == "_created")?;
    timestamp(moment(sample.value)?)
}

fn timestamp((seconds, nanos): (i64, u32)) -> Option<Timestamp> {
    Some(Timestamp {
        seconds,
        nanos: nanos.try_into().ok()?,
    })
}

fn exemplar(sample: &Sample<'_>) -> Option<ExemplarMessage> {
    let Exemplar {
        labels,
        value,
        time,
    } = sample.exemplar.as_deref()?;
    let label = labels.iter().map(|(name, value)| LabelPair {
        name: Some(name.to_string()),
        value: Some(value.to_string()),
    });
    Some(ExemplarMessage {
        label: label.collect(),
        value: Some(value.value()),
        timestamp: time.and_then(|time| time.exact()).and_then(timestamp),
    })
}
