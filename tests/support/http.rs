//! A small HTTP client: one request on one connection, nothing added, nothing followed, nothing decoded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wait::LIMIT;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The value of a header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}

/// `GET url` with these headers.
///
/// # Panics
/// When there is no complete answer within the limit.
pub async fn get(url: &str, headers: &[(&str, &str)]) -> Response {
    try_get(url, headers)
        .await
        .unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// The same, for servers that may be down.
///
/// # Errors
/// When there is no complete answer.
pub async fn try_get(url: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    request("GET", url, headers, None).await
}

/// Any method, and HTTPS when `tls` is given.
///
/// # Errors
/// When there is no complete answer.
pub async fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    tls: Option<Arc<ClientConfig>>,
) -> io::Result<Response> {
    send(method, url, headers, Bytes::new(), tls).await
}

/// The same with a body.
///
/// # Errors
/// When there is no complete answer.
pub async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Bytes,
    tls: Option<Arc<ClientConfig>>,
) -> io::Result<Response> {
    let url: Uri = url.parse().map_err(io::Error::other)?;
    let authority = url
        .authority()
        .ok_or_else(|| io::Error::other("no host"))?
        .clone();
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(method).uri(path);
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        request = request.header("host", authority.as_str());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).map_err(io::Error::other)?;

    let exchange = async {
        let stream =
            TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
        stream.set_nodelay(true)?;
        if url.scheme_str() == Some("https") {
            let config = tls.ok_or_else(|| io::Error::other("https needs a configuration"))?;
            let name =
                ServerName::try_from(authority.host().to_owned()).map_err(io::Error::other)?;
            exchange(
                tokio_rustls::TlsConnector::from(config)
                    .connect(name, stream)
                    .await?,
                request,
            )
            .await
        } else {
            exchange(stream, request).await
        }
    };
    timeout(LIMIT, exchange)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no complete answer"))?
}

pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<Response> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    };
    // Both are polled here and not in a task of their own, so that dropping the future closes the connection.
    tokio::pin!(connection, answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut connection => {
            ended.map_err(io::Error::other)?;
            answer.await
        }
    }
}

/// What came back of one request.
#[derive(Clone, Copy, Debug)]
pub struct Drained {
    pub bytes: usize,
    pub took: Duration,
}

/// Asks once on a new connection and reads to the end without keeping anything.
///
/// # Errors
/// When the answer is not 200 or does not end well.
pub async fn drain(address: SocketAddr, path: &str, header: &str) -> io::Result<Drained> {
    let since = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n{header}\r\n")
                .as_bytes(),
        )
        .await?;
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    let mut good = false;
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        if bytes == 0 {
            good = buffer.starts_with(b"HTTP/1.1 200");
        }
        bytes += read;
    }
    if !good {
        return Err(io::Error::other(format!(
            "not 200: {}",
            String::from_utf8_lossy(&buffer[..bytes.min(200)])
        )));
    }
    Ok(Drained {
        bytes,
        took: since.elapsed(),
    })
}
