//! An app instance: a real server on a loopback address of its own, in this process.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Collected, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::TlsAcceptor;

use crate::app::{App, instance_guid};
use crate::behaviour::{Answer, Behaviour, Seen};
use crate::certs::Authority;
use crate::net::fresh_ip;

/// A running instance. Dropping it closes its port and all connections.
#[derive(Debug)]
pub struct Instance {
    pub guid: String,
    pub index: String,
    pub address: SocketAddr,
    /// Registered with `tls_port`.
    pub tls: bool,
    /// `protocol` of the registration.
    pub protocol: Option<&'static str>,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Mutex<Behaviour>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicU64,
    requests: AtomicU64,
    /// Connections without a request for this long are closed.
    idle: Option<Duration>,
    tls: Option<Arc<ServerConfig>>,
}

impl Shared {
    fn plain(behaviour: Behaviour) -> Self {
        Self {
            behaviour: Mutex::new(behaviour),
            seen: Mutex::default(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            idle: None,
            tls: None,
        }
    }
}

/// How the instance is reached.
#[derive(Debug, Default)]
pub struct Options {
    /// Where to listen, for a certificate that has to name it; a fresh address otherwise.
    pub ip: Option<IpAddr>,
    /// 0: any free one.
    pub port: u16,
    pub guid: Option<String>,
    pub tls: Option<ServerConfig>,
    pub protocol: Option<&'static str>,
    pub idle: Option<Duration>,
}

impl Options {
    /// TLS as cf-deployment has it: the certificate carries the instance's GUID, clients need one of the same authority.
    pub fn mutual_tls(authority: &Authority, app: &App) -> Self {
        let guid = instance_guid();
        let identity = authority.issue_instance(&guid, &app.guid);
        Self {
            tls: Some(authority.server(&identity, true)),
            guid: Some(guid),
            ..Self::default()
        }
    }
}

impl Instance {
    /// An instance that speaks plain HTTP/1.1.
    pub async fn start(index: &str, behaviour: Behaviour) -> Self {
        Self::start_with(index, behaviour, Options::default()).await
    }

