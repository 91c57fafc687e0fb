//! Scope's probe: asks a plugin, and takes its report apart by the rules of the real probe and of Scope's app.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::ask;

const ID: &str = "1f2e3d4c5b6a7988";
/// The probe's bound for answers.
const MAX_BODY: usize = 50 << 20;
/// What a report may have at its top, of what our plugins send.
const KNOWN: [&str; 2] = ["Container", "Plugins"];
const FORMATS: [&str; 4] = ["", "filesize", "integer", "percent"];

/// A probe with what it remembers of one plugin.
#[derive(Debug)]
pub struct Probe {
    socket: PathBuf,
    id: String,
    /// The last date of each metric of each node.
    dates: BTreeMap<(String, String), String>,
}

impl Probe {
    /// A probe that has found this socket.
    ///
    /// # Panics
    /// When the file's name makes no id.
    pub fn new(socket: &Path) -> Self {
        let name = socket.file_stem().expect("a socket has a name");
        let id = name.to_str().expect("an id is ASCII").to_owned();
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(id.split('-').all(is_word), "invalid plugin id {id:?}");
        Self {
            socket: socket.to_owned(),
            id,
            dates: BTreeMap::new(),
        }
    }

    /// Asks for a report and checks it; gives its container nodes. Metrics are those that are new since the last one.
    ///
    /// # Errors
    /// What the probe would say, or what Scope's app would make nothing of.
    pub async fn report(&mut self) -> Result<Map<String, Value>, String> {
        let path = format!("/report?api_version=1&probe_id={ID}");
        let headers = [
            ("host", "plugin"),
            ("user-agent", "Go-http-client/1.1"),
            ("accept-encoding", "gzip"),
        ];
        let answer = ask(&self.socket, "GET", &path, &headers, Bytes::new())
            .await
            .map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!(
                "plugin returned non-200 status code: {}",
                answer.status
            ));
        }
        if answer.body.len() > MAX_BODY {
            return Err("response must be shorter than 50MB".into());
        }
        let report: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("decoding error: {error}"))?;
        self.check_plugins(&report["Plugins"])?;
        let top = report.as_object().ok_or("no object")?;
        if let Some(key) = top.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(format!("`{key}` is no topology that we know"));
        }
        let topology = &report["Container"];
        check_templates(topology)?;
        let nodes = topology["nodes"].as_object().cloned().unwrap_or_default();
        for (id, node) in &nodes {
            check_node(id, node, topology).map_err(|error| format!("node {id}: {error}"))?;
            self.check_dates(id, node)?;
        }
        Ok(nodes)
    }

    /// Presses a control of a node.
    ///
    /// # Panics
    /// When there is no answer with JSON.
    pub async fn control(&self, node: &str, control: &str) -> Value {
        let path = format!("/control?api_version=1&probe_id={ID}");
        let body = json!({"AppID": "app", "NodeID": node, "Control": control, "ControlArgs": null});
        let headers = [("host", "plugin"), ("content-type", "application/json")];
        let answer = ask(
            &self.socket,
            "POST",
            &path,
            &headers,
            body.to_string().into(),
        )
        .await
        .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn check_plugins(&self, plugins: &Value) -> Result<(), String> {
        let list = plugins.as_array().map_or(&[][..], Vec::as_slice);
        let [spec] = list else {
            return Err(format!(
                "report must contain exactly one plugin (found {})",
                list.len()
            ));
        };
        let text = |key: &str| spec[key].as_str().unwrap_or_default();
        if text("id") != self.id {
            return Err(format!(
                "plugin must not change its id (is {:?}, should be {:?})",
                text("id"),
                self.id
            ));
        }
        if text("api_version") != "1" {
            let found = text("api_version");
            return Err(format!(
                "incorrect API version: expected \"1\", got {found:?}"
            ));
        }
        if text("label").is_empty() {
            return Err("spec must contain a label".into());
        }
        let interfaces = spec["interfaces"].as_array();
        if !interfaces.is_some_and(|all| all.contains(&"reporter".into())) {
            return Err("spec must implement the \"reporter\" interface".into());
        }
        Ok(())
    }

    /// Samples ascend, and are sent once.
    fn check_dates(&mut self, id: &str, node: &Value) -> Result<(), String> {
        for (metric, value) in node["metrics"].as_object().into_iter().flatten() {
            for sample in value["samples"].as_array().into_iter().flatten() {
                // Without the zone, which is always UTC, dates compare as texts do.
                let date = sample["date"].as_str().unwrap_or_default();
                let date = date.trim_end_matches('Z');
                let last = self
                    .dates
                    .entry((id.to_owned(), metric.clone()))
                    .or_default();
                if date <= last.as_str() {
                    return Err(format!("{metric} of {id}: {date} comes after {last}"));
                }
                date.clone_into(last);
            }
        }
        Ok(())
    }
}

