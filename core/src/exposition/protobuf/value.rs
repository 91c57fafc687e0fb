//! The value of a metric, and how many samples it is for Prometheus.

use super::histogram;
use super::labels::ExemplarLabels;
use super::wire::{Once, Part};
use crate::exposition::MetricType;
use crate::exposition::error::{Fault, Step};

/// The seconds that `google.protobuf.Timestamp` may have: the years 1 to 9999.
pub(crate) const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The field of a metric that holds the value of this type, and what it is called.
pub(crate) fn field_of(kind: MetricType) -> (u32, &'static str) {
    match kind {
        MetricType::Counter => (3, "counter"),
        MetricType::Gauge => (2, "gauge"),
        MetricType::Summary => (4, "summary"),
        MetricType::Histogram | MetricType::GaugeHistogram => (7, "histogram"),
        MetricType::Unknown | MetricType::Info | MetricType::StateSet => (5, "untyped"),
    }
}

/// Checks the values of metrics.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    labels: ExemplarLabels<'a>,
}

impl<'a> Values<'a> {
    /// Checks the value of a metric of this type. Gives the number of samples that it is.
    pub(super) fn check(&mut self, kind: MetricType, value: Part<'a>) -> Step<usize> {
        match kind {
            MetricType::Counter => self.counter(value),
            MetricType::Summary => self.summary(value),
            MetricType::Histogram | MetricType::GaugeHistogram => histogram::check(value, self),
            _ => number(value),
        }
    }

    fn counter(&mut self, mut part: Part<'a>) -> Step<usize> {
        let mut once = Once::default();
        while let Some(field) = part.field()? {
            match field.number {
                1 => {
                    once.note(&field)?;
                    field.double()?;
                }
                2 => {
                    once.note(&field)?;
                    self.exemplar(field.part()?)?;
                }
                3 => {
                    once.note(&field)?;
                    timestamp(field.part()?)?;
                }
                _ => {}
            }
        }
        Ok(1)
    }

    fn summary(&mut self, mut part: Part<'a>) -> Step<usize> {
        let mut once = Once::default();
        let mut quantiles = 0;
        while let Some(field) = part.field()? {
            match field.number {
                1 => {
                    once.note(&field)?;
                    field.varint()?;
                }
                2 => {
                    once.note(&field)?;
                    field.double()?;
                }
                3 => {
                    quantiles += 1;
                    quantile(field.part()?)?;
                }
                4 => {
                    once.note(&field)?;
                    timestamp(field.part()?)?;
                }
                _ => {}
            }
        }
        // Beside the quantiles: count and sum.
        Ok(quantiles + 2)
    }

    /// Whether an exemplar so far had a label whose name is none without quotes.
    pub(super) fn has_quoted_names(&self) -> bool {
        self.labels.quoted
    }

    pub(super) fn exemplar(&mut self, mut part: Part<'a>) -> Step<()> {
        let at = part.at();
        let mut once = Once::default();
        self.labels.begin();
        let mut check = || -> Step<()> {
            while let Some(field) = part.field()? {
                match field.number {
                    1 => self.labels.add(field.part()?)?,
                    2 => {
                        once.note(&field)?;
                        field.double()?;
                    }
                    3 => {
                        once.note(&field)?;
                        timestamp(field.part()?)?;
                    }
                    _ => {}
                }
            }
            self.labels.finish(at)
        };
        check().map_err(|fault| fault.within("exemplar"))
    }
}

/// A gauge or untyped value.
fn number(mut part: Part<'_>) -> Step<usize> {
    let mut once = Once::default();
    while let Some(field) = part.field()? {
        if field.number == 1 {
            once.note(&field)?;
            field.double()?;
        }
    }
    Ok(1)
}

/// Any two doubles: nobody minds a quantile of 2 or NaN here.
fn quantile(mut part: Part<'_>) -> Step<()> {
    let mut once = Once::default();
    while let Some(field) = part.field()? {
        if matches!(field.number, 1 | 2) {
            once.note(&field)?;
            field.double()?;
        }
    }
    Ok(())
}

/// Go's `timestamppb.Timestamp.CheckValid`, which expfmt asks before it writes one.
pub(super) fn timestamp(mut part: Part<'_>) -> Step<()> {
    let at = part.at();
    let mut once = Once::default();
    while let Some(field) = part.field()? {
        match field.number {
            1 => {
                once.note(&field)?;
                if !SECONDS.contains(&(field.varint()? as i64)) {
                    return Err(Fault::syntax(at, "a timestamp beyond the years 1 to 9999"));
                }
            }
            2 => {
                once.note(&field)?;
                if field.varint()? >= 1_000_000_000 {
                    return Err(Fault::syntax(
                        at,
                        "a timestamp with less than 0 nanoseconds or a second of them",
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
