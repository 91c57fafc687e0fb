//! Docker: a managed MetricsCollector plugin.

use std::process::ExitCode;

/// The program `promfetch-docker`.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
