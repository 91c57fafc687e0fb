//! Writes reports.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use promfetch_core::instance::Address;

use super::Settings;
use super::instances::{Instances, Known};
use super::observed::Key;
use super::wire::{
    API_VERSION, Column, Control, Latest, MetadataTemplate, Metric, MetricTemplate, Node, Report,
    Sample, Spec, TableTemplate, Topology,
};

/// The probe takes 50 MB; what is larger is lost as a whole.
const MAX_REPORT: usize = 49 << 20;
/// Longest name that is shown, in bytes. The platform has at most 250 characters.
const MAX_NAME: usize = 1000;

/// The control that fetches at once.
pub(super) const RESCRAPE: &str = "rescrape";
/// Every key of a node that begins with this is a cell of the table: row, `___`, column. Scope's app panics otherwise.
const TABLE: &str = "promfetch_table_";
const COLUMNS: [(&str, &str); 4] = [
    ("organization", "Organization"),
    ("space", "Space"),
    ("app", "App"),
    ("index", "Index"),
];
const CELLS: [&str; 4] = [
    "promfetch_table_app___organization",
    "promfetch_table_app___space",
    "promfetch_table_app___app",
    "promfetch_table_app___index",
];
const METADATA: [(&str, &str, f64); 2] = [
    ("promfetch_instance", "Instance", 1.0),
    ("promfetch_metrics", "Metrics", 2.0),
];

/// What all reports have in common.
#[derive(Debug)]
pub(super) struct Builder {
    id: String,
    hosts: BTreeMap<String, String>,
    most: usize,
    /// Most bytes of a report.
    limit: usize,
}

impl Builder {
    pub(super) fn new(settings: &Settings, id: String) -> Self {
        Self {
            id,
            hosts: settings.hosts.clone(),
            most: settings.max_instances,
            limit: MAX_REPORT,
        }
    }

    /// The report before the first page.
    pub(super) fn empty(&self) -> Bytes {
        self.write(&Instances::new(Vec::new()), "", false)
    }

    /// A report with all instances, with or without their samples. The probe's id makes controls work.
    pub(super) fn write(&self, instances: &Instances, probe: &str, samples: bool) -> Bytes {
        let mut most = self.most;
        loop {
            let report = self.report(instances, probe, samples, most);
            // Numbers are finite and keys are texts: nothing can go wrong.
            let body = serde_json::to_vec(&report).unwrap_or_default();
            if body.len() <= self.limit || most == 0 {
                return body.into();
            }
            most = report.container.nodes.len() / 2;
            tracing::warn!(
                "the report is larger than {} bytes: only {most} instances are shown; fewer `report.metrics` leave room for more",
                self.limit
            );
        }
    }

