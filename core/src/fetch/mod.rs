//! All targets of a page at once, within one deadline.
//!
//! [`Fetcher::fetch`] joins or starts a *flight* (`flight`), which has one task for each target. A task waits its
//! turn (`limits`), takes a kept connection or makes one (`pool`, `connect`), sends the request (`request`), follows
//! what comes back (`exchange`) and reads the body within its bounds (`body`, `decode`, `budget`). Endpoints that
//! refuse are left out for a while (`backoff`); how each instance answered last stays known (`health`).
//! [`Fetcher::convert`] then makes pages that the caller can take of those that it cannot (`convert`, `conversion`);
//! where it is certain what the caller takes, each page is converted when it comes.

mod app_health;
mod backoff;
mod body;
mod budget;
mod classify;
mod connect;
mod conversion;
mod convert;
mod decode;
mod exchange;
mod flight;
mod health;
mod identities;
mod inflate;
mod limits;
mod metrics;
mod pool;
mod progress;
mod request;
mod socket;

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};
use prometheus_client::registry::Registry;
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub use self::app_health::AppHealth;
pub use self::flight::FlightKey;
pub use self::health::LastOutcome;

use self::backoff::Backoff;
use self::body::Bounds;
use self::budget::{Budget, Budgets, Process};
use self::connect::Connector;
use self::conversion::Conversion;
use self::convert::Starved;
use self::exchange::{Exchange, Siblings};
use self::flight::{Flights, Role, Seatbelt};
use self::health::Health;
use self::identities::Identities;
use self::limits::Limit;
use self::metrics::Metrics;
use self::pool::Pool;
use self::request::Common;
use crate::calls::{Call, Calls};
use crate::config::Config;
use crate::discovery::Located;
use crate::error::{Error, Kind};
use crate::exposition::{Dialect, Limits, Page};
use crate::failure::{Failure, Reason};
use crate::instance::{Address, Instance, Transport};
use crate::labels::Labels;
use crate::tls::{self, Profile, Profiles};

/// How often old connections, failures and outcomes are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// One URL to ask: an instance's metrics, or an external exporter's for an app.
#[derive(Clone, Debug)]
pub struct Target {
    /// The instance; `None` for an external exporter.
    pub instance: Option<Located>,
    /// The exporter's name; `None` for an instance.
    pub exporter: Option<Box<str>>,
    /// What is dialled.
    pub address: Address,
    /// How.
    pub transport: Transport,
    /// `Host` or `:authority` of the request.
    pub host: Box<str>,
    pub path_and_query: Box<str>,
    /// Labels for the samples. Fetch only carries them.
    pub labels: Labels,
    /// From the operator's configuration: the address policy does not apply.
    pub trusted: bool,
    /// What this target gets besides what all of a page get. Targets of one app mostly share it.
    pub extras: Option<Arc<Extras>>,
    /// How to speak TLS with it, when not as with all instances; see [`Fetcher::profile`].
    pub profile: Option<Arc<Profile>>,
}

/// What one target gets besides what all targets of a page get. It goes along over redirects, which never leave
/// the target.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extras {
    /// In place of the caller's `Authorization`.
    pub authorization: Option<HeaderValue>,
    /// Further headers. Those that every target gets win.
    pub headers: HeaderMap,
    /// How long the target may take, from the first try to connect to the last byte.
    pub timeout: Option<Duration>,
}

/// Shows no credentials.
impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A page to fetch.
pub struct Request {
    pub targets: Vec<Arc<Target>>,
    /// Requests with equal keys share one fetch: everything that changes the answer must be in it.
    pub key: FlightKey,
    /// Names the app or apps, so that under contention each gets its share of the fetches.
    pub app_ids: Box<str>,
    /// `Accept` for the instances. They may send something else.
    pub accept: HeaderValue,
    /// The dialect of the merged page, if it is known before instances have answered: then each page is converted
    /// when it comes, and does not wait for an instance that hangs.
    pub dialect: Option<Dialect>,
    /// The caller's `Authorization`, for app instances only. Credentials for promfetch itself never belong here.
    pub authorization: Option<HeaderValue>,
    /// The caller's further headers, for app instances only and not over redirects. All others win over them.
    pub headers: HeaderMap,
    /// Value of `X-Forwarded-For`.
    pub forwarded_for: Option<Box<str>>,
    /// Whatever has arrived by then is the result.
    pub deadline: Instant,
}

/// Shows no credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("targets", &self.targets.len())
            .field("app_ids", &self.app_ids)
            .field("accept", &self.accept)
            .finish_non_exhaustive()
    }
}

/// What became of one target. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub target: Arc<Target>,
    pub result: Result<Fetched, Failure>,
    /// From the target's turn in the queue to its end; zero when its turn never came.
    pub duration: Duration,
}

/// A valid page. Its bytes count against `max_inflight` for as long as anyone holds a slice of its body.
#[derive(Clone)]
pub struct Fetched {
    /// As it was sent, or in another format.
    pub page: Arc<Page>,
    /// Bytes that were sent, after decompression.
    pub body_bytes: usize,
    /// Samples that were sent.
    pub samples: usize,
    conversion: Arc<Conversion>,
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("format", &self.page.format())
            .field("body_bytes", &self.body_bytes)
            .finish_non_exhaustive()
    }
}

