//! Readers of pages that are not ours, and what they say: the parsers of Prometheus, of `prometheus_client`, and
//! decoders that protoc has made.
//!
//! Programs of `tests/oracles` print each series as a line of JSON; here they become [`Series`], in one spelling for
//! what the readers spell differently, to be compared as multisets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::tools;

/// A format of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Text,
    OpenMetrics,
    Protobuf,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Text, Self::OpenMetrics, Self::Protobuf];

    /// What a server calls it; text with quoted names, which has those without in it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=1.0.0; escaping=allow-utf-8; charset=utf-8",
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8; charset=utf-8"
            }
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The word for it on our command line and in our configuration, and for the oracle in Python.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        }
    }

    /// Who can read it.
    pub fn oracles(self) -> &'static [Oracle] {
        match self {
            Self::Text | Self::Protobuf => &[Oracle::Expfmt, Oracle::Textparse, Oracle::Python],
            Self::OpenMetrics => &[Oracle::Textparse, Oracle::Python],
        }
    }
}

/// A reader of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oracle {
    /// `prometheus/common/expfmt`, which most programs in Go use.
    Expfmt,
    /// The parsers of Prometheus 3's scrape loop.
    Textparse,
    /// `prometheus_client`; for protobuf, protoc's decoders.
    Python,
}

/// A sample of a counter or bucket that stands for the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
    /// Milliseconds.
    pub timestamp: Option<i64>,
}

/// A native histogram: counts by the index of their bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Native {
    /// Whether its counts are floats.
    pub float: bool,
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    pub positive: BTreeMap<i32, f64>,
    pub negative: BTreeMap<i32, f64>,
}

/// One sample with all that is said of its family.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    /// Without empty ones, which are the same as none; `le` and `quantile` as numbers are printed here.
    pub labels: BTreeMap<String, String>,
    /// NaN for native histograms.
    pub value: f64,
    /// Milliseconds.
    pub timestamp: Option<i64>,
    /// As OpenMetrics calls it: `unknown` where none is said.
    pub kind: String,
    pub help: String,
    pub unit: String,
    pub exemplars: Vec<Exemplar>,
    /// Milliseconds; only in protobuf.
    pub created: Option<i64>,
    pub native: Option<Native>,
}

impl Series {
    /// In the one spelling.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.labels.retain(|_, value| !value.is_empty());
        for name in ["le", "quantile"] {
            if let Some(value) = self.labels.get_mut(name)
                && let Ok(number) = value.parse::<f64>()
            {
                *value = number.to_string();
            }
        }
        if matches!(self.kind.as_str(), "" | "untyped") {
            self.kind = "unknown".into();
        }
        self
    }

    /// What an oracle can say of it.
    #[must_use]
    pub fn seen_by(mut self, oracle: Oracle) -> Self {
        if oracle == Oracle::Textparse && self.native.is_some() {
            // Only those with a time, and those of the classic buckets in place of none.
            self.exemplars.clear();
        }
        if oracle == Oracle::Python && self.kind == "counter" && !self.name.ends_with("_total") {
            // In text it calls them so.
            self.name.push_str("_total");
        }
        if oracle == Oracle::Python && self.value == 0.0 {
            // Without a fraction it takes a number for an integer, which has no negative zero.
            self.value = 0.0;
        }
        self
    }

    /// All of it on one line, equal for equal series.
    fn key(&self) -> String {
        format!("{self:?}")
    }
}

/// What an oracle reads in each of these pages, or why it refuses the page.
///
/// # Panics
/// When the oracle itself fails.
pub fn read(oracle: Oracle, format: Format, pages: &[Vec<u8>]) -> Vec<Result<Vec<Series>, String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = pages.iter().enumerate().map(|(number, page)| {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, page).expect("a temporary file");
        file
    });
    let mut command = match oracle {
        Oracle::Expfmt | Oracle::Textparse => {
            let mut command = Command::new(go());
            let parser = if oracle == Oracle::Expfmt {
                "expfmt"
            } else {
                "textparse"
            };
            command.args([parser, format.content_type()]);
            command
        }
        Oracle::Python => {
            let mut command = Command::new(tools::python());
            command
                .arg(tools::repository().join("tests/oracles/python/oracle.py"))
                .arg(format.word());
            command
        }
    };
    let output = command.args(files).output().expect("an oracle starts");
    assert!(
        output.status.success(),
        "{oracle:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let mut read = Vec::new();
    let mut series = Vec::new();
    for line in output.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        if let Some(end) = line.get("end") {
            let series = std::mem::take(&mut series);
            read.push(match end.as_str() {
                Some(reason) => Err(reason.to_owned()),
                None => Ok(series),
            });
        } else {
            series.push(parse(&line).canonical());
        }
    }
    assert_eq!(read.len(), pages.len(), "{oracle:?} answers for each page");
    read
}

