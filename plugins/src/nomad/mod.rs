//! Nomad's autoscaler: promfetch as its source of metrics (APM plugin), and its other sources for promfetch.

use std::process::ExitCode;

pub mod go_plugin;
pub mod promql;

/// The program `promfetch-nomad-apm`.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
