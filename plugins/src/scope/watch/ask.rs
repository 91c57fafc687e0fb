//! One question to a plugin, within the bounds of Scope's probe.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::report::{self, API_VERSION, Samples};

/// For the whole exchange: connection, answer, body.
const PATIENCE: Duration = Duration::from_millis(500);
/// Largest answer of a plugin, as it comes and without compression.
const MAX_BODY: usize = 50 << 20;
/// Most bytes of all answers that are on their way.
const MAX_ALL: usize = 256 << 20;
/// Answers that are taken apart at a time: their memory is a multiple of their size.
const AT_ONCE: usize = 2;

/// Asks plugins, always under the same id of a probe.
#[derive(Debug)]
pub(super) struct Asker {
    probe: String,
}

/// Questions that are asked at the same time.
#[derive(Debug)]
pub(super) struct Round<'a> {
    probe: &'a str,
    on_the_way: Arc<AtomicUsize>,
    readers: Arc<Semaphore>,
}

impl Asker {
    pub(super) fn new() -> Self {
        use std::hash::{BuildHasher, Hasher, RandomState};
        // The standard library's hashes have random keys.
        let random = RandomState::new().build_hasher().finish();
        Self {
            probe: format!("{random:016x}"),
        }
    }

    pub(super) fn round(&self) -> Round<'_> {
        Round {
            probe: &self.probe,
            on_the_way: Arc::default(),
            readers: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Round<'_> {
    /// The samples of the plugin with this id, or what is wrong with it.
    pub(super) async fn ask(&self, id: &str, socket: &Path) -> Result<Samples, String> {
        let exchange = self.exchange(socket);
        let answer = timeout(PATIENCE, exchange)
            .await
            .map_err(|_| format!("no answer within {PATIENCE:?}"))??;
        let _permit = self.readers.acquire().await;
        let id = id.to_owned();
        let size = answer.body.len();
        let samples = tokio::task::spawn_blocking(move || {
            let body = answer.plain()?;
            report::read(&id, &body)
        });
        let samples = samples
            .await
            .map_err(|error| format!("the report was not read: {error}"));
        self.on_the_way.fetch_sub(size, Ordering::Relaxed);
        samples?
    }

    async fn exchange(&self, socket: &Path) -> Result<Answer, String> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|error| error.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let request = Request::get(format!(
            "/report?api_version={API_VERSION}&probe_id={}",
            self.probe
        ))
        .header(HOST, "plugin")
        .header(
            USER_AGENT,
            concat!("promfetch-scope/", env!("CARGO_PKG_VERSION")),
        )
        .header(ACCEPT_ENCODING, "gzip")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| error.to_string())?;
            if response.status() != StatusCode::OK {
                return Err(format!(
                    "plugin returned non-200 status code: {}",
                    response.status()
                ));
            }
            let is_gzip = response
                .headers()
                .get(CONTENT_ENCODING)
                .is_some_and(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"gzip"));
            let body = self.body(response.into_body()).await?;
            Ok(Answer { body, is_gzip })
        };
        tokio::pin!(connection, answer);
        // Both here and not in a task: what is given up is closed.
        tokio::select! {
            answer = &mut answer => answer,
            ended = &mut connection => {
                ended.map_err(|error| error.to_string())?;
                answer.await
            }
        }
    }

    /// The body, counted among all that are on their way. What is given up counts to the end of the round.
    async fn body(&self, mut body: Incoming) -> Result<Bytes, String> {
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            let before = self.on_the_way.fetch_add(piece.len(), Ordering::Relaxed);
            if all.len() + piece.len() > MAX_BODY {
                return Err("response must be shorter than 50MB".into());
            }
            if before + piece.len() > MAX_ALL {
                return Err(format!(
                    "all plugins together answer with more than {MAX_ALL} bytes"
                ));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

struct Answer {
    body: Bytes,
    is_gzip: bool,
}

impl Answer {
    fn plain(self) -> Result<Bytes, String> {
        if !self.is_gzip {
            return Ok(self.body);
        }
        let mut plain = Vec::new();
        MultiGzDecoder::new(&*self.body)
            .take(MAX_BODY as u64 + 1)
            .read_to_end(&mut plain)
            .map_err(|error| format!("decoding error: {error}"))?;
        if plain.len() > MAX_BODY {
            return Err("response must be shorter than 50MB".into());
        }
        Ok(plain.into())
    }
}