fn check_templates(topology: &Value) -> Result<(), String> {
    for (id, template) in topology["metric_templates"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let format = template["format"].as_str().ok_or("no format")?;
        let is_right = template["id"] == id.as_str()
            && FORMATS.contains(&format)
            && template["priority"].is_number()
            && template["label"]
                .as_str()
                .is_some_and(|label| !label.is_empty());
        if !is_right {
            return Err(format!("metric template {id}: {template}"));
        }
    }
    for (id, template) in topology["table_templates"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let columns = template["columns"].as_array().ok_or("no columns")?;
        let is_right = template["id"] == id.as_str()
            && template["type"] == "multicolumn-table"
            && columns.iter().all(|column| column["id"].is_string());
        if !is_right {
            return Err(format!("table template {id}: {template}"));
        }
    }
    for (id, template) in topology["metadata_templates"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let from = template["from"].as_str().unwrap_or_default();
        if template["id"] != id.as_str() || !["latest", "sets", "counters"].contains(&from) {
            return Err(format!("metadata template {id}: {template}"));
        }
    }
    Ok(())
}

fn check_node(id: &str, node: &Value, topology: &Value) -> Result<(), String> {
    // Another topology panics the real probe.
    if node["id"] != id || node["topology"] != "container" || !id.ends_with(";<container>") {
        return Err("its id or topology is not that of its place".into());
    }
    let latest = node["latest"].as_object().ok_or("nothing in `latest`")?;
    for (key, entry) in latest {
        let date = entry["timestamp"].as_str().unwrap_or_default();
        if !entry["value"].is_string() || !is_date(date) {
            return Err(format!("latest {key}: {entry}"));
        }
        for table in topology["table_templates"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let prefix = table.1["prefix"].as_str().unwrap_or_default();
            // Scope's app panics at a cell without a column.
            if let Some(cell) = key.strip_prefix(prefix)
                && cell.split("___").count() != 2
            {
                return Err(format!("{key} is no cell of {}", table.0));
            }
        }
    }
    for key in ["docker_container_name", "docker_container_state"] {
        if !latest.contains_key(key) {
            return Err(format!("no {key}"));
        }
    }
    if let Some(hosts) = node["parents"]["host"].as_array() {
        let is_host = |host: &Value| host.as_str().is_some_and(|host| host.ends_with(";<host>"));
        if !hosts.iter().all(is_host) || latest["host_node_id"]["value"] != hosts[0] {
            return Err(format!("its parents are {hosts:?}"));
        }
    }
    for (metric, value) in node["metrics"].as_object().into_iter().flatten() {
        if topology["metric_templates"].get(metric).is_none() {
            return Err(format!("{metric} has no template and is not shown"));
        }
        let samples = value["samples"].as_array().ok_or("no samples")?;
        let is_sample = |sample: &Value| {
            sample["value"].is_f64() && sample["date"].as_str().is_some_and(is_date)
        };
        let max = value["max"].as_f64().unwrap_or_default();
        if samples.is_empty() || !samples.iter().all(is_sample) || max <= 0.0 {
            return Err(format!("{metric}: {value}"));
        }
    }
    Ok(())
}

/// `2024-01-02T03:04:05.123456789Z`, as Go reads it; what is behind the seconds may be cut.
fn is_date(text: &str) -> bool {
    let digits = text.replace(|letter: char| letter.is_ascii_digit(), "0");
    digits
        .strip_prefix("0000-00-00T00:00:00")
        .and_then(|rest| rest.strip_suffix('Z'))
        .is_some_and(|rest| rest.is_empty() || ".000000000".starts_with(rest) && rest.len() > 1)
}
