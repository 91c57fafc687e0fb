//! promfetch's own series at the end of a page: is each instance up, and if not, why?

use super::Health;
use super::source::{Block, addable};
use crate::exposition::protobuf::field_of;
use crate::exposition::protobuf::write::{Head, field_len, write_double, write_head};
use crate::exposition::{Format, MetricType};
use crate::labels::Labels;

/// One health series of one row.
#[derive(Clone, Copy, Debug)]
enum Series {
    Up,
    Duration,
    Samples,
    BodyBytes,
    Error,
    ExporterError,
}

/// Name, HELP and series of each family, in order.
const FAMILIES: [(&str, &str, Series); 6] = [
    (
        "promfetch_up",
        "Whether the metrics of this instance are in the page: 1 if so.",
        Series::Up,
    ),
    (
        "promfetch_scrape_duration_seconds",
        "Time that it took to get the metrics of this instance.",
        Series::Duration,
    ),
    (
        "promfetch_scrape_samples",
        "Samples that this instance answered.",
        Series::Samples,
    ),
    (
        "promfetch_scrape_body_bytes",
        "Bytes that this instance answered, after decompression.",
        Series::BodyBytes,
    ),
    (
        "promfetcher_scrape_error",
        "Promfetcher scrap error on your instance",
        Series::Error,
    ),
    (
        "promfetcher_scrape_external_exporter_error",
        "Promfetcher scrap error on external exporter",
        Series::ExporterError,
    ),
];

/// One row with its labels rendered.
#[derive(Debug)]
struct Row {
    /// The labels rendered.
    block: Vec<u8>,
    exporter: bool,
    up: bool,
    seconds: f64,
    samples: usize,
    body_bytes: usize,
    /// The label block of the error series, for each different error.
    errors: Vec<Vec<u8>>,
}

/// All rows, written bit by bit.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    family: usize,
    row: usize,
    /// Whether the family at hand has its HELP and TYPE.
    header: bool,
}

impl Rows {
    pub(super) fn new(health: &[Health], format: Format) -> Self {
        let render = |labels: &Labels| Block::new(labels, format).alone(format).to_vec();
        let mut rows: Vec<Row> = Vec::with_capacity(health.len());
        let mut known: hashbrown::HashMap<Labels, usize> =
            hashbrown::HashMap::with_capacity(health.len());
        for health in health {
            let mut labels = addable(health.labels.clone());
            if let Some(exporter) = &health.exporter {
                labels.push("name", exporter.clone());
            }
            let error = health.failure.map(|reason| {
                let mut labels = labels.clone();
                labels.push("error", reason.as_str());
                render(&labels)
            });
            if let Some(row) = known
                .get(&labels)
                .and_then(|at| rows.get_mut(*at))
                .filter(|row| row.exporter == health.exporter.is_some())
            {
                row.join(health, error);
                continue;
            }
            let block = render(&labels);
            known.insert(labels, rows.len());
            rows.push(Row {
                block,
                exporter: health.exporter.is_some(),
                up: health.up,
                seconds: health.duration.as_secs_f64(),
                samples: health.samples,
                body_bytes: health.body_bytes,
                errors: error.into_iter().collect(),
            });
        }
        Self {
            rows,
            ..Self::default()
        }
    }

    /// Bytes that the rows take, about.
    pub(super) fn size_estimate(&self) -> usize {
        self.rows.iter().map(|row| 5 * (row.block.len() + 60)).sum()
    }

