//! What a reader finds: the table of `docs/formats.md` as code.

use std::collections::BTreeMap;

use super::{Family, Kind, Metric, Metrics, Point};
use crate::oracle::{Exemplar, Format, Native, Series};

impl Metrics {
    /// The series of the page in `source`, when they are read in `target`; with these labels added.
    pub fn series(&self, source: Format, target: Format, added: &[(&str, &str)]) -> Vec<Series> {
        let mut all = Vec::new();
        for family in self.of(source) {
            for metric in &family.metrics {
                Reader {
                    family,
                    metric,
                    source,
                    target,
                    all: &mut all,
                }
                .read();
            }
        }
        for series in &mut all {
            for (name, value) in added {
                if let Some(own) = series.labels.remove(*name) {
                    series.labels.insert(format!("exported_{name}"), own);
                }
                series
                    .labels
                    .insert((*name).to_owned(), (*value).to_owned());
            }
        }
        all.into_iter().map(Series::canonical).collect()
    }
}

struct Reader<'a> {
    family: &'a Family,
    metric: &'a Metric,
    source: Format,
    target: Format,
    all: &'a mut Vec<Series>,
}

impl Reader<'_> {
    fn read(mut self) {
        let family = self.family;
        let kind = self.kind();
        match &self.metric.point {
            Point::Number(value, exemplar) => {
                self.push(&family.main(), kind, *value, None, exemplar.as_ref());
            }
            Point::Summary {
                quantiles,
                sum,
                count,
            } => {
                for (quantile, value) in quantiles {
                    self.push(
                        &family.name,
                        kind,
                        *value,
                        Some(("quantile", *quantile)),
                        None,
                    );
                }
                self.push(&format!("{}_sum", family.name), kind, *sum, None, None);
                self.push(
                    &format!("{}_count", family.name),
                    kind,
                    *count as f64,
                    None,
                    None,
                );
            }
            Point::Histogram {
                buckets,
                sum,
                count,
                native,
            } => {
                let buckets = buckets
                    .iter()
                    .map(|bucket| (bucket.bound, bucket.count as f64, bucket.exemplar.as_ref()));
                self.classic(buckets, *sum, *count as f64);
                if let (Format::Protobuf, Format::Protobuf, Some(native)) =
                    (self.source, self.target, native)
                {
                    self.native(native, &[]);
                }
            }
            Point::Native(native, exemplars) if self.target == Format::Protobuf => {
                self.native(native, exemplars)
            }
            Point::Native(native, exemplars) => {
                let buckets = classic_of(native);
                let place = |value| buckets.iter().position(|(bound, _)| value <= *bound);
                // Of several in one bucket, the newest.
                let example = |at| {
                    let inside = exemplars.iter().filter(|it| place(it.value) == Some(at));
                    inside.max_by_key(|it| it.timestamp)
                };
                let buckets: Vec<_> = buckets
                    .iter()
                    .enumerate()
                    .map(|(at, (bound, count))| (*bound, *count, example(at)))
                    .collect();
                self.classic(buckets, native.sum, native.count);
            }
            Point::States(states) => {
                for (state, on) in states {
                    self.push(&family.name, kind, f64::from(u8::from(*on)), None, None);
                    if let Some(series) = self.all.last_mut() {
                        series
                            .labels
                            .insert(family.name.clone(), (*state).to_owned());
                    }
                }
            }
        }
        // A field in protobuf, a sample of the family in OpenMetrics, a gauge in text.
        let Some(created) = self.metric.created.filter(|_| self.source != Format::Text) else {
            return;
        };
        if self.target != Format::Protobuf {
            let kind = match (self.target, family.kind) {
                (Format::Text, _) | (_, Kind::BareCounter | Kind::NativeLoose) => "gauge",
                _ => kind,
            };
            self.push(
                &format!("{}_created", family.name),
                kind,
                created as f64 / 1000.0,
                None,
                None,
            );
        }
    }

    fn classic<'b>(
        &mut self,
        buckets: impl IntoIterator<Item = (f64, f64, Option<&'b Exemplar>)>,
        sum: f64,
        count: f64,
    ) {
        let (family, kind) = (self.family, self.kind());
        for (bound, count, exemplar) in buckets {
            self.push(
                &format!("{}_bucket", family.name),
                kind,
                count,
                Some(("le", bound)),
                exemplar,
            );
        }
        let gauge = family.kind == Kind::GaugeHistogram;
        let (sum_name, count_name, kind) = match self.target {
            // Prometheus names them so, whatever the histogram is.
            Format::Protobuf => ("_sum", "_count", kind),
            Format::Text if gauge => ("_gsum", "_gcount", "gauge"),
            _ if gauge => ("_gsum", "_gcount", kind),
            _ => ("_sum", "_count", kind),
        };
        self.push(&format!("{}{sum_name}", family.name), kind, sum, None, None);
        self.push(
            &format!("{}{count_name}", family.name),
            kind,
            count,
            None,
            None,
        );
    }

    fn native(&mut self, native: &Native, exemplars: &[Exemplar]) {
        self.push(&self.family.name, self.kind(), f64::NAN, None, None);
        if let Some(series) = self.all.last_mut() {
            series.native = Some(native.clone());
            series.exemplars = exemplars.to_vec();
        }
    }

    fn kind(&self) -> &'static str {
        match (self.family.kind, self.target) {
            (Kind::BareCounter | Kind::NativeLoose, Format::OpenMetrics) | (Kind::Unknown, _) => {
                "unknown"
            }
            (Kind::Counter | Kind::BareCounter, _) => "counter",
            (Kind::Summary, _) => "summary",
            (Kind::GaugeHistogram, Format::OpenMetrics | Format::Protobuf) => "gaugehistogram",
            (Kind::Histogram | Kind::Native | Kind::NativeLoose | Kind::GaugeHistogram, _) => {
                "histogram"
            }
            (Kind::Info, Format::OpenMetrics) => "info",
            (Kind::StateSet, Format::OpenMetrics) => "stateset",
            (Kind::Gauge | Kind::Info | Kind::StateSet, _) => "gauge",
        }
    }

    fn push(
        &mut self,
        name: &str,
        kind: &str,
        value: f64,
        more: Option<(&str, f64)>,
        exemplar: Option<&Exemplar>,
    ) {
        let mut labels: BTreeMap<_, _> = self.metric.labels.iter().cloned().collect();
        labels.extend(more.map(|(name, value)| (name.to_owned(), value.to_string())));
        let counts = matches!(kind, "counter" | "histogram" | "gaugehistogram");
        let has_exemplars = self.source != Format::Text && self.target != Format::Text && counts;
        let apart = kind == "gauge" && name.ends_with("_created");
        let loose = self.family.kind == Kind::NativeLoose && self.target == Format::OpenMetrics;
        let has_unit =
            self.source != Format::Text && self.target != Format::Text && !apart && !loose;
        let has_created = self.source != Format::Text && self.target == Format::Protobuf;
        self.all.push(Series {
            name: name.to_owned(),
            labels,
            value,
            timestamp: self.metric.timestamp,
            kind: kind.to_owned(),
            help: self.family.help.clone().unwrap_or_default(),
            unit: self
                .family
                .unit
                .filter(|_| has_unit)
                .unwrap_or_default()
                .to_owned(),
            exemplars: exemplar
                .cloned()
                .filter(|_| has_exemplars)
                .into_iter()
                .collect(),
            created: self.metric.created.filter(|_| has_created),
            native: None,
        });
    }
}