    fn report<'a>(
        &'a self,
        instances: &'a Instances,
        probe: &'a str,
        samples: bool,
        most: usize,
    ) -> Report<'a> {
        let mut nodes: BTreeMap<String, Node<'a>> = BTreeMap::new();
        for (key, known) in instances.all() {
            if nodes.len() >= most {
                break;
            }
            let id = self.node_id(key, &nodes);
            let mut node = self.node(key, known, probe);
            node.id.clone_from(&id);
            if samples {
                node.metrics = metrics(instances, known);
            }
            nodes.insert(id, node);
        }
        Report {
            container: Topology {
                shape: "hexagon",
                label: "container",
                label_plural: "containers",
                nodes,
                controls: controls(probe),
                metadata_templates: METADATA
                    .map(|(id, label, priority)| {
                        let from = "latest";
                        (
                            id,
                            MetadataTemplate {
                                id,
                                label,
                                priority,
                                from,
                            },
                        )
                    })
                    .into(),
                metric_templates: instances
                    .rules()
                    .iter()
                    .map(|rule| {
                        let template = MetricTemplate {
                            id: &rule.id,
                            label: &rule.label,
                            format: rule.format,
                            priority: rule.priority,
                        };
                        (rule.id.as_str(), template)
                    })
                    .collect(),
                table_templates: [(TABLE, table())].into(),
            },
            plugins: [Spec {
                id: &self.id,
                label: "promfetch",
                description: "Instances of Cloud Foundry apps, with their metrics",
                interfaces: &["reporter", "controller"],
                api_version: API_VERSION,
            }],
        }
    }

    /// `<app GUID>-<index>`. A second instance of the same index has its address at the end.
    fn node_id(&self, key: &Key, nodes: &BTreeMap<String, Node<'_>>) -> String {
        let id = format!("{}-{};<container>", key.app_id, key.index);
        if !nodes.contains_key(&id) {
            return id;
        }
        format!("{}-{}-{};<container>", key.app_id, key.index, key.address)
    }

    fn node<'a>(&'a self, key: &'a Key, known: &'a Known, probe: &'a str) -> Node<'a> {
        let mut latest: BTreeMap<&str, Cow<'a, str>> = BTreeMap::new();
        let names = &known.names;
        latest.insert(
            "docker_container_name",
            format!("{}/{}", short(&names.app), short(&key.index)).into(),
        );
        latest.insert("docker_container_state", "running".into());
        let cells = [&names.organization, &names.space, &names.app, &key.index];
        for (cell, value) in CELLS.iter().zip(cells) {
            latest.insert(cell, short(value).into());
        }
        latest.insert("promfetch_instance", short(&key.address).into());
        let state = if known.is_up { "up" } else { "no answer" };
        latest.insert("promfetch_metrics", state.into());
        let mut parents = BTreeMap::new();
        if let Some(host) = self.host(&key.address) {
            latest.insert("host_node_id", host.clone().into());
            parents.insert("host", [host]);
        }
        if !probe.is_empty() {
            latest.insert("active_controls", RESCRAPE.into());
            latest.insert("control_probe_id", probe.into());
        }
        let timestamp = date(known.at);
        Node {
            topology: "container",
            latest: latest
                .into_iter()
                .map(|(key, value)| {
                    let timestamp = timestamp.clone();
                    (key, Latest { timestamp, value })
                })
                .collect(),
            parents,
            ..Node::default()
        }
    }

    /// The node of the host that the instance runs on.
    fn host(&self, address: &str) -> Option<String> {
        let address = Address::parse(address)?;
        let host = self.hosts.get(address.host())?;
        Some(format!("{host};<host>"))
    }
}

fn metrics<'a>(instances: &'a Instances, known: &Known) -> BTreeMap<&'a str, Metric> {
    instances
        .rules()
        .iter()
        .zip(&known.samples)
        .enumerate()
        .filter(|(_, (_, pending))| !pending.samples.is_empty())
        .map(|(place, (rule, pending))| {
            let samples = &pending.samples;
            let values = samples.iter().map(|(_, value)| *value);
            let metric = Metric {
                min: values.clone().fold(0.0, f64::min),
                max: values.fold(instances.full(place), f64::max),
                samples: samples
                    .iter()
                    .map(|(at, value)| Sample {
                        date: date(*at),
                        value: *value,
                    })
                    .collect(),
            };
            (rule.id.as_str(), metric)
        })
        .collect()
}

fn controls(probe: &str) -> BTreeMap<&str, Control<'_>> {
    let control = Control {
        id: RESCRAPE,
        human: "Fetch metrics now",
        icon: "fa fa-refresh",
        rank: 1,
        probe_id: probe,
    };
    // Without the probe's id nobody could be told.
    let known = (!probe.is_empty()).then_some((RESCRAPE, control));
    known.into_iter().collect()
}

fn table() -> TableTemplate<'static> {
    TableTemplate {
        id: TABLE,
        label: "Cloud Foundry",
        prefix: TABLE,
        kind: "multicolumn-table",
        columns: COLUMNS
            .map(|(id, label)| Column {
                id,
                label,
                data_type: "",
            })
            .into(),
    }
}

/// RFC 3339, with what the clock has of nanoseconds.
fn date(at: SystemTime) -> String {
    prost_types::Timestamp::from(at).to_string()
}

fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_NAME))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests;
