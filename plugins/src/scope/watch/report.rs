//! What a plugin answers, read as Scope's probe reads it: names letter by letter, unknown ones left alone.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use prost_types::Timestamp;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The names of topologies in a report.
const TOPOLOGIES: [&str; 22] = [
    "Endpoint",
    "Process",
    "Container",
    "ContainerImage",
    "Pod",
    "Service",
    "Deployment",
    "ReplicaSet",
    "DaemonSet",
    "StatefulSet",
    "CronJob",
    "Namespace",
    "Host",
    "ECSTask",
    "ECSService",
    "SwarmService",
    "Overlay",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "StorageClass",
    "VolumeSnapshot",
    "Job",
];
/// The only version there is.
pub(super) const API_VERSION: &str = "1";
/// Most metrics of one plugin.
const MAX_SERIES: usize = 100_000;
/// Longest id or label, in bytes.
const MAX_TEXT: usize = 1024;

/// What a metric is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) topology: String,
    pub(super) node: String,
    pub(super) metric: String,
}

/// The last sample of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// Seconds and nanoseconds since 1970.
    pub(super) date: (i64, i32),
    pub(super) value: f64,
    /// What people read; empty without a template.
    pub(super) label: String,
}

pub(super) type Samples = BTreeMap<Series, Sample>;

/// Reads the answer of the plugin with this id.
///
/// # Errors
/// In the words of Scope's probe, where it has any.
pub(super) fn read(id: &str, body: &[u8]) -> Result<Samples, String> {
    let report: Report =
        serde_json::from_slice(body).map_err(|error| format!("decoding error: {error}"))?;
    check(id, &report.plugins)?;
    let mut samples = Samples::new();
    for (name, topology) in report.topologies {
        let templates = topology.metric_templates.unwrap_or_default();
        let label = |metric: &str| {
            let template = templates.get(metric).and_then(Option::as_ref);
            template.map_or("", |template| &template.label)
        };
        let nodes = topology.nodes.unwrap_or_default();
        for (node, metrics) in nodes
            .into_iter()
            .filter_map(|(id, node)| Some((id, node?.metrics?)))
        {
            for (metric, sample) in metrics
                .into_iter()
                .filter_map(|(id, metric)| Some((id, last(metric?)?)))
            {
                let label = label(&metric).to_owned();
                if [&node, &metric, &label]
                    .iter()
                    .any(|text| text.len() > MAX_TEXT)
                {
                    return Err(format!("an id or label has more than {MAX_TEXT} bytes"));
                }
                if samples.len() >= MAX_SERIES {
                    return Err(format!("the report has more than {MAX_SERIES} metrics"));
                }
                let series = Series {
                    topology: name.to_owned(),
                    node: node.clone(),
                    metric,
                };
                let (date, value) = sample;
                samples.insert(series, Sample { date, value, label });
            }
        }
    }
    Ok(samples)
}

/// The last of the samples by their dates.
fn last(metric: Metric) -> Option<((i64, i32), f64)> {
    let samples = metric.samples?.into_iter();
    let dated = samples.filter_map(|sample| Some((sample.date.0, sample.value?)));
    dated.max_by_key(|(date, _)| *date)
}

/// The checks of the probe, in its order and its words.
fn check(id: &str, plugins: &[Spec]) -> Result<(), String> {
    let [spec] = plugins else {
        return Err(format!(
            "report must contain exactly one plugin (found {})",
            plugins.len()
        ));
    };
    if spec.id != id {
        return Err(format!(
            "plugin must not change its id (is {:?}, should be {id:?})",
            short(&spec.id)
        ));
    }
    if spec.api_version != API_VERSION {
        return Err(format!(
            "incorrect API version: expected {API_VERSION:?}, got {:?}",
            short(&spec.api_version)
        ));
    }
    if spec.label.is_empty() {
        return Err("spec must contain a label".into());
    }
    let interfaces = spec.interfaces.as_deref().unwrap_or_default();
    if !interfaces.iter().any(|interface| interface == "reporter") {
        return Err("spec must implement the \"reporter\" interface".into());
    }
    Ok(())
}

fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(100)).unwrap_or(text)
}

/// Go takes `null` for an empty value everywhere.
#[derive(Debug, Default)]
struct Report {
    plugins: Vec<Spec>,
    topologies: BTreeMap<&'static str, Topology>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    id: String,
    label: String,
    interfaces: Option<Vec<String>>,
    api_version: String,
}

#[derive(Debug, Default, Deserialize)]
struct Topology {
    nodes: Option<HashMap<String, Option<Node>>>,
    metric_templates: Option<HashMap<String, Option<Template>>>,
}

#[derive(Debug, Deserialize)]
struct Node {
    metrics: Option<HashMap<String, Option<Metric>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    label: String,
}

#[derive(Debug, Deserialize)]
struct Metric {
    samples: Option<Vec<Dated>>,
}

#[derive(Debug, Deserialize)]
struct Dated {
    date: Date,
    value: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Date((i64, i32));

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Self((date.seconds, date.nanos)))
    }
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Parts)
    }
}

