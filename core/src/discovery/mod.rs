//! The routing table and the sources that feed it.
//!
//! A *source* is NATS, a gorouter that is polled, or a list of fixed targets. The first two run in tasks of their own,
//! write to the one [`table`] and tell how they are doing; the list comes from the configuration, or from a program
//! that may replace it at any time. [`Discovery`] is what everybody else sees of all this.

pub mod apply;
pub mod exporters;
mod fixed;
mod gorouter;
pub mod message;
mod metrics;
mod nats;
mod readiness;
pub mod record;
pub mod route;
pub mod table;
mod throttle;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use self::fixed::Fixed;
pub(crate) use self::fixed::known_as;
use self::metrics::Metrics;
use self::readiness::Board;
pub use self::readiness::{Readiness, SourceState};
use self::table::{Bounds, MAX_POLLS, Table};
pub use self::table::{
    Found, Located, Matches, NearMiss, Nearby, Overview, Process, RouteEntry, Sizes, WEB, Why,
};
use self::throttle::Throttle;
use crate::calls::Calls;
use crate::config::{self, Config, FixedTarget};
use crate::error::{Error, Kind};
use crate::failure::Effect;
use crate::instance::App;
use crate::selector::Selector;

/// Longest time between two looks for aged endpoints.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Between two log lines about refused registrations.
const COMPLAINT: Duration = Duration::from_secs(30);

/// What every source works with. Cloning shares it.
#[derive(Clone, Debug)]
struct Parts {
    table: Arc<Table>,
    metrics: Metrics,
    calls: Calls,
    settings: config::Discovery,
    complaints: Arc<Throttle>,
}

impl Parts {
    /// Logs, now and then, that an address may not be dialled.
    fn refused(&self, host: &str) {
        if self.complaints.pass() {
            tracing::warn!(
                host,
                "a registration was refused: `targets_allow` and `targets_deny` forbid to dial this address"
            );
        }
    }
}

/// All sources, made but not started.
struct Sources {
    discovery: Discovery,
    parts: Parts,
    listener: Option<nats::Listener>,
    pollers: Vec<gorouter::Poller>,
}

impl Sources {
    fn new(config: &Config, calls: &Calls, registry: &mut Registry) -> Result<Self, Error> {
        if config.gorouters.len() > MAX_POLLS {
            return Err(Error::new(
                Kind::Configuration,
                format!(
                    "`gorouters` has {} entries; at most {MAX_POLLS} can be polled",
                    config.gorouters.len()
                ),
            ));
        }
        let now = Instant::now();
        let settings = config.discovery.clone();
        let table = Arc::new(Table::new(
            settings.stale_threshold,
            settings.policy.clone(),
            Bounds::default(),
            now,
        ));
        let nats = config.nats.iter().map(|nats| {
            (
                "nats",
                nats.hosts
                    .iter()
                    .map(|(host, port)| format!("{host}:{port}"))
                    .collect::<Vec<_>>()
                    .join(","),
            )
        });
        let gorouters = config
            .gorouters
            .iter()
            .map(|router| ("gorouter", format!("{}:{}", router.host, router.port)));
        let targets = (!config.targets.is_empty())
            .then(|| ("targets", format!("{} targets", config.targets.len())));
        let board = Board::new(targets.into_iter().chain(nats).chain(gorouters));
        let metrics = Metrics::register(registry, Arc::clone(&table), Arc::clone(&board));
        let parts = Parts {
            table: Arc::clone(&table),
            metrics,
            calls: calls.clone(),
            settings,
            complaints: Arc::new(Throttle::new(COMPLAINT)),
        };

        let mut place = 0..;
        let mut reporter = || board.reporter(place.next().unwrap_or_default());
        let discovery = Discovery {
            table,
            board: Arc::clone(&board),
            fixed: Arc::default(),
        };
        if !config.targets.is_empty() {
            drop(reporter());
            discovery.set_targets(&config.targets)?;
        }
        let listener = config
            .nats
            .as_ref()
            .map(|nats| nats::Listener::new(nats, parts.clone(), reporter()))
            .transpose()?;
        let pollers = (0..).zip(&config.gorouters).map(|(number, router)| {
            gorouter::Poller::new(router, number, parts.clone(), reporter())
        });
        let pollers = pollers.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            discovery,
            parts,
            listener,
            pollers,
        })
    }
}

/// Finds the instances of apps. A handle: cloning it is cheap, and all clones see the same table.
#[derive(Clone, Debug)]
pub struct Discovery {
    table: Arc<Table>,
    board: Arc<Board>,
    fixed: Arc<Fixed>,
}

