//! The command line: one file per sub-command. Results go to stdout, everything else to stderr.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, Warning};
use crate::service;

mod ask;
mod bindings;
mod check_config;
mod completions;
mod demo;
mod explain;
mod fetch;
mod form;
mod hash_password;
mod logging;
mod man;
mod merge;
mod progress;
mod routes;
mod running;
mod sd;
mod serve;
mod table;
mod top;

/// `EX_USAGE` of sysexits: the command line or the configuration is wrong, and trying again will not help.
const USAGE: u8 = 64;

/// The metrics of all instances of a Cloud Foundry app, on one Prometheus page
///
/// promfetch knows the platform's routing table. Ask it for an app, and it fetches the metrics of all
/// instances at once, labels them and merges them into one page, within the scraper's time-out,
/// whatever single instances do.
#[derive(Debug, Parser)]
#[command(
    name = "promfetch",
    version,
    arg_required_else_help = true,
    verbatim_doc_comment
)]
#[command(
    after_help = "Start with `promfetch demo`: it needs no configuration and prints commands to try."
)]
#[command(after_long_help = "\
Start with `promfetch demo`: it needs no configuration and prints commands to try.

Exit codes:
  0   done
  1   failed; the reason is on stderr
  64  the command line or the configuration is wrong")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Demo(demo::Arguments),
    CheckConfig(check_config::Arguments),
    Fetch(fetch::Arguments),
    Explain(explain::Arguments),
    Top(top::Arguments),
    Sd(sd::Arguments),
    Routes(routes::Arguments),
    Bindings(bindings::Arguments),
    Merge(merge::Arguments),
    HashPassword(hash_password::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Why a command ends without success.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command line or the configuration is wrong.
    fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            code: USAGE,
            message: message.to_string(),
        }
    }

    /// It could not be done.
    fn failed(message: impl std::fmt::Display) -> Self {
        Self {
            code: 1,
            message: message.to_string(),
        }
    }
}

impl From<promfetch_core::Error> for Failure {
    fn from(error: promfetch_core::Error) -> Self {
        match error.kind() {
            promfetch_core::Kind::Configuration | promfetch_core::Kind::InvalidArgument => {
                Self::usage(error)
            }
            _ => Self::failed(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

type Outcome = Result<(), Failure>;

/// Runs the command that the arguments name, the first of them being the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let outcome = match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli.command),
        Err(error) => {
            // Help and version come this way too. A reader that left early is no failure.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.message.lines() {
                let _ = writeln!(io::stderr(), "promfetch: {line}");
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Fetch(arguments) => fetch::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Sd(arguments) => sd::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Bindings(arguments) => bindings::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::HashPassword(arguments) => hash_password::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, &mut Cli::command()),
        Command::Man(arguments) => man::run(&arguments, Cli::command()),
    }
}

/// The option that every command with a configuration has.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// Configuration file, YAML; promfetcher's files work as they are
    ///
    /// Settings can also come from the environment, and win there over the file:
    /// `PROMFETCH_PORT=9000`, `PROMFETCH_NATS__USER=nats`.
    #[arg(
        verbatim_doc_comment,
        short = 'c',
        long = "config",
        value_name = "FILE"
    )]
    file: Option<PathBuf>,
}

impl ConfigFile {
    fn path(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads file and environment. All problems are named at once.
    fn load(&self) -> Result<(Config, Vec<Warning>), Failure> {
        Config::load(self.path(), crate::environment()).map_err(Failure::usage)
    }

    /// The same for those who do not start the service at once: what shows only then (targets that exclude each other, a
    /// database URL that cannot be read) is said here too.
    fn load_checked(&self) -> Result<(Config, Vec<Warning>), Failure> {
        let (config, warnings) = self.load()?;
        service::check(&config)?;
        Ok((config, warnings))
    }
}

/// Runs a command's asynchronous part to its end.
fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let outcome = runtime.block_on(work);
    // A name server that does not answer would hold the process for as long as its look-up takes.
    runtime.shutdown_background();
    outcome
}

/// Writes pieces to stdout. A reader that leaves early (`| head`) is no failure.
fn print(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = pieces
        .into_iter()
        .try_for_each(|piece| stdout.write_all(piece.as_ref()))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_that_are_right_and_wrong() {
        for (line, right, why) in [
            ("serve", true, "everything has a default"),
            (
                "serve -c f.yml --port 0 --health-port 0",
                true,
                "any free ports",
            ),
            ("serve --port 70000", false, "no such port"),
            ("demo --port 0 --health-port=0", true, "any free ports"),
            ("check-config --config f.yml", true, "the long form"),
            (
                "fetch o/s/a --metric-path /m --format openmetrics --instance 3",
                true,
                "options after the selector",
            ),
            ("fetch", false, "no selector"),
            ("fetch o/s/a --format xml", false, "unknown format"),
            (
                "fetch o/s/a --url http://h:1 -c f.yml",
                false,
                "either asks a running promfetch or discovers by itself",
            ),
            (
                "explain o/s/a --json --url http://h:1 --login -",
                true,
                "of a running promfetch",
            ),
            ("explain", false, "no selector"),
            ("explain o/s/a --login f", false, "a login for whom?"),
            ("top", true, "of the promfetch on this machine"),
            ("top --once --interval 5 --limit 3", true, "all options"),
            ("top --interval 0", false, "without a pause"),
            (
                "sd --mode instances --org a --org ~b --output f.json",
                true,
                "several organizations",
            ),
            ("sd --mode all", false, "no such mode"),
            ("sd --url http://h:1 -c f.yml", false, "one of both"),
            ("routes", true, "settings may be in the environment"),
            (
                "merge a.txt --label a=b b.txt --label a=c",
                true,
                "labels belong to the file before them",
            ),
            ("merge", false, "no file"),
            ("merge a.txt --label a", false, "a label has a value"),
            ("merge a.txt --label 9=b", false, "not a label name"),
            ("hash-password", true, "reads its input"),
            (
                "hash-password hunter2",
                false,
                "passwords do not belong into lists of processes",
            ),
            ("completions bash", true, "a known shell"),
            ("completions dos", false, "an unknown one"),
            ("man fetch", true, "one page per command"),
            ("", false, "help is shown"),
        ] {
            let parsed =
                Cli::try_parse_from(std::iter::once("promfetch").chain(line.split_whitespace()));
            assert_eq!(parsed.is_ok(), right, "{line}: {why}: {parsed:?}");
        }
    }

    #[test]
    fn every_command_has_an_example_or_needs_none() {
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(
                help.contains("Example"),
                "{} has no example:\n{help}",
                command.get_name()
            );
        }
    }
}
