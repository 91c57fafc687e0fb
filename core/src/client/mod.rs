//! Discover, fetch, merge: what the service, the C library and the plugins call.

mod bound;
mod ecs_agent;
mod fixed;
mod formats;
mod key;
mod query;
mod status;
mod targets;
mod way;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use crate::fetch::AppHealth;
pub use bound::{Bound, Settings};
pub use fixed::check_header;
pub use query::{Query, pick_instance, scrape_timeout};
pub use status::{InstanceStatus, Last};
pub use way::PathSource;

use fixed::{Fixed, Owns};
use way::Way;

use crate::calls::{Call, Calls};
use crate::config::{Config, FixedTarget};
use crate::discovery::{Discovery, Located, Nearby, Process, Readiness, SourceState};
use crate::error::{Error, Kind};
use crate::exposition::{Dialect, Format};
use crate::failure::{Effect, Reason};
use crate::fetch::{Fetcher, Outcome, Request, Target};
use crate::merge::{self, Health, Input, Merged};
pub use crate::metric_path::{DEFAULT_METRIC_PATH, MAX_METRIC_PATH, check_metric_path};
use crate::metrics::AppFetches;
use crate::selector::Selector;

/// How often series of apps that have left are dropped.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Discovery, fetch and merge in one. Cloning gives another handle to the same client.
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    discovery: Discovery,
    fetcher: Fetcher,
    fixed: Fixed,
    app_fetches: AppFetches,
    calls: Calls,
    look_up: Call,
    plan: Call,
}

/// A merged page, written piece by piece while it is read.
#[derive(Debug)]
pub struct Answer {
    /// What the page is written in: for its Content-Type.
    pub dialect: Dialect,
    /// Instances that gave metrics.
    pub up: usize,
    /// Instances and external exporters that did not.
    pub failed: usize,
    pub page: PageBody,
}

/// The pieces of a merged page. The inputs count against the process' memory limit until it is dropped.
#[derive(Debug)]
pub struct PageBody {
    merged: Merged,
    inputs: Vec<Outcome>,
}

impl Iterator for PageBody {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.merged.next()
    }
}

impl PageBody {
    /// What became of each instance and exporter, in page order.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.inputs
    }

    /// The next family in one piece, as [`Merged::next_family`](merge::Merged::next_family).
    pub fn next_family(&mut self) -> Option<Vec<u8>> {
        self.merged.next_family()
    }

    /// What is left of the page, in one piece.
    pub fn into_bytes(self) -> Vec<u8> {
        self.merged.into_bytes()
    }

    /// Families, samples and renames of this page.
    pub fn stats(&self) -> merge::Stats {
        self.merged.stats()
    }
}

impl Client {
    /// Starts the sources and makes everything ready to fetch. Must be called inside a tokio runtime; the tasks
    /// end when `shutdown` is cancelled. Own metrics are added to `registry`.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for certificates, addresses and targets that cannot be used.
    pub fn start(
        mut config: Config,
        registry: &mut Registry,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        let calls = Calls::new(config.call_metrics);
        calls.register_in(registry);
        let app_fetches = AppFetches::register(registry);
        let fetcher = Fetcher::new(&config, &calls, registry)?;
        let fixed = Fixed::new(Owns::of(&config.targets, &fetcher)?);
        let discovery = Discovery::start(&config, &calls, registry, shutdown.clone())?;
        // From now on they may be replaced.
        config.targets = Vec::new();
        let client = Self(Arc::new(Shared {
            config,
            discovery,
            fetcher,
            fixed,
            app_fetches,
            look_up: calls.call("discovery", "look_up"),
            plan: calls.call("merge", "plan"),
            calls,
        }));
        tokio::spawn(
            shutdown
                .clone()
                .run_until_cancelled_owned(client.clone().keep_house()),
        );
        let call = client.0.calls.call("fetch", "ecs_metadata");
        let current = {
            let client = client.clone();
            move || client.0.fixed.current()
        };
        let watching = ecs_agent::watch(current, ecs_agent::http()?, call);
        tokio::spawn(shutdown.run_until_cancelled_owned(watching));
        Ok(client)
    }

