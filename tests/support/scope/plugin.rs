//! A plugin that answers as told.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// What a plugin does when it is asked.
#[derive(Clone, Debug)]
pub enum Reply {
    Report(Value),
    /// This text, with these headers.
    Text(Vec<(&'static str, &'static str)>, Bytes),
    Status(u16),
    /// Never.
    Hang,
    /// A body without an end.
    Endless,
}

/// A running plugin. Dropping it closes its socket and takes the file away.
#[derive(Debug)]
pub struct Plugin {
    pub socket: PathBuf,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    reply: Mutex<Reply>,
    /// Paths with queries, and headers, of all requests.
    seen: Mutex<Vec<(String, http::HeaderMap)>>,
}

impl Plugin {
    /// # Panics
    /// When the socket cannot be made.
    pub fn start(socket: &Path, reply: Reply) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket in a folder of the test's own");
        let shared = Arc::new(Shared {
            reply: Mutex::new(reply),
            seen: Mutex::default(),
        });
        Self {
            socket: socket.to_owned(),
            listening: tokio::spawn(listen(listener, Arc::clone(&shared))),
            shared,
        }
    }

    /// From now on it answers this.
    ///
    /// # Panics
    /// Never: nothing panics while the reply is locked.
    pub fn reply(&self, reply: Reply) {
        *self.shared.reply.lock().expect("no panic while locked") = reply;
    }

    /// What it was asked.
    ///
    /// # Panics
    /// Never: nothing panics while the list is locked.
    pub fn seen(&self) -> Vec<(String, http::HeaderMap)> {
        self.shared
            .seen
            .lock()
            .expect("no panic while locked")
            .clone()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.listening.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

async fn listen(listener: UnixListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(&shared, &request).await) }
            });
            let connection = http1::Builder::new();
            // Whoever gives up waiting ends the connection.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    shared: &Shared,
    request: &Request<Incoming>,
) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let seen = (request.uri().to_string(), request.headers().clone());
    shared
        .seen
        .lock()
        .expect("no panic while locked")
        .push(seen);
    let reply = shared.reply.lock().expect("no panic while locked").clone();
    let mut response = Response::builder();
    let body = match reply {
        Reply::Report(report) => Bytes::from(report.to_string()),
        Reply::Text(headers, body) => {
            for (name, value) in headers {
                response = response.header(name, value);
            }
            body
        }
        Reply::Status(status) => {
            response = response.status(status);
            Bytes::new()
        }
        Reply::Hang => std::future::pending().await,
        Reply::Endless => {
            let piece = Bytes::from(vec![b' '; 1 << 20]);
            let pieces = futures_util::stream::repeat(piece);
            let frames = pieces.map(|piece| Ok(Frame::data(piece)));
            let body = UnsyncBoxBody::new(StreamBody::new(frames));
            return response.body(body).expect("nothing is wrong with it");
        }
    };
    response
        .body(UnsyncBoxBody::new(
            Full::new(body).map_err(|never| match never {}),
        ))
        .expect("nothing is wrong with it")
}
