//! A report as Scope reads it: names are its own, letter by letter.

use std::collections::BTreeMap;

use serde::Serialize;

/// The only version there is.
pub(super) const API_VERSION: &str = "1";

#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    #[serde(rename = "Container")]
    pub(super) container: Topology<'a>,
    /// Exactly one.
    #[serde(rename = "Plugins")]
    pub(super) plugins: [Spec<'a>; 1],
}

#[derive(Debug, Serialize)]
pub(super) struct Spec<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) description: &'a str,
    pub(super) interfaces: &'a [&'a str],
    pub(super) api_version: &'a str,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Topology<'a> {
    pub(super) shape: &'a str,
    pub(super) label: &'a str,
    pub(super) label_plural: &'a str,
    pub(super) nodes: BTreeMap<String, Node<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) controls: BTreeMap<&'a str, Control<'a>>,
    pub(super) metadata_templates: BTreeMap<&'a str, MetadataTemplate<'a>>,
    pub(super) metric_templates: BTreeMap<&'a str, MetricTemplate<'a>>,
    pub(super) table_templates: BTreeMap<&'a str, TableTemplate<'a>>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Node<'a> {
    pub(super) id: String,
    pub(super) topology: &'a str,
    pub(super) latest: BTreeMap<&'a str, Latest<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parents: BTreeMap<&'a str, [String; 1]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metrics: BTreeMap<&'a str, Metric>,
}

#[derive(Debug, Serialize)]
pub(super) struct Latest<'a> {
    pub(super) timestamp: String,
    pub(super) value: std::borrow::Cow<'a, str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Metric {
    pub(super) samples: Vec<Sample>,
    pub(super) min: f64,
    pub(super) max: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Sample {
    pub(super) date: String,
    pub(super) value: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Control<'a> {
    pub(super) id: &'a str,
    pub(super) human: &'a str,
    pub(super) icon: &'a str,
    pub(super) rank: u32,
    #[serde(rename = "probeId")]
    pub(super) probe_id: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct MetadataTemplate<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) priority: f64,
    pub(super) from: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct MetricTemplate<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) format: &'a str,
    pub(super) priority: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct TableTemplate<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    pub(super) prefix: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) columns: Vec<Column<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Column<'a> {
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    #[serde(rename = "dataType")]
    pub(super) data_type: &'a str,
}
