//! `promfetch man`: the manual, as roff.

use clap_mangen::Man;

use super::{Failure, Outcome, print};

/// Print a manual page.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  promfetch man > promfetch.1
  promfetch man fetch | man -l -")]
pub(super) struct Arguments {
    /// The command whose page is printed; without it, that of promfetch.
    command: Option<String>,
}

pub(super) fn run(arguments: &Arguments, mut command: clap::Command) -> Outcome {
    // Gives sub-commands their full names, `promfetch-fetch`.
    command.build();
    let page = match &arguments.command {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => {
                return Err(Failure::usage(format!(
                    "there is no command `{name}`; `promfetch --help` lists them"
                )));
            }
        },
    };
    let mut roff = Vec::new();
    Man::new(page)
        .source(concat!("promfetch ", env!("CARGO_PKG_VERSION")))
        .render(&mut roff)?;
    Ok(print([roff])?)
}
