//! Accepts connections and serves each in a task of its own.
//!
//! axum's own loop has no settings for HTTP and knows no TLS. Every wait on a caller has a limit: the TLS handshake, the
//! first request, the time between requests, and an answer that is not read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::shutdown::Shutdown;
use super::stall::{Activity, Watched};
use super::tls::Tls;
use crate::api::caller::Peer;

/// Connections at once, per port. More wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 16 << 10;
/// From the connection to the end of the TLS handshake, and from there to the end of the first request's head.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// Between requests. Longer than the 90 s for which gorouter keeps a connection: who closes first risks a lost request.
const IDLE: Duration = Duration::from_secs(120);
/// Bytes and lines of one request's head.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;
/// HTTP/2 has no idle limit of its own: a ping finds peers that went away.
const PING: Duration = Duration::from_secs(60);
/// When the process is out of file descriptors, accepting again at once would only burn processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the shutdown says stop, then lets open requests end for its grace.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    tls: Option<Tls>,
    shutdown: Shutdown,
) {
    let http = Arc::new(http());
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = async {
            // The semaphore is never closed: without a permit nothing would be accepted, which is what closing means.
            let slot = slots
                .clone()
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            listener
                .accept()
                .await
                .map(|(stream, peer)| (slot, stream, peer))
        };
        let accepted = tokio::select! {
            biased;
            () = shutdown.stopped() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((slot, stream, peer)) => {
                let connection = Connection {
                    http: http.clone(),
                    app: app.clone(),
                    peer,
                    watcher: graceful.watcher(),
                };
                let (tls, shutdown) = (tls.clone(), shutdown.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        () = shutdown.was_cut() => {}
                        () = connection.run(stream, tls, &shutdown) => {}
                    }
                    drop(slot);
                });
            }
            // A caller that left before it was accepted is its own affair.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let (open, grace) = (graceful.count(), shutdown.grace());
    let in_time = tokio::time::timeout(grace, graceful.shutdown()).await;
    // Who gives no grace wants them cut.
    if in_time.is_err() && !grace.is_zero() {
        tracing::warn!(
            open,
            seconds = grace.as_secs(),
            "some connections did not end in time and are cut"
        );
    }
    shutdown.cut();
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD as u32)
        .keep_alive_interval(PING)
        .keep_alive_timeout(FIRST_REQUEST);
    builder
}

struct Connection {
    http: Arc<auto::Builder<TokioExecutor>>,
    app: Router,
    peer: SocketAddr,
    watcher: Watcher,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Tls>, shutdown: &Shutdown) {
        // Pages are written in large pieces; waiting to fill packets would only delay the last one.
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.serve(stream, shutdown).await,
            Some(tls) => {
                let handshake = tokio::time::timeout(FIRST_REQUEST, tls.acceptor().accept(stream));
                // Nothing is open yet that could be finished.
                let handshake = tokio::select! {
                    handshake = handshake => handshake,
                    () = shutdown.stopped() => return,
                };
                match handshake {
                    Ok(Ok(stream)) => self.serve(stream, shutdown).await,
                    Ok(Err(error)) => {
                        tracing::debug!(peer = %self.peer, %error, "a TLS handshake failed")
                    }
                    Err(_) => tracing::debug!(peer = %self.peer, "a TLS handshake took too long"),
                }
            }
        }
    }

    async fn serve(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        shutdown: &Shutdown,
    ) {
        let Self {
            http,
            app,
            peer,
            watcher,
        } = self;
        let activity = Activity::new();
        let first_request = CancellationToken::new();
        let service = {
            let (activity, first_request) = (activity.clone(), first_request.clone());
            service_fn(move |request: Request<Incoming>| {
                first_request.cancel();
                handle(app.clone(), request, peer, activity.clone())
            })
        };
        // hyper's own limit for a head starts with its first byte, and is long because it is the limit between requests too.
        let silent = async {
            if tokio::time::timeout(FIRST_REQUEST, first_request.cancelled())
                .await
                .is_ok()
            {
                std::future::pending::<()>().await;
            }
        };
        // Half a head is nothing that could be finished, and its other half may never come.
        let unasked = async {
            shutdown.stopped().await;
            if first_request.is_cancelled() {
                std::future::pending::<()>().await;
            }
        };
        let connection = http
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        tokio::select! {
            // A head that has arrived is read before anything else is decided.
            biased;
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended early");
            },
            () = unasked => {}
            () = silent => tracing::debug!(%peer, "a connection without a request was closed"),
            () = activity.stalled() => tracing::info!(%peer, "a caller stopped reading and was cut off"),
        }
    }
}

async fn handle(
    mut app: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    activity: Activity,
) -> Result<Response<Watched>, std::convert::Infallible> {
    request.extensions_mut().insert(Peer(peer));
    let response = match Service::<Request<Incoming>>::call(&mut app, request).await {
        Ok(response) => response,
        Err(never) => never.into_response(),
    };
    Ok(response.map(|body: Body| activity.watch(body)))
}
