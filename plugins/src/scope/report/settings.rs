//! What the reporter is told.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use promfetch_core::config::reader::At;

use super::choice::{self, Choice};
use super::rule::{MAX_RULES, Rule};
use crate::source;

#[derive(Debug)]
pub(in crate::scope) struct Settings {
    pub(super) source: source::Settings,
    pub(super) socket: PathBuf,
    pub(super) interval: Duration,
    pub(super) choice: Choice,
    pub(super) max_instances: usize,
    /// Names of hosts by addresses.
    pub(super) hosts: BTreeMap<String, String>,
    pub(super) rules: Vec<Rule>,
}

impl Settings {
    /// Reads the settings from the top of the configuration. Problems stay there.
    pub(in crate::scope) fn read(root: &At<'_>) -> Self {
        let at = root.section("report");
        Self {
            source: source::Settings::read(root),
            socket: at.text("socket").into(),
            interval: at.duration("interval"),
            choice: Choice {
                // What cannot be read has its problem from the key.
                named: at
                    .texts("apps")
                    .iter()
                    .filter_map(|text| choice::read(text).ok())
                    .collect(),
                organizations: at.texts("organizations"),
                spaces: at.texts("spaces"),
                most: at.number("max_apps"),
            },
            max_instances: at.number("max_instances"),
            hosts: at
                .sections("hosts")
                .iter()
                .map(|host| (host.text("address"), host.text("name")))
                .collect(),
            rules: rules(&at),
        }
    }
}

fn rules(at: &At<'_>) -> Vec<Rule> {
    let sections = at.sections("metrics");
    if sections.len() > MAX_RULES {
        at.section("metrics").problem(format!(
            "has {} entries; at most {MAX_RULES} can be given",
            sections.len()
        ));
    }
    let mut ids = HashSet::new();
    for section in &sections {
        let id = section.text("id");
        if !id.is_empty() && !ids.insert(id) {
            section
                .section("id")
                .problem("is there already: each metric needs an id of its own");
        }
    }
    sections.iter().filter_map(Rule::read).collect()
}
