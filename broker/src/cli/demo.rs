//! `promfetch demo`: a platform to try, without a file and without a network.

use std::time::Duration;

use super::serve::{Ports, announce, bind};
use super::{Outcome, block_on, logging, print};
use crate::config::Logging;
use crate::demo;
use crate::server::shutdown::{Shutdown, on_signals};

/// Try promfetch on a little platform inside this process
///
/// Starts a router and two apps on the loopback, serves their metrics, and prints commands to try.
/// `hello` has three healthy instances; of the four of `flaky` one never answers and one answers
/// garbage. No file and no network are needed.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch demo
  promfetch demo --port 0 --health-port 0"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    ports: Ports,
    /// Also log to stderr, one line per request.
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let level = if arguments.verbose { "info" } else { "error" };
    logging::init(&Logging {
        level: level.into(),
        ..crate::config::Config::default().logging
    });
    block_on(async {
        // Who ends the demo does not want to wait for the instance that hangs.
        let shutdown = Shutdown::new(Duration::ZERO);
        on_signals(shutdown.clone(), Duration::ZERO)?;
        let mut config = demo::start(&shutdown).await?;
        arguments.ports.apply(&mut config);
        let listeners = bind(&config, demo::ADDRESS, None).await?;
        let url = listeners.api_url()?;
        config.base_url = url.clone();
        announce(&listeners)?;
        print([demo::guide(&url)])?;
        Ok(crate::run(config, listeners, shutdown).await?)
    })
}
