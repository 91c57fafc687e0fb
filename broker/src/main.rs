//! The binary `promfetch`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // reqwest asks for the process' default provider; two of them, or none, would panic at the first connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
    promfetch_broker::cli::main(std::env::args_os())
}
