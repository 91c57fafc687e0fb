//! `promfetch routes`: the routing table, as promfetch understands it.

use std::time::Duration;

use super::{ConfigFile, Failure, Outcome, ask, block_on, print};

/// Print the routing table as JSON
///
/// Listens to the configured sources until the table is complete (with NATS that takes
/// `start_response_delay_interval`, 20 s), and prints it: routes, and for each its endpoints with
/// their tags, source and age.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch routes -c /etc/promfetch.yml
  promfetch routes -c /etc/promfetch.yml | jq 'keys'"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Longest time to wait for a complete table.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = ask::seconds)]
    wait: Duration,
    /// Also log to stderr what the sources do.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let (config, _) = arguments.config.load()?;
    ask::log(&config, arguments.verbose);
    block_on(async {
        let asked = ask::Discovered::start(&config, arguments.wait).await?;
        let table = serde_json::to_string_pretty(&asked.client.discovery().routes())
            .map_err(Failure::failed)?;
        Ok(print([table.as_str(), "\n"])?)
    })
}
