//! Nomad's autoscaler: promfetch as its source of metrics (APM plugin), and its other sources for promfetch.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod go_plugin;
pub mod host;

/// The program as people name it in messages.
pub const PROGRAM: &str = "promfetch-nomad-apm";

/// Metrics of Cloud Foundry apps for Nomad's autoscaler, and those of its plugins for promfetch.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs plugins of the autoscaler (APM) and serves what they answer to configured queries as gauges.
    Host(host::Arguments),
}

/// The program `promfetch-nomad-apm`.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments {
            command: Command::Host(host),
        }) => host::run(&host),
        Err(error) => {
            // Help and version are errors too, for clap; nobody is left to tell when it cannot be printed.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
        }
    }
}
