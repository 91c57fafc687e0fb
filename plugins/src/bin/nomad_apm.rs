//! The program `promfetch-nomad-apm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    promfetch_plugins::process::prepare();
    promfetch_plugins::nomad::main()
}
