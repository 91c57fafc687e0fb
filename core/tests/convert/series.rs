//! A page as series, as Prometheus would store them, read without the code under test.

use std::collections::BTreeMap;

use promfetch_core::exposition::{Format, Page};

use crate::messages::families;
use crate::model::{Histogram, Metric, Timestamp, Type};
use crate::{reader, text_of};

/// One sample. Numbers are compared as such.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// In milliseconds.
    pub(crate) time: Option<i128>,
    pub(crate) value: String,
}

/// The series of a page, in order.
pub(crate) fn series(page: &Page) -> Vec<Series> {
    let mut series = match page.format() {
        Format::Protobuf => of_messages(page.body()),
        format => of_lines(text_of(page), format),
    };
    series.sort();
    series
}

fn of_lines(text: &str, format: Format) -> Vec<Series> {
    reader::samples(text)
        .into_iter()
        .map(|sample| {
            let value = sample.rest.split(" # ").next().unwrap_or_default();
            let mut words = value.split(' ');
            let value = words.next().expect("a value");
            let time = words.next().map(|time| match format {
                // Good enough for the times that are made up here.
                Format::OpenMetrics => (time.parse::<f64>().expect("a time") * 1000.0) as i128,
                _ => time.parse().expect("a time"),
            });
            made(
                &sample.name,
                sample.labels,
                time,
                value.parse().expect("a number"),
            )
        })
        .collect()
}

fn made(name: &str, labels: BTreeMap<String, String>, time: Option<i128>, value: f64) -> Series {
    let labels = labels.into_iter().map(|(name, value)| {
        // The bound 1 is the bound 1.0.
        let value = match (name.as_str(), value.parse::<f64>()) {
            ("le" | "quantile", Ok(number)) => format!("{number:?}"),
            _ => value,
        };
        (name, value)
    });
    Series {
        name: name.to_owned(),
        labels: labels.collect(),
        time,
        value: format!("{value:?}"),
    }
}

fn of_messages(body: &[u8]) -> Vec<Series> {
    let mut all = Vec::new();
    for family in families(body) {
        for metric in &family.metric {
            let mut out = Messages {
                name: family.name(),
                metric,
                all: &mut all,
            };
            match family.r#type() {
                Type::Counter => out.counter(),
                Type::Gauge => out.push("", metric.gauge.as_ref().unwrap().value()),
                Type::Untyped => out.push("", metric.untyped.as_ref().unwrap().value()),
                Type::Summary => out.summary(),
                Type::Histogram => out.histogram(["_sum", "_count"]),
                Type::GaugeHistogram => out.histogram(["_gsum", "_gcount"]),
            }
        }
    }
    all
}

struct Messages<'a> {
    name: &'a str,
    metric: &'a Metric,
    all: &'a mut Vec<Series>,
}

impl Messages<'_> {
    fn counter(&mut self) {
        let counter = self.metric.counter.as_ref().unwrap();
        self.push("", counter.value());
        if let Some(created) = counter.created_timestamp {
            let name = self.name.strip_suffix("_total").unwrap_or(self.name);
            self.with(&format!("{name}_created"), None, seconds(created));
        }
    }

    fn summary(&mut self) {
        let summary = self.metric.summary.as_ref().unwrap();
        for quantile in &summary.quantile {
            let bound = Some(("quantile", quantile.quantile()));
            self.with(self.name, bound, quantile.value());
        }
        self.push("_sum", summary.sample_sum());
        self.push("_count", summary.sample_count() as f64);
        if let Some(created) = summary.created_timestamp {
            self.push("_created", seconds(created));
        }
    }

    fn histogram(&mut self, [sum, count]: [&str; 2]) {
        let histogram: &Histogram = self.metric.histogram.as_ref().unwrap();
        let bucket = format!("{}_bucket", self.name);
        let mut infinite = false;
        for one in &histogram.bucket {
            infinite |= one.upper_bound() == f64::INFINITY;
            let bound = Some(("le", one.upper_bound()));
            self.with(&bucket, bound, one.cumulative_count() as f64);
        }
        let total = histogram.sample_count() as f64;
        if !infinite {
            self.with(&bucket, Some(("le", f64::INFINITY)), total);
        }
        self.push(sum, histogram.sample_sum());
        self.push(count, total);
        if let Some(created) = histogram.created_timestamp {
            self.push("_created", seconds(created));
        }
    }

    fn push(&mut self, suffix: &str, value: f64) {
        self.with(&format!("{}{suffix}", self.name), None, value);
    }

    fn with(&mut self, name: &str, bound: Option<(&str, f64)>, value: f64) {
        let pairs = self.metric.label.iter();
        let mut labels: BTreeMap<String, String> = pairs
            .map(|pair| (pair.name().to_owned(), pair.value().to_owned()))
            .collect();
        if let Some((name, bound)) = bound {
            labels.insert(name.to_owned(), format!("{bound:?}"));
        }
        let time = self.metric.timestamp_ms.map(i128::from);
        self.all.push(made(name, labels, time, value));
    }
}

fn seconds(created: Timestamp) -> f64 {
    created.seconds as f64 + f64::from(created.nanos) / 1e9
}
