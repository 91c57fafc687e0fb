//! What to run and what to ask: the configuration file.

mod keys;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use promfetch_core::config::Secret;
use promfetch_core::config::problem::{Problems, Warning};
use promfetch_core::config::reader::At;
use promfetch_core::config::table::Table;
use promfetch_core::labels::{Labels, check_further};
use tracing::level_filters::LevelFilter;

use self::keys::KEYS;

/// Most plugins: each is a process that is asked every tick.
const MAX_PLUGINS: usize = 100;
/// Most queries of all plugins.
const MAX_QUERIES: usize = 10_000;
/// The labels that tell one series of ours from the other.
const OWN_LABELS: [&str; 2] = ["plugin", "query"];

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) plugin_dir: PathBuf,
    pub(super) plugins: Vec<Plugin>,
    pub(super) queries: Vec<Query>,
    pub(super) tick: Duration,
    pub(super) timeout: Duration,
    pub(super) start_timeout: Duration,
    pub(super) restart_after: Duration,
    pub(super) listen: Listen,
    pub(super) level: LevelFilter,
}

/// A plugin, as an `apm` block of the agent's configuration has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugin {
    pub(super) name: String,
    /// The name of its file.
    pub(super) driver: String,
    pub(super) arguments: Vec<String>,
    pub(super) config: BTreeMap<String, Secret>,
}

/// A query, as a check of a scaling policy has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) name: String,
    /// Its place among the plugins.
    pub(super) plugin: usize,
    pub(super) query: String,
    pub(super) window: Duration,
    pub(super) offset: Duration,
    pub(super) labels: Labels,
}

/// Where the page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    Socket(PathBuf),
    Address(SocketAddr),
}

/// Reads a file.
///
/// # Errors
/// All problems of it.
pub(super) fn load(file: Option<&Path>) -> Result<(Settings, Vec<Warning>), Problems> {
    crate::settings::load(&Table::new(&[KEYS]), file, [], Settings::read)
}

impl Settings {
    fn read(root: &At<'_>) -> Self {
        let plugins: Vec<Plugin> = root.sections("plugins").iter().map(Plugin::read).collect();
        check_plugins(root, &plugins);
        let queries: Vec<Query> = root
            .sections("queries")
            .iter()
            .map(|at| Query::read(at, &plugins))
            .collect();
        check_queries(root, &queries);
        Self {
            plugin_dir: root.text("plugin_dir").into(),
            plugins,
            queries,
            tick: root.duration("tick"),
            timeout: root.duration("timeout"),
            start_timeout: root.duration("start_timeout"),
            restart_after: root.duration("restart_after"),
            listen: listen(root),
            level: root
                .section("logging")
                .text("level")
                .parse()
                .unwrap_or(LevelFilter::INFO),
        }
    }
}

fn listen(root: &At<'_>) -> Listen {
    let address = root.text("address");
    if address.is_empty() {
        return Listen::Socket(root.text("socket").into());
    }
    if root.is_given("socket") {
        root.section("address")
            .problem("does not go together with `socket`: the page is at one place");
    }
    // What is no address has its problem already.
    let parsed = address.parse();
    parsed.map_or_else(|_| Listen::Socket(PathBuf::new()), Listen::Address)
}

impl Plugin {
    fn read(at: &At<'_>) -> Self {
        let name = at.text("name");
        let config = at.section("config");
        Self {
            driver: at.text_if_any("driver").unwrap_or_else(|| {
                if !name.is_empty()
                    && let Err(reason) = keys::file_name(&name)
                {
                    at.section("driver").problem(format!(
                        "is missing, and `name` cannot stand for it: {reason}"
                    ));
                }
                name.clone()
            }),
            name,
            arguments: at.section("args").whole_texts(),
            config: at
                .entries("config")
                .into_iter()
                .filter_map(|(key, _)| Some((key.clone(), Secret(config.text_if_any(&key)?))))
                .collect(),
        }
    }
}

impl Query {
    fn read(at: &At<'_>, plugins: &[Plugin]) -> Self {
        let labels = at.section("labels");
        let label = |(name, place): (String, At<'_>)| {
            let check = if OWN_LABELS.contains(&name.as_str()) {
                Err("is a label that each series of a query has")
            } else {
                check_further(&name)
            };
            if let Err(reason) = check {
                place.problem(reason);
            }
            Some((name.clone(), labels.text_if_any(&name)?))
        };
        Self {
            name: at.text("name"),
            plugin: plugin_of(at, plugins),
            query: at.text("query"),
            window: at.duration("window"),
            offset: at.duration("offset"),
            labels: at.entries("labels").into_iter().filter_map(label).collect(),
        }
    }
}

/// The place of the plugin that a query names; of the only one if it names none.
fn plugin_of(at: &At<'_>, plugins: &[Plugin]) -> usize {
    let name = at.text("plugin");
    if name.is_empty() {
        if plugins.len() > 1 {
            at.section("plugin")
                .problem("is required when there are several plugins");
        }
        return 0;
    }
    let found = plugins.iter().position(|plugin| plugin.name == name);
    found.unwrap_or_else(|| {
        let known: Vec<String> = plugins
            .iter()
            .take(20)
            .map(|plugin| format!("`{}`", plugin.name))
            .collect();
        at.section("plugin").problem(format!(
            "there is no plugin of this name, only {}",
            known.join(", ")
        ));
        0
    })
}

fn check_plugins(root: &At<'_>, plugins: &[Plugin]) {
    let at = root.section("plugins");
    if plugins.is_empty() {
        at.problem("is missing: name at least one plugin, with `name` and `driver`");
    }
    if plugins.len() > MAX_PLUGINS {
        at.problem(format!("has more than {MAX_PLUGINS} plugins"));
    }
    let mut names = HashSet::new();
    for (plugin, at) in plugins.iter().zip(root.sections("plugins")) {
        if !plugin.name.is_empty() && !names.insert(&plugin.name) {
            at.section("name")
                .problem("is the name of another plugin too");
        }
    }
}

fn check_queries(root: &At<'_>, queries: &[Query]) {
    let at = root.section("queries");
    if queries.is_empty() {
        at.problem("is missing: without a query there is nothing to ask the plugins");
    }
    if queries.len() > MAX_QUERIES {
        at.problem(format!("has more than {MAX_QUERIES} queries"));
    }
    let mut names = HashSet::new();
    for (query, at) in queries.iter().zip(root.sections("queries")) {
        if !query.name.is_empty() && !names.insert((query.plugin, &query.name)) {
            at.section("name")
                .problem("is the name of another query of this plugin too");
        }
    }
}

/// A small configuration, with these keys in it, over others or more.
#[cfg(test)]
pub(super) fn example(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut options = BTreeMap::from(
        [
            ("plugin_dir", "/opt/plugins"),
            ("plugins[0].name", "noop"),
            ("queries[0].name", "load"),
            ("queries[0].query", "fixed:1"),
        ]
        .map(|(key, text)| (key.to_owned(), text.to_owned())),
    );
    options.extend(
        more.iter()
            .map(|(key, text)| (key.to_string(), text.to_string())),
    );
    options
}

/// Settings of these keys.
#[cfg(test)]
pub(super) fn read(options: &BTreeMap<String, String>) -> Result<Settings, Problems> {
    crate::settings::load(&Table::new(&[KEYS]), None, options.clone(), Settings::read)
        .map(|(settings, _)| settings)
}

#[cfg(test)]
mod tests;
