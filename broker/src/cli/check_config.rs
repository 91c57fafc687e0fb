//! `promfetch check-config`: what is wrong with a configuration, all of it at once.

use std::io::{self, Write};

use super::{ConfigFile, Failure, Outcome, print};
use crate::server::listeners::BindError;
use crate::server::tls::Tls;

/// Check a configuration without starting anything.
///
/// Names every problem with its key and what is allowed, and every warning. Exits with 64 when there is a problem;
/// otherwise it prints `ok`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  promfetch check-config -c /etc/promfetch.yml")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let (config, warnings) = arguments.config.load()?;
    if let Some(pem) = &config.tls {
        Tls::new(pem, None).map_err(|error| Failure::usage(BindError::Tls(error)))?;
    }
    for warning in warnings {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    Ok(print(["ok\n"])?)
}
