//! The watcher: asks the plugins of Scope's probe, as the probe does, and offers their last samples as gauges.

mod ask;
mod folder;
mod last;
mod names;
mod report;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use futures_util::future::join_all;
use promfetch_core::config::reader::At;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use self::ask::Asker;
use self::last::Last;
use crate::listen::{Address, Listener};
use crate::{gauges, process};

/// What the watcher is told.
#[derive(Debug)]
pub(super) struct Settings {
    root: PathBuf,
    interval: Duration,
    listen: Option<Address>,
    /// The socket of our own reporter, which may be in the same folder.
    reporter: PathBuf,
}

impl Settings {
    /// Reads the settings from the top of the configuration. Problems stay there.
    pub(super) fn read(root: &At<'_>) -> Self {
        let at = root.section("watch");
        Self {
            root: at.text("root").into(),
            interval: at.duration("interval"),
            // What cannot be read has its problem from the key.
            listen: Address::parse(&at.text("listen")).ok(),
            reporter: root.section("report").text("socket").into(),
        }
    }
}

type Shared = Arc<Mutex<Bytes>>;

/// Watches until a signal ends it.
pub(super) async fn run(settings: Settings) -> Result<(), String> {
    let shutdown = process::ended_by_signals().map_err(|error| error.to_string())?;
    let listen = settings
        .listen
        .as_ref()
        .ok_or("`watch.listen` is missing")?;
    let text = |error: std::io::Error| error.to_string();
    let listener = Listener::bind(listen).await.map_err(text)?;
    let address = listener.address(listen).map_err(text)?;
    tracing::info!(
        "offers metrics of plugins in {} on {address}",
        settings.root.display()
    );
    let mut own = vec![settings.reporter.clone()];
    if let Address::Unix(path) = &address {
        own.push(path.clone());
    }
    let page = Shared::default();
    let watcher = Watcher {
        root: settings.root,
        own,
        asker: Asker::new(),
        plugins: BTreeMap::new(),
        refused: HashSet::new(),
        is_missing: false,
    };
    let watching =
        tokio::spawn(watcher.watch(settings.interval, Arc::clone(&page), shutdown.clone()));
    let router = Router::new().route("/metrics", get(move || answer(page)));
    let served = listener.serve(router, shutdown.clone()).await;
    shutdown.cancel();
    let _ = watching.await;
    served.map_err(text)
}

async fn answer(page: Shared) -> impl IntoResponse {
    let page = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ([(CONTENT_TYPE, gauges::CONTENT_TYPE)], page)
}

struct Watcher {
    root: PathBuf,
    /// Sockets that are ours, and never asked.
    own: Vec<PathBuf>,
    asker: Asker,
    /// By their ids.
    plugins: BTreeMap<String, Last>,
    /// What was said about the folder, each once.
    refused: HashSet<String>,
    is_missing: bool,
}

impl Watcher {
    async fn watch(mut self, every: Duration, page: Shared, shutdown: CancellationToken) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.look().await;
            let now = Instant::now();
            let text = last::page(&mut self.plugins, now, every);
            *page.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
        }
    }

    /// Finds the plugins that are there and asks them all.
    async fn look(&mut self) {
        let (root, own) = (self.root.clone(), self.own.clone());
        let found = tokio::task::spawn_blocking(move || folder::scan(&root, &own)).await;
        let found = found.unwrap_or_default();
        if found.is_missing != self.is_missing {
            self.is_missing = found.is_missing;
            if found.is_missing {
                tracing::warn!("{} is not there (yet)", self.root.display());
            }
        }
        for refused in &found.refused {
            if !self.refused.contains(refused) {
                tracing::warn!("{refused}");
            }
        }
        self.refused = found.refused.into_iter().collect();
        self.plugins.retain(|id, plugin| {
            let stays = found
                .sockets
                .get(id)
                .is_some_and(|socket| socket == plugin.socket());
            if !stays {
                tracing::info!("plugin {id} has gone");
            }
            stays
        });
        let round = self.asker.round();
        let answers = join_all(found.sockets.iter().map(|(id, socket)| {
            let asked = round.ask(id, socket);
            async move { (id, socket, asked.await) }
        }))
        .await;
        let now = Instant::now();
        for (id, socket, answer) in answers {
            let plugin = self.plugins.entry(id.clone()).or_insert_with(|| {
                tracing::info!("plugin {id} is at {}", socket.display());
                Last::new(socket.clone())
            });
            match answer {
                Ok(samples) => plugin.answered(samples, now),
                Err(error) => plugin.failed(id, error),
            }
        }
    }
}
