//! `promfetch sd`: targets for Prometheus.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::running::{Running, Server, body, plain, reason};
use super::{ConfigFile, Failure, Outcome, ask, block_on, print, progress};
use crate::api::sd;
use crate::config::Config;

/// How long a running promfetch may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How apps become targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// One target for each app: its merged page.
    Merged,
    /// One for each instance.
    Instances,
}

/// Print apps as targets for Prometheus
///
/// Prints what `/v1/sd` answers: of a running promfetch with `--url`, or else of the sources of the
/// configuration, whose `base_url` is the address that Prometheus scrapes then. With `--output` it
/// is a file for `file_sd_configs`, which is exchanged as a whole.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch sd --url http://127.0.0.1:8085
  promfetch sd --url http://127.0.0.1:8085 --mode instances --org demo --app '~h.*'
  promfetch sd -c /etc/promfetch.yml --org acme --space prod --output /etc/prometheus/apps.json
  promfetch sd --url https://promfetch.example.org --login credentials --space prod | jq '.[].labels'"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    config: ConfigFile,
    /// One target for each app, or one for each instance.
    #[arg(long, value_enum, default_value = "merged")]
    mode: Mode,
    /// Apps of this organization: a name, a GUID, or `~` and a regular expression. May be repeated.
    #[arg(long, value_name = "ORG")]
    org: Vec<String>,
    /// Apps of this space, likewise.
    #[arg(long, value_name = "SPACE")]
    space: Vec<String>,
    /// This app, likewise.
    #[arg(long, value_name = "APP")]
    app: Vec<String>,
    /// Processes of this type instead of the app's usual one.
    #[arg(long, value_name = "TYPE")]
    process_type: Option<String>,
    /// Write to this file instead, whose name ends in `.json`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Longest time to wait for a complete routing table.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = ask::seconds, conflicts_with = "url")]
    wait: Duration,
    /// Also log to stderr.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let config = match &arguments.running.url {
        Some(_) => Config::default(),
        None => arguments.config.load()?.0,
    };
    ask::log(&config, arguments.verbose);
    block_on(async {
        let mut list = match &arguments.running.url {
            Some(url) => of_running(arguments, url).await?,
            None => by_discovery(arguments, &config).await?,
        };
        if !list.ends_with(b"\n") {
            list.push(b'\n');
        }
        match &arguments.output {
            None => Ok(print([list])?),
            Some(file) => exchange(file, &list),
        }
    })
}

/// The query of `/v1/sd`.
fn query(arguments: &Arguments) -> Vec<(&'static str, &str)> {
    let mode = match arguments.mode {
        Mode::Merged => "merged",
        Mode::Instances => "instances",
    };
    let filters = [
        ("org", &arguments.org),
        ("space", &arguments.space),
        ("app", &arguments.app),
    ];
    let filters = filters
        .into_iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value.as_str())));
    let process_type = arguments.process_type.as_deref();
    filters
        .chain(process_type.map(|value| ("process_type", value)))
        .chain([("mode", mode)])
        .collect()
}

async fn of_running(arguments: &Arguments, base: &str) -> Result<Vec<u8>, Failure> {
    let running = &arguments.running;
    let login = running.login.as_deref();
    let server = Server::new(base, login, running.insecure, PATIENCE)?;
    let query: Vec<_> = query(arguments)
        .into_iter()
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let request = server.get(server.base.url("/v1/sd", &query));
    let response = progress::wait(&format!("waiting for {base}"), request.send())
        .await
        .map_err(plain)?;
    if !response.status().is_success() {
        return Err(Failure::failed(reason(response).await));
    }
    body(response).await
}

async fn by_discovery(arguments: &Arguments, config: &Config) -> Result<Vec<u8>, Failure> {
    let discovered = ask::Discovered::start(config, arguments.wait).await?;
    // Bindings say which process of an app is its usual one.
    let bound = ask::bound(config, false).await?;
    let query: Vec<_> = query(arguments)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let discovery = discovered.client.discovery();
    match sd::everything(discovery, &bound, config, &query) {
        Ok(list) => Ok(list.into()),
        Err(error) if error.status().is_client_error() => Err(Failure::usage(error.message())),
        Err(error) => Err(Failure::failed(error.message())),
    }
}

/// Exchanges the file at once: Prometheus may read it at any moment.
fn exchange(file: &Path, list: &[u8]) -> Outcome {
    let wrong = |error: std::io::Error| Failure::failed(format!("{}: {error}", file.display()));
    let mut name = file
        .file_name()
        .ok_or_else(|| Failure::usage(format!("`--output {}` is no file", file.display())))?
        .to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = file.with_file_name(name);
    let written = std::fs::File::create_new(&new).and_then(|mut file| {
        file.write_all(list)?;
        file.sync_all()
    });
    let exchanged = written.and_then(|()| std::fs::rename(&new, file));
    exchanged.map_err(|error| {
        let _ = std::fs::remove_file(&new);
        wrong(error)
    })
}
