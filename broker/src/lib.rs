//! promfetch as a service: the HTTP API over [`promfetch_core`], its command line, and a demo platform.
//!
//! [`run`] is the whole service; the binary's `serve` and `demo` add only arguments, logs and signals. `service` puts
//! it together. `router` lists every route, `api` answers them, `access` decides who may ask, [`server`] holds ports
//! and connections. `osb` is the service broker; it writes to the [`store`], and `bindings` has in memory what is
//! stored there.

#![forbid(unsafe_code)]

use promfetch_core::Error;
use tokio_util::sync::CancellationToken;

mod access;
mod api;
mod bindings;
pub mod cli;
pub mod config;
pub mod demo;
mod etag;
mod openapi;
mod osb;
mod router;
mod secrets;
pub mod server;
mod service;
pub mod store;
mod web;

use api::own_metrics;
use config::Config;
use server::connections;
use server::listeners::Listeners;
use server::shutdown::Shutdown;
use service::Service;

/// Serves until `shutdown` says stop and open requests have ended. Needs a tokio runtime.
///
/// The health port, and that of the call metrics, outlive the API port, so that monitors see why nothing is accepted
/// any more.
///
/// # Errors
/// When discovery or fetch cannot start with this configuration.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> Result<(), Error> {
    let Listeners {
        api: api_port,
        health: health_port,
        calls: calls_port,
        tls,
    } = listeners;
    let sources = CancellationToken::new();
    // Ends the sources also when this future is dropped.
    let _sources = sources.clone().drop_guard();
    let mut service = Service::assemble(config, &shutdown, sources.clone())?;
    let health = service.api.health.clone();
    let calls = service.api.client.calls().clone();
    let router = router::api(service.api.clone(), service.observer.clone());
    let background = tokio::spawn(service.background(sources.clone()));

    // A second is enough for an answer about health.
    let monitors = Shutdown::new(std::time::Duration::from_secs(1));
    let certificates = async {
        if let Some(tls) = tls.clone() {
            tls.keep_current(shutdown.clone()).await;
        }
    };
    let calls = async {
        if let Some(port) = calls_port {
            let router = router::calls(own_metrics::CallMetrics::of(&calls));
            connections::serve(port, router, None, monitors.clone()).await;
        }
    };
    let requests = async {
        connections::serve(api_port, router, tls.clone(), shutdown.clone()).await;
        monitors.stop();
    };
    tokio::join!(
        calls,
        certificates,
        requests,
        connections::serve(health_port, router::health(health), None, monitors.clone())
    );
    sources.cancel();
    // It ends with the sources; what it was about to write to the database is not cut off.
    let _ = background.await;
    service.close().await;
    Ok(())
}

/// The process' environment, for [`Config::load`]. What is not UTF-8 cannot be a setting.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
