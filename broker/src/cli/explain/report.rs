//! What was found out about an app, as text for people.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Deserialize;

use super::super::table::{Column, fit, lines, time};
use super::super::{Failure, Outcome};
use crate::api::advice;

/// An answer of `instances` and `families` together, or why there is none. What is missing in it is left out: it may
/// be that of an older promfetch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    selector: String,
    instances: Vec<Instance>,
    families_total: Option<usize>,
    /// Why there are no instances.
    error: Option<String>,
    near: Vec<Near>,
    component: bool,
    table: Option<Table>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Instance {
    app_id: String,
    organization_name: String,
    space_name: String,
    app_name: String,
    process_type: String,
    index: String,
    address: String,
    path: String,
    path_source: String,
    route_age_seconds: f64,
    status: String,
    last: Option<Last>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Last {
    http_status: Option<u16>,
    duration_seconds: f64,
    samples: usize,
    error: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Near {
    why: String,
    selector: String,
    process_types: Vec<String>,
    route: Option<String>,
    departed_seconds_ago: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Table {
    ready: bool,
    sources: Vec<Source>,
    apps: Option<usize>,
    instances: Option<usize>,
}

/// Where routes come from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Source {
    kind: String,
    connected: bool,
    ready: bool,
    last_message_age_seconds: Option<f64>,
    name: Option<String>,
    detail: Option<String>,
}

impl Source {
    /// In one line.
    pub(in crate::cli) fn line(&self) -> String {
        let mut line = self.kind.clone();
        if let Some(name) = &self.name {
            line.push(' ');
            line.push_str(name);
        }
        line.push_str(match (self.connected, self.ready) {
            (true, true) => ": connected",
            (true, false) => ": connected, not heard completely yet",
            (false, true) => ": away; what it has said stands",
            (false, false) => ": not heard yet",
        });
        if let Some(age) = self.last_message_age_seconds {
            line.push_str(&format!(", last heard {} ago", time(age)));
        }
        if let Some(detail) = self.detail.as_deref().filter(|detail| !detail.is_empty()) {
            line.push_str(&format!(" ({detail})"));
        }
        line
    }
}

impl Report {
    /// How the command ends.
    pub(super) fn verdict(&self) -> Outcome {
        let all = self.instances.len();
        let up = self
            .instances
            .iter()
            .filter(|one| one.status == "up")
            .count();
        match (&self.error, all) {
            (Some(error), _) => Err(Failure::failed(fit(error, None))),
            (None, 0) => Err(Failure::failed("there are no instances")),
            _ if up == all => Ok(()),
            _ => Err(Failure::failed(format!(
                "{} of {all} instances gave no metrics",
                all - up
            ))),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.error.is_none() {
            self.apps(&mut text);
        } else {
            self.nothing(&mut text);
        }
        if let Some(table) = &self.table {
            table.text(&mut text);
        }
        text
    }

    /// The instances of each app, and what to do about those that failed.
    fn apps(&self, text: &mut String) {
        const COLUMNS: [Column; 7] = [
            Column::right("INDEX"),
            Column::left("STATUS"),
            Column::left("ADDRESS"),
            Column::left("PATH"),
            Column::right("TOOK"),
            Column::right("SAMPLES"),
            Column::right("ROUTE SEEN"),
        ];
        let apps = self.instances.chunk_by(|a, b| a.app() == b.app());
        for instances in apps {
            let Some(first) = instances.first() else {
                continue;
            };
            push(text, &first.heading());
            let rows = instances.iter().map(Instance::cells);
            for line in lines(&COLUMNS, rows, None) {
                push(text, &line);
            }
            text.push('\n');
            for one in instances {
                if let Some(failure) = one.failure() {
                    push(text, &failure);
                }
            }
        }
        let reasons: BTreeSet<&str> = self
            .instances
            .iter()
            .filter_map(|one| one.last.as_ref()?.error.as_deref())
            .collect();
        for reason in &reasons {
            if let Some((what, to_do)) = advice::of(reason) {
                push(text, &format!("  {reason}: {what}. {to_do}"));
            }
        }
        if !reasons.is_empty() {
            text.push('\n');
        }
        if let Some(families) = self.families_total {
            push(text, &format!("{families} families of metrics."));
        }
    }

    /// Why there is nothing, and what may have been meant.
    fn nothing(&self, text: &mut String) {
        push(text, &format!("{}: there are no instances.", self.selector));
        if self.component {
            push(
                text,
                "The route leads to a component of the platform, which is no app.",
            );
        }
        if !self.near.is_empty() {
            push(text, "Was one of these meant?");
            const COLUMNS: [Column; 2] = [Column::left(""), Column::left("")];
            let rows = self
                .near
                .iter()
                .map(|near| [format!("  {}", near.selector), near.why()]);
            // Without a head.
            for line in lines(&COLUMNS, rows, None).into_iter().skip(1) {
                push(text, &line);
            }
        }
        text.push('\n');
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(&fit(line, None));
    text.push('\n');
}

impl Instance {
    fn app(&self) -> (&str, &str) {
        (&self.app_id, &self.process_type)
    }

    fn heading(&self) -> String {
        format!(
            "{}/{}/{}, process `{}`, GUID {}",
            self.organization_name, self.space_name, self.app_name, self.process_type, self.app_id
        )
    }

    fn cells(&self) -> [String; 7] {
        let why = match self.path_source.as_str() {
            "query" => "asked for",
            "binding" => "bound",
            "target" => "of the fixed target",
            other => other,
        };
        let last = self.last.as_ref();
        let of_last = |show: fn(&Last) -> String| last.map_or_else(|| "-".to_owned(), show);
        [
            self.index.clone(),
            self.status.clone(),
            self.address.clone(),
            format!("{} ({why})", self.path),
            of_last(|last| time(last.duration_seconds)),
            of_last(|last| last.samples.to_string()),
            format!("{} ago", time(self.route_age_seconds)),
        ]
    }

    /// What was wrong with it.
    fn failure(&self) -> Option<String> {
        let last = self.last.as_ref()?;
        let error = last.error.as_deref()?;
        let mut text = format!("Instance {} ({}): {error}", self.index, self.address);
        if let Some(status) = last.http_status {
            // A string takes whatever is written.
            let _ = write!(text, ", HTTP status {status}");
        }
        if let Some(detail) = last.detail.as_deref().filter(|detail| !detail.is_empty()) {
            let _ = write!(text, ": {detail}");
        }
        Some(text)
    }
}

impl Near {
    fn why(&self) -> String {
        match (self.why.as_str(), &self.route, self.departed_seconds_ago) {
            ("process", ..) => format!(
                "it has no process of this type, but `{}`: say which with `--process-type`",
                self.process_types.join("`, `")
            ),
            ("departed", _, Some(ago)) => format!("its last instance left {} ago", time(ago)),
            ("departed", ..) => "its last instance has left".to_owned(),
            ("case", ..) => "capital and small letters differ".to_owned(),
            ("other_space", ..) => "the same name in another space".to_owned(),
            ("other_path", Some(route), _) => format!("its route is {route}"),
            (_, Some(route), _) => format!("much alike: its route is {route}"),
            _ => "much alike".to_owned(),
        }
    }
}

impl Table {
    fn text(&self, text: &mut String) {
        let mut line = if self.ready {
            "The routing table is complete".to_owned()
        } else {
            "The routing table is NOT complete yet".to_owned()
        };
        if let (Some(apps), Some(instances)) = (self.apps, self.instances) {
            let _ = write!(line, ": {apps} apps, {instances} instances");
        }
        push(text, &(line + "."));
        for source in &self.sources {
            push(text, &format!("  {}", source.line()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Report {
        serde_json::from_value(value).unwrap()
    }

    fn instance(index: &str, status: &str, last: Value) -> Value {
        json!({
            "app_id": "a-1", "organization_name": "acme", "space_name": "prod",
            "app_name": "sh\u{1b}[2Jop", "process_type": "web", "index": index,
            "address": format!("10.0.0.{index}:80"), "path": "/m", "path_source": "binding",
            "route_age_seconds": 3.0, "status": status, "last": last,
        })
    }

    #[test]
    fn an_app_that_is_there() {
        let report = read(json!({
            "selector": "acme/prod/shop",
            "instances": [
                instance("0", "up", json!({"duration_seconds": 0.012, "samples": 34})),
                instance("1", "down", json!({
                    "duration_seconds": 1.0, "samples": 0, "http_status": 200,
                    "error": "parse", "detail": "line 2: no value",
                })),
                instance("2", "unknown", Value::Null),
            ],
            "families_total": 5,
            "table": {"ready": true, "apps": 2, "instances": 9, "sources": [
                {"kind": "nats", "connected": true, "ready": true, "last_message_age_seconds": 0.5,
                 "name": "10.0.0.1:4222", "detail": ""},
            ]},
        }));
        assert_eq!(
            report.text(),
            "\
acme/prod/sh\u{fffd}[2Jop, process `web`, GUID a-1
INDEX  STATUS   ADDRESS      PATH         TOOK  SAMPLES  ROUTE SEEN
    0  up       10.0.0.0:80  /m (bound)  12 ms       34   3.0 s ago
    1  down     10.0.0.1:80  /m (bound)  1.0 s        0   3.0 s ago
    2  unknown  10.0.0.2:80  /m (bound)      -        -   3.0 s ago

Instance 1 (10.0.0.1:80): parse, HTTP status 200: line 2: no value
  parse: the page does not keep to the format of metrics. Line and column are those of the instance's own page.

5 families of metrics.
The routing table is complete: 2 apps, 9 instances.
  nats 10.0.0.1:4222: connected, last heard 500 ms ago
"
        );
        assert_eq!(
            report.verdict().unwrap_err().message,
            "2 of 3 instances gave no metrics"
        );
    }

    #[test]
    fn an_app_that_is_not() {
        let near = |why: &str, more: Value| {
            let mut near =
                json!({"why": why, "selector": "acme/prod/shop", "process_types": ["worker"]});
            near.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            near
        };
        let report = read(json!({
            "selector": "acme/prod/Shop",
            "error": "Cannot found app with id or path acme/prod/Shop",
            "near": [
                near("process", json!({})),
                near("departed", json!({"departed_seconds_ago": 90.0})),
                near("case", json!({})),
                near("other_space", json!({})),
                near("other_path", json!({"route": "h/x"})),
                near("similar", json!({"route": "h"})),
                near("of a later version", json!({})),
            ],
            "component": true,
            "table": {"ready": false, "sources": [
                {"kind": "nats", "connected": false, "ready": false},
            ]},
        }));
        assert_eq!(
            report.text(),
            "\
acme/prod/Shop: there are no instances.
The route leads to a component of the platform, which is no app.
Was one of these meant?
  acme/prod/shop  it has no process of this type, but `worker`: say which with `--process-type`
  acme/prod/shop  its last instance left 90 s ago
  acme/prod/shop  capital and small letters differ
  acme/prod/shop  the same name in another space
  acme/prod/shop  its route is h/x
  acme/prod/shop  much alike: its route is h
  acme/prod/shop  much alike

The routing table is NOT complete yet.
  nats: not heard yet
"
        );
        assert_eq!(
            report.verdict().unwrap_err().message,
            "Cannot found app with id or path acme/prod/Shop"
        );
        assert!(read(json!({})).verdict().is_err(), "nothing at all");
    }
}
