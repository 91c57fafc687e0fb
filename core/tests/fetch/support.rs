//! Instances for tests: HTTP servers that remember what they were asked, raw sockets that misbehave, certificates.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request as HttpRequest, Response, Uri, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use prometheus_client::registry::Registry;
use promfetch_core::calls::Calls;
use promfetch_core::config::Config;
use promfetch_core::discovery::Located;
use promfetch_core::failure::{Failure, Reason};
use promfetch_core::fetch::{Fetcher, Outcome, Request, Target};
use promfetch_core::instance::{Address, App, Instance, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A small page that every parser takes.
pub(crate) const PAGE: &str = "# TYPE requests counter\nrequests 1\n# TYPE up gauge\nup 1\n";

/// Long enough that a test never meets it unless something hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Long enough for whatever is about to answer, short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(500);

pub(crate) type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// An answer with this status and body.
pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into())
        .map_err(|never| match never {})
        .boxed();
    Response::builder().status(status).body(body).unwrap()
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
}

/// What happened at a server.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) requests: Mutex<Vec<Seen>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) closed: AtomicUsize,
    /// Names in client certificates (first DNS name of each connection's), server names asked for, resumed handshakes.
    pub(crate) clients: Mutex<Vec<String>>,
    pub(crate) server_names: Mutex<Vec<String>>,
    pub(crate) resumed: AtomicUsize,
}

impl Log {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until so many connections were closed.
    pub(crate) async fn wait_closed(&self, count: usize) {
        wait_until(|| self.closed.load(Ordering::SeqCst) >= count).await;
    }
}

