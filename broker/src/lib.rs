//! promfetch as a service: the HTTP API over [`promfetch_core`], its command line, and a demo platform.
//!
//! [`run`] is the whole service; the binary's `serve` and `demo` add only arguments, logs and signals. `router` lists
//! every route, `api` answers them, `access` decides who may ask, [`server`] holds ports and connections.

#![forbid(unsafe_code)]

use std::sync::Arc;

use prometheus_client::registry::Registry;
use promfetch_core::Error;
use promfetch_core::client::Client;
use tokio_util::sync::CancellationToken;

mod access;
mod api;
pub mod cli;
pub mod config;
pub mod demo;
mod router;
pub mod server;
#[doc(hidden)]
pub mod store;

use api::Api;
use config::Config;
use server::connections;
use server::health::Health;
use server::listeners::Listeners;
use server::observe::Observer;
use server::shutdown::Shutdown;

/// Serves until `shutdown` says stop and open requests have ended. Needs a tokio runtime.
///
/// The health port outlives the API port, so that monitors see why nothing is accepted any more.
///
/// # Errors
/// When discovery or fetch cannot start with this configuration.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> Result<(), Error> {
    let Listeners {
        api: api_port,
        health: health_port,
        tls,
    } = listeners;
    let sources = CancellationToken::new();
    // Ends the sources also when this future is dropped.
    let _sources = sources.clone().drop_guard();
    let (router, health) = assemble(config, &shutdown, sources)?;

    // A second is enough for an answer about health.
    let monitors = Shutdown::new(std::time::Duration::from_secs(1));
    let certificates = async {
        if let Some(tls) = tls.clone() {
            tls.keep_current(shutdown.clone()).await;
        }
    };
    let requests = async {
        connections::serve(api_port, router, tls.clone(), shutdown.clone()).await;
        monitors.stop();
    };
    tokio::join!(
        certificates,
        requests,
        connections::serve(health_port, router::health(health), None, monitors.clone())
    );
    Ok(())
}

/// The client with its sources, and the router over it.
fn assemble(
    config: Config,
    shutdown: &Shutdown,
    sources: CancellationToken,
) -> Result<(axum::Router, Health), Error> {
    let mut registry = Registry::default();
    api::own_metrics::register_build(&mut registry);
    let observer = Observer::register(&mut registry, &config.trusted_proxies);
    let client = Client::start(config.core.clone(), &mut registry, sources)?;
    let health = Health {
        discovery: client.discovery().clone(),
        shutdown: shutdown.clone(),
    };
    let api = Api {
        client,
        config: Arc::new(config),
        registry: Arc::new(registry),
        health: health.clone(),
    };
    Ok((router::api(api, observer), health))
}

/// The process' environment, for [`Config::load`]. What is not UTF-8 cannot be a setting.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
