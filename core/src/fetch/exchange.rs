//! One target: from the back-off and the queue to a valid page, or the reason why there is none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use http::header::{CONTENT_TYPE, LOCATION};
use http::uri::PathAndQuery;
use http::{Response, StatusCode};
use hyper::body::{Body, Incoming};
use tokio::time::Instant;

use super::body::{self, Bounds};
use super::budget::Budgets;
use super::connect::Endpoint;
use super::conversion::Conversion;
use super::decode::Encoding;
use super::pool::Lease;
use super::progress::{Phase, Progress};
use super::request::{self, Common};
use super::{Fetched, Inner, Target, classify, socket};
use crate::exposition::{Page, media};
use crate::failure::{Effect, Failure, Reason};
use crate::instance::Address;
use crate::tls;

/// Redirects followed for one page.
const MAX_REDIRECTS: usize = 3;

/// Everything that asking one target needs.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) inner: &'a Inner,
    pub(super) target: &'a Target,
    pub(super) common: &'a Common,
    pub(super) bounds: &'a Bounds,
    pub(super) budgets: &'a Budgets,
    pub(super) app: &'a Arc<str>,
    pub(super) progress: &'a Progress,
    pub(super) siblings: &'a Siblings,
}

/// The page that an instance has answered last in this flight. Those of other instances are mostly like it, and
/// checked faster along it. It is not kept for that: its body goes when nobody else needs it.
#[derive(Debug, Default)]
pub(super) struct Siblings(Mutex<Weak<Page>>);

impl Siblings {
    fn latest(&self, target: &Target) -> Option<Arc<Page>> {
        target.instance.as_ref()?;
        self.lock().upgrade()
    }

    fn note(&self, target: &Target, page: &Arc<Page>) {
        if target.instance.is_some() {
            *self.lock() = Arc::downgrade(page);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Weak<Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange<'_> {
    /// Asks the target. There is no time limit here except for connecting and the target's own: who waits for the
    /// page drops the future.
    pub(super) async fn run(&self) -> Result<Fetched, Failure> {
        let registration = self
            .target
            .instance
            .as_ref()
            .map_or(0, |located| located.registration);
        if let Some(failure) =
            self.inner
                .backoff
                .check(&self.target.address, registration, Instant::now())
        {
            return Err(failure);
        }
        let result = self.ask().await;
        match &result {
            Err(failure) if failure.reason.effect() == Effect::BackOff => {
                self.inner.backoff.failed(
                    &self.target.address,
                    registration,
                    &failure.detail,
                    Instant::now(),
                );
            }
            _ if self.progress.status().is_some() => {
                self.inner.backoff.succeeded(&self.target.address)
            }
            _ => {}
        }
        result
    }

    async fn ask(&self) -> Result<Fetched, Failure> {
        let endpoint = Arc::new(self.endpoint()?);
        let path = request::path(&self.target.path_and_query)?;
        // First the instance's own limit: waiting for it must not take a place from other instances.
        let _entry = self.inner.pool.enter(&endpoint).await;
        let _permit = self.inner.limit.acquire(self.app).await;
        let _call = self.inner.call.start();
        self.inner
            .metrics
            .nearness
            .fetches
            .see(self.inner.limit.running());
        self.progress.start();
        let timeout = self
            .target
            .extras
            .as_ref()
            .and_then(|extras| extras.timeout);
        let Some(timeout) = timeout else {
            return self.follow(&endpoint, path).await;
        };
        let late = |_| {
            let detail = format!(
                "no complete page within the {} s that are set for this instance",
                timeout.as_secs_f64()
            );
            Failure::new(Reason::Timeout, detail)
        };
        tokio::time::timeout(timeout, self.follow(&endpoint, path))
            .await
            .map_err(late)?
    }

    /// Asks for the path, and for those that redirects lead to.
    async fn follow(
        &self,
        endpoint: &Arc<Endpoint>,
        mut path: PathAndQuery,
    ) -> Result<Fetched, Failure> {
        for redirects in 0..=MAX_REDIRECTS {
            let (response, lease) = self.send(endpoint, &path, redirects > 0).await?;
            self.progress.answered(response.status());
            match response.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    path = request::redirect(self.target, &path, response.headers().get(LOCATION))?;
                    body::drain(response.into_body(), lease).await;
                }
                code if code.is_success() => return self.page(response, lease).await,
                code => {
                    discard(response, lease);
                    let reason = match code.as_u16() {
                        400..500 => Reason::Status4xx,
                        500..600 => Reason::Status5xx,
                        _ => Reason::Protocol,
                    };
                    return Err(Failure::new(
                        reason,
                        format!("`{}` answered {code}", path.path()),
                    ));
                }
            }
        }
        Err(Failure::new(
            Reason::Redirect,
            format!(
                "more than {MAX_REDIRECTS} redirects, the last to `{}`",
                path.path()
            ),
        ))
    }

