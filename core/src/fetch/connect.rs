//! A new connection to an instance: resolve, check the address, TCP, TLS, HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{classify, socket};
use crate::calls::{Call, Calls};
use crate::failure::{Failure, Reason};
use crate::instance::Address;
use crate::policy::AddressPolicy;
use crate::tls::Profile;

/// Longest TLS handshake, as gorouter has it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Largest read buffer of an HTTP/1.1 connection, and so the largest header of an answer. The default of hyper
/// (about 400 KiB) is too much to keep for each of thousands of idle connections.
const READ_BUFFER: usize = 64 << 10;
/// Header lines of one answer. hyper's own limit of 100 is below what frameworks with many security headers send.
const MAX_HEADERS: usize = 256;

/// Streams' receive window of HTTP/2: what one instance may send before it is read.
const WINDOW: u32 = 1 << 20;

/// What tells two connections apart: they are only shared between requests for an equal endpoint.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) address: Address,
    /// The file behind the address, when it is a Unix socket.
    pub(super) file: Option<socket::File>,
    pub(super) tls: Option<(Arc<Profile>, ServerName<'static>)>,
    pub(super) http2: bool,
    /// Dialled without asking the address policy. Part of the identity: a connection that the operator's own
    /// configuration opened is not lent to whoever registers the same address on NATS.
    pub(super) trusted: bool,
}

impl Endpoint {
    fn identity(&self) -> (&Address, Option<socket::File>, Tls<'_>, bool, bool) {
        (
            &self.address,
            self.file,
            self.tls
                .as_ref()
                .map(|(profile, name)| (profile.generation(), name)),
            self.http2,
            self.trusted,
        )
    }
}

/// With what certificate, and whose is expected.
type Tls<'a> = Option<(u64, &'a ServerName<'static>)>;

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Endpoint {}

impl std::hash::Hash for Endpoint {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

/// The body of all requests: none.
pub(super) type NoBody = Empty<Bytes>;

/// Where requests go into a connection.
#[derive(Debug)]
pub(super) enum Sender {
    Http1(http1::SendRequest<NoBody>),
    Http2(http2::SendRequest<NoBody>),
}

/// The other half: a future that does the connection's work until it ends.
pub(super) type Driver = std::pin::Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) failure: Failure,
    /// This process has no descriptor left: closing idle connections may cure that.
    pub(super) is_local: bool,
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_local: false,
        }
    }
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    policy: AddressPolicy,
    connect_timeout: Duration,
    connects: Call,
    handshakes: Call,
}

impl Connector {
    pub(super) fn new(policy: AddressPolicy, connect_timeout: Duration, calls: &Calls) -> Self {
        Self {
            policy,
            connect_timeout,
            connects: calls.call("fetch", "connect"),
            handshakes: calls.call("fetch", "tls_handshake"),
        }
    }

    /// Connects to the endpoint. The protocol is HTTP/2 when asked for and, under TLS, agreed on.
    ///
    /// # Errors
    /// `skipped` when the policy refuses all addresses or this process is out of descriptors, `refused`, `gone` or `tls`.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> Result<(Sender, Driver), Fault> {
        let (host, port) = match &endpoint.address {
            Address::Unix(path) => {
                let stream = self.within_limit(socket::dial(path)).await?;
                return Ok(http(stream, endpoint.http2).await?);
            }
            Address::Tcp { host, port } => (host, *port),
        };
        let stream = self
            .within_limit(self.dial(host, port, endpoint.trusted))
            .await?;
        // Requests are one small packet: waiting to fill it only costs time. A socket that refuses still works.
        let _ = stream.set_nodelay(true);
        let Some((profile, name)) = &endpoint.tls else {
            return Ok(http(stream, endpoint.http2).await?);
        };
        let stream = {
            let _call = self.handshakes.start();
            let handshake =
                TlsConnector::from(profile.config(endpoint.http2)).connect(name.clone(), stream);
            match timeout(HANDSHAKE_TIMEOUT, handshake).await {
                Ok(stream) => stream.map_err(|error| classify::handshake(&error))?,
                Err(_) => {
                    return Err(Failure::new(
                        Reason::Tls,
                        format!("no TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs()),
                    )
                    .into());
                }
            }
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(http(stream, http2).await?)
    }

    /// The stream, unless connecting takes too long.
    async fn within_limit<S>(
        &self,
        dialled: impl Future<Output = Result<S, Fault>>,
    ) -> Result<S, Fault> {
        let _call = self.connects.start();
        let limit = self.connect_timeout;
        timeout(limit, dialled).await.unwrap_or_else(|_| {
            let detail = format!(
                "no connection within {} s: unreachable",
                limit.as_secs_f64()
            );
            Err(Failure::new(Reason::Refused, detail).into())
        })
    }

    /// TCP to the first address of the host that is allowed and answers.
    async fn dial(&self, host: &str, port: u16, is_trusted: bool) -> Result<TcpStream, Fault> {
        let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|error| {
                    Failure::new(
                        Reason::Refused,
                        format!("the name `{host}` cannot be resolved: {error}"),
                    )
                })?
                .collect(),
        };
        let mut fault = Fault::from(Failure::new(
            Reason::Refused,
            format!("the name `{host}` has no address"),
        ));
        for address in addresses {
            if !is_trusted && !self.policy.allows(address.ip()) {
                fault = denied(address.ip()).into();
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    fault = Fault {
                        failure: classify::connect(&error),
                        is_local: classify::is_local(&error),
                    }
                }
            }
        }
        Err(fault)
    }
}

fn denied(address: IpAddr) -> Failure {
    let detail = format!(
        "the address {address} may not be dialled: it is in `targets_deny`, or special and not in `targets_allow`"
    );
    Failure::new(Reason::Skipped, detail)
}

/// HTTP over a stream that is ready for it.
async fn http<S>(stream: S, http2: bool) -> Result<(Sender, Driver), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| classify::request(&error, None);
    let stream = TokioIo::new(stream);
    if http2 {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(4 * WINDOW)
            .max_header_list_size(READ_BUFFER as u32)
            .handshake(stream)
            .await
            .map_err(broken)?;
        return Ok((Sender::Http2(sender), Box::pin(connection)));
    }
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(READ_BUFFER)
        .max_headers(MAX_HEADERS)
        .handshake(stream)
        .await
        .map_err(broken)?;
    Ok((Sender::Http1(sender), Box::pin(connection)))
}