/// Asks instances and exporters. Cloning shares everything: connections, limits, back-off.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    enable_http2: bool,
    max_page: usize,
    bounds: Bounds,
    instances: Profiles,
    exporters: Profiles,
    identities: Identities,
    pool: Arc<Pool>,
    limit: Limit,
    backoff: Backoff,
    flights: Arc<Flights>,
    health: Health,
    process: Arc<Process>,
    metrics: Arc<Metrics>,
    pages: Call,
    call: Call,
    conversions: Call,
    housekeeping: OnceLock<AbortHandle>,
}

impl Fetcher {
    /// A fetcher with these settings. It needs no runtime until the first fetch.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when a certificate or key cannot be read.
    pub fn new(config: &Config, calls: &Calls, registry: &mut Registry) -> Result<Self, Error> {
        let fetch = &config.fetch;
        let identity =
            if fetch.cert_chain.trim().is_empty() && fetch.private_key.0.trim().is_empty() {
                None
            } else {
                Some(Arc::new(tls::identity(
                    &fetch.cert_chain,
                    &fetch.private_key.0,
                )?))
            };
        let roots = Arc::new(tls::roots(&fetch.ca_certs)?);
        let metrics = Arc::new(Metrics::register(fetch, config.merge.max_samples, registry));
        let connector = Connector::new(
            config.discovery.policy.clone(),
            fetch.connect_timeout,
            calls,
        );
        let scan = Limits {
            max_samples: config.merge.max_samples,
            max_line: config.merge.max_line,
        };
        Ok(Self(Arc::new(Inner {
            enable_http2: fetch.enable_http2,
            max_page: fetch.max_page,
            bounds: Bounds {
                max_body: fetch.max_body,
                scan,
            },
            instances: Profiles::new(Arc::clone(&roots), fetch.skip_ssl_validation, identity),
            exporters: Profiles::new(roots, fetch.skip_ssl_validation, None),
            identities: Identities::default(),
            pool: Pool::new(fetch, connector, Arc::clone(&metrics)),
            limit: Limit::new(
                fetch.max_fetches,
                metrics.running.clone(),
                metrics.waiting.clone(),
            ),
            backoff: Backoff::default(),
            flights: Flights::new(fetch.cache),
            health: Health::default(),
            process: Arc::new(Process::new(fetch.max_inflight, Arc::clone(&metrics))),
            metrics,
            pages: calls.call("fetch", "page"),
            call: calls.call("fetch", "target"),
            conversions: calls.call("fetch", "convert"),
            housekeeping: OnceLock::new(),
        })))
    }

    /// Waits until all targets have answered, or the deadline. The outcomes are in the order of the targets; one
    /// without an answer is a `timeout`, or `skipped` when its turn never came. Dropping the future cancels,
    /// unless an equal request shares the fetch: then it gets the outcomes of those targets that were asked.
    ///
    /// # Errors
    /// [`Kind::Overloaded`] when pages of `max_inflight` bytes are in memory already, or would be with this one.
    pub async fn fetch(&self, request: Request) -> Result<Vec<Outcome>, Error> {
        let inner = &self.0;
        let _call = inner.pages.start();
        inner.keep_house(Arc::downgrade(inner));
        let now = Instant::now();
        if request.deadline <= now {
            let skipped = |target: &Arc<Target>| Outcome {
                target: Arc::clone(target),
                result: Err(Failure::new(
                    Reason::Skipped,
                    "no time was left before the deadline",
                )),
                duration: Duration::ZERO,
            };
            return Ok(request
                .targets
                .iter()
                .map(skipped)
                .inspect(|outcome| inner.report(outcome, None))
                .collect());
        }
        if inner.process.is_exhausted() {
            // Pages kept for the next equal request are the first to go.
            inner.flights.sweep(now, true);
            if inner.process.is_exhausted() {
                return Err(inner.overloaded());
            }
        }
        let common = Common::new(&request, inner.pool.keeps_alive());
        let seat = inner.flights.join(request.key, request.targets, now);
        match seat.role {
            Role::First => {
                let job = Arc::new(Job {
                    inner: Arc::clone(inner),
                    common,
                    dialect: request.dialect,
                    budgets: Budgets {
                        process: Arc::clone(&inner.process),
                        page: Arc::new(Budget::new(inner.max_page)),
                        starved: Arc::clone(&seat.flight.starved),
                    },
                    app: request.app_ids.into(),
                    siblings: Siblings::default(),
                });
                seat.flight.start(|belt| Arc::clone(&job).run(belt));
            }
            Role::Shared => drop(inner.metrics.shared.inc()),
            Role::Cached => drop(inner.metrics.cached.inc()),
        }
        seat.flight.wait(request.deadline).await;
        if seat.flight.starved.load(Ordering::Relaxed) {
            return Err(inner.overloaded());
        }
        Ok(seat
            .flight
            .outcomes(|late, progress| inner.report(late, progress.status())))
    }

