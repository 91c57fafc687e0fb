//! The program `promfetch-scope`.

use std::process::ExitCode;

fn main() -> ExitCode {
    promfetch_plugins::process::prepare();
    promfetch_plugins::scope::main()
}
