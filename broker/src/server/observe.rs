//! What is told of each request: one line in the log, and promfetch's own metrics. Never headers, tokens or queries.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Body as _, Frame, SizeHint};
use ipnet::IpNet;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tower_http::request_id::RequestId;

use crate::api::address;
use crate::api::caller::{Caller, Peer};

/// Upper bounds of request durations, in seconds. The page of a hanging instance ends at the scraper's time-out, 10 s by default.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from a caller.
const MAX_REQUEST_ID: usize = 128;

/// The status under which a request is counted whose caller left before it was answered; nginx invented the number.
const CALLER_LEFT: u16 = 499;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRoute {
    route: &'static str,
}

/// The metrics of requests, and what the log needs to name callers. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    requests: Family<Outcome, Counter>,
    duration: Family<ByRoute, Histogram, fn() -> Histogram>,
    bytes: Family<ByRoute, Counter>,
    in_flight: Gauge,
    trusted_proxies: Arc<[IpNet]>,
}

impl Observer {
    /// Makes the metrics and adds them to the registry.
    pub(crate) fn register(registry: &mut Registry, trusted_proxies: &[IpNet]) -> Self {
        let observer = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            bytes: Family::default(),
            in_flight: Gauge::default(),
            trusted_proxies: trusted_proxies.into(),
        };
        registry.register(
            "promfetch_http_requests",
            "Requests answered on the API port; 499: the caller left",
            observer.requests.clone(),
        );
        registry.register(
            "promfetch_http_request_duration_seconds",
            "Time from a request to the end of its answer",
            observer.duration.clone(),
        );
        registry.register(
            "promfetch_http_response_bytes",
            "Bytes of answers as sent, without their heads",
            observer.bytes.clone(),
        );
        registry.register(
            "promfetch_http_requests_in_flight",
            "Requests being answered",
            observer.in_flight.clone(),
        );
        observer
    }
}

/// Middleware: follows a request from its head to the last byte of its answer.
pub(crate) async fn observe(
    State(observer): State<Observer>,
    request: Request,
    next: Next,
) -> Response {
    // Dropped when the caller hangs up before there is an answer: then, too, the request is counted.
    let mut record = Record::start(observer, &request);
    let response = next.run(request).await;
    record.status = response.status().as_u16();
    response.map(|body| {
        Body::new(Observed {
            body,
            ended: false,
            record,
        })
    })
}

/// Middleware: forgets a caller's request id that is too long or holds more than letters, digits and `-_.:`.
/// It goes to the log and back to the caller.
pub(crate) async fn plain_request_id(mut request: Request, next: Next) -> Response {
    let plain = |id: &[u8]| {
        id.len() <= MAX_REQUEST_ID
            && id
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    if request
        .headers()
        .get(X_REQUEST_ID)
        .is_some_and(|id| !plain(id.as_bytes()))
    {
        request.headers_mut().remove(X_REQUEST_ID);
    }
    next.run(request).await
}

/// One request. Dropping it ends it: the line is written and the metrics are counted.
#[derive(Debug)]
struct Record {
    observer: Observer,
    route: &'static str,
    method: String,
    path: String,
    caller: Option<IpAddr>,
    id: String,
    started: Instant,
    status: u16,
    bytes: u64,
    /// The caller got less than all of the answer.
    cut: bool,
}

impl Record {
    fn start(observer: Observer, request: &Request) -> Self {
        observer.in_flight.inc();
        let (path, extensions) = (request.uri().path(), request.extensions());
        let caller = extensions.get::<Peer>().map(|Peer(peer)| {
            Caller::of(peer.ip(), request.headers(), &observer.trusted_proxies).address
        });
        let id = extensions
            .get::<RequestId>()
            .and_then(|id| id.header_value().to_str().ok())
            .unwrap_or_default()
            .to_string();
        Self {
            route: route(extensions.get::<MatchedPath>(), path),
            method: request.method().to_string(),
            path: path.to_string(),
            caller,
            id,
            started: Instant::now(),
            status: CALLER_LEFT,
            bytes: 0,
            cut: false,
            observer,
        }
    }
}

/// The route's pattern: never the path itself, of which callers could invent any number.
fn route(matched: Option<&MatchedPath>, path: &str) -> &'static str {
    match matched.map(MatchedPath::as_str) {
        None => "other",
        Some("/") => "/",
        Some("/health") => "/health",
        Some("/ready") => "/ready",
        Some("/metrics") => "/metrics",
        Some("/routes") => "/routes",
        Some("/v1/sd") => "/v1/sd",
        Some("/openapi.json") => "/openapi.json",
        Some("/v1/platform") => "/v1/platform",
        Some("/v1/platform/samples") => "/v1/platform/samples",
        Some("/doc" | "/doc/" | "/doc/{*page}") => "/doc",
        Some("/assets/{file}") => "/assets",
        Some("/sign-in" | "/sign-in/uaa" | "/sign-in/callback" | "/sign-out") => "/sign-in",
        Some(_) => address::pattern(path),
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let by_route = ByRoute { route: self.route };
        self.observer.in_flight.dec();
        self.observer
            .requests
            .get_or_create_owned(&Outcome {
                route: self.route,
                status: self.status,
            })
            .inc();
        self.observer
            .duration
            .get_or_create_owned(&by_route)
            .observe(elapsed.as_secs_f64());
        self.observer
            .bytes
            .get_or_create_owned(&by_route)
            .inc_by(self.bytes);
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let caller = self.caller.map(tracing::field::display);
        let (method, path, status, bytes, cut, id) = (
            &self.method,
            &self.path,
            self.status,
            self.bytes,
            self.cut,
            &self.id,
        );
        if ["/health", "/ready"].contains(&self.route) {
            // Monitors ask every few seconds.
            tracing::debug!(
                method,
                path,
                status,
                bytes,
                milliseconds,
                caller,
                id,
                "request"
            );
        } else {
            tracing::info!(
                method,
                path,
                status,
                bytes,
                milliseconds,
                caller,
                cut,
                id,
                "request"
            );
        }
    }
}

/// A body whose end is the end of its request.
#[derive(Debug)]
struct Observed {
    body: Body,
    ended: bool,
    record: Record,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.record.bytes = self
                    .record
                    .bytes
                    .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            }
            Poll::Ready(Some(Err(error))) => {
                tracing::error!(%error, path = self.record.path, "an answer could not be completed")
            }
            Poll::Ready(None) => self.ended = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // The server does not ask again after a body that says by itself that it is over.
        self.record.cut = !self.ended && !self.body.is_end_stream() && self.record.method != "HEAD";
    }
}
