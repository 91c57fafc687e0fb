//! The last samples of plugins, and the page that is made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use promfetch_core::labels::Labels;

use super::names;
use super::report::{Sample, Samples, Series};
use crate::gauges::Gauges;

/// What Scope shows: a plugin sends only what is new to it.
const WINDOW: Duration = Duration::from_secs(15);
/// Most metrics of all plugins.
const MAX_ALL: usize = 1_000_000;
const HELP: &str = "Last sample of a metric of plugins for Weave Scope.";
const UP_HELP: &str = "Whether a plugin for Weave Scope answers with a report.";

/// One plugin.
#[derive(Debug)]
pub(super) struct Last {
    socket: PathBuf,
    samples: BTreeMap<Series, (Sample, Instant)>,
    is_up: bool,
    /// What was wrong last.
    error: Option<String>,
}

impl Last {
    pub(super) fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            samples: BTreeMap::new(),
            is_up: false,
            error: None,
        }
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// These came. Metrics that are not among them keep their last sample for a while.
    pub(super) fn answered(&mut self, samples: Samples, now: Instant) {
        self.is_up = true;
        self.error = None;
        for (series, sample) in samples {
            match self.samples.get_mut(&series) {
                Some((known, seen)) => {
                    *seen = now;
                    if sample.date >= known.date {
                        *known = sample;
                    }
                }
                None => {
                    self.samples.insert(series, (sample, now));
                }
            }
        }
    }

    /// Nothing came. Each reason is logged once.
    pub(super) fn failed(&mut self, id: &str, error: String) {
        self.is_up = false;
        if self.error.as_ref() != Some(&error) {
            tracing::warn!("plugin {id}: {error}");
            self.error = Some(error);
        }
    }
}

/// The page of all plugins. What is too old for Scope is forgotten.
pub(super) fn page(plugins: &mut BTreeMap<String, Last>, now: Instant, every: Duration) -> Vec<u8> {
    let mut count = 0;
    for (id, plugin) in plugins.iter_mut() {
        let kept = WINDOW + every;
        plugin
            .samples
            .retain(|_, (_, seen)| now.duration_since(*seen) <= kept);
        count += plugin.samples.len();
        if count > MAX_ALL {
            count -= plugin.samples.len();
            plugin.samples.clear();
            plugin.failed(
                id,
                format!("all plugins together have more than {MAX_ALL} metrics"),
            );
        }
    }
    let all = plugins.values().flat_map(|plugin| plugin.samples.keys());
    let ids: BTreeSet<&str> = all.map(|series| series.metric.as_str()).collect();
    let names = names::of(&ids);
    let mut gauges = Gauges::default();
    for (id, plugin) in plugins.iter() {
        let own = Labels::from_iter([("scope_plugin", id.as_str())]);
        gauges.set(names::UP, UP_HELP, &own, f64::from(u8::from(plugin.is_up)));
        for (series, (sample, _)) in &plugin.samples {
            let Some(name) = names.get(series.metric.as_str()) else {
                continue;
            };
            let labels = Labels::from_iter([
                ("scope_plugin", id.as_str()),
                ("scope_topology", series.topology.as_str()),
                ("scope_node", series.node.as_str()),
                ("scope_label", sample.label.as_str()),
            ]);
            gauges.set(name.clone(), HELP, &labels, sample.value);
        }
    }
    gauges.page()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(list: &[(&str, i64, f64)]) -> Samples {
        list.iter()
            .map(|(metric, date, value)| {
                let series = Series {
                    topology: "Host".into(),
                    node: "h;<host>".into(),
                    metric: (*metric).into(),
                };
                let sample = Sample {
                    date: (*date, 0),
                    value: *value,
                    label: "L".into(),
                };
                (series, sample)
            })
            .collect()
    }

    #[test]
    fn the_page_has_the_last_samples_for_a_while() {
        let mut plugins = BTreeMap::from([("p".to_owned(), Last::new("/p.sock".into()))]);
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let text = |plugins: &mut _, now| String::from_utf8(page(plugins, now, second)).unwrap();
        let line = |metric: &str, value: &str| {
            format!(
                "scope_{metric}{{scope_plugin=\"p\",scope_topology=\"Host\",scope_node=\"h;<host>\",scope_label=\"L\"}} {value}\n"
            )
        };
        let plugin = plugins.get_mut("p").unwrap();
        plugin.answered(samples(&[("a", 5, 1.0), ("b", 5, 2.0)]), start);
        let plugin = plugins.get_mut("p").unwrap();
        plugin.answered(samples(&[("a", 4, 9.0)]), start + second * 10);
        let both = text(&mut plugins, start + second * 10);
        assert!(
            both.contains(&line("a", "1")),
            "an older sample does not count: {both}"
        );
        assert!(
            both.contains(&line("b", "2")),
            "what is not new is not sent: {both}"
        );
        assert!(
            both.contains("scope_plugin_up{scope_plugin=\"p\"} 1\n"),
            "{both}"
        );
        plugins.get_mut("p").unwrap().failed("p", "slow".into());
        let one = text(&mut plugins, start + second * 20);
        assert!(
            one.contains(&line("a", "1")) && !one.contains("scope_b"),
            "{one}"
        );
        assert!(
            one.contains("scope_plugin_up{scope_plugin=\"p\"} 0\n"),
            "{one}"
        );
        let none = text(&mut plugins, start + second * 40);
        assert!(!none.contains("scope_a"), "{none}");
    }
}
