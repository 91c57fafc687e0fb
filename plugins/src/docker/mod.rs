//! Docker: a managed MetricsCollector plugin, which dockerd hands its own metrics.
//!
//! dockerd tells on `/run/docker/plugins/promfetch.sock` when to begin and to end (`api`), and has its metrics on
//! `/run/docker/metrics.sock`, which is a target of the core like any other (`engine`). A managed plugin has a root
//! folder of its own, so none of these is the host's (`place`), and its settings come as environment variables.

mod api;
mod engine;
mod place;
mod settings;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use self::engine::Engine;
use self::settings::Settings;
use crate::listen::{Address, Listener};
use crate::process;
use crate::unix::Socket;

const NAME: &str = "promfetch-docker";
/// dockerd is root.
const MODE: u32 = 0o600;

/// Metrics of a Docker engine for Prometheus, as a managed plugin of Docker
///
/// Docker runs this program itself, after `docker plugin create` and `docker plugin enable`. Settings are
/// environment variables, which `docker plugin set` sets: `PROMFETCH_LISTEN`, `PROMFETCH_HOST`,
/// `PROMFETCH_TIMEOUT` and `PROMFETCH_LOG`.
#[derive(Debug, Parser)]
#[command(name = NAME, version)]
struct Arguments {}

/// The program `promfetch-docker`.
pub fn main() -> ExitCode {
    Arguments::parse();
    process::ended(NAME, run())
}

fn run() -> Result<(), String> {
    let (settings, warnings) =
        Settings::load(std::env::vars()).map_err(|error| error.to_string())?;
    process::log(settings.log);
    process::tell(&warnings);
    place::check(&settings.plugin_socket, &settings.metrics_socket)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("the program cannot run: {error}"))?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let shutdown = process::ended_by_signals().map_err(text)?;
    let listener = Listener::bind(&settings.listen).await.map_err(text)?;
    let address: Address = listener.address(&settings.listen).map_err(text)?;
    let socket = Socket::bind(&settings.plugin_socket, MODE)
        .await
        .map_err(text)?;
    tracing::info!("offers metrics of the engine on {address}");
    let engine = Arc::new(Engine::new(settings));
    let calls = socket.serve(api::calls(Arc::clone(&engine)), shutdown.clone());
    let pages = listener.serve(api::pages(Arc::clone(&engine)), shutdown.clone());
    let (calls, pages) = tokio::join!(calls, pages);
    engine.stop().await;
    calls.and(pages).map_err(text)
}
