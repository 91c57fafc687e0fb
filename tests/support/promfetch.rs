//! The binary under test, as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use serde_json::Value;
use tempfile::TempDir;

use crate::check;
use crate::http::{self, Response};
use crate::process::{Finished, Process, run};
use crate::samples::Page;
use crate::wait::eventually;

/// A running `promfetch serve` or `promfetch demo`.
#[derive(Debug)]
pub struct Promfetch {
    process: Process,
    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub api: String,
    pub health: String,
    tls: Option<Arc<ClientConfig>>,
    /// Holds the configuration file.
    pub folder: TempDir,
}

impl Promfetch {
    /// `serve` with this configuration, as soon as it is ready.
    pub async fn start(config: &Value) -> Self {
        let promfetch = Self::start_unready(&config.to_string()).await;
        promfetch.wait_ready().await;
        promfetch
    }

    /// `serve` with the text of a configuration file, as soon as its ports are open.
    pub async fn start_unready(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("promfetch.yml");
        std::fs::write(&file, config).expect("a temporary file");
        Self::launch(&["serve", "-c", &file.display().to_string()], folder).await
    }

    /// `demo`, as soon as it is ready.
    pub async fn demo() -> Self {
        let promfetch =
            Self::launch(&["demo"], tempfile::tempdir().expect("a temporary folder")).await;
        promfetch.wait_ready().await;
        promfetch
    }

    async fn launch(arguments: &[&str], folder: TempDir) -> Self {
        let arguments = [arguments, &["--port", "0", "--health-port", "0"]].concat();
        let mut process = Process::start(&binary(), &arguments, |command| {
            command
                .current_dir(folder.path())
                .env_clear()
                .env("PATH", "/usr/bin:/bin");
        });
        let api = process.printed("`api: …`", |log| line(log, "api: ")).await;
        let health = process
            .printed("`health: …`", |log| line(log, "health: "))
            .await;
        Self {
            process,
            api,
            health,
            tls: None,
            folder,
        }
    }

    /// Uses this configuration for HTTPS.
    pub fn trust(&mut self, tls: ClientConfig) {
        self.tls = Some(Arc::new(tls));
    }

    /// Waits until the health port answers 200.
    pub async fn wait_ready(&self) {
        eventually("promfetch is ready", async || {
            self.is_healthy().await.then_some(())
        })
        .await;
    }

    /// Whether the health port answers 200.
    pub async fn is_healthy(&self) -> bool {
        http::try_get(&format!("{}/health", self.health), &[])
            .await
            .is_ok_and(|answer| answer.status == 200)
    }

    /// `GET path` on the API. A page in it is checked by the judge of its format.
    pub async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    /// The same with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let answer = self
            .try_get_with(path, headers)
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.log()));
        if is_page(&answer) {
            check::page(&answer).await;
        }
        answer
    }

    /// The same, for moments when nothing may listen; nothing is checked.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn try_get_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> std::io::Result<Response> {
        http::request(
            "GET",
            &format!("{}{path}", self.api),
            headers,
            self.tls.clone(),
        )
        .await
    }

    /// Any method; nothing is checked.
    ///
    /// # Panics
    /// When there is no complete answer.
    pub async fn request(&self, method: &str, path: &str) -> Response {
        http::request(
            method,
            &format!("{}{path}", self.api),
            &[],
            self.tls.clone(),
        )
        .await
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The text page at this path.
    ///
    /// # Panics
    /// When the answer is not 200 with a valid page.
    pub async fn page(&self, path: &str) -> Page {
        self.page_with(path, &[]).await
    }

    /// The same with headers.
    ///
    /// # Panics
    /// When the answer is not 200 with a valid page.
    pub async fn page_with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        let answer = self.get_with(path, headers).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        assert!(
            is_page(&answer),
            "GET {path} answers {:?}",
            answer.header("content-type")
        );
        Page::read(answer.text())
    }

    /// The JSON at this path.
    ///
    /// # Panics
    /// When the answer is not 200 with JSON.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json"),
            "{:?}",
            answer.headers
        );
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|error| panic!("GET {path}: {error}: {}", answer.text()))
    }

    /// Where the API listens.
    ///
    /// # Panics
    /// When it printed no address.
    pub fn address(&self) -> SocketAddr {
        let (_, address) = self.api.split_once("://").expect("a URL");
        address.parse().expect("an address")
    }

    /// Everything printed and logged so far. What has just been logged may still be on its way: ask
    /// [`logged`](Self::logged) for it.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until this was logged, and gives everything up to then.
    ///
    /// # Panics
    /// When it is not within the limit.
    pub async fn logged(&self, text: &str) -> String {
        eventually(&format!("`{text}` was logged"), async || {
            Some(self.log()).filter(|log| log.contains(text))
        })
        .await
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Waits until the process ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }
}

/// Whether the answer claims to be a metrics page (other plain texts are error messages).
fn is_page(answer: &Response) -> bool {
    let kind = answer.header("content-type");
    answer.status == 200
        && answer.header("content-encoding").is_empty()
        && (kind.starts_with("text/plain; version=")
            || kind.starts_with("application/openmetrics-text"))
}

fn line(log: &str, start: &str) -> Option<String> {
    // Only whole lines: the rest of the port may not be there yet.
    let line = log
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .find_map(|line| line.trim().strip_prefix(start))?;
    Some(line.trim().trim_end_matches('/').to_owned())
}

/// Runs a sub-command to its end.
pub async fn command(arguments: &[&str]) -> Finished {
    run(&binary(), arguments, |_| ()).await
}

/// Writes the configuration into a folder of its own and gives its path.
///
/// # Panics
/// When no file can be written.
pub fn config_file(config: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("promfetch.yml");
    std::fs::write(&file, config).expect("a temporary file");
    let path = file.display().to_string();
    (folder, path)
}

/// The program to test: `PROMFETCH_BIN`, or what cargo built beside this test.
///
/// # Panics
/// When it is missing or older than its sources: it is another package's binary, so cargo does not build it for a test.
pub fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY
        .get_or_init(|| {
            if let Some(path) = std::env::var_os("PROMFETCH_BIN") {
                return path.into();
            }
            let test = std::env::current_exe().expect("the test has a path");
            // target/debug/deps/it-0123 → target/debug/promfetch
            let path = test
                .ancestors()
                .nth(2)
                .expect("cargo puts tests into target/*/deps")
                .join("promfetch");
            assert!(
                path.is_file(),
                "{} is missing: run `make build`",
                path.display()
            );
            if let Some(source) = newer_source(&path) {
                panic!(
                    "{} is newer than {}: run `make build`",
                    source.display(),
                    path.display()
                );
            }
            path
        })
        .clone()
}

/// A source of the binary or library that was changed after it was built, by the list that cargo writes beside it.
pub(crate) fn newer_source(binary: &Path) -> Option<PathBuf> {
    let built = binary
        .metadata()
        .and_then(|metadata| metadata.modified())
        .ok()?;
    let list = std::fs::read_to_string(binary.with_extension("d")).ok()?;
    let (_, sources) = list.split_once(": ")?;
    sources
        .split_whitespace()
        .map(PathBuf::from)
        .find(|source| {
            source
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|changed| changed > built)
        })
}
