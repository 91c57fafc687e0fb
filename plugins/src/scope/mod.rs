//! Weave Scope: a reporter that shows apps in it, and its other plugins for promfetch.

mod id;
mod keys;
mod report;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use promfetch_core::config::problem::Problems;
use promfetch_core::config::reader::At;
use tracing::level_filters::LevelFilter;

use crate::{process, settings};

const NAME: &str = "promfetch-scope";
/// Enough for pages to be read while the socket answers.
const THREADS: usize = 3;

/// App instances in Weave Scope, and its plugins' metrics for promfetch
#[derive(Debug, Parser)]
#[command(name = NAME, version)]
struct Arguments {
    /// Settings in YAML.
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// A setting over those of the file: `report.interval=2s`. May be repeated.
    #[arg(short, long = "set", value_name = "KEY=VALUE", global = true, value_parser = pair)]
    set: Vec<(String, String)>,
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`.
    #[arg(long, value_name = "LEVEL", global = true, default_value = "info")]
    log: LevelFilter,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be a plugin of Scope's probe: show the instances of apps as containers. What happens without a command
    Report,
    /// Ask the plugins of Scope's probe and offer their metrics as a page
    Watch,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| "expected `key=value`".into())
}

/// The program `promfetch-scope`.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    process::log(arguments.log);
    process::ended(NAME, run(&arguments))
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(|error| format!("the program cannot run: {error}"))?;
    let text = |error: Problems| error.to_string();
    match arguments.command {
        None | Some(Command::Report) => {
            let settings = load(arguments, report::Settings::read).map_err(text)?;
            runtime.block_on(report::run(settings))
        }
        Some(Command::Watch) => {
            let settings = load(arguments, watch::Settings::read).map_err(text)?;
            runtime.block_on(watch::run(settings))
        }
    }
}

fn load<T>(arguments: &Arguments, read: impl FnOnce(&At<'_>) -> T) -> Result<T, Problems> {
    let table = settings::table(keys::KEYS);
    let options = arguments.set.iter().cloned();
    let (settings, warnings) = settings::load(&table, arguments.config.as_deref(), options, read)?;
    process::tell(&warnings);
    Ok(settings)
}
