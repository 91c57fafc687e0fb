//! Who would be refused if access were protected: the way from open to protected is to watch this until it is empty.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use promfetch_core::instance::App;

/// How long finding out who asks, and then what they may see, can hold up a page that is served anyway: a part of what
/// scrapers wait at most, 10 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Between two log lines about one app.
const COMPLAINT: Duration = Duration::from_secs(3600);
/// An app that nobody was let through to for so long has no series any more.
const KEPT: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
struct Seen {
    app: Arc<App>,
    requests: u64,
    last: Instant,
    logged: Option<Instant>,
}

/// `promfetch_access_would_be_refused_total`, for each app. Cloning shares the counts. There are as many as there are
/// apps in the routing table, as only those can be asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Arc<Mutex<HashMap<Box<str>, Seen>>>);

impl Audit {
    /// Adds the counter to the registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// Counts a request for this app, and logs it now and then. `why` says what is wrong with the caller.
    pub(super) fn count(&self, app: &Arc<App>, why: &str, now: Instant) {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = apps.entry(app.app_id.clone()).or_insert_with(|| Seen {
            app: Arc::clone(app),
            requests: 0,
            last: now,
            logged: None,
        });
        seen.requests += 1;
        seen.last = now;
        seen.app = Arc::clone(app);
        let is_new = seen
            .logged
            .is_none_or(|at| now.saturating_duration_since(at) >= COMPLAINT);
        if is_new {
            seen.logged = Some(now);
            tracing::warn!(
                app = %format_args!("{}/{}/{}", app.organization_name, app.space_name, app.app_name).to_string().escape_debug(),
                app_id = %app.app_id.escape_debug(),
                why,
                "with protected access this request would be refused (said once an hour for each app)"
            );
        }
    }
}

impl Collector for Audit {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        apps.retain(|_, seen| now.saturating_duration_since(seen.last) < KEPT);
        if apps.is_empty() {
            return Ok(());
        }
        let mut metric = encoder.encode_descriptor(
            "promfetch_access_would_be_refused",
            "Requests for an app that protected access would refuse",
            None,
            MetricType::Counter,
        )?;
        for seen in apps.values() {
            let labels: Vec<(String, String)> = seen
                .app
                .labels()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            ConstCounter::new(seen.requests).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_for_each_app() {
        let (mut registry, audit) = (Registry::default(), Audit::default());
        audit.register(&mut registry);
        let app = |id: &str| {
            Arc::new(App {
                app_id: id.into(),
                ..App::default()
            })
        };
        let page = |registry: &Registry| {
            let mut page = String::new();
            prometheus_client::encoding::text::encode(&mut page, registry).unwrap();
            page
        };
        assert!(!page(&registry).contains("would_be_refused"));
        let now = Instant::now();
        for id in ["a", "a", "b"] {
            audit.count(&app(id), "no login", now);
        }
        let page = page(&registry);
        for (id, count) in [("a", 2), ("b", 1)] {
            let fits = |line: &&str| {
                line.contains(&format!("app_id=\"{id}\"")) && line.ends_with(&format!(" {count}"))
            };
            assert!(page.lines().any(|line| fits(&line)), "{page}");
        }
    }
}