    /// Makes all pages such that a caller of this dialect can take them. Those that cannot be converted within the
    /// limits, or not until `latest`, become failures; what takes no time is converted even then. Equal callers share
    /// the work.
    ///
    /// # Errors
    /// [`Kind::Overloaded`] as for [`Self::fetch`].
    pub async fn convert(
        &self,
        outcomes: &mut [Outcome],
        dialect: Dialect,
        latest: Instant,
    ) -> Result<(), Error> {
        let inner = &self.0;
        let fits = |outcome: &Outcome| match &outcome.result {
            Ok(fetched) => fetched.page.fits(dialect),
            Err(_) => true,
        };
        if outcomes.iter().all(fits) {
            return Ok(());
        }
        let _call = inner.conversions.start();
        let news = |outcome: &Outcome| inner.converted(outcome);
        convert::all(outcomes, dialect, &inner.bounds.scan, latest, news)
            .await
            .map_err(|Starved| inner.overloaded())
    }

    /// How each of these instances answered last, in their order; `None` when it was not asked in the last ten minutes.
    pub fn last_outcomes<'a>(
        &self,
        instances: impl IntoIterator<Item = &'a Instance>,
    ) -> Vec<Option<LastOutcome>> {
        instances
            .into_iter()
            .map(|instance| self.0.health.last(instance))
            .collect()
    }

    /// How the apps are doing of which an instance was asked in the last ten minutes, in no order.
    pub fn app_health(&self) -> Vec<AppHealth> {
        self.0.health.of_apps()
    }
}

/// What the tasks of one flight share.
#[derive(Debug)]
struct Job {
    inner: Arc<Inner>,
    common: Common,
    dialect: Option<Dialect>,
    budgets: Budgets,
    app: Arc<str>,
    siblings: Siblings,
}

impl Job {
    async fn run(self: Arc<Self>, belt: Seatbelt) {
        let exchange = Exchange {
            inner: &self.inner,
            target: belt.target(),
            common: &self.common,
            bounds: &self.inner.bounds,
            budgets: &self.budgets,
            app: &self.app,
            progress: belt.progress(),
            siblings: &self.siblings,
        };
        let result = exchange.run().await;
        let mut outcome = Outcome {
            target: Arc::clone(belt.target()),
            result,
            duration: belt.progress().elapsed(),
        };
        self.inner.report(&outcome, belt.progress().status());
        if let Some(dialect) = self.dialect {
            // Who leaves meanwhile takes it as it is, and waits a little longer in `Fetcher::convert`.
            belt.show(outcome.clone());
            let limits = &self.inner.bounds.scan;
            let news = |outcome: &Outcome| self.inner.converted(outcome);
            convert::early(&mut outcome, dialect, limits, news).await;
        }
        belt.finish(outcome);
    }
}

impl Inner {
    fn overloaded(&self) -> Error {
        self.metrics.overloaded.inc();
        let limit = self.process.limit();
        Error::new(
            Kind::Overloaded,
            format!("pages of {limit} bytes are being worked on already (`max_inflight`)"),
        )
    }

    /// Counts an outcome and remembers it for its instance.
    fn report(&self, outcome: &Outcome, status: Option<u16>) {
        let Outcome {
            target,
            result,
            duration,
        } = outcome;
        if let Err(failure) = result {
            self.metrics.failed(failure.reason);
        }
        let Some(located) = &target.instance else {
            return;
        };
        let (body_bytes, samples) = result
            .as_ref()
            .map_or((0, 0), |fetched| (fetched.body_bytes, fetched.samples));
        let last = LastOutcome {
            path: target.path_and_query.clone(),
            status,
            failure: result.as_ref().err().cloned(),
            at: SystemTime::now(),
            duration: *duration,
            body_bytes,
            samples,
        };
        self.health.record(&located.instance, last, Instant::now());
    }

    /// Counts what a conversion has come to.
    fn converted(&self, outcome: &Outcome) {
        match &outcome.result {
            Ok(_) => drop(self.metrics.converted.inc()),
            Err(_) => self.report(outcome, self.last_status(&outcome.target)),
        }
    }

    /// The HTTP status with which the target's instance has answered.
    fn last_status(&self, target: &Target) -> Option<u16> {
        let located = target.instance.as_ref()?;
        self.health.last(&located.instance)?.status
    }

    /// Starts the housekeeping task at the first fetch, when there is a runtime for certain.
    fn keep_house(&self, me: Weak<Self>) {
        self.housekeeping.get_or_init(|| {
            let task = tokio::spawn(async move {
                loop {
                    tokio::time::sleep(HOUSEKEEPING).await;
                    let Some(inner) = me.upgrade() else { return };
                    let now = Instant::now();
                    inner.pool.sweep(now);
                    inner.backoff.sweep(now);
                    inner.flights.sweep(now, false);
                    inner.health.sweep(now);
                    inner.identities.sweep();
                    inner.metrics.sweep(now);
                }
            });
            task.abort_handle()
        });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(task) = self.housekeeping.get() {
            task.abort();
        }
    }
}