/// Waits for something that is about to happen. The test's own time limit is the only one.
pub(crate) async fn wait_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) log: Arc<Log>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers each request with what the handler makes of it; HTTP/1.1 and HTTP/2.
    pub(crate) async fn start<H, F>(handler: H) -> Self
    where
        H: Fn(HttpRequest<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::with(None, handler).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_tls<H, F>(tls: rustls::ServerConfig, handler: H) -> Self
    where
        H: Fn(HttpRequest<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::with(Some(TlsAcceptor::from(Arc::new(tls))), handler).await
    }

    /// Always the same small page.
    pub(crate) async fn page() -> Self {
        Self::start(|_| async { answer(200, PAGE) }).await
    }

    async fn with<H, F>(tls: Option<TlsAcceptor>, handler: H) -> Self
    where
        H: Fn(HttpRequest<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler =
            Arc::new(move |request| -> BoxFuture<'static, Answer> { Box::pin(handler(request)) });
        Self::accept(move |_, stream, log| {
            let (tls, handler) = (tls.clone(), Arc::clone(&handler));
            async move {
                let Some(tls) = tls else {
                    return serve(stream, log, handler).await;
                };
                let Ok(stream) = tls.accept(stream).await else {
                    return;
                };
                let session = stream.get_ref().1;
                if let Some(name) = session.server_name() {
                    log.server_names.lock().unwrap().push(name.to_owned());
                }
                if session.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
                    log.resumed.fetch_add(1, Ordering::SeqCst);
                }
                if let Some(certificate) =
                    session.peer_certificates().and_then(|chain| chain.first())
                {
                    // The name stands in the certificate as plain text; tests look for it there.
                    log.clients
                        .lock()
                        .unwrap()
                        .push(String::from_utf8_lossy(certificate).into_owned());
                }
                serve(stream, log, handler).await;
            }
        })
        .await
    }

    /// The same at a Unix socket; its address means nothing.
    pub(crate) fn at_socket<H, F>(path: &Path, handler: H) -> Self
    where
        H: Fn(HttpRequest<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler =
            Arc::new(move |request| -> BoxFuture<'static, Answer> { Box::pin(handler(request)) });
        let listener = UnixListener::bind(path).unwrap();
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, Arc::clone(&shared), Arc::clone(&handler)));
            }
        });
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        Self { address, log, task }
    }

    /// Hands each connection to `serve` with its number.
    pub(crate) async fn raw<S, F>(serve: S) -> Self
    where
        S: Fn(usize, TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::accept(move |connection, stream, _| serve(connection, stream)).await
    }

    /// Reads a request, sends these bytes and closes; for each connection.
    pub(crate) async fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::raw(move |_, mut stream| {
            let bytes = Arc::clone(&bytes);
            async move {
                read_request(&mut stream).await;
                // The other side may have seen enough and left.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    async fn accept<S, F>(serve: S) -> Self
    where
        S: Fn(usize, TcpStream, Arc<Log>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let shared = Arc::clone(&log);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
                let (work, log) = (
                    serve(connection, stream, Arc::clone(&shared)),
                    Arc::clone(&shared),
                );
                connections.spawn(async move {
                    work.await;
                    log.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, log, task }
    }

    /// An instance at this server.
    pub(crate) fn target(&self) -> Target {
        target(self.address)
    }
}

async fn serve<S, H>(stream: S, log: Arc<Log>, handler: Arc<H>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(HttpRequest<Incoming>) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
{
    let service = service_fn(move |request: HttpRequest<Incoming>| {
        let (uri, headers, version) = (
            request.uri().clone(),
            request.headers().clone(),
            request.version(),
        );
        log.requests.lock().unwrap().push(Seen {
            uri,
            headers,
            version,
        });
        let answer = handler(request);
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    // Clients that break off are part of the tests.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Reads up to the end of a request's header.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => break,
        }
    }
    request
}

/// A minimal answer with a length, which leaves the connection open.
pub(crate) async fn write_page(stream: &mut TcpStream) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{PAGE}",
        PAGE.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// An instance at this address, trusted so that loopback may be dialled.
pub(crate) fn target(address: SocketAddr) -> Target {
    let address = Address::tcp(address.ip().to_string(), address.port());
    let instance = Instance {
        app: Arc::new(App {
            app_id: "47d288f6-f9c1-5e3a-9546-5384018954e2".into(),
            ..App::default()
        }),
        address: address.clone(),
        transport: Transport::default(),
        guid: "c6e2c9be-17cc-50d8-979d-02e4".into(),
        index: "3".into(),
        isolation_segment: "".into(),
        availability_zone: "".into(),
    };
    let labels = instance.labels();
    let located = Located {
        instance: Arc::new(instance),
        host: "shop.example.org".into(),
        age: Duration::ZERO,
        registration: 1,
        trusted: true,
    };
    Target {
        extras: None,
        profile: None,
        instance: Some(located),
        exporter: None,
        address,
        transport: Transport::default(),
        host: "shop.example.org".into(),
        path_and_query: "/metrics".into(),
        labels,
        trusted: true,
    }
}

/// The same target with something else about it.
pub(crate) fn with(mut target: Target, change: impl FnOnce(&mut Target)) -> Target {
    change(&mut target);
    target
}

/// A request of its own: no other has its key.
pub(crate) fn request(targets: impl IntoIterator<Item = Target>, within: Duration) -> Request {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    Request {
        targets: targets.into_iter().map(Arc::new).collect(),
        key: format!("request {}", NEXT.fetch_add(1, Ordering::Relaxed)).into(),
        app_ids: "app".into(),
        accept: HeaderValue::from_static("text/plain"),
        dialect: None,
        authorization: None,
        headers: HeaderMap::new(),
        forwarded_for: None,
        deadline: tokio::time::Instant::now() + within,
    }
}

/// A fetcher with its metrics.
pub(crate) struct Client {
    pub(crate) fetcher: Fetcher,
    registry: Registry,
}

impl Client {
    pub(crate) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let mut registry = Registry::default();
        let calls = Calls::register(&mut registry);
        let fetcher = Fetcher::new(&config, &calls, &mut registry).unwrap();
        Self { fetcher, registry }
    }

    /// Fetches one target.
    pub(crate) async fn one(&self, target: Target) -> Outcome {
        self.all([target], LONG).await.remove(0)
    }

    pub(crate) async fn all(
        &self,
        targets: impl IntoIterator<Item = Target>,
        within: Duration,
    ) -> Vec<Outcome> {
        self.fetcher.fetch(request(targets, within)).await.unwrap()
    }

    /// The value of one of its own series.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry).unwrap();
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no series {series} in\n{page}"))
            .parse()
            .unwrap()
    }
}

/// The failure of an outcome that must be one.
pub(crate) fn failure(outcome: &Outcome) -> &Failure {
    match &outcome.result {
        Err(failure) => failure,
        Ok(fetched) => panic!("expected a failure, got {fetched:?}"),
    }
}

/// Fails unless the outcome is a page.
pub(crate) fn assert_page(outcome: &Outcome) {
    let fetched = outcome
        .result
        .as_ref()
        .unwrap_or_else(|failure| panic!("expected a page: {failure}"));
    assert_eq!(
        (fetched.body_bytes, fetched.page.samples()),
        (PAGE.len(), 2)
    );
}

/// Fails unless the outcome is a failure of this reason with this text in its detail.
pub(crate) fn assert_failure(outcome: &Outcome, reason: Reason, text: &str) {
    let failure = failure(outcome);
    assert_eq!(failure.reason, reason, "{failure}");
    assert!(
        failure.detail.contains(text),
        "expected `{text}`: {failure}"
    );
}

/// A body that never ends.
pub(crate) struct Endless(pub(crate) Bytes);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(self.0.clone()))))
    }
}

/// A certificate authority for one test.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        // Two authorities of one name would look like one whose key has changed.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", NEXT.fetch_add(1, Ordering::Relaxed));
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    /// A certificate for this name (DNS name or IP address).
    pub(crate) fn issue(&self, name: &str) -> Pair {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair {
            chain,
            key: key.serialize_pem(),
        }
    }

    /// A server's settings: its certificate, and whether clients must show one of this authority.
    pub(crate) fn server(
        &self,
        name: &str,
        wants_client: bool,
        alpn: &[&[u8]],
    ) -> rustls::ServerConfig {
        use promfetch_core::tls;
        let provider = tls::provider();
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(tls::certificates(&self.pem).unwrap().remove(0))
            .unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_client {
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            )
            .build()
            .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let pair = self.issue(name);
        let identity = Arc::new(tls::identity(&pair.chain, &pair.key).unwrap());
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(identity)));
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }
}