    /// # Panics
    /// When no port is free.
    pub async fn start_with(index: &str, behaviour: Behaviour, options: Options) -> Self {
        let listener = TcpListener::bind((options.ip.unwrap_or_else(fresh_ip), options.port))
            .await
            .expect("a port is free");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let tls = options.tls.map(|mut config| {
            // Envoy offers both and forwards plain TCP: what the app speaks is not what the handshake says.
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Arc::new(config)
        });
        let shared = Arc::new(Shared {
            idle: options.idle,
            tls,
            ..Shared::plain(behaviour)
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Self {
            guid: options.guid.unwrap_or_else(instance_guid),
            index: index.into(),
            address,
            tls: shared.tls.is_some(),
            protocol: options.protocol,
            shared,
            listening,
        }
    }

    /// An instance that listens on a Unix socket, and on no port: its address means nothing. The socket stays when it
    /// is dropped, as after a crash.
    ///
    /// # Panics
    /// When there is a file already.
    pub fn at_socket(path: &Path, behaviour: Behaviour) -> Self {
        let listener = UnixListener::bind(path).expect("a socket can be made");
        let shared = Arc::new(Shared::plain(behaviour));
        let listening = tokio::spawn(listen_at_socket(listener, Arc::clone(&shared)));
        Self {
            guid: String::new(),
            index: String::new(),
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            tls: false,
            protocol: None,
            shared,
            listening,
        }
    }

    /// An instance that is registered, but where nothing listens.
    pub fn refusing(index: &str) -> Self {
        let shared = Shared::plain(Behaviour::Hang);
        Self {
            guid: instance_guid(),
            index: index.into(),
            address: crate::net::free_address(),
            tls: false,
            protocol: None,
            shared: Arc::new(shared),
            listening: tokio::spawn(async {}),
        }
    }

    /// Behaves like this from now on.
    pub fn becomes(&self, behaviour: Behaviour) {
        *self.shared.behaviour.lock().expect("no panic while locked") = behaviour;
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared
            .seen
            .lock()
            .expect("no panic while locked")
            .clone()
    }

    /// The latest request.
    ///
    /// # Panics
    /// When there was none.
    pub fn last_seen(&self) -> Seen {
        self.seen().pop().expect("the instance was asked")
    }

    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// TCP connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // The connections' tasks belong to the listener's and end with it.
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A client that goes away in the middle is none of the instance's business.
                    let _ = connection(stream, shared).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn listen_at_socket(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match shared.tls.clone() {
        Some(tls) => serve(TlsAcceptor::from(tls).accept(stream).await?, shared).await,
        None => serve(stream, shared).await,
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let behaviour = shared
        .behaviour
        .lock()
        .expect("no panic while locked")
        .clone();
    let raw: Option<Bytes> = match behaviour {
        Behaviour::CloseUnanswered => Some(Bytes::new()),
        Behaviour::NotHttp => Some("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".into()),
        Behaviour::CutShort => Some("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1000\r\n\r\na_metric 1\n".into()),
        _ => None,
    };
    if let Some(raw) = raw {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let _ = stream.read(&mut [0; 4096]).await?;
        stream.write_all(&raw).await?;
        return stream.shutdown().await;
    }

    // Moved ahead by each request; shared with the service, which runs inside the connection's future.
    let activity = Arc::new(Mutex::new(Instant::now()));
    let service = service_fn({
        let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
        move |request| {
            *activity.lock().expect("no panic while locked") = Instant::now();
            answer(request, Arc::clone(&shared))
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut closing = false;
    loop {
        let idle_since = *activity.lock().expect("no panic while locked");
        let deadline = idle_since + shared.idle.unwrap_or(Duration::from_secs(3600));
        tokio::select! {
            ended = &mut connection => return ended.map_err(io::Error::other),
            () = sleep_until(deadline), if !closing => {
                if *activity.lock().expect("no panic while locked") == idle_since {
                    connection.as_mut().graceful_shutdown();
                    closing = true;
                }
            }
        }
    }
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Infallible> {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (head, body) = request.into_parts();
    let body = match head.method {
        Method::POST => body.collect().await.map(Collected::to_bytes),
        _ => Ok(Bytes::new()),
    };
    let seen = Seen {
        path: head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        method: head.method,
        headers: head.headers,
        version: head.version,
        body: body.unwrap_or_default(),
        number,
    };
    shared
        .seen
        .lock()
        .expect("no panic while locked")
        .push(seen.clone());
    let behaviour = shared
        .behaviour
        .lock()
        .expect("no panic while locked")
        .clone();
    Ok(match behaviour {
        Behaviour::Answer(respond) => plain(respond(&seen)),
        Behaviour::Slow(delay, respond) => {
            sleep(delay).await;
            plain(respond(&seen))
        }
        Behaviour::ResetMidBody => {
            let chunks = [
                Ok(Frame::data(Bytes::from("a_metric 1\nanother_me"))),
                Err(io::Error::other("reset on purpose")),
            ];
            // The pause lets the first half leave before the error closes the connection.
            streamed(stream::iter(chunks).then(async |chunk| {
                sleep(Duration::from_millis(20)).await;
                chunk
            }))
        }
        Behaviour::Endless => streamed(
            stream::iter(0_u64..).map(|line| Ok(Frame::data(Bytes::from(endless_lines(line))))),
        ),
        // The last three are dealt with before HTTP begins, unless the behaviour changed on an open connection.
        Behaviour::Hang | Behaviour::CloseUnanswered | Behaviour::NotHttp | Behaviour::CutShort => {
            std::future::pending().await
        }
    })
}

fn plain(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response
        .body(
            Full::new(answer.body)
                .map_err(|never| match never {})
                .boxed_unsync(),
        )
        .expect("the answers of tests are valid")
}

fn streamed(
    frames: impl futures_util::Stream<Item = io::Result<Frame<Bytes>>> + Send + 'static,
) -> Response<Body> {
    let body = StreamBody::new(frames).boxed_unsync();
    Response::builder()
        .header("content-type", "text/plain; version=0.0.4")
        .body(body)
        .expect("a valid answer")
}

/// About 64 KiB of valid lines.
fn endless_lines(chunk: u64) -> String {
    (0..1_000)
        .map(|line| format!("endless_metric{{chunk=\"{chunk}\",line=\"{line}\"}} 1234567890.5\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::GOROUTER;
    use crate::http::{request, try_get};

    #[tokio::test]
    async fn faults_are_what_they_say() {
        for (behaviour, expected) in [
            (Behaviour::page("a 1\n"), Some(200)),
            (Behaviour::status(503), Some(503)),
            (Behaviour::redirect_loop(), Some(302)),
            (Behaviour::gzip_bomb(1), Some(200)),
            (Behaviour::ResetMidBody, None),
            (Behaviour::CutShort, None),
            (Behaviour::CloseUnanswered, None),
            (Behaviour::NotHttp, None),
        ] {
            let instance = Instance::start("0", behaviour.clone()).await;
            let answer = try_get(&format!("http://{}/metrics", instance.address), &[]).await;
            assert_eq!(
                answer.ok().map(|answer| answer.status),
                expected,
                "{behaviour:?}"
            );
            assert_eq!(
                (instance.requests(), instance.connections()),
                (1, 1),
                "{behaviour:?}"
            );
        }
        let refusing = Instance::refusing("0");
        assert!(
            try_get(&format!("http://{}/", refusing.address), &[])
                .await
                .is_err()
        );
        for endless in [Behaviour::Hang, Behaviour::Endless] {
            let instance = Instance::start("0", endless.clone()).await;
            let url = format!("http://{}/", instance.address);
            let answer = tokio::time::timeout(Duration::from_millis(300), try_get(&url, &[])).await;
            assert!(answer.is_err(), "{endless:?} does not end");
        }
    }

    #[tokio::test]
    async fn idle_connections_are_closed() {
        let options = Options {
            idle: Some(Duration::from_millis(200)),
            ..Options::default()
        };
        let instance = Instance::start_with("0", Behaviour::page("a 1\n"), options).await;
        let mut stream = TcpStream::connect(instance.address)
            .await
            .expect("it listens");
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .expect("it reads");
        let mut answer = Vec::new();
        // Ends only when the instance closes.
        stream
            .read_to_end(&mut answer)
            .await
            .expect("it closes in good order");
        assert!(String::from_utf8_lossy(&answer).ends_with("a 1\n"));
    }

    #[tokio::test]
    async fn mutual_tls_lets_in_who_has_a_certificate() {
        let (authority, app) = (
            Authority::new("instances"),
            App::new("acme", "prod", "shop"),
        );
        let instance = Instance::start_with(
            "0",
            Behaviour::page("a 1\n"),
            Options::mutual_tls(&authority, &app),
        )
        .await;
        let url = format!("https://{}/", instance.address);
        // The certificate names the instance and no address: this client asks for its address and must refuse.
        let router = authority.issue(&[GOROUTER]);
        let error = request(
            "GET",
            &url,
            &[],
            Some(Arc::new(authority.client(Some(&router)))),
        )
        .await
        .expect_err("another name");
        assert!(error.to_string().contains("not valid for"), "{error}");
    }
}
