//! `promfetch fetch`: one page to stdout.

use std::time::Duration;

use promfetch_core::client::{self, Query};
use promfetch_core::exposition::{Format, media};
use promfetch_core::selector::Selector;

use crate::config::Config;

use super::form::{PageEscaping, PageFormat};
use super::running::Running;
use super::{ConfigFile, Failure, Outcome, ask, block_on, form, print, progress};

mod running;

/// Fetch the metrics of an app and print them as one page.
///
/// Finds the app by the sources of the configuration, or asks a running promfetch with `--url`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  promfetch fetch -c /etc/promfetch.yml acme/prod/shop
  promfetch fetch -c /etc/promfetch.yml shop.apps.example.org --metric-path /actuator/prometheus
  promfetch fetch --url http://127.0.0.1:8085 demo/dev/hello
  promfetch fetch --url http://127.0.0.1:8085 demo/dev/flaky --instance 3 --timeout 5
  promfetch fetch --url http://127.0.0.1:8085 demo/dev/hello --format protobuf > hello.pb
  cf oauth-token | promfetch fetch --url https://promfetch.example.org --login - acme/prod/shop")]
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
    /// Leave out external exporters and the health series.
    #[arg(long)]
    only_app_metrics: bool,
    /// Format of the page, and what instances are asked for. What they send in another one is converted.
    #[arg(long, value_enum, default_value = "text")]
    format: PageFormat,
    /// Names of the page that are not made of letters, digits, `_` and `:`. Without it: as for readers that know
    /// nothing of such names, which is `underscores`.
    #[arg(long, value_enum, value_name = "HOW")]
    escaping: Option<PageEscaping>,
    /// Only this instance: an index or an instance GUID.
    #[arg(long, value_name = "N")]
    instance: Option<String>,
    /// Instances of this process type (the default is `web`).
    #[arg(long, value_name = "TYPE")]
    process_type: Option<String>,
    /// Longest time for the page; what has arrived by then is printed.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = ask::seconds)]
    timeout: Duration,
    /// Longest time to wait for a complete routing table.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = ask::seconds, conflicts_with = "url")]
    wait: Duration,
    /// Also log to stderr.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    match &arguments.running.url {
        Some(url) => {
            ask::log(&Config::default(), arguments.verbose);
            block_on(running::fetch(arguments, url))
        }
        None => {
            let (config, _) = arguments.config.load()?;
            ask::log(&config, arguments.verbose);
            block_on(by_discovery(arguments, &config))
        }
    }
}

async fn by_discovery(arguments: &Arguments, config: &Config) -> Outcome {
    let metric_path = arguments
        .metric_path
        .as_deref()
        .map(client::check_metric_path)
        .transpose()?;
    let asked = ask::Discovered::start(config, arguments.wait).await?;
    let bound = ask::bound(config, metric_path.is_some()).await?;
    let mut located = asked.client.locate(
        &arguments.selector,
        arguments.process_type.as_deref(),
        &bound,
    )?;
    if let Some(n) = &arguments.instance {
        located = client::pick_instance(located, n)?;
    }
    let asked_for = form::dialect(arguments.format, arguments.escaping);
    let offered = asked.client.offered_formats();
    let query = Query {
        bound,
        selector: arguments.selector.clone(),
        metric_path,
        only_app_metrics: arguments.only_app_metrics,
        needs_endpoint: true,
        accepted: media::accepted(Some(&asked_for.range()), &offered),
        headers: http::HeaderMap::new(),
        authorization: None,
        forwarded_for: None,
        timeout: arguments.timeout,
    };
    let what = format!(
        "asking {} instances of {}",
        located.len(),
        arguments.selector
    );
    let answer = progress::wait(&what, asked.client.page(&query, located)).await?;
    let (up, failed) = (answer.up, answer.failed);
    tell_format(arguments.format, answer.dialect.format);
    print(answer.page)?;
    verdict(up, failed)
}

/// Says so when the page has another format than was asked for.
fn tell_format(asked: PageFormat, got: Format) {
    let asked = asked.format();
    if got != asked {
        use std::io::Write;
        let _ = writeln!(
            std::io::stderr(),
            "promfetch: the page is {got}, as `formats` does not offer {asked}"
        );
    }
}

/// How a page of so many instances that gave metrics, and that did not, ends the command.
fn verdict(up: usize, failed: usize) -> Outcome {
    match (up, failed) {
        (0, 1..) => Err(Failure::failed(format!(
            "none of the {failed} instances gave metrics"
        ))),
        (_, 0) => Ok(()),
        (up, failed) => {
            // The page itself says which, unless its health series were not wanted.
            use std::io::Write;
            let _ = writeln!(
                std::io::stderr(),
                "promfetch: {failed} of {} instances gave no metrics",
                up + failed
            );
            Ok(())
        }
    }
}
