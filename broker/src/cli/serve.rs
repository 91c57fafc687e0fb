//! `promfetch serve`: the service.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use tokio::signal::unix::{SignalKind, signal};

use super::{ConfigFile, Failure, Outcome, block_on, logging, print};
use crate::config::Config;
use crate::server::listeners::{BindError, Listeners};
use crate::server::shutdown::{GRACE, Shutdown, on_signals};

/// Serve the metrics API
///
/// Prints where it listens, once it does: `api: http://127.0.0.1:8085` and
/// `health: http://127.0.0.1:8080`; with `call_metrics_address` also
/// `calls: http://127.0.0.1:51680/metrics`. Then it logs to stderr.
///
/// Signals:
///   SIGTERM, SIGINT  stop accepting, finish what is open (15 s), exit 0
///   SIGUSR1          turn unhealthy, serve for `drain_wait`, then the same
///   SIGHUP           read the certificate of the API again
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch serve -c /etc/promfetch.yml
  PROMFETCH_NATS__HOSTS='[{\"hostname\": \"nats.internal\", \"port\": 4222}]' promfetch serve --port 9000"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    ports: Ports,
}

/// Ports that win over the configuration.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Ports {
    /// Port of the API, instead of the configured one (8085); 0 = any free one.
    #[arg(long)]
    port: Option<u16>,
    /// Port of `/health` and `/ready`, instead of the configured one (8080); 0 = any free one.
    #[arg(long)]
    health_port: Option<u16>,
}

impl Ports {
    pub(super) fn apply(self, config: &mut Config) {
        config.port = self.port.unwrap_or(config.port);
        config.health_check_port = self.health_port.unwrap_or(config.health_check_port);
    }
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let (mut config, warnings) = arguments.config.load_checked()?;
    let url_is_default = config.base_url == local_url(&config, config.port);
    arguments.ports.apply(&mut config);
    logging::init(&config.logging);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    block_on(async {
        let shutdown = Shutdown::new(GRACE);
        on_signals(shutdown.clone(), config.drain_wait)?;
        outlive_hangup()?;
        let listeners = bind(
            &config,
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            arguments.config.file,
        )
        .await?;
        if url_is_default {
            config.base_url = local_url(&config, listeners.api.local_addr()?.port());
        }
        announce(&listeners)?;
        crate::run(config, listeners, shutdown).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// The public address by default: it follows the port.
fn local_url(config: &Config, port: u16) -> String {
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://localhost:{port}")
}

/// Opens the ports. A certificate that cannot be used is a wrong configuration; a taken port is not.
pub(super) async fn bind(
    config: &Config,
    address: IpAddr,
    file: Option<std::path::PathBuf>,
) -> Result<Listeners, Failure> {
    Listeners::bind(config, address, file)
        .await
        .map_err(|error| match error {
            BindError::Tls(_) => Failure::usage(error),
            BindError::Port { .. } | BindError::Calls { .. } => Failure::failed(error),
        })
}

/// Says where the service listens, for people and for programs that started it with port 0.
pub(super) fn announce(listeners: &Listeners) -> io::Result<()> {
    let mut lines = format!(
        "api: {}\nhealth: {}\n",
        listeners.api_url()?,
        listeners.health_url()?
    );
    if let Some(url) = listeners.calls_url()? {
        lines.push_str(&format!("calls: {url}\n"));
    }
    print([lines])
}

/// SIGHUP means `read your files again`; without HTTPS there is none, and that must not end the service.
fn outlive_hangup() -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: the certificate of the API is read again, if there is one");
        }
    });
    Ok(())
}
