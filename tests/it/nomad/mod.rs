//! The APM plugin of Nomad's autoscaler, driven by the library that the agent uses.

// What host and plugin say before the first query, and wrong hosts.
mod handshake;
// What queries answer, and what they refuse.
mod queries;
// Instances, apps and promfetch itself come and go while queries go on.
mod changes;
// Ends: asked for, forced, and by accident.
mod ends;

use std::collections::BTreeMap;
use std::path::PathBuf;

use promfetch_tests::process::Process;
use promfetch_tests::{Promfetch, eventually, http, tools};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The plugin's own name, and its file's.
const NAME: &str = "promfetch-nomad-apm";

/// The plugin, as cargo built it beside this test.
///
/// # Panics
/// When it is missing: it is another package's program, so cargo does not build it for a test.
fn plugin() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    // target/debug/deps/it-0123 → target/debug/promfetch-nomad-apm
    let folder = test
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into target/*/deps");
    let plugin = folder.join(NAME);
    assert!(
        plugin.is_file(),
        "{} is missing: run `make build`",
        plugin.display()
    );
    plugin
}

/// An agent with one plugin: `tests/go-plugin/host`.
struct Host {
    process: Process,
    api: String,
    /// Where the plugin puts its socket.
    folder: TempDir,
}

/// What a step came to.
#[derive(Debug)]
struct Answer(Value);

/// The samples of a series, by time in milliseconds.
type Samples = Vec<(f64, f64)>;

impl Host {
    async fn new() -> Self {
        let program = tools::folder().join("bin/nomad-apm-host");
        assert!(
            program.is_file(),
            "{} is missing: run `make tools`",
            program.display()
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut process = Process::start(&program, &[] as &[&str], |command| {
            command
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("TMPDIR", folder.path());
        });
        let api = process
            .printed("`api: …`", |log| {
                let (line, _) = log.split_once('\n')?;
                Some(line.strip_prefix("api: ")?.to_owned())
            })
            .await;
        Self {
            process,
            api,
            folder,
        }
    }

    /// With the plugin started.
    async fn start() -> Self {
        let host = Self::new().await;
        host.start_plugin(json!({})).await.good();
        host
    }

    /// With the plugin configured to ask this promfetch, at short steps.
    async fn of(promfetch: &Promfetch, config: Value) -> Self {
        let host = Self::start().await;
        host.configure(promfetch, config).await.good();
        host
    }

    /// Starts the plugin; `question` says how, if not as the agent does.
    async fn start_plugin(&self, mut question: Value) -> Answer {
        let fields = question.as_object_mut().expect("an object");
        fields
            .entry("path")
            .or_insert_with(|| plugin().display().to_string().into());
        fields
            .entry("args")
            .or_insert_with(|| json!(["--log-level", "debug"]));
        self.ask("start", question).await
    }

    async fn configure(&self, promfetch: &Promfetch, mut config: Value) -> Answer {
        let keys = config.as_object_mut().expect("an object");
        keys.entry("endpoint")
            .or_insert_with(|| promfetch.api.clone().into());
        keys.entry("step").or_insert_with(|| "200ms".into());
        self.ask("config", config).await
    }

    async fn ask(&self, step: &str, question: Value) -> Answer {
        let url = format!("{}/{step}", self.api);
        let body = question.to_string().into();
        let answer = http::send("POST", &url, &[], body, None)
            .await
            .unwrap_or_else(|error| panic!("{step}: {error}\n{}", self.process.log()));
        assert_eq!(answer.status, 200, "{step}: {}", answer.text());
        Answer(serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// Query over the last so many milliseconds: `Ok` has the samples.
    async fn query(&self, query: &str, window: u64) -> Result<Samples, String> {
        let question = json!({"query": query, "window": window});
        let mut series = self.ask("query", question).await.series()?;
        assert_eq!(series.len(), 1);
        Ok(series.remove(0))
    }

    /// QueryMultiple.
    async fn multiple(&self, query: &str, window: u64) -> Result<Vec<Samples>, String> {
        let question = json!({"query": query, "window": window});
        self.ask("multiple", question).await.series()
    }

    /// Waits until the last sample of the query is this.
    async fn until(&self, query: &str, value: f64) {
        eventually(&format!("{query} is {value}"), async || {
            let samples = self.query(query, 0).await.ok()?;
            (samples.last()?.1 == value).then_some(())
        })
        .await;
    }

    /// The messages of this module of the host's log, with their levels. Text that is no JSON is of a module below the host.
    async fn logged(&self, module: &str) -> Vec<(String, String)> {
        let state = self.ask("state", json!({})).await;
        let lines = state.0["log"].as_array().expect("a log").iter();
        lines
            .filter(|line| {
                line["@module"]
                    .as_str()
                    .is_some_and(|of| of.ends_with(module))
            })
            .map(|line| {
                // All fields, as messages have their values there.
                let fields: BTreeMap<_, _> = line.as_object().expect("an object").iter().collect();
                let level = line["@level"].as_str().expect("a level").to_owned();
                (level, format!("{fields:?}"))
            })
            .collect()
    }

    /// Waits until the plugin has logged this at this level.
    async fn has_logged(&self, level: &str, text: &str) {
        eventually(&format!("`{text}` is logged at {level}"), async || {
            let log = self.logged(NAME).await;
            log.iter()
                .any(|(of, line)| of == level && line.contains(text))
                .then_some(())
        })
        .await;
    }

    /// What the plugin has left in the folder for its socket.
    fn left(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

impl Answer {
    /// # Panics
    /// When the step failed.
    fn good(self) -> Value {
        assert!(self.0["error"].is_null(), "{}", self.0);
        self.0
    }

    /// # Panics
    /// When the step did not fail.
    fn error(&self) -> String {
        let error = self.0["error"].as_str();
        error.unwrap_or_else(|| panic!("{}", self.0)).to_owned()
    }

    fn series(self) -> Result<Vec<Samples>, String> {
        if !self.0["error"].is_null() {
            assert_eq!(self.0["code"], "Unknown", "as errors of Go plugins arrive");
            return Err(self.error());
        }
        Ok(serde_json::from_value(self.0["series"].clone()).expect("series"))
    }
}

/// A selector of an app of `acme/prod`.
fn of_app(name: &str, app: &str) -> String {
    format!("{name}{{organization_name=\"acme\",space_name=\"prod\",app_name=\"{app}\"}}")
}