    /// Whether a client could be started with this configuration, without starting anything.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn check(config: &Config) -> Result<(), Error> {
        let registry = &mut Registry::default();
        let fetcher = Fetcher::new(config, &Calls::register(registry), registry)?;
        Owns::of(&config.targets, &fetcher)?;
        Discovery::check(config)
    }

    /// Replaces all fixed targets, those of the configuration too, while pages are made.
    /// [`targets_from_json`](crate::config::targets_from_json) reads such a list. Targets that are in both lists keep
    /// their connections. Other callers wait.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for the first target that cannot be used, by its place in the list. Nothing changes then.
    pub fn set_targets(&self, targets: Vec<FixedTarget>) -> Result<(), Error> {
        let shared = &*self.0;
        shared
            .fixed
            .replace(&targets, &shared.fetcher, &shared.discovery)
    }

    /// The routing table and the state of its sources.
    pub fn discovery(&self) -> &Discovery {
        &self.0.discovery
    }

    /// The call metrics: a program around the client may count its own calls in them.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// The formats that callers may choose from. The first is for those who take anything, such as curl: text, which promfetcher gives.
    pub fn offered_formats(&self) -> Vec<Format> {
        let configured = &self.0.config.merge.formats;
        if configured.is_empty() {
            vec![Format::Text, Format::OpenMetrics, Format::Protobuf]
        } else {
            configured.clone()
        }
    }

    /// The instances that a selector leads to, of all its apps: processes of the type that is asked for, else of the
    /// app's own in `bound`, else `web` (a route leads to whatever process it is mapped to).
    ///
    /// # Errors
    /// [`Kind::NotReady`] while the routing table is not complete yet and some of the instances may be missing.
    /// [`Kind::NotFound`] when nothing fits.
    pub fn locate(
        &self,
        selector: &Selector,
        process_type: Option<&str>,
        bound: &Bound,
    ) -> Result<Vec<Located>, Error> {
        let _call = self.0.look_up.start();
        let discovery = &self.0.discovery;
        let process = Process {
            asked: process_type,
            usual: Some(bound.processes()),
        };
        let located = discovery.find(selector, process);
        let is_whole = discovery.is_ready() || is_complete(&located, &discovery.readiness());
        if !located.is_empty() && is_whole {
            return Ok(located);
        }
        Err(self.nothing_at(selector))
    }

    /// What may have been meant by a selector that [`Self::locate`] finds nothing for, as
    /// [`Discovery::near`](crate::discovery::Discovery::near). It walks the whole table.
    pub fn near(
        &self,
        selector: &Selector,
        process_type: Option<&str>,
        bound: &Bound,
        limit: usize,
        may: impl Fn(&str, &str) -> bool,
    ) -> Nearby {
        let process = Process {
            asked: process_type,
            usual: Some(bound.processes()),
        };
        self.0.discovery.near(selector, &process, limit, may)
    }

    /// Whether all apps of the platform are known.
    ///
    /// # Errors
    /// [`Kind::NotReady`] while the routing table is not complete yet.
    pub fn check_complete(&self) -> Result<(), Error> {
        if self.0.discovery.is_ready() {
            return Ok(());
        }
        Err(Error::new(
            Kind::NotReady,
            "The routing table is not complete yet, try again in a few seconds",
        ))
    }

    /// Why there is nothing at this selector. To be said of apps, too, that a caller must not know of.
    pub fn nothing_at(&self, selector: &Selector) -> Error {
        if let Err(error) = self.check_complete() {
            return error;
        }
        if self.0.discovery.readiness().is_deaf() {
            return Error::new(
                Kind::NotReady,
                "The routing table is empty: no source of routes could be heard so far (see `/ready` on the health port)",
            );
        }
        no_such_app(selector)
    }

    /// What a page would ask these instances for, one target each, in the same order: addresses, Hosts, paths and labels.
    pub fn targets(
        &self,
        located: Vec<Located>,
        metric_path: Option<&str>,
        bound: &Bound,
    ) -> Vec<Arc<Target>> {
        let owns = self.0.fixed.current();
        let extra = &self.0.config.merge.extra_labels;
        targets::of_instances(located, metric_path, bound, &owns, extra)
    }

    /// Asks all these instances at once: what becomes of each until the deadline, in the same order, behind them that
    /// of external exporters, and the dialect in which all pages are.
    ///
    /// # Errors
    /// [`Kind::Overloaded`] when the process holds as many bytes of pages as it may.
    pub async fn ask(
        &self,
        query: &Query,
        located: Vec<Located>,
    ) -> Result<(Vec<Outcome>, Dialect), Error> {
        let shared = &*self.0;
        let timeout = query.timeout.min(shared.config.fetch.timeout);
        let deadline = Instant::now() + timeout;
        let extra = &shared.config.merge.extra_labels;

        let exporters = if query.only_app_metrics {
            Vec::new()
        } else {
            targets::of_exporters(&shared.config.external_exporters, &located, extra)
        };
        let mut targets = self.targets(located, query.metric_path.as_deref(), &query.bound);
        targets.extend(exporters);

        let fetcher = &shared.fetcher;
        let mut outcomes = fetcher.fetch(request(query, targets, deadline)).await?;
        let dialect = query.accepted.choose(formats::deciding(&outcomes));
        let latest = deadline + query::grace(timeout);
        fetcher.convert(&mut outcomes, dialect, latest).await?;
        self.settle(&outcomes);
        Ok((outcomes, dialect))
    }

    /// Asks all these instances at once and merges what arrives in time.
    ///
    /// # Errors
    /// [`Kind::NoEndpoint`] when every instance answered 4xx: the path is wrong. [`Kind::Overloaded`] when the
    /// process holds as many bytes of pages as it may. Instances that fail otherwise are a part of the page.
    pub async fn page(&self, query: &Query, located: Vec<Located>) -> Result<Answer, Error> {
        let (outcomes, dialect) = self.ask(query, located).await?;
        let instances = || {
            outcomes
                .iter()
                .filter(|outcome| outcome.target.instance.is_some())
        };
        if query.needs_endpoint && instances().count() > 0 && instances().all(|outcome| matches!(&outcome.result, Err(failure) if failure.reason == Reason::Status4xx)) {
            let app = plain(&query.selector);
            let path = instances()
                .next()
                .and_then(|one| one.target.path_and_query.split('?').next())
                .unwrap_or(DEFAULT_METRIC_PATH);
            return Err(Error::new(Kind::NoEndpoint, format!("Cannot found endpoint '{path}' for app with id or path '{app}', please create one")));
        }
        let up = instances().filter(|outcome| outcome.result.is_ok()).count();
        let failed = outcomes
            .iter()
            .filter(|outcome| outcome.result.is_err())
            .count();
        Ok(Answer {
            dialect,
            up,
            failed,
            page: self.merge(outcomes, dialect.format, query.only_app_metrics),
        })
    }

    /// What is known of these instances without asking them: "why is my app not there?" `metric_path` is what the
    /// caller would ask for.
    pub fn instances(
        &self,
        located: &[Located],
        metric_path: Option<&str>,
        bound: &Bound,
    ) -> Vec<InstanceStatus> {
        let last = self
            .0
            .fetcher
            .last_outcomes(located.iter().map(|one| &*one.instance));
        let owns = self.0.fixed.current();
        let pairs = located.iter().zip(last);
        pairs
            .map(|(one, last)| {
                let app_id = &one.instance.app.app_id;
                let way = Way::of(bound, app_id, owns.get(one), metric_path);
                InstanceStatus::of(one, &way, last)
            })
            .collect()
    }

    /// How the apps are doing of which an instance was asked in the last ten minutes, in no order.
    pub fn app_health(&self) -> Vec<AppHealth> {
        self.0.fetcher.app_health()
    }

    /// Counts the outcomes, and takes endpoints out of the table that turned out to be somebody else's.
    fn settle(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let Some(located) = &outcome.target.instance else {
                continue;
            };
            self.0
                .app_fetches
                .count(&located.instance, outcome.result.is_ok());
            if let Err(failure) = &outcome.result
                && failure.reason.effect() == Effect::Remove
            {
                self.0.discovery.report(located, Effect::Remove);
            }
        }
    }

    fn merge(&self, outcomes: Vec<Outcome>, format: Format, only_app_metrics: bool) -> PageBody {
        let _call = self.0.plan.start();
        let health: Option<Vec<Health>> =
            (!only_app_metrics).then(|| outcomes.iter().map(health_of).collect());
        let inputs = outcomes.iter().filter_map(|outcome| {
            let fetched = outcome.result.as_ref().ok()?;
            Some(Input {
                labels: outcome.target.labels.clone(),
                page: fetched.page.clone(),
            })
        });
        let options = merge::Options {
            format,
            label_conflict: self.0.config.merge.label_conflict,
        };
        let merged = merge::merge(inputs.collect(), health.as_deref(), &options);
        PageBody {
            merged,
            inputs: outcomes,
        }
    }

    async fn keep_house(self) {
        let mut ticks = tokio::time::interval(HOUSEKEEPING);
        loop {
            ticks.tick().await;
            let apps = self.0.discovery.apps();
            let known: HashSet<&str> = apps.iter().map(|app| &*app.app_id).collect();
            self.0.app_fetches.retain(|app_id| known.contains(app_id));
        }
    }
}

