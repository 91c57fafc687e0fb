//! Fetches per app, under promfetcher's names, so that its dashboards and alerts keep working.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

use crate::instance::{App, Instance};

/// Counts of one app. The names are the latest seen: an app keeps its counts when it is renamed.
#[derive(Debug, Default)]
struct Counts {
    app: Arc<App>,
    succeeded: u64,
    /// Failed fetches by index.
    failed: BTreeMap<Box<str>, u64>,
}

/// `promfetch_metric_fetch_success_total` and `promfetch_metric_fetch_failed_total`. Cloning shares the counts.
#[derive(Clone, Debug, Default)]
pub struct AppFetches(Arc<Mutex<HashMap<Box<str>, Counts>>>);

impl AppFetches {
    /// Makes the counters and adds them to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let fetches = Self::default();
        registry.register_collector(Box::new(fetches.clone()));
        fetches
    }

    /// Counts one fetch from an instance.
    pub fn count(&self, instance: &Instance, succeeded: bool) {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up before it is entered: the common case should not copy the key.
        if !apps.contains_key(&instance.app.app_id) {
            apps.insert(instance.app.app_id.clone(), Counts::default());
        }
        let Some(counts) = apps.get_mut(&instance.app.app_id) else {
            return;
        };
        counts.app = instance.app.clone();
        if succeeded {
            counts.succeeded += 1;
        } else {
            *counts.failed.entry(instance.index.clone()).or_default() += 1;
        }
    }

    /// Forgets the apps for which `keep` says no: their series end when they have left the platform.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|app_id, _| keep(app_id));
    }
}

impl Collector for AppFetches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = |counts: &Counts| -> Vec<(String, String)> {
            counts
                .app
                .labels()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };

        let mut metric = encoder.encode_descriptor(
            "promfetch_metric_fetch_success",
            "Number of fetched metrics succeeded for an app (app instance call are added)",
            None,
            MetricType::Counter,
        )?;
        for counts in apps.values().filter(|counts| counts.succeeded > 0) {
            ConstCounter::new(counts.succeeded).encode(metric.encode_family(&labels(counts))?)?;
        }

        let mut metric = encoder.encode_descriptor(
            "promfetch_metric_fetch_failed",
            "Number of non fetched metrics without be an normal error",
            None,
            MetricType::Counter,
        )?;
        for counts in apps.values() {
            for (index, failed) in &counts.failed {
                let mut labels = labels(counts);
                labels.extend([
                    ("index".to_owned(), index.to_string()),
                    ("instance_id".to_owned(), index.to_string()),
                ]);
                ConstCounter::new(*failed).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{Address, Transport};

    fn instance(app_id: &str, app_name: &str, index: &str) -> Instance {
        Instance {
            app: Arc::new(App {
                app_id: app_id.into(),
                app_name: app_name.into(),
                ..App::default()
            }),
            address: Address::tcp("10.0.0.1", 61001),
            transport: Transport::default(),
            guid: "".into(),
            index: index.into(),
            isolation_segment: "".into(),
            availability_zone: "".into(),
        }
    }

    fn page(registry: &Registry) -> String {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, registry).unwrap();
        page
    }

    #[test]
    fn names_and_labels_are_promfetchers() {
        let mut registry = Registry::default();
        let fetches = AppFetches::register(&mut registry);
        fetches.count(&instance("a", "shop", "0"), true);
        fetches.count(&instance("a", "shop", "1"), true);
        fetches.count(&instance("a", "shop", "1"), false);
        let page = page(&registry);
        let app = r#"organization_id="",space_id="",app_id="a",organization_name="",space_name="",app_name="shop""#;
        assert!(
            page.contains(&format!("promfetch_metric_fetch_success_total{{{app}}} 2")),
            "{page}"
        );
        assert!(
            page.contains(&format!(
                r#"promfetch_metric_fetch_failed_total{{{app},index="1",instance_id="1"}} 1"#
            )),
            "{page}"
        );
    }

    #[test]
    fn a_renamed_app_keeps_its_count_and_one_that_left_loses_its_series() {
        let mut registry = Registry::default();
        let fetches = AppFetches::register(&mut registry);
        fetches.count(&instance("a", "old", "0"), true);
        fetches.count(&instance("a", "new", "0"), true);
        fetches.count(&instance("b", "gone", "0"), true);
        fetches.retain(|app_id| app_id == "a");
        let page = page(&registry);
        assert!(
            page.contains("app_name=\"new\"} 2") && !page.contains("old") && !page.contains("gone"),
            "{page}"
        );
    }
}