/// The bounds at which the number of observations below is known, with that number: both ends of all buckets that have
/// any, but not a lower end of 0, which readers suppose.
fn classic_of(native: &Native) -> Vec<(f64, f64)> {
    let bound = |index: i32| (f64::from(index) * 2f64.powi(-native.schema)).exp2();
    let below = native
        .negative
        .iter()
        .rev()
        .map(|(index, count)| (-bound(*index), -bound(index - 1), *count));
    let width = native.zero_threshold;
    let zero = (
        if native.negative.is_empty() {
            0.0
        } else {
            -width
        },
        width,
        native.zero_count,
    );
    let above = native
        .positive
        .iter()
        .map(|(index, count)| (bound(index - 1), bound(*index), *count));
    let mut bounds: Vec<(f64, f64)> = Vec::new();
    let mut sum = 0.0;
    for (lower, upper, count) in below
        .chain([zero])
        .chain(above)
        .filter(|(.., count)| *count > 0.0)
    {
        let supposed = bounds.is_empty() && lower == 0.0;
        if !supposed && bounds.last().is_none_or(|(bound, _)| *bound < lower) {
            bounds.push((lower, sum));
        }
        sum += count;
        bounds.push((upper, sum));
    }
    bounds.push((f64::INFINITY, native.count));
    bounds
}
