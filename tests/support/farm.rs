//! Thousands of app instances behind one listener, for benchmarks: each has a loopback address of its own, all share
//! a port. They are as cheap as they can be, so that what is measured is promfetch.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::certs::Authority;

/// The instances. Dropping it stops accepting; connections end with the runtime.
#[derive(Debug)]
pub struct Farm {
    port: u16,
    /// Second byte of the addresses.
    network: u8,
    handshakes: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

/// What all instances have in common.
#[derive(Clone, Debug, Default)]
pub struct Crop {
    /// The page of each instance, taken in turn.
    pub pages: Vec<Bytes>,
    /// Time that each answer takes.
    pub delay: Duration,
    /// This instance never answers.
    pub hangs: Option<usize>,
}

impl Farm {
    /// Plain HTTP on `127.NETWORK.*.*`.
    pub async fn plain(network: u8, crop: Crop) -> Self {
        Self::start(network, crop, None).await
    }

    /// Mutual TLS: each instance has a certificate for its GUID, found by the server name that the client asks for.
    ///
    /// # Panics
    /// When a certificate cannot be made.
    pub async fn mutual_tls(
        network: u8,
        crop: Crop,
        authority: &Authority,
        guids: &[String],
    ) -> Self {
        let mut config = authority.server(&authority.issue(&["nobody"]), true);
        let keys = guids
            .iter()
            .map(|guid| {
                (
                    guid.clone(),
                    Arc::new(authority.issue_instance(guid, "").certified_key()),
                )
            })
            .collect();
        config.cert_resolver = Arc::new(ByName(keys));
        Self::start(network, crop, Some(Arc::new(config))).await
    }

    async fn start(network: u8, crop: Crop, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))
            .await
            .expect("a port is free");
        let port = listener
            .local_addr()
            .expect("a bound listener has an address")
            .port();
        let handshakes = Arc::new(AtomicU64::new(0));
        let listening = tokio::spawn(listen(
            listener,
            Arc::new(crop),
            tls,
            Arc::clone(&handshakes),
        ));
        Self {
            port,
            network,
            handshakes,
            listening,
        }
    }

    /// Where instance `number` is reached.
    pub fn address(&self, number: usize) -> SocketAddr {
        let (high, low) = ((number / 250) as u8, (number % 250) as u8 + 1);
        SocketAddr::new(
            IpAddr::V4(Ipv4Addr::new(127, self.network, high, low)),
            self.port,
        )
    }

    /// Connections accepted so far.
    pub fn handshakes(&self) -> u64 {
        self.handshakes.load(Ordering::Relaxed)
    }
}

impl Drop for Farm {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Certificates by server name.
struct ByName(HashMap<String, Arc<CertifiedKey>>);

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByName({})", self.0.len())
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.get(hello.server_name()?).cloned()
    }
}

async fn listen(
    listener: TcpListener,
    crop: Arc<Crop>,
    tls: Option<Arc<ServerConfig>>,
    handshakes: Arc<AtomicU64>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: others may be closed in a moment.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        handshakes.fetch_add(1, Ordering::Relaxed);
        let (crop, tls) = (Arc::clone(&crop), tls.clone());
        tokio::spawn(async move {
            let Ok(local) = stream.local_addr() else {
                return;
            };
            let _ = stream.set_nodelay(true);
            let IpAddr::V4(ip) = local.ip() else { return };
            let [_, _, high, low] = ip.octets();
            let number = usize::from(high) * 250 + usize::from(low.saturating_sub(1));
            match tls {
                None => serve(stream, number, crop).await,
                Some(tls) => {
                    if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                        serve(stream, number, crop).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, number: usize, crop: Arc<Crop>) {
    let service = service_fn(|_: Request<Incoming>| {
        let crop = Arc::clone(&crop);
        async move {
            if crop.hangs == Some(number) {
                std::future::pending::<()>().await;
            }
            if !crop.delay.is_zero() {
                sleep(crop.delay).await;
            }
            let page = crop.pages[number % crop.pages.len()].clone();
            let response = Response::builder()
                .header("content-type", "text/plain; version=0.0.4; charset=utf-8")
                .body(Full::new(page));
            Ok::<_, Infallible>(response.expect("a valid answer"))
        }
    });
    // A client that goes away is none of the instance's business.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A page of about this many bytes, as a Java service would have it: histograms with long label values.
pub fn page(bytes: usize, seed: usize) -> Bytes {
    let mut page = String::with_capacity(bytes + 512);
    let mut number = seed;
    'page: for family in 0.. {
        let name = format!("http_server_requests_{family}_seconds");
        page.push_str(&format!(
            "# HELP {name} Duration of HTTP server request handling\n# TYPE {name} histogram\n"
        ));
        for uri in 0..50 {
            for bound in ["0.001", "0.01", "0.1", "1.0", "10.0", "+Inf"] {
                number = number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                page.push_str(&format!(
                    "{name}_bucket{{application=\"shop\",exception=\"None\",method=\"GET\",outcome=\"SUCCESS\",status=\"200\",uri=\"/api/v1/customers/{{id}}/orders/{uri}\",le=\"{bound}\"}} {}\n",
                    number % 100_000
                ));
            }
            page.push_str(&format!(
                "{name}_sum{{uri=\"{uri}\"}} {}.25\n{name}_count{{uri=\"{uri}\"}} {}\n",
                number % 1_000,
                number % 100_000
            ));
            if page.len() >= bytes {
                break 'page;
            }
        }
    }
    page.into()
}
