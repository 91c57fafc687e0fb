//! Families of protobuf pages: each metric becomes the samples that Prometheus makes of it.

use std::borrow::Cow;
use std::rc::Rc;

use prost::Message;

use super::flat::{Apart, Bound, Exemplar, Family, Labels, Number, Sample, Time};
use super::labels::LabelNames;
use super::native;
use crate::exposition::page::Span;
use crate::exposition::protobuf::model::{
    Exemplar as ExemplarMessage, Histogram, LabelPair, Metric, Summary, Timestamp,
};
use crate::exposition::{FamilyEntry, MetricType, Page};

/// Reads one family of a page of messages, up to more samples than `most`: a few bytes of a native histogram can
/// become a thousand samples.
pub(super) fn read<'a>(
    page: &'a Page,
    entry: &FamilyEntry,
    names: &'a LabelNames,
    most: usize,
) -> Family<'a> {
    let text = |span: Option<Span>| {
        span.map(|span| String::from_utf8_lossy(span.of(page.body())))
            .filter(|text| !text.is_empty())
    };
    let mut samples = Vec::new();
    for message in page.metrics(entry) {
        if samples.len() > most {
            break;
        }
        if let Ok(metric) = Metric::decode(message) {
            Reader::new(&metric, names, &mut samples).metric(entry.kind, metric);
        }
    }
    Family {
        typed: entry.typed,
        help: text(entry.help),
        unit: text(entry.unit),
        samples,
    }
}

/// Makes samples of one metric.
#[derive(Debug)]
struct Reader<'a, 's> {
    names: &'a LabelNames,
    labels: Labels<'a>,
    time: Option<Time<'a>>,
    samples: &'s mut Vec<Sample<'a>>,
}

impl<'a, 's> Reader<'a, 's> {
    fn new(metric: &Metric, names: &'a LabelNames, samples: &'s mut Vec<Sample<'a>>) -> Self {
        let labels = pairs(&metric.label).map(|(name, value)| (names.get(name), value));
        Self {
            names,
            labels: Rc::new(labels.collect()),
            time: metric.timestamp_ms.map(Time::Millis),
            samples,
        }
    }

    fn metric(&mut self, kind: MetricType, metric: Metric) {
        match kind {
            MetricType::Counter => {
                let counter = metric.counter.unwrap_or_default();
                self.push("", Number::Float(counter.value()));
                if let (Some(sample), Some(exemplar)) = (self.samples.last_mut(), counter.exemplar)
                {
                    sample.exemplar = Some(read_exemplar(&exemplar, self.names));
                }
                self.created(counter.created_timestamp);
            }
            MetricType::Summary => self.summary(metric.summary.unwrap_or_default()),
            MetricType::Histogram | MetricType::GaugeHistogram => {
                self.histogram(kind, metric.histogram.unwrap_or_default());
            }
            _ => {
                let number = metric.gauge.or(metric.untyped).unwrap_or_default();
                self.push("", Number::Float(number.value()));
            }
        }
    }

    fn summary(&mut self, summary: Summary) {
        for quantile in &summary.quantile {
            self.push_apart(
                "",
                "quantile",
                quantile.quantile(),
                Number::Float(quantile.value()),
            );
        }
        self.push("_sum", Number::Float(summary.sample_sum()));
        self.push("_count", Number::Count(summary.sample_count()));
        self.created(summary.created_timestamp);
    }

    fn histogram(&mut self, kind: MetricType, histogram: Histogram) {
        let gauge = kind == MetricType::GaugeHistogram;
        let total = count(histogram.sample_count(), histogram.sample_count_float());
        let mut infinite = false;
        if histogram.bucket.is_empty() {
            for bucket in native::buckets(&histogram) {
                self.bucket(bucket.bound, bucket.count, bucket.exemplar);
                infinite = bucket.bound == f64::INFINITY;
            }
        }
        for bucket in &histogram.bucket {
            let counted = count(bucket.cumulative_count(), bucket.cumulative_count_float());
            infinite = bucket.upper_bound() == f64::INFINITY;
            self.bucket(bucket.upper_bound(), counted, bucket.exemplar.as_ref());
        }
        if !infinite {
            self.bucket(f64::INFINITY, total, None);
        }
        let (sum_name, count_name) = if gauge {
            ("_gsum", "_gcount")
        } else {
            ("_sum", "_count")
        };
        self.push(sum_name, Number::Float(histogram.sample_sum()));
        self.push(count_name, total);
        if !gauge {
            self.created(histogram.created_timestamp);
        }
    }

    fn bucket(&mut self, bound: f64, count: Number<'a>, exemplar: Option<&ExemplarMessage>) {
        self.push_apart("_bucket", "le", bound, count);
        if let (Some(sample), Some(exemplar)) = (self.samples.last_mut(), exemplar) {
            sample.exemplar = Some(read_exemplar(exemplar, self.names));
        }
    }

    fn created(&mut self, timestamp: Option<Timestamp>) {
        if let Some((seconds, nanos)) = timestamp.and_then(parts) {
            self.push("_created", Number::Seconds(seconds, nanos));
        }
    }

    fn push_apart(
        &mut self,
        suffix: &'static str,
        name: &'static str,
        bound: f64,
        value: Number<'a>,
    ) {
        self.push(suffix, value);
        if let Some(sample) = self.samples.last_mut() {
            sample.apart = Some(Apart {
                name: Cow::Borrowed(name),
                value: Bound::Number(bound),
            });
        }
    }

    fn push(&mut self, suffix: &'static str, value: Number<'a>) {
        self.samples.push(Sample {
            suffix,
            labels: self.labels.clone(),
            apart: None,
            value,
            time: self.time,
            exemplar: None,
        });
    }
}

/// A count, which is a fraction if there is one, as Prometheus reads it.
pub(super) fn count<'a>(whole: u64, fraction: f64) -> Number<'a> {
    if fraction > 0.0 {
        Number::Float(fraction)
    } else {
        Number::Count(whole)
    }
}

fn read_exemplar<'a>(exemplar: &ExemplarMessage, names: &LabelNames) -> Rc<Exemplar<'a>> {
    let (labels, values): (Vec<_>, Vec<_>) = pairs(&exemplar.label).unzip();
    let labels = names.of_exemplar(labels).into_iter().zip(values);
    Rc::new(Exemplar {
        labels: labels.collect(),
        value: Number::Float(exemplar.value()),
        time: exemplar
            .timestamp
            .and_then(parts)
            .map(|(seconds, nanos)| Time::Exact(seconds, nanos)),
    })
}

fn parts(timestamp: Timestamp) -> Option<(i64, u32)> {
    Some((timestamp.seconds, timestamp.nanos.try_into().ok()?))
}

fn pairs<'a>(labels: &[LabelPair]) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    let owned = |text: &str| Cow::Owned(text.to_owned());
    labels
        .iter()
        .map(move |pair| (owned(pair.name()), owned(pair.value())))
}
