//! The program `promfetch-docker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    promfetch_plugins::process::prepare();
    promfetch_plugins::docker::main()
}