/// The parts of a report that are of use, each in the form of its own.
struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Report;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Report, A::Error> {
        let mut report = Report::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "Plugins" {
                report.plugins = map.next_value::<Option<_>>()?.unwrap_or_default();
            } else if let Some(name) = TOPOLOGIES.iter().find(|name| **name == key) {
                let topology = map.next_value::<Option<_>>()?.unwrap_or_default();
                report.topologies.insert(name, topology);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str =
        r#"{"id":"x","label":"X","interfaces":["reporter"],"api_version":"1","status":"?"}"#;

    fn of(topologies: &str) -> Result<Vec<(String, f64, String)>, String> {
        let body = format!(r#"{{"Plugins":[{SPEC}]{topologies}}}"#);
        let text =
            |series: &Series| format!("{} {} {}", series.topology, series.node, series.metric);
        read("x", body.as_bytes()).map(|samples| {
            samples
                .into_iter()
                .map(|(series, sample)| (text(&series), sample.value, sample.label))
                .collect()
        })
    }

    #[test]
    fn specifications_are_checked_in_the_words_of_the_probe() {
        for (plugins, error) in [
            (
                String::new(),
                "report must contain exactly one plugin (found 0)",
            ),
            ("null".into(), "decoding error: "),
            (
                format!("{SPEC},{SPEC}"),
                "report must contain exactly one plugin (found 2)",
            ),
            (
                SPEC.replace("\"x\"", "\"y\""),
                "plugin must not change its id (is \"y\", should be \"x\")",
            ),
            (
                SPEC.replace("\"1\"", "\"2\""),
                "incorrect API version: expected \"1\", got \"2\"",
            ),
            (SPEC.replace("\"X\"", "\"\""), "spec must contain a label"),
            (
                SPEC.replace("[\"reporter\"]", "[\"controller\"]"),
                "spec must implement the \"reporter\" interface",
            ),
            (
                SPEC.replace("[\"reporter\"]", "null"),
                "spec must implement the \"reporter\" interface",
            ),
        ] {
            let body = format!(r#"{{"Plugins":[{plugins}]}}"#);
            let told = read("x", body.as_bytes()).unwrap_err();
            assert!(told.starts_with(error), "{told}");
        }
        assert!(read("x", b"{}").unwrap_err().contains("found 0"));
        assert!(read("x", b"").unwrap_err().starts_with("decoding error: "));
    }

    #[test]
    fn the_last_sample_of_each_metric_counts() {
        let node = |metrics: &str| {
            format!(
                r#","Host":{{"nodes":{{"h;<host>":{{"id":"?","latest":{{}},"metrics":{metrics}}}}},"metric_templates":{{"m":{{"id":"m","label":"M","priority":1}}}}}}"#
            )
        };
        let at = |seconds: u32, value: &str| {
            format!(r#"{{"date":"2024-01-01T00:00:{seconds:02}.5+01:00","value":{value}}}"#)
        };
        let samples =
            |list: &[String]| format!(r#"{{"m":{{"samples":[{}],"min":0}}}}"#, list.join(","));
        for (metrics, value, why) in [
            (
                samples(&[at(1, "1"), at(2, "2e3")]),
                Some(2000.0),
                "the later",
            ),
            (
                samples(&[at(2, "2"), at(1, "1")]),
                Some(2.0),
                "in any order",
            ),
            (samples(&[at(1, "1"), at(2, "null")]), Some(1.0), "no value"),
            (samples(&[]), None, "none"),
            (r#"{"m":{"samples":null}}"#.into(), None, "null"),
            (r#"{"m":null}"#.into(), None, "null"),
            ("null".into(), None, "null"),
        ] {
            let expected: Vec<_> = value
                .map(|value| ("Host h;<host> m".to_owned(), value, "M".to_owned()))
                .into_iter()
                .collect();
            assert_eq!(of(&node(&metrics)), Ok(expected), "{why}");
        }
        for (metrics, why) in [
            (samples(&[at(1, "NaN")]), "not JSON"),
            (samples(&[at(1, "1e999")]), "infinite"),
            (samples(&[at(1, "\"1\"")]), "a text"),
            (samples(&[at(61, "1")]), "no date"),
            ("[]".into(), "a list"),
        ] {
            let error = of(&node(&metrics)).expect_err(why);
            assert!(error.starts_with("decoding error: "), "{why}: {error}");
        }
    }

    #[test]
    fn what_is_unknown_is_left_alone_and_what_is_too_much_is_refused() {
        assert_eq!(
            of(
                r#","Processes":7,"Sampling":{"Count":1},"Window":5,"Host":null,"Process":{"nodes":null,"shape":7}"#
            ),
            Ok(Vec::new())
        );
        let metric = r#"{"samples":[{"date":"2024-01-01T00:00:00Z","value":1}]}"#;
        let long = "n".repeat(MAX_TEXT + 1);
        let node = format!(r#","Process":{{"nodes":{{"{long}":{{"metrics":{{"m":{metric}}}}}}}}}"#);
        assert!(of(&node).unwrap_err().contains("1024 bytes"));
        let many: Vec<String> = (0..=MAX_SERIES)
            .map(|id| format!(r#""{id}":{metric}"#))
            .collect();
        let node = format!(
            r#","Process":{{"nodes":{{"n":{{"metrics":{{{}}}}}}}}}"#,
            many.join(",")
        );
        assert!(of(&node).unwrap_err().contains("100000 metrics"));
    }
}
