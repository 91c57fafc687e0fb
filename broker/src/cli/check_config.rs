//! `promfetch check-config`: what is wrong with a configuration, all of it at once.

use std::io::{self, Write};

use super::{ConfigFile, Outcome, print};

/// Check a configuration without starting anything
///
/// Names every problem with its key and what is allowed, and every warning. Exits with 64 when there
/// is a problem; otherwise it prints `ok`.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Example:
  promfetch check-config -c /etc/promfetch.yml"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let (_, warnings) = arguments.config.load_checked()?;
    for warning in warnings {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    Ok(print(["ok\n"])?)
}
