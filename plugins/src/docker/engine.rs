//! The engine's own metrics, from the start to the end that dockerd tells.

use bytes::Bytes;
use promfetch_core::exposition::Page;
use promfetch_core::selector::Selector;
use promfetch_core::{Error, Kind};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::settings::Settings;
use crate::sample;
use crate::settings;
use crate::source::{self, Source};

/// The app that the engine is for the core.
const APP: &str = "docker";
const ORGANIZATION: &str = "docker";
const SPACE: &str = "engine";
/// The series of the engine with its id.
const INFO: &str = "engine_daemon_engine_info";
const DAEMON: &str = "daemon_id";

#[derive(Debug)]
pub(super) struct Engine {
    settings: Settings,
    running: Mutex<Option<Running>>,
}

/// Between start and end.
#[derive(Clone, Debug)]
struct Running {
    source: Source,
    /// Whether its samples have the engine's id already.
    has_id: bool,
    shutdown: CancellationToken,
}

impl Engine {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            running: Mutex::new(None),
        }
    }

    /// Begins. A second start changes nothing.
    pub(super) async fn start(&self) -> Result<(), Error> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            *running = Some(self.source(None)?);
            tracing::info!("metrics begin");
        }
        Ok(())
    }

    /// Ends: there are no series any more. A second end changes nothing.
    pub(super) async fn stop(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.shutdown.cancel();
            tracing::info!("metrics end");
        }
    }

    /// The page of the engine, with labels and health series; empty before the start and after the end.
    pub(super) async fn page(&self) -> Result<Bytes, Error> {
        let Some(running) = self.running.lock().await.clone() else {
            return Ok(Bytes::new());
        };
        let page = fetch(&running.source).await?;
        if running.has_id {
            return Ok(Bytes::copy_from_slice(page.body()));
        }
        let Some(id) = daemon(&page) else {
            return Ok(Bytes::copy_from_slice(page.body()));
        };
        let known = self.source(Some(&id))?;
        let page = fetch(&known.source).await?;
        let mut now = self.running.lock().await;
        // It may have ended meanwhile, or another page may have been quicker.
        match now.as_mut() {
            Some(now) if !now.has_id => std::mem::replace(now, known).shutdown.cancel(),
            _ => known.shutdown.cancel(),
        }
        Ok(Bytes::copy_from_slice(page.body()))
    }

    /// A discovery with the engine as its only target.
    fn source(&self, daemon: Option<&str>) -> Result<Running, Error> {
        let address = format!("unix://{}:/metrics", self.settings.metrics_socket.display());
        let timeout = format!("{}ms", self.settings.timeout.as_millis());
        let mut options = vec![
            ("timeout", timeout.as_str()),
            ("targets[0].organization", ORGANIZATION),
            ("targets[0].space", SPACE),
            ("targets[0].app", APP),
            ("targets[0].address", &address),
        ];
        if !self.settings.host.is_empty() {
            options.push(("targets[0].labels.docker_host", &self.settings.host));
        }
        if let Some(daemon) = daemon {
            options.push(("targets[0].labels.daemon_id", daemon));
        }
        let options = options
            .into_iter()
            .map(|(key, text)| (key.to_owned(), text.to_owned()));
        let table = settings::table(&[]);
        let (settings, _) = settings::load(&table, None, options, source::Settings::read)
            .map_err(|error| Error::new(Kind::Configuration, error))?;
        let shutdown = CancellationToken::new();
        Ok(Running {
            source: Source::start(&settings, shutdown.clone())?,
            has_id: daemon.is_some(),
            shutdown,
        })
    }
}

async fn fetch(source: &Source) -> Result<Page, Error> {
    let selector = Selector::Name {
        organization: ORGANIZATION.into(),
        space: SPACE.into(),
        app: APP.into(),
    };
    source.page(&selector).await
}

/// The engine's id, which stays through restarts.
fn daemon(page: &Page) -> Option<String> {
    let mut all = sample::of_page(page, |name| name == INFO);
    let id = all.find_map(|sample| sample.labels.get(DAEMON).cloned())?;
    (!id.is_empty()).then(|| id.into())
}
