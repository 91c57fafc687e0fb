//! Weave Scope: a reporter that shows apps in it, and its other plugins for promfetch.

use std::process::ExitCode;

/// The program `promfetch-scope`.
pub fn main() -> ExitCode {
    ExitCode::FAILURE
}