/// The names as Go escapes them by this scheme.
pub fn escaped(scheme: &str, names: &[&str]) -> Vec<String> {
    ask(&["escape", scheme], names)
}

/// The content type that Go's servers would choose for each `Accept` header.
pub fn negotiated(accept: &[&str]) -> Vec<String> {
    ask(&["negotiate"], accept)
}

/// The program with the parsers in Go.
///
/// # Panics
/// When it was not built.
fn go() -> PathBuf {
    let oracle = tools::folder().join("bin/oracle");
    assert!(
        oracle.is_file(),
        "{} is missing: run `make tools`",
        oracle.display()
    );
    oracle
}

fn ask(arguments: &[&str], lines: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("lines");
    let text: String = lines
        .iter()
        .map(|line| Value::from(*line).to_string())
        .collect();
    std::fs::write(&file, text).expect("a temporary file");
    let output = Command::new(go())
        .args(arguments)
        .stdin(std::fs::File::open(&file).expect("the file that was written"))
        .output()
        .expect("an oracle starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a string of JSON"))
        .collect()
}

/// Compares what was read with what should have been, in any order.
///
/// # Errors
/// What is missing and what is too much, the first few of each.
pub fn compare(got: &[Series], want: &[Series]) -> Result<(), String> {
    const SHOWN: usize = 4;
    let mut left: BTreeMap<String, isize> = BTreeMap::new();
    for series in want {
        *left.entry(series.key()).or_default() += 1;
    }
    for series in got {
        *left.entry(series.key()).or_default() -= 1;
    }
    left.retain(|_, count| *count != 0);
    if left.is_empty() {
        return Ok(());
    }
    let mut told = String::new();
    for (title, sign) in [("missing", 1), ("too much", -1)] {
        let all: Vec<_> = left
            .iter()
            .filter(|(_, count)| **count * sign > 0)
            .collect();
        let _ = writeln!(told, "{title}: {}", all.len());
        for (key, _) in all.into_iter().take(SHOWN) {
            let _ = writeln!(told, "  {key}");
        }
    }
    Err(told)
}

/// Reads these pages with every oracle of the format and compares them, each, with the series that it should have.
///
/// # Panics
/// When an oracle refuses a page, or reads something else. The first such page of each oracle is shown.
pub fn judge(format: Format, pages: &[(String, Vec<u8>, Vec<Series>)]) {
    let bodies: Vec<_> = pages.iter().map(|(_, body, _)| body.clone()).collect();
    let mut told = String::new();
    for oracle in format.oracles() {
        let mut failed = Vec::new();
        for ((what, body, want), got) in pages.iter().zip(read(*oracle, format, &bodies)) {
            let want: Vec<_> = want
                .iter()
                .map(|series| series.clone().canonical().seen_by(*oracle))
                .collect();
            let verdict = got.and_then(|got| {
                let got: Vec<_> = got
                    .into_iter()
                    .map(|series| series.seen_by(*oracle))
                    .collect();
                compare(&got, &want)
            });
            if let Err(problem) = verdict {
                failed.push((what, problem, body));
            }
        }
        if let Some((what, problem, body)) = failed.first() {
            let _ = writeln!(
                told,
                "{} of {} pages, {format:?} read by {oracle:?}: {what}: {problem}\n---- the page ----\n{}",
                failed.len(),
                pages.len(),
                String::from_utf8_lossy(body)
            );
        }
    }
    assert!(told.is_empty(), "{told}");
}

fn parse(line: &Value) -> Series {
    Series {
        name: text(&line["name"]),
        labels: labels(&line["labels"]),
        value: number(&line["value"]),
        timestamp: line["timestamp"].as_i64(),
        kind: text(&line["type"]),
        help: text(&line["help"]),
        unit: text(&line["unit"]),
        exemplars: line["exemplars"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|exemplar| Exemplar {
                labels: labels(&exemplar["labels"]),
                value: number(&exemplar["value"]),
                timestamp: exemplar["timestamp"].as_i64(),
            })
            .collect(),
        created: line["created"].as_i64(),
        native: line["native"].is_object().then(|| native(&line["native"])),
    }
}

fn native(value: &Value) -> Native {
    let buckets = |side: &Value| {
        side.as_object()
            .into_iter()
            .flatten()
            .map(|(index, count)| (index.parse().expect("an index"), number(count)))
            .collect()
    };
    Native {
        float: value["float"] == true,
        schema: value["schema"]
            .as_i64()
            .and_then(|schema| schema.try_into().ok())
            .expect("a schema"),
        zero_threshold: number(&value["zero_threshold"]),
        zero_count: number(&value["zero_count"]),
        count: number(&value["count"]),
        sum: number(&value["sum"]),
        positive: buckets(&value["positive"]),
        negative: buckets(&value["negative"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("") => f64::NAN,
        Some(number) => number
            .parse()
            .unwrap_or_else(|_| panic!("no number: {number:?}")),
        None => panic!("a number is a string here: {value}"),
    }
}