    /// Where to connect, and as whom.
    fn endpoint(&self) -> Result<Endpoint, Failure> {
        let Target {
            address,
            transport,
            trusted,
            exporter,
            profile,
            ..
        } = self.target;
        let tls = match &transport.tls {
            None => None,
            Some(name) => {
                let name = tls::server_name(name, address.host()).map_err(|name| {
                    Failure::new(
                        Reason::Tls,
                        format!("`{name}` is no name that a certificate can have"),
                    )
                })?;
                let profile = profile.as_ref().map(Arc::clone);
                // Exporters outside the platform are not shown the client certificate for its instances.
                let profiles = if exporter.is_some() {
                    &self.inner.exporters
                } else {
                    &self.inner.instances
                };
                Some((profile.unwrap_or_else(|| profiles.current()), name))
            }
        };
        let file = match address {
            Address::Tcp { .. } => None,
            Address::Unix(path) => {
                check_socket(path, *trusted, tls.is_some())?;
                Some(socket::file(path)?)
            }
        };
        let http2 = transport.http2 && self.inner.enable_http2;
        Ok(Endpoint {
            address: address.clone(),
            file,
            tls,
            http2,
            trusted: *trusted,
        })
    }

    /// Sends one request. On a reused connection that dies before any answer it is sent once more on a new one:
    /// apps close idle connections whenever they like, and a GET may be repeated.
    async fn send(
        &self,
        endpoint: &Arc<Endpoint>,
        path: &PathAndQuery,
        is_redirected: bool,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        let pool = &self.inner.pool;
        self.progress.enter(Phase::Connecting);
        let mut lease = match pool.reuse(endpoint).await {
            Some(lease) => lease,
            None => pool.connect(endpoint, false).await?,
        };
        loop {
            self.progress.enter(Phase::Waiting);
            let request = self
                .common
                .build(self.target, path, lease.is_http2(), is_redirected)?;
            match lease.send(request).await {
                Ok(response) => {
                    self.progress.enter(Phase::Reading);
                    return Ok((response, lease));
                }
                Err(error) if lease.is_reused() && (classify::died(&error) || lease.is_http2()) => {
                    drop(lease);
                    self.inner.metrics.retried.inc();
                    self.progress.enter(Phase::Connecting);
                    lease = pool.connect(endpoint, true).await?;
                }
                Err(error) => return Err(lease.judge(&error).await),
            }
        }
    }

    /// The page of a successful answer.
    async fn page(&self, response: Response<Incoming>, lease: Lease) -> Result<Fetched, Failure> {
        let (head, mut body) = response.into_parts();
        let content_type = head
            .headers
            .get(CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()));
        let Some(format) = media::of_content_type(content_type.as_deref()) else {
            let failure = not_metrics(content_type.as_deref().unwrap_or_default());
            discard(Response::from_parts(head, body), lease);
            return Err(failure);
        };
        let encoding = Encoding::of(&head.headers)?;
        let raw = body::read(
            &mut body,
            self.bounds,
            self.budgets.clone(),
            &self.progress.received,
        )
        .await?;
        lease.give_back();
        self.progress.enter(Phase::Checking);
        let page = body::check(
            raw,
            encoding,
            format,
            self.bounds,
            self.budgets.clone(),
            &self.inner.metrics,
            self.siblings.latest(self.target),
        )
        .await?;
        let page = Arc::new(page);
        self.siblings.note(self.target, &page);
        Ok(Fetched {
            body_bytes: page.len(),
            samples: page.samples(),
            page,
            conversion: Arc::new(Conversion::new(self.budgets.clone())),
        })
    }
}

/// Sockets are the operator's, and nothing is encrypted on them. The configuration sees to both; this is where it
/// would do harm.
fn check_socket(path: &str, is_trusted: bool, is_tls: bool) -> Result<(), Failure> {
    if !is_trusted {
        let detail = format!("only the configuration can name a socket, such as `{path}`");
        return Err(Failure::new(Reason::Skipped, detail));
    }
    if is_tls {
        let detail = format!("TLS is not spoken over a socket, such as `{path}`");
        return Err(Failure::new(Reason::Tls, detail));
    }
    Ok(())
}

/// Something that is certainly not metrics: most often a login page.
fn not_metrics(content_type: &str) -> Failure {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let detail = if kind.eq_ignore_ascii_case("text/html") {
        "the answer is an HTML page (`text/html`), perhaps a login page, and not metrics".to_owned()
    } else {
        format!("the answer is `{}` and not metrics", kind.escape_debug())
    };
    Failure::new(Reason::Parse, detail)
}

/// Lets an answer that nobody wants end in the background: whoever waits for the reason need not wait for it.
fn discard(response: Response<Incoming>, lease: Lease) {
    if response.body().is_end_stream() {
        lease.give_back();
    } else {
        tokio::spawn(body::drain(response.into_body(), lease));
    }
}
