//! Weave Scope, as far as its plugins see it: a probe with the rules of the real one, and plugins that behave as told.

mod plugin;
mod probe;

use std::path::{Path, PathBuf};

use ::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::time::timeout;

pub use self::plugin::{Plugin, Reply};
pub use self::probe::Probe;
use crate::http::{self, Response};
use crate::process::Process;
use crate::tools;
use crate::wait::{LIMIT, eventually};

/// A running `promfetch-scope`.
#[derive(Debug)]
pub struct Scope {
    pub process: Process,
    _folder: TempDir,
}

impl Scope {
    /// Runs a command with these settings, until it has printed what it does.
    pub async fn start(command: &str, settings: &Value) -> Self {
        let mut scope = Self::launch(command, settings);
        scope
            .process
            .printed("that it is there", |log| {
                (log.contains("reports to Scope") || log.contains("offers metrics")).then_some(())
            })
            .await;
        scope
    }

    /// Runs a command, whatever becomes of it.
    ///
    /// # Panics
    /// When no file can be written.
    pub fn launch(command: &str, settings: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("scope.yml");
        std::fs::write(&file, settings.to_string()).expect("a temporary file");
        let config = file.display().to_string();
        let arguments = ["--log", "debug", "-c", &config, command];
        let process = Process::start(&tools::program("promfetch-scope"), &arguments, |command| {
            command.env_clear();
        });
        Self {
            process,
            _folder: folder,
        }
    }

    /// Ends it as a service manager would; gives its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.process.signal("TERM");
        self.process.ended().await.code()
    }

    /// Waits until this is in its log.
    pub async fn logged(&self, text: &str) {
        eventually(&format!("`{text}` was logged"), async || {
            self.process.log().contains(text).then_some(())
        })
        .await;
    }
}

/// One request on a Unix socket, on a connection of its own.
///
/// # Errors
/// When there is no complete answer.
pub async fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> std::io::Result<Response> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Full::new(body))
        .map_err(std::io::Error::other)?;
    let exchange = async { http::exchange(UnixStream::connect(socket).await?, request).await };
    timeout(LIMIT, exchange)
        .await
        .map_err(|_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no complete answer"))?
}

/// A report with one metric of one host, as plugins of others send it.
pub fn report(id: &str, metric: &str, value: f64) -> Value {
    json!({
        "ID": "7",
        "Host": {
            "nodes": {
                "h;<host>": {
                    "metrics": {metric: {
                        "samples": [{"date": "2024-01-01T00:00:00.5Z", "value": value}],
                        "min": 0,
                        "max": 100,
                    }},
                },
            },
            "metric_templates": {
                metric: {"id": metric, "label": "A metric", "format": "percent", "priority": 0.1},
            },
        },
        "Plugins": [{
            "id": id,
            "label": id,
            "description": "of a test",
            "interfaces": ["reporter"],
            "api_version": "1",
        }],
    })
}

/// The socket of the plugin with this id in a folder.
pub fn socket(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.sock"))
}