    /// Writes rows until `out` has `limit` bytes. False when nothing is left.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, limit: usize, format: Format) -> bool {
        while !self.is_done() {
            if !self.fill_family(out, limit, format) {
                return true;
            }
        }
        false
    }

    /// Whether all families are written.
    pub(super) fn is_done(&self) -> bool {
        self.family >= FAMILIES.len()
    }

    /// Writes rows of the family at hand. False when `out` has `limit` bytes before its end.
    pub(super) fn fill_family(&mut self, out: &mut Vec<u8>, limit: usize, format: Format) -> bool {
        let Some((name, help, series)) = FAMILIES.get(self.family) else {
            return true;
        };
        while let Some(row) = self.rows.get(self.row) {
            if out.len() >= limit {
                return false;
            }
            if row.has(*series) {
                if !self.header {
                    self.header = true;
                    self.write_header(name, help, *series, format, out);
                }
                for labels in row.labels(*series) {
                    let value = row.value(*series);
                    match format {
                        Format::Text | Format::OpenMetrics => {
                            let value = value.to_string();
                            out.extend_from_slice(
                                &[name.as_bytes(), labels, b" ", value.as_bytes(), b"\n"].concat(),
                            );
                        }
                        Format::Protobuf => write_metric(series.kind(format), labels, value, out),
                    }
                }
            }
            self.row += 1;
        }
        (self.family, self.row, self.header) = (self.family + 1, 0, false);
        true
    }

    fn write_header(
        &self,
        name: &str,
        help: &str,
        series: Series,
        format: Format,
        out: &mut Vec<u8>,
    ) {
        let kind = series.kind(format);
        match format {
            Format::Text | Format::OpenMetrics => {
                let kind = kind.word(format);
                out.extend_from_slice(
                    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n").as_bytes(),
                );
            }
            Format::Protobuf => {
                let rows = self.rows.iter().filter(|row| row.has(series));
                let metrics = rows.flat_map(|row| row.labels(series));
                let head = Head {
                    name: name.as_bytes(),
                    help: help.as_bytes(),
                    unit: b"",
                    kind,
                };
                head.write(
                    metrics.map(|labels| field_len(metric_len(labels))).sum(),
                    out,
                );
            }
        }
    }
}

impl Series {
    /// The errors are counters, as in promfetcher; OpenMetrics would want `_total` for those.
    fn kind(self, format: Format) -> MetricType {
        match (self, format) {
            (Self::Error | Self::ExporterError, Format::Text | Format::Protobuf) => {
                MetricType::Counter
            }
            (Self::Error | Self::ExporterError, Format::OpenMetrics) => MetricType::Unknown,
            _ => MetricType::Gauge,
        }
    }
}

impl Row {
    fn has(&self, series: Series) -> bool {
        match series {
            Series::Error => !self.exporter && !self.errors.is_empty(),
            Series::ExporterError => self.exporter && !self.errors.is_empty(),
            _ => !self.exporter,
        }
    }

    /// Joins another instance with equal labels, which would give equal series: it is up when all are.
    fn join(&mut self, health: &Health, error: Option<Vec<u8>>) {
        self.up &= health.up;
        self.seconds = self.seconds.max(health.duration.as_secs_f64());
        self.samples += health.samples;
        self.body_bytes += health.body_bytes;
        self.errors
            .extend(error.filter(|error| !self.errors.contains(error)));
    }

    /// The labels of the samples that it has in this series.
    fn labels(&self, series: Series) -> impl Iterator<Item = &[u8]> {
        let labels = match series {
            Series::Error | Series::ExporterError => &self.errors[..],
            _ => std::slice::from_ref(&self.block),
        };
        labels.iter().map(|labels| &labels[..])
    }

    fn value(&self, series: Series) -> f64 {
        match series {
            Series::Up => f64::from(u8::from(self.up)),
            Series::Duration => self.seconds,
            Series::Samples => self.samples as f64,
            Series::BodyBytes => self.body_bytes as f64,
            Series::Error | Series::ExporterError => 1.0,
        }
    }
}

/// Bytes of a value: tag and double. A message of it has two bytes more.
const VALUE: usize = 9;

/// Bytes of a protobuf metric with these labels.
fn metric_len(labels: &[u8]) -> usize {
    labels.len() + field_len(VALUE)
}

fn write_metric(kind: MetricType, labels: &[u8], value: f64, out: &mut Vec<u8>) {
    let (number, _) = field_of(kind);
    write_head(4, metric_len(labels), out);
    out.extend_from_slice(labels);
    write_head(number as u8, VALUE, out);
    write_double(1, value, out);
}