impl Discovery {
    /// Starts all configured sources, each in a task of its own that ends with `shutdown`. Must be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn start(
        config: &Config,
        calls: &Calls,
        registry: &mut Registry,
        shutdown: CancellationToken,
    ) -> Result<Self, Error> {
        let sources = Sources::new(config, calls, registry)?;
        if sources.listener.is_none() && sources.pollers.is_empty() && config.targets.is_empty() {
            tracing::info!(
                "no source of routes is configured (`nats`, `gorouters`, `targets`): no app will be found until targets are set"
            );
        }
        if let Some(listener) = sources.listener {
            tokio::spawn(listener.run(shutdown.clone()));
        }
        for poller in sources.pollers {
            tokio::spawn(poller.run(shutdown.clone()));
        }
        tokio::spawn(keep_house(sources.parts, shutdown));
        Ok(sources.discovery)
    }

    /// Whether the sources could be started, without starting any.
    ///
    /// # Errors
    /// [`Kind::Configuration`] for what can never work: certificates, addresses, too many gorouters. A server that
    /// cannot be reached is no error.
    pub fn check(config: &Config) -> Result<(), Error> {
        let registry = &mut Registry::default();
        let calls = Calls::register(registry);
        Sources::new(config, &calls, registry).map(drop)
    }

    /// The instances that the selector leads to, by app GUID, then index, then address; one entry for each
    /// instance. Empty: no such app is known (yet: see [`Self::readiness`]).
    ///
    /// By names and by GUID, only processes of the type asked for, or of the app's usual one; by route, any.
    pub fn find<'a>(&self, selector: &Selector, process: impl Into<Process<'a>>) -> Vec<Located> {
        self.table.find(selector, process, Instant::now())
    }

    /// Whether all sources have been heard completely, and how each is doing.
    pub fn readiness(&self) -> Readiness {
        self.board.readiness(Instant::now())
    }

    /// [`Readiness::ready`], without the states.
    pub fn is_ready(&self) -> bool {
        self.board.is_ready()
    }

    /// Waits until [`Readiness::ready`].
    pub async fn wait_ready(&self) {
        self.board.wait_ready().await;
    }

    /// Tells what asking an instance has shown. Only [`Effect::Remove`] changes the table: the instance is removed
    /// and kept out until a new registration, or for ten minutes. Back-off is the fetcher's business.
    pub fn report(&self, located: &Located, effect: Effect) {
        if effect == Effect::Remove && self.table.bury(&located.instance, Instant::now()) {
            let instance = &located.instance;
            tracing::info!(address = %instance.address, guid = %instance.guid, app = %instance.app.app_id, "an instance has gone: its address answers as another one");
        }
    }

    /// Replaces all fixed targets, those of the configuration too. Targets that are in both lists stay as they are.
    /// One that is no longer listed goes, unless NATS or a gorouter vouches for it as well. Other callers wait.
    ///
    /// Only what the routing table holds changes: a client has settings for its targets besides, and so replaces
    /// them with [`Client::set_targets`](crate::client::Client::set_targets).
    ///
    /// # Errors
    /// [`Kind::Configuration`] for the first target that cannot be used, by its place in the list. Nothing changes then.
    pub fn set_targets(&self, targets: &[FixedTarget]) -> Result<(), Error> {
        self.fixed
            .set(targets, &self.table, &self.board, Instant::now())
    }

    /// The whole table by route key, like gorouter's `/routes`, with ages and sources.
    pub fn routes(&self) -> BTreeMap<Box<str>, Vec<RouteEntry>> {
        self.table.snapshot(Instant::now())
    }

    /// All apps that have instances: one entry for each set of tags, so an app with two process types has two.
    pub fn apps(&self) -> Vec<Arc<App>> {
        self.table.apps()
    }

    /// The apps in which every word of a text is found: in `organization/space/app`, in the GUID, or in a route. Case
    /// does not count; an empty text finds all. `may` says by GUIDs of app and space which of them count; at most
    /// `limit` are given, with the number of all.
    pub fn search(&self, text: &str, limit: usize, may: impl Fn(&str, &str) -> bool) -> Matches {
        self.table.search(text, limit, may)
    }

    /// All processes and routes of the app with this GUID in this space; of the routes at most `limit`. `None`: it has
    /// no instance.
    pub fn app(&self, guid: &str, space: &str, limit: usize) -> Option<Overview> {
        self.table.overview(guid, space, limit)
    }

    /// What may have been meant by a selector that [`Self::find`] finds nothing for: at most `limit` apps of those
    /// that `may` allows by GUIDs of app and space, the likeliest first.
    pub fn near(
        &self,
        selector: &Selector,
        process: &Process<'_>,
        limit: usize,
        may: impl Fn(&str, &str) -> bool,
    ) -> Nearby {
        self.table
            .near(selector, process, limit, may, Instant::now())
    }

    /// The processes of apps that have no instance any more, with the tags of their last one, and how long ago it
    /// left: at most `keep`, and at most a day. A process that starts anew later does not know of them.
    pub fn departed(&self, keep: Duration) -> Vec<(Arc<App>, Duration)> {
        self.table.departed(keep, Instant::now())
    }

    /// How much there is in the table.
    pub fn sizes(&self) -> Sizes {
        self.table.sizes()
    }

    /// Time since any source has said anything.
    pub fn update_age(&self) -> Duration {
        self.table.update_age(Instant::now())
    }
}

/// Drops what has aged, often enough that nothing outlives the stale threshold by more than an eighth.
async fn keep_house(parts: Parts, shutdown: CancellationToken) {
    let period =
        (parts.settings.stale_threshold / 8).clamp(Duration::from_millis(10), HOUSEKEEPING);
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let call = parts.calls.call("discovery", "age");
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {
                let guard = call.start();
                let dropped = parts.table.age(Instant::now());
                drop(guard);
                if dropped > 0 {
                    parts.metrics.aged.inc_by(u64::try_from(dropped).unwrap_or(u64::MAX));
                    tracing::debug!(dropped, "endpoints without heartbeat were dropped");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