/// Whether these are all instances of the app although some source is not ready: the configuration has no more of
/// them, or another source that knows the whole platform is ready. One that is away must not take the others along.
fn is_complete(located: &[Located], readiness: &Readiness) -> bool {
    let is_ready = |source: &SourceState| source.ready && source.kind != "targets";
    !located.is_empty()
        && (located.iter().all(|one| one.trusted) || readiness.sources.iter().any(is_ready))
}

fn request(query: &Query, targets: Vec<Arc<Target>>, deadline: Instant) -> Request {
    Request {
        key: key::of(query, &targets),
        app_ids: app_ids(&targets),
        accept: query.accepted.header(),
        dialect: query.accepted.certain(),
        authorization: query.authorization.clone(),
        headers: query.headers.clone(),
        forwarded_for: query.forwarded_for.as_deref().map(Into::into),
        deadline,
        targets,
    }
}

fn health_of(outcome: &Outcome) -> Health {
    let fetched = outcome.result.as_ref().ok();
    Health {
        labels: outcome.target.labels.clone(),
        exporter: outcome.target.exporter.clone(),
        up: fetched.is_some(),
        duration: outcome.duration,
        samples: fetched.map_or(0, |fetched| fetched.samples),
        body_bytes: fetched.map_or(0, |fetched| fetched.body_bytes),
        failure: outcome.result.as_ref().err().map(|failure| failure.reason),
    }
}

/// [`Kind::NotFound`], in promfetcher's words.
fn no_such_app(selector: &Selector) -> Error {
    Error::new(
        Kind::NotFound,
        format!("Cannot found app with id or path {}", plain(selector)),
    )
}

/// The selector as a person wrote it, for messages.
fn plain(selector: &Selector) -> String {
    match selector {
        Selector::Name {
            organization,
            space,
            app,
        } => format!("{organization}/{space}/{app}"),
        Selector::Guid(text) | Selector::Route(text) => text.to_string(),
    }
}

/// The apps of a page: whoever shares them shares one part of the fetches when there is contention.
fn app_ids(targets: &[Arc<Target>]) -> Box<str> {
    let mut ids: Vec<&str> = targets
        .iter()
        .filter_map(|target| target.instance.as_ref())
        .map(|located| &*located.instance.app.app_id)
        .collect();
    ids.dedup();
    ids.join(",").into()
}
