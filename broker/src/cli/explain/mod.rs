//! `promfetch explain`: why is my app (not) there?

use std::time::Duration;

use promfetch_core::selector::Selector;
use serde_json::Value;

use super::running::Running;
use super::{ConfigFile, Failure, Outcome, ask, block_on, print};
use crate::config::Config;

mod by_discovery;
mod report;
mod running;

use report::Report;
pub(super) use report::Source;

/// Explain why an app is there, or is not
///
/// Says which apps and instances a selector leads to, and which path is asked and why; asks each
/// instance once; and says what went wrong and what to do about it. Of an app that is not found it
/// says what may have been meant, and how the routing table is doing.
///
/// Asks a running promfetch with `--url`, which shows what the login may see, or else finds the app
/// by the sources of the configuration. Ends with 0 when all instances gave metrics.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch explain --url http://127.0.0.1:8085 demo/dev/flaky
  promfetch explain --url http://127.0.0.1:8085 demo/dev/hallo
  promfetch explain -c /etc/promfetch.yml shop.apps.example.org --metric-path /actuator/prometheus
  promfetch explain -c /etc/promfetch.yml acme/prod/shop --json
  cf oauth-token | promfetch explain --url https://promfetch.example.org --login - acme/prod/shop"
)]
pub(super) struct Arguments {
    /// The app: ORG/SPACE/APP, an app GUID, or a route. A slash inside a name is written %2F, a per cent sign %25.
    #[arg(value_parser = ask::selector)]
    selector: Selector,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    config: ConfigFile,
    /// Where the app has its metrics.
    #[arg(long, value_name = "PATH")]
    metric_path: Option<String>,
    /// Instances of this process type (the default is `web`).
    #[arg(long, value_name = "TYPE")]
    process_type: Option<String>,
    /// Longest time for the instances to answer.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = ask::seconds)]
    timeout: Duration,
    /// Longest time to wait for a complete routing table.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = ask::seconds, conflicts_with = "url")]
    wait: Duration,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Also log to stderr.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.running.url {
        Some(url) => {
            ask::log(&Config::default(), arguments.verbose);
            block_on(async { show(arguments, running::gather(arguments, url).await?) })
        }
        None => {
            let (config, _) = arguments.config.load()?;
            ask::log(&config, arguments.verbose);
            block_on(async { show(arguments, by_discovery::gather(arguments, &config).await?) })
        }
    }
}

/// Prints what was found out, which has the same form wherever it comes from.
fn show(arguments: &Arguments, found: Value) -> Outcome {
    let text = if arguments.json {
        serde_json::to_string_pretty(&found).map_err(Failure::failed)? + "\n"
    } else {
        String::new()
    };
    let report: Report = serde_json::from_value(found)
        .map_err(|error| Failure::failed(format!("the answer cannot be read: {error}")))?;
    print([if arguments.json { text } else { report.text() }])?;
    report.verdict()
}
