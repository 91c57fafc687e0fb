//! The server over real sockets. Times are paused where a limit is tried: they pass as soon as nothing else can happen.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use promfetch_core::config::Secret;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::connections::serve;
use super::shutdown::Shutdown;
use super::tls::Tls;
use crate::config::TlsPem;

const LONG: Duration = Duration::from_secs(3600);

struct Server {
    address: std::net::SocketAddr,
    shutdown: Shutdown,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(app: Router, tls: Option<Tls>, grace: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new(grace);
        let ended = tokio::spawn(serve(listener, app, tls, shutdown.clone()));
        Self {
            address,
            shutdown,
            ended,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this as a whole and gives what comes back until the connection ends.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request).await;
        rest(&mut stream).await
    }
}

/// What the server sends until it closes or resets the connection.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        all.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(all).unwrap()
}

/// Tells when it is dropped.
struct Alarm(mpsc::UnboundedSender<&'static str>);

impl Drop for Alarm {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A handler that says when it starts and when it is dropped, and ends when `open` is notified.
fn watched(open: Arc<Notify>) -> (Router, mpsc::UnboundedReceiver<&'static str>) {
    let (sender, events) = mpsc::unbounded_channel();
    let handler = get(move || {
        let (sender, open) = (sender.clone(), open.clone());
        async move {
            let _ = sender.send("started");
            let _alarm = Alarm(sender);
            open.notified().await;
            "done"
        }
    });
    (Router::new().route("/", handler), events)
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_its_request() {
    let (app, mut events) = watched(Arc::new(Notify::new()));
    let server = Server::start(app, None, LONG).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(events.recv().await, Some("started"));
    drop(stream);
    assert_eq!(events.recv().await, Some("dropped"));
}

#[tokio::test]
async fn open_requests_end_before_the_server_does() {
    let open = Arc::new(Notify::new());
    let (app, mut events) = watched(open.clone());
    let server = Server::start(app, None, LONG).await;
    let idle = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET / HT").await.unwrap();
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(events.recv().await, Some("started"));

    server.shutdown.stop();
    // Connections that nobody uses are closed at once; that also shows that the stop has arrived.
    let mut idle = idle;
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut half).await, "", "half a head is no open request");
    assert!(!server.ended.is_finished(), "a request is open");

    open.notify_one();
    let answer = rest(&mut stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"),
        "{answer}"
    );
    server.ended.await.unwrap();
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "the port is closed"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_after_the_grace() {
    let (app, mut events) = watched(Arc::new(Notify::new()));
    let server = Server::start(app, None, Duration::from_secs(15)).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(events.recv().await, Some("started"));
    server.shutdown.stop();
    server.ended.await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(events.recv().await, Some("dropped"));
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_let_go() {
    let server = Server::start(Router::new(), None, LONG).await;
    for said in [
        &b""[..],
        b"GE",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(said).await.unwrap();
        assert_eq!(rest(&mut stream).await, "", "{said:?}");
    }
}

#[tokio::test]
async fn a_head_has_bounds() {
    let server = Server::start(
        Router::new().route("/", get(|| async { "fine" })),
        None,
        LONG,
    )
    .await;
    let head = |lines: usize, length: usize| {
        let lines: String = (0..lines)
            .map(|n| format!("x-{n}: {}\r\n", "y".repeat(length)))
            .collect();
        format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n").into_bytes()
    };
    for (lines, length, status, why) in [
        (50, 1000, "200", "a fat but harmless head"),
        (120, 1, "431", "too many lines"),
        (1, 200_000, "431", "too many bytes"),
    ] {
        let answer = server.exchange(&head(lines, length)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{why}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = Server::start(
        Router::new().route("/", get(|| async { "fine" })),
        None,
        LONG,
    )
    .await;
    let request =
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answers = server.exchange(request).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

/// A self-signed certificate for `localhost`, and a client that trusts only it.
fn identity() -> (TlsPem, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let pem = TlsPem {
        cert_chain: made.cert.pem(),
        private_key: Secret(made.signing_key.serialize_pem()),
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut client = promfetch_core::tls::client_config(roots, false, None);
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (pem, TlsConnector::from(Arc::new(client)))
}

#[tokio::test]
async fn the_certificate_is_exchanged_while_serving() {
    let ((first, trusts_first), (second, trusts_second)) = (identity(), identity());
    let tls = Tls::new(&first, None).unwrap();
    let server = Server::start(Router::new(), Some(tls.clone()), LONG).await;
    let shakes_hands = async |client: &TlsConnector| {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = client.connect(name, server.connect().await).await.ok()?;
        Some(stream.get_ref().1.alpn_protocol() == Some(b"h2"))
    };
    assert_eq!(
        shakes_hands(&trusts_first).await,
        Some(true),
        "HTTP/2 is offered"
    );
    assert_eq!(shakes_hands(&trusts_second).await, None);

    tls.exchange(&second).unwrap();
    assert_eq!(shakes_hands(&trusts_first).await, None);
    assert_eq!(shakes_hands(&trusts_second).await, Some(true));

    let mixed = TlsPem {
        cert_chain: first.cert_chain,
        ..second
    };
    assert!(
        tls.exchange(&mixed).is_err(),
        "the key of another certificate"
    );
    assert_eq!(
        shakes_hands(&trusts_second).await,
        Some(true),
        "the good one is kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_limit() {
    let (pem, _) = identity();
    let server = Server::start(Router::new(), Some(Tls::new(&pem, None).unwrap()), LONG).await;
    assert_eq!(server.exchange(b"").await, "");
}
