//! What one family is called in the target, of which type it is there, and which names that takes.

use std::borrow::Cow;

use super::escape::{Role, escape};
use super::labels::LabelNames;
use crate::exposition::{Dialect, Format, MetricType};

/// What becomes of one family.
#[derive(Debug)]
pub(super) struct Planned {
    /// The name as OpenMetrics would have it, so without `_total` and `_info`; escaped.
    pub(super) name: String,
    /// `_total` of a counter that has it, `_info` of an info metric. Text and protobuf have it in the family's name.
    pub(super) main: &'static str,
    pub(super) kind: MetricType,
    /// It is written without structure, because another family has one of the names that it would reserve.
    pub(super) loose: bool,
    /// Place of the gauge family that tells when its metrics were created.
    pub(super) created: Option<usize>,
    /// It is such a gauge family, and written with the other one.
    pub(super) folded: bool,
    /// A stateset whose state label still has the family's name.
    named: bool,
}

impl Planned {
    /// Its type in the target.
    pub(super) fn kind_in(&self, target: Format) -> MetricType {
        match (self.kind, target) {
            // As Go's expfmt has it: there is no counter without `_total`.
            (MetricType::Counter, Format::OpenMetrics) if self.main.is_empty() => {
                MetricType::Unknown
            }
            (MetricType::StateSet, Format::OpenMetrics) if !self.named => MetricType::Gauge,
            (kind, _) => kind,
        }
    }

    /// What the names of its samples have after its name, when it is loose.
    pub(super) fn loose_suffixes(&self, source: Format) -> Vec<&'static str> {
        let lines = source == Format::Text;
        let mut suffixes = match self.kind {
            MetricType::Counter => vec![self.main],
            MetricType::Info => vec!["_info"],
            MetricType::GaugeHistogram => vec!["_bucket", "_gcount", "_gsum"],
            MetricType::Histogram if lines => vec!["", "_bucket", "_count", "_sum"],
            MetricType::Histogram => vec!["_bucket", "_count", "_sum"],
            MetricType::Summary => vec!["", "_count", "_sum"],
            MetricType::Gauge | MetricType::Unknown | MetricType::StateSet => vec![""],
        };
        let began = matches!(
            self.kind,
            MetricType::Counter | MetricType::Histogram | MetricType::Summary
        );
        if began && (!lines || self.created.is_some()) {
            suffixes.push("_created");
        }
        suffixes
    }

    /// The same with all that its structure reserves.
    pub(super) fn suffixes(&self, source: Format, target: Format) -> Vec<&'static str> {
        let mut suffixes = self.loose_suffixes(source);
        if self.loose {
            return suffixes;
        }
        let kind = self.kind_in(target);
        match (kind, target) {
            (MetricType::Counter | MetricType::Info, Format::Text | Format::Protobuf) => {}
            (MetricType::GaugeHistogram, Format::Text) => {
                suffixes.extend(MetricType::Histogram.reserved(target));
            }
            _ => suffixes.extend(kind.reserved(target)),
        }
        suffixes.sort_unstable();
        suffixes.dedup();
        suffixes
    }

    pub(super) fn is_simple(&self, target: Format) -> bool {
        let kind = self.kind_in(target);
        matches!(
            kind,
            MetricType::Gauge | MetricType::Unknown | MetricType::StateSet
        ) || (target != Format::OpenMetrics && kind == MetricType::Info)
    }
}

/// The family in the target, and whether its name had to be escaped.
pub(super) fn planned(
    name: &str,
    kind: MetricType,
    source: Format,
    to: Dialect,
    labels: &LabelNames,
) -> (Planned, bool) {
    let (full, main) = match (kind, source) {
        (MetricType::Counter, Format::OpenMetrics) => (format!("{name}_total"), "_total"),
        (MetricType::Info, Format::OpenMetrics) => (format!("{name}_info"), "_info"),
        (MetricType::Counter, _) if name.len() > 6 && name.ends_with("_total") => {
            (name.to_owned(), "_total")
        }
        _ => (name.to_owned(), ""),
    };
    let escaped = escape(&full, Role::Metric, to.escaping());
    let is_escaped = escaped.is_some();
    let full = escaped.unwrap_or(full);
    let base = full.strip_suffix(main).unwrap_or(&full).to_owned();
    let planned = Planned {
        named: labels.get(Cow::Borrowed(name)) == base,
        name: base,
        main,
        kind,
        loose: false,
        created: None,
        folded: false,
    };
    (planned, is_escaped)
}
