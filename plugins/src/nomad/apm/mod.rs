//! The APM plugin: the autoscaler asks with a query and a span of time, and gets samples.

mod answer;
mod apps;
mod plugin;
mod service;
pub mod settings;
mod span;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing::level_filters::LevelFilter;

use self::service::Service;
use super::PROGRAM;
use super::go_plugin::handshake::Environment;
use super::go_plugin::proto::hashicorp::nomad_autoscaler::plugins::{apm, base};
use super::go_plugin::{log, server};
use crate::process;

/// Largest message of a host, in bytes. tonic's own limit is a 16th of it, and hosts have none.
const MAX_MESSAGE: usize = 64 << 20;
/// How often it is looked whether the host still runs.
const PARENT_INTERVAL: Duration = Duration::from_secs(1);

/// Options of the plugin, from `args` of the agent's `apm` block.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`. The agent shows what its own level allows
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,
}

/// Runs until the host ends it, or is gone.
pub fn run(arguments: &Arguments) -> ExitCode {
    let environment = match Environment::read(|name| std::env::var_os(name)) {
        Ok(environment) => environment,
        Err(refused) => return process::ended(PROGRAM, Err(refused)),
    };
    log::start(PROGRAM, arguments.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = runtime.and_then(|runtime| {
        let result = runtime.block_on(serve(&environment));
        // A query that is being calculated is not waited for.
        runtime.shutdown_background();
        result
    });
    process::ended(PROGRAM, result)
}

async fn serve(environment: &Environment) -> io::Result<()> {
    let shutdown = CancellationToken::new();
    end_with_the_host(shutdown.clone())?;
    let service = Service::new(name(std::env::args_os().next()), shutdown.child_token());
    let base =
        base::proto::v1::base_plugin_service_server::BasePluginServiceServer::new(service.clone());
    let apm = apm::proto::v1::apm_plugin_service_server::ApmPluginServiceServer::new(service);
    let services = Routes::new(base.max_decoding_message_size(MAX_MESSAGE))
        .add_service(apm.max_decoding_message_size(MAX_MESSAGE));
    server::serve(environment, services, shutdown).await
}

/// SIGTERM ends; SIGINT does not, as a terminal sends it to agent and plugins alike, and the agent ends its plugins
/// itself. An agent that was killed cannot: then the parent is another one.
fn end_with_the_host(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let parent = std::os::unix::process::parent_id();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => {}
                () = sleep(PARENT_INTERVAL) => {
                    if std::os::unix::process::parent_id() != parent {
                        tracing::warn!("the host is gone");
                        break;
                    }
                }
            }
        }
        shutdown.cancel();
    });
    Ok(())
}

/// The name that the host expects: that of its `driver`, which is the file that it started, without `.exe`.
fn name(program: Option<OsString>) -> String {
    let program = program.unwrap_or_default();
    let file = Path::new(&program).file_name().unwrap_or_default();
    let name = file.to_string_lossy();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    if name.is_empty() { PROGRAM } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::nomad::promql::Query;

    const DOCUMENTATION: &str = include_str!("../../../../docs/nomad-autoscaler.md");

    /// The text that stands between these two, wherever it does.
    fn between<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
        let pieces = text.split(start).skip(1);
        pieces
            .map(|piece| piece.split_once(end).expect("an end").0)
            .collect()
    }

    #[test]
    fn queries_of_the_documentation_are_queries() {
        let policies = between(DOCUMENTATION, "query        = \"", "\"\n");
        let policies = policies.iter().map(|query| query.replace("\\\"", "\""));
        let (_, table) = DOCUMENTATION.split_once("| Query | is |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let examples = between(table, "\n| `", "` |");
        let queries: Vec<String> = policies
            .chain(examples.iter().map(ToString::to_string))
            .collect();
        assert_eq!(queries.len(), 8, "{queries:?}");
        for query in queries {
            let parsed = Query::parse(&query);
            assert!(parsed.is_ok(), "{query}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn configurations_of_the_documentation_are_taken_as_they_are() {
        let blocks = between(DOCUMENTATION, "config = {\n", "\n  }");
        assert_eq!(blocks.len(), 2);
        for block in blocks {
            let config: HashMap<String, String> = block
                .lines()
                .map(|line| {
                    let (key, value) = line.split_once(" = ").expect("a key and a value");
                    let value = value
                        .trim()
                        .strip_prefix('"')
                        .and_then(|value| value.strip_suffix('"'));
                    let value = value.expect("a text").replace("\\\"", "\"");
                    (key.trim().trim_matches('"').to_owned(), value)
                })
                .collect();
            let read = settings::read(config);
            assert_eq!(read.map(|(_, notes)| notes), Ok(Vec::new()), "{block}");
        }
        for key in settings::KEYS {
            assert!(
                DOCUMENTATION.contains(&format!("`{}`", key.name)),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_name_is_that_of_the_file() {
        for (program, name_, why) in [
            ("/opt/plugins/promfetch-nomad-apm", PROGRAM, "as packed"),
            (
                "/opt/plugins/prometheus",
                "prometheus",
                "in place of the agent's own",
            ),
            ("cf.v1.exe", "cf.v1", "as Windows has it"),
            ("", PROGRAM, "none"),
        ] {
            assert_eq!(name(Some(program.into())), name_, "{why}");
        }
        assert_eq!(name(None), PROGRAM);
    }
}
