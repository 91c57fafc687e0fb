//! `promfetch completions`: completion of commands and options in a shell.

use clap_complete::Shell;

use super::{Outcome, print};

/// Print a script that completes commands and options in a shell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  promfetch completions bash > /etc/bash_completion.d/promfetch
  promfetch completions zsh > \"${fpath[1]}/_promfetch\"")]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, command: &mut clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, command, "promfetch", &mut script);
    Ok(print([script])?)
}
