//! promfetch's own series at the end of a page: is each instance up, and if not, why?

use super::Health;
use super::source::{Block, addable};
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
    pub(super) fn new(health: &[Health]) -> Self {
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
                Block::new(&labels).braces().to_vec()
            });
            if let Some(row) = known
                .get(&labels)
                .and_then(|at| rows.get_mut(*at))
                .filter(|row| row.exporter == health.exporter.is_some())
            {
                row.join(health, error);
                continue;
            }
            let block = Block::new(&labels).braces().to_vec();
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
        while let Some((name, help, series)) = FAMILIES.get(self.family) {
            while let Some(row) = self.rows.get(self.row) {
                if out.len() >= limit {
                    return true;
                }
                if row.has(*series) {
                    if !self.header {
                        self.header = true;
                        let kind = series.kind(format).word(format);
                        out.extend_from_slice(
                            format!("# HELP {name} {help}\n# TYPE {name} {kind}\n").as_bytes(),
                        );
                    }
                    row.write(*series, name, out);
                }
                self.row += 1;
            }
            (self.family, self.row, self.header) = (self.family + 1, 0, false);
        }
        false
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

    fn write(&self, series: Series, name: &str, out: &mut Vec<u8>) {
        let value = match series {
            Series::Up => u8::from(self.up).to_string(),
            Series::Duration => self.seconds.to_string(),
            Series::Samples => self.samples.to_string(),
            Series::BodyBytes => self.body_bytes.to_string(),
            Series::Error | Series::ExporterError => {
                for block in &self.errors {
                    out.extend_from_slice(&[name.as_bytes(), block, b" 1\n"].concat());
                }
                return;
            }
        };
        out.extend_from_slice(
            &[name.as_bytes(), &self.block, b" ", value.as_bytes(), b"\n"].concat(),
        );
    }
}
