//! `promfetch-nomad-apm host` runs plugins that are written with the library that all others use.

// Queries, and what becomes of their answers.
mod answers;
// Plugins that do not come up, beside some that do.
mod starts;
// Plugins that end, and hosts that do.
mod ends;

use std::path::{Path, PathBuf};
use std::process::Command;

use promfetch_tests::process::{Finished, Process, run};
use promfetch_tests::{Page, check, eventually, promfetch, tools};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// The name of the plugin's file, and so its own.
const DRIVER: &str = "noop-apm";

/// A host with a folder of plugins, where it also keeps its sockets.
struct Host {
    process: Process,
    folder: Folder,
}

/// A folder with the plugin, and with room for what tests leave there.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let plugin = tools::folder().join("bin/nomad-apm-plugin");
        assert!(
            plugin.is_file(),
            "{} is missing: run `make tools`",
            plugin.display()
        );
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        std::fs::create_dir(folder.path("temporary")).expect("a folder");
        std::os::unix::fs::symlink(plugin, folder.path(DRIVER)).expect("a link");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The configuration file with these keys, over what all tests need.
    fn configure(&self, keys: &Value) -> PathBuf {
        let mut config = json!({
            "plugin_dir": self.0.path(),
            "socket": self.path("apm.sock"),
            "tick": "200ms",
            "timeout": "20s",
            "restart_after": "100ms",
            "logging": {"level": "debug"},
        });
        let into = config.as_object_mut().expect("an object");
        into.extend(keys.as_object().expect("an object").clone());
        let file = self.path("host.yml");
        std::fs::write(&file, config.to_string()).expect("a temporary file");
        file
    }

    /// What is left of sockets and their folders.
    fn left(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path("temporary")).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }

    /// The processes that plugins started with `-pids` have told of.
    fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.path("pids")).unwrap_or_default();
        text.lines()
            .map(|line| line.parse().expect("a number"))
            .collect()
    }

    async fn all_gone(&self) {
        eventually("all processes are gone", async || {
            self.pids().into_iter().all(is_gone).then_some(())
        })
        .await;
    }
}

impl Host {
    async fn start(keys: Value) -> Self {
        Self::start_in(Folder::new(), keys).await
    }

    /// Runs as soon as it listens.
    async fn start_in(folder: Folder, keys: Value) -> Self {
        let file = folder.configure(&keys);
        let mut process = Process::start(
            &program(),
            &["host", "-c", &file.display().to_string()],
            |command| {
                environment(command, &folder);
            },
        );
        process
            .printed("where it listens", |log| {
                log.contains("listening on").then_some(())
            })
            .await;
        Self { process, folder }
    }

    async fn page(&self) -> Page {
        let (head, body) = get(&self.folder.path("apm.sock"), "/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        check::text(body.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{body}"));
        Page::read(&body)
    }

    /// Waits until the page is as wished, and gives it.
    async fn until(&self, what: &str, is_so: impl Fn(&Page) -> bool) -> Page {
        eventually(&format!("{what}\n{}", self.process.log()), async || {
            Some(self.page().await).filter(|page| is_so(page))
        })
        .await
    }

    /// Waits until this was logged.
    async fn logged(&self, text: &str) {
        eventually(&format!("`{text}` is logged"), async || {
            self.process.log().contains(text).then_some(())
        })
        .await;
    }
}

/// Whether the query has been answered well.
fn is_up(page: &Page, query: &str) -> bool {
    page.value("apm_query_up", &[("query", query)]) == 1.0
}

fn restarts(page: &Page, plugin: &str) -> f64 {
    page.value("apm_plugin_restarts_total", &[("plugin", plugin)])
}

/// `GET path` over a Unix socket: head and body.
async fn get(socket: &Path, path: &str) -> (String, String) {
    let mut stream = UnixStream::connect(socket).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Runs `host` with these arguments to its end.
async fn command(folder: &Folder, arguments: &[&str]) -> Finished {
    let arguments = [&["host"], arguments].concat();
    run(&program(), &arguments, |command| {
        environment(command, folder)
    })
    .await
}

fn environment(command: &mut Command, folder: &Folder) {
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", folder.path("temporary"))
        .env("MY_PROXY", "seen")
        .env("PROMFETCH_SECRET", "unseen")
        .env("PLUGIN_CLIENT_CERT", "unseen");
}

/// The program, as cargo built it beside promfetch.
fn program() -> PathBuf {
    let program = promfetch::binary().with_file_name("promfetch-nomad-apm");
    assert!(
        program.is_file(),
        "{} is missing: run `make build`",
        program.display()
    );
    program
}

/// Whether a process has ended; its parent may not have asked for its end.
fn is_gone(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}
