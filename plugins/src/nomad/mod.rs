//! Nomad's autoscaler: promfetch as its source of metrics (APM plugin), and its other sources for promfetch.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod apm;
pub mod go_plugin;
pub mod history;
pub mod host;
pub mod promql;

/// The program as people name it in messages.
pub const PROGRAM: &str = "promfetch-nomad-apm";

/// Metrics of Cloud Foundry apps for Nomad's autoscaler, and those of its plugins for promfetch.
///
/// Without a sub-command this is a plugin (APM, go-plugin over gRPC): the autoscaler starts it from its `plugin_dir`
/// and configures it by the `config` of an `apm` block, whose keys are described in docs/nomad-autoscaler.md. Started
/// by hand it says so and ends.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, args_conflicts_with_subcommands = true)]
struct Program {
    #[command(flatten)]
    apm: apm::Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs plugins of the autoscaler (APM) and serves what they answer to configured queries as gauges.
    Host(host::Arguments),
}

/// The program `promfetch-nomad-apm`.
pub fn main() -> ExitCode {
    match Program::try_parse() {
        Ok(Program {
            command: Some(Command::Host(host)),
            ..
        }) => host::run(&host),
        Ok(plugin) => apm::run(&plugin.apm),
        Err(error) => {
            // Help and version are errors too, for clap; nobody is left to tell when it cannot be printed.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}
