//! Polling a gorouter's `/routes`.
//!
//! The endpoint is meant for debugging, so much can be wrong with an answer that looks fine. What fails (another
//! status than 200, a body cut short, no JSON) leaves the table as it was. A router that was restarted answers
//! `{}`, and then ever more, until its table is full again: what it lists is taken, what it leaves out is not
//! believed to be gone until [`Belief`] says so.

mod body;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::RootCertStore;
use tokio_util::sync::CancellationToken;

use self::body::{Listing, Reader};
use super::Parts;
use super::apply::Verdict;
use super::readiness::Reporter;
use super::table::{Bounds, Seen, Source, Table};
use crate::calls::Call;
use crate::config::Gorouter;
use crate::error::{Error, Kind};
use crate::tls;

/// Longest body, in bytes: more than a million endpoints.
const MAX_BODY: usize = 1 << 30;
/// Longest time for one poll. The router itself cuts an answer off after 10 s.
const TIMEOUT: Duration = Duration::from_secs(9);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// First wait after a failed poll; it doubles up to the usual interval.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// How many routes are applied before other tasks of this thread get their turn.
const BATCH: usize = 256;

/// When to believe that what a router no longer lists has gone.
///
/// A router that was just restarted lists nothing, and then ever more. So an answer is doubted when it has less
/// than nine tenths of the endpoints of the last believed one; in a small table, where a single app makes such a
/// difference, only when it has less than half. Doubt ends with an answer of nine tenths, or when it has lasted for
/// the stale threshold, after which no source vouches for what it has not heard of. A failed poll starts that time
/// anew: a router that crashes again and again is a restarted one each time.
#[derive(Debug)]
struct Belief {
    endpoints: usize,
    doubtful_since: Option<Instant>,
    patience: Duration,
}

/// Tables up to this size are small.
const SMALL: usize = 20;

impl Belief {
    fn new(patience: Duration) -> Self {
        Self {
            endpoints: 0,
            doubtful_since: None,
            patience,
        }
    }

    /// A poll has failed.
    fn failed(&mut self, now: Instant) {
        if let Some(since) = &mut self.doubtful_since {
            *since = now;
        }
    }

    fn believe(&mut self, endpoints: usize, now: Instant) -> bool {
        let strict = self.endpoints > SMALL || self.doubtful_since.is_some();
        let enough = if strict {
            self.endpoints * 9 / 10
        } else {
            self.endpoints.div_ceil(2)
        };
        // Nine tenths of one are none: an empty answer is never enough where there was anything.
        let enough = enough.max(self.endpoints.min(1));
        if endpoints < enough {
            let since = *self.doubtful_since.get_or_insert(now);
            if now.saturating_duration_since(since) <= self.patience {
                return false;
            }
        }
        self.endpoints = endpoints;
        self.doubtful_since = None;
        true
    }
}

/// The source that polls one router.
pub(super) struct Poller {
    client: Client,
    url: String,
    router: Gorouter,
    number: u8,
    parts: Parts,
    reporter: Reporter,
    call: Call,
    belief: Belief,
    interval: Duration,
}

/// What one poll has found.
struct Polled {
    endpoints: usize,
    /// Whether what was not listed has been given up.
    believed: bool,
}

