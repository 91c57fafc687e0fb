//! The reporter: a plugin of Scope's probe that shows the instances of apps.
//!
//! The probe asks each second and waits half a second, for all plugins in turn. So a report lies ready, and pages are
//! fetched beside it: `pages` fetches, `instances` remembers, `build` writes, `cache` hands out.

mod build;
mod cache;
mod choice;
mod instances;
mod observed;
mod pages;
mod rule;
mod server;
mod settings;
mod wire;

use std::path::Path;
use std::sync::Arc;

use self::cache::Cache;
pub(super) use self::choice::check as check_app;
pub(super) use self::rule::{check_series, number};
pub(super) use self::settings::Settings;
use crate::process;
use crate::source::Source;
use crate::unix::Socket;

/// The probe is root; others have no business there.
const MODE: u32 = 0o660;

/// Reports until a signal ends it.
pub(super) async fn run(settings: Settings) -> Result<(), String> {
    let shutdown = process::ended_by_signals().map_err(|error| error.to_string())?;
    let source =
        Source::start(&settings.source, shutdown.clone()).map_err(|error| error.to_string())?;
    let id = super::id::of_socket(&settings.socket)?;
    let builder = build::Builder::new(&settings, id.clone());
    let cache = Arc::new(Cache::new(builder.empty()));
    let socket = Socket::bind(&settings.socket, MODE)
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!("reports to Scope on {}", settings.socket.display());
    if settings.rules.is_empty() {
        tracing::warn!("there is no `report.metrics`: Scope shows instances without metrics");
    }
    let path = settings.socket.clone();
    let pages = tokio::spawn(pages::keep_fresh(
        source,
        settings,
        builder,
        Arc::clone(&cache),
        shutdown.clone(),
    ));
    let served = socket.serve(server::router(cache), shutdown.clone()).await;
    shutdown.cancel();
    let _ = pages.await;
    remove_own_folder(&path, &id);
    served.map_err(|error| error.to_string())
}

/// A folder of our own, `promfetch/promfetch.sock`, goes with the socket. One that holds more stays.
fn remove_own_folder(socket: &Path, id: &str) {
    if let Some(folder) = socket.parent()
        && folder.file_name().is_some_and(|name| name == id)
    {
        let _ = std::fs::remove_dir(folder);
    }
}
