//! Length-delimited `io.prometheus.client.MetricFamily` messages.
//!
//! A page in this format is checked as Prometheus' `ProtobufParser` and the first step of its storage would, and
//! indexed by metric: a mark is the offset of a metric's field. Fields that the format does not know are skipped here
//! and copied by the merge.

mod buckets;
mod histogram;
mod labels;
pub(crate) mod model;
mod scan;
mod value;
pub(crate) mod wire;
pub(crate) mod write;

pub(super) use scan::scan;
pub(crate) use scan::unit_fits;
pub(crate) use value::{SECONDS, field_of};

use model::Type;

use super::page::{FamilyEntry, Mark, Page};
use super::{Format, MetricType};
use wire::{Field, Part};

impl Page {
    /// The metrics of a family of a protobuf page in order, each as the bytes of its message.
    pub(crate) fn metrics<'a>(&'a self, entry: &FamilyEntry) -> impl Iterator<Item = &'a [u8]> {
        let is_protobuf = self.format() == Format::Protobuf;
        self.runs_of(entry)
            .filter(move |_| is_protobuf)
            .flat_map(|run| self.marks(run))
            .filter_map(|mark| Some(self.metric(*mark)?.bytes()))
    }

    /// The metric at this mark.
    pub(crate) fn metric(&self, mark: Mark) -> Option<Part<'_>> {
        message(Part::from(self.body(), mark.at()).accepted().next()?)
    }
}

/// Info and stateset are gauges here: the format has neither.
impl From<MetricType> for Type {
    fn from(kind: MetricType) -> Self {
        match kind {
            MetricType::Counter => Self::Counter,
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => Self::Gauge,
            MetricType::Summary => Self::Summary,
            MetricType::Unknown => Self::Untyped,
            MetricType::Histogram => Self::Histogram,
            MetricType::GaugeHistogram => Self::GaugeHistogram,
        }
    }
}

impl From<Type> for MetricType {
    fn from(number: Type) -> Self {
        match number {
            Type::Counter => Self::Counter,
            Type::Gauge => Self::Gauge,
            Type::Summary => Self::Summary,
            Type::Untyped => Self::Unknown,
            Type::Histogram => Self::Histogram,
            Type::GaugeHistogram => Self::GaugeHistogram,
        }
    }
}

/// The message that a field holds.
pub(crate) fn message(field: Field<'_>) -> Option<Part<'_>> {
    match field.value {
        wire::Value::Part(part) => Some(part),
        _ => None,
    }
}

/// How many samples an accepted metric of this type is.
pub(crate) fn samples(kind: MetricType, metric: Part<'_>) -> usize {
    let (number, _) = value::field_of(kind);
    metric
        .accepted()
        .filter(|field| field.number == number)
        .filter_map(message)
        .filter_map(|value| value::Values::default().check(kind, value).ok())
        .sum()
}