impl Poller {
    /// A poller of the router with this number.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when its address makes no URL.
    pub(super) fn new(
        router: &Gorouter,
        number: u8,
        parts: Parts,
        reporter: Reporter,
    ) -> Result<Self, Error> {
        let host = if router.host.contains(':') {
            format!("[{}]", router.host)
        } else {
            router.host.clone()
        };
        let url = format!("http://{host}:{}/routes", router.port);
        reqwest::Url::parse(&url).map_err(|error| {
            Error::new(
                Kind::Configuration,
                format!("`gorouters[{number}]`: `{url}` is not a URL"),
            )
            .caused_by(error)
        })?;
        // gorouters are asked over plain HTTP. The empty TLS configuration keeps reqwest from looking for a provider
        // of the whole process, which a library must not install.
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(RootCertStore::empty(), false, None))
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| {
                Error::new(
                    Kind::Configuration,
                    "the HTTP client for gorouters cannot be made",
                )
                .caused_by(error)
            })?;
        let call = parts.calls.call("discovery", "gorouter_poll");
        let belief = Belief::new(parts.settings.stale_threshold);
        let interval = parts.settings.poll_interval;
        Ok(Self {
            client,
            url,
            router: router.clone(),
            number,
            parts,
            reporter,
            call,
            belief,
            interval,
        })
    }

    /// Polls until shutdown. Ready is the first good answer with something in it, or the start delay's end.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let grace = tokio::time::sleep(self.parts.settings.start_response_delay);
        let reporter = self.reporter.clone();
        let late = async {
            grace.await;
            reporter.ready();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = late => {}
            () = self.poll_for_ever() => {}
        }
    }

    async fn poll_for_ever(&mut self) {
        let mut retry = FIRST_RETRY;
        let mut failing = None;
        loop {
            let guard = self.call.start();
            let polled = self.poll().await;
            drop(guard);
            let good = match polled {
                Ok(polled) => {
                    if failing.take().is_some() {
                        tracing::info!(gorouter = %self.url, "polling works again");
                    }
                    self.report(&polled);
                    polled.endpoints > 0 && polled.believed
                }
                Err(problem) => {
                    self.parts.metrics.polls_failed.inc();
                    self.belief.failed(Instant::now());
                    self.reporter.connected(false, problem.as_str());
                    // Once for each kind of trouble, not at every try.
                    if failing.as_ref() != Some(&problem) {
                        tracing::warn!(gorouter = %self.url, %problem, "a poll failed; the routes known so far stay");
                    }
                    failing = Some(problem);
                    false
                }
            };
            let pause = if good {
                self.interval
            } else {
                retry.min(self.interval)
            };
            retry = if good { FIRST_RETRY } else { pause * 2 };
            tokio::time::sleep(pause).await;
        }
    }

    fn report(&self, polled: &Polled) {
        let now = Instant::now();
        self.reporter.heard(now);
        let detail = match polled {
            Polled {
                endpoints: 0,
                believed: true,
            } => "answers, without any route".into(),
            Polled {
                endpoints,
                believed: true,
            } => format!("{endpoints} endpoints"),
            Polled {
                endpoints,
                believed: false,
            } => format!(
                "{endpoints} endpoints, far fewer than before: perhaps restarted, so the others stay for now"
            ),
        };
        self.reporter.connected(true, detail);
        if polled.endpoints > 0 {
            self.reporter.ready();
        }
    }

    /// One poll: asks, reads all, and only then applies.
    async fn poll(&mut self) -> Result<Polled, String> {
        let listing = self.ask().await?;
        let mut seen = Seen::default();
        let table: &Arc<Table> = &self.parts.table;
        for batch in listing.routes.chunks(BATCH) {
            for (key, records) in batch {
                for record in records {
                    let applied =
                        table.register(Source::Poll(self.number), key, record, Instant::now());
                    match Verdict::from(applied) {
                        Verdict::Address => {
                            self.parts.metrics.addresses_refused.inc();
                            self.parts.refused(record.host());
                        }
                        Verdict::Full => {
                            self.parts.metrics.polled_full.inc();
                            if self.parts.complaints.pass() {
                                tracing::warn!(gorouter = %self.url, "the routing table is full: an endpoint was left out");
                            }
                        }
                        _ => {}
                    }
                    seen.note(applied);
                }
            }
            tokio::task::yield_now().await;
        }
        let believed = self.belief.believe(listing.endpoints, Instant::now());
        if believed {
            table.finish_poll(self.number, &seen, Instant::now());
        } else {
            table.poll_done(self.number, Instant::now());
        }
        Ok(Polled {
            endpoints: listing.endpoints,
            believed,
        })
    }

    async fn ask(&self) -> Result<Listing, String> {
        let mut request = self.client.get(&self.url);
        if !self.router.user.is_empty() {
            request = request.basic_auth(&self.router.user, Some(&self.router.pass.0));
        }
        let mut response = request.send().await.map_err(|error| describe(&error))?;
        match response.status().as_u16() {
            200 => {}
            401 => {
                return Err(
                    "401 Unauthorized: user or password are not the router's status user".into(),
                );
            }
            404 => {
                return Err(
                    "404 Not Found: newer routers serve `/routes` on 127.0.0.1:8082 only".into(),
                );
            }
            status => return Err(format!("status {status}")),
        }
        let mut reader = Reader::new(Bounds::default().endpoints);
        let mut length = 0usize;
        while let Some(piece) = response.chunk().await.map_err(|error| describe(&error))? {
            length += piece.len();
            if length > MAX_BODY {
                return Err(format!("the body is longer than {MAX_BODY} bytes"));
            }
            reader.push(&piece).map_err(|error| error.to_string())?;
        }
        reader.finish().map_err(|error| error.to_string())
    }
}

/// An error of reqwest with its causes and without the URL.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() {
        return format!("no complete answer within {} s", TIMEOUT.as_secs());
    }
    causes.pop().unwrap_or_else(|| "the request failed".into())
}
