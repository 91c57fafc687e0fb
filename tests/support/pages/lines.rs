//! Text and OpenMetrics.

use super::{Family, Kind, Metric, Metrics, Point, is_legacy, number, seconds};
use crate::oracle::{Exemplar, Format};

pub(super) fn page(metrics: &Metrics, format: Format) -> String {
    let mut out = String::new();
    for family in metrics.of(format) {
        let name = if format == Format::OpenMetrics {
            family.name.clone()
        } else {
            family.main()
        };
        let name = quoted(&name);
        out.push_str(&format!("# TYPE {name} {}\n", word(family.kind, format)));
        if let (Format::OpenMetrics, Some(unit)) = (format, family.unit) {
            out.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        if let Some(help) = &family.help {
            let mut help = help.replace('\\', "\\\\").replace('\n', "\\n");
            if format == Format::OpenMetrics {
                help = help.replace('"', "\\\"");
            }
            out.push_str(&format!("# HELP {name} {help}\n"));
        }
        for metric in &family.metrics {
            Lines {
                family,
                metric,
                format,
                out: &mut out,
            }
            .write();
        }
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn word(kind: Kind, format: Format) -> &'static str {
    match kind {
        Kind::Counter | Kind::BareCounter => "counter",
        Kind::Gauge => "gauge",
        Kind::Unknown if format == Format::Text => "untyped",
        Kind::Unknown => "unknown",
        Kind::Summary => "summary",
        Kind::Histogram | Kind::Native | Kind::NativeLoose => "histogram",
        Kind::GaugeHistogram => "gaugehistogram",
        Kind::Info => "info",
        Kind::StateSet => "stateset",
    }
}

struct Lines<'a> {
    family: &'a Family,
    metric: &'a Metric,
    format: Format,
    out: &'a mut String,
}

impl Lines<'_> {
    fn write(mut self) {
        match &self.metric.point {
            Point::Number(value, exemplar) => {
                self.line(self.family.main(), None, number(*value), exemplar.as_ref());
            }
            Point::Summary {
                quantiles,
                sum,
                count,
            } => {
                for (quantile, value) in quantiles {
                    let quantile = number(*quantile);
                    self.line(
                        self.family.name.clone(),
                        Some(("quantile", &quantile)),
                        number(*value),
                        None,
                    );
                }
                self.line(
                    format!("{}_sum", self.family.name),
                    None,
                    number(*sum),
                    None,
                );
                self.line(
                    format!("{}_count", self.family.name),
                    None,
                    count.to_string(),
                    None,
                );
            }
            Point::Histogram {
                buckets,
                sum,
                count,
                ..
            } => {
                let (sum_name, count_name) = match self.family.kind {
                    Kind::GaugeHistogram => ("_gsum", "_gcount"),
                    _ => ("_sum", "_count"),
                };
                for bucket in buckets {
                    let name = format!("{}_bucket", self.family.name);
                    let bound = number(bucket.bound);
                    self.line(
                        name,
                        Some(("le", &bound)),
                        bucket.count.to_string(),
                        bucket.exemplar.as_ref(),
                    );
                }
                self.line(
                    format!("{}{sum_name}", self.family.name),
                    None,
                    number(*sum),
                    None,
                );
                self.line(
                    format!("{}{count_name}", self.family.name),
                    None,
                    count.to_string(),
                    None,
                );
            }
            Point::States(states) => {
                for (state, on) in states {
                    let label = (self.family.name.as_str(), *state);
                    self.line(
                        self.family.name.clone(),
                        Some(label),
                        u8::from(*on).to_string(),
                        None,
                    );
                }
            }
            Point::Native(..) => unreachable!("lines have no native histograms"),
        }
        if let (Format::OpenMetrics, Some(created)) = (self.format, self.metric.created) {
            self.line(
                format!("{}_created", self.family.name),
                None,
                seconds(created),
                None,
            );
        }
    }

    fn line(
        &mut self,
        name: String,
        more: Option<(&str, &str)>,
        value: String,
        exemplar: Option<&Exemplar>,
    ) {
        let mut inside = Vec::new();
        let mut start = name.clone();
        if !is_legacy(&name) {
            inside.push(quoted(&name));
            start.clear();
        }
        let labels = self
            .metric
            .labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        inside.extend(labels.chain(more).map(|(name, value)| label(name, value)));
        self.out.push_str(&start);
        if !inside.is_empty() {
            self.out.push_str(&format!("{{{}}}", inside.join(",")));
        }
        self.out.push_str(&format!(" {value}"));
        if let Some(timestamp) = self.metric.timestamp {
            let time = match self.format {
                Format::OpenMetrics => seconds(timestamp),
                _ => timestamp.to_string(),
            };
            self.out.push_str(&format!(" {time}"));
        }
        if let (Format::OpenMetrics, Some(exemplar)) = (self.format, exemplar) {
            let labels: Vec<_> = exemplar
                .labels
                .iter()
                .map(|(name, value)| label(name, value))
                .collect();
            self.out.push_str(&format!(
                " # {{{}}} {}",
                labels.join(","),
                number(exemplar.value)
            ));
            if let Some(timestamp) = exemplar.timestamp {
                self.out.push_str(&format!(" {}", seconds(timestamp)));
            }
        }
        self.out.push('\n');
    }
}

fn label(name: &str, value: &str) -> String {
    let name = if is_legacy(name) && !name.contains(':') {
        name.to_owned()
    } else {
        quote(name)
    };
    format!("{name}={}", quote(value))
}

fn quoted(name: &str) -> String {
    if is_legacy(name) {
        name.to_owned()
    } else {
        quote(name)
    }
}

fn quote(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}
