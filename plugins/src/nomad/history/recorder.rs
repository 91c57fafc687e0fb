//! Fetches one app's page at each step and gives each track its part.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promfetch_core::selector::Selector;
use promfetch_core::{Error, Kind};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use super::budget::Budget;
use super::track::{Track, Window};
use super::{Shared, now};
use crate::nomad::promql::{Millis, VectorSelector};
use crate::sample::{self, Sample};

/// Most selectors that are recorded of one app.
const MAX_TRACKS: usize = 100;

/// What is recorded of one app.
#[derive(Debug)]
pub(super) struct Recorder {
    app: Selector,
    state: Mutex<State>,
    /// A track that has just begun does not wait for the next step.
    begun: Notify,
    /// Counts the fetches that are over.
    fetched: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    tracks: HashMap<String, Track>,
    trouble: Option<String>,
}

/// What is recorded of one app for one selector.
#[derive(Debug)]
pub struct Record {
    recorder: Arc<Recorder>,
    key: String,
    fetched: watch::Receiver<u64>,
    is_new: bool,
}

impl Recorder {
    pub(super) fn new(app: Selector) -> Self {
        Self {
            app,
            state: Mutex::default(),
            begun: Notify::new(),
            fetched: watch::Sender::default(),
        }
    }

    /// Records for this selector, if that is not done already.
    pub(super) fn want(
        self: &Arc<Self>,
        wanted: &VectorSelector,
        keep: Duration,
        budget: &Budget,
    ) -> Result<Record, String> {
        let key = key(wanted);
        let mut state = self.state();
        if !state.tracks.contains_key(&key) && state.tracks.len() >= MAX_TRACKS {
            return Err(format!(
                "{MAX_TRACKS} selectors are recorded for {} already, which is the most: query fewer, or wait until what nobody asks for goes (`idle`)",
                self.app
            ));
        }
        let track = state
            .tracks
            .entry(key.clone())
            .or_insert_with(|| Track::new(wanted.clone(), budget.share()));
        track.ask(keep)?;
        let is_new = !track.has_begun();
        if is_new {
            self.begun.notify_one();
        }
        Ok(Record {
            recorder: Arc::clone(self),
            key,
            // From before the page that is waited for.
            fetched: self.fetched.subscribe(),
            is_new,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of metrics that are wanted.
    fn names(&self) -> Names {
        let state = self.state();
        let names = state
            .tracks
            .values()
            .map(|track| track.name().map(Into::into));
        Names(names.collect())
    }

    /// Whether there is a track that no page has been tried for.
    fn has_new(&self) -> bool {
        let state = self.state();
        state.tracks.values().any(|track| !track.has_begun())
    }

    /// Gives the tracks what was fetched, of which `names` were read.
    fn record(&self, at: Millis, names: &Names, page: Result<Vec<Sample>, Error>) {
        let mut state = self.state();
        let (samples, trouble) = match page {
            Ok(samples) => (Some(samples), None),
            // An app without instances has a page without series, so to speak.
            Err(error) if error.kind() == Kind::NotFound => (Some(Vec::new()), Some(error)),
            Err(error) => (None, Some(error)),
        };
        let trouble = trouble.map(|error| error.to_string());
        if let Some(trouble) = &trouble
            && state.trouble.as_ref() != Some(trouble)
        {
            tracing::warn!(app = %self.app, error = %trouble, "the app's metrics cannot be had");
        }
        if state.trouble.is_some() && trouble.is_none() {
            tracing::info!(app = %self.app, "the app's metrics can be had again");
        }
        state.trouble = trouble;
        // A track that has begun since the names were taken has the next page.
        let tracks = state.tracks.values_mut();
        for track in tracks.filter(|track| track.name().is_none_or(|name| names.has(name))) {
            track.record(at, samples.as_deref());
        }
    }
}

/// Names of metrics; `None` stands for all.
#[derive(Debug)]
struct Names(HashSet<Option<Box<str>>>);

impl Names {
    fn has(&self, name: &str) -> bool {
        self.0.contains(&None) || self.0.contains(&Some(name.into()))
    }
}

impl Record {
    /// Waits for the first page, if the track has just begun.
    pub(super) async fn wait(&self) {
        let mut fetched = self.fetched.clone();
        while self.is_new && !self.has_begun() {
            if fetched.changed().await.is_err() {
                return;
            }
        }
    }

    fn has_begun(&self) -> bool {
        let state = self.recorder.state();
        state.tracks.get(&self.key).is_none_or(Track::has_begun)
    }

    /// Whether nothing was recorded before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What was seen from this time on.
    ///
    /// # Errors
    /// When it was too much to be kept.
    pub fn window(&self, from: Millis) -> Result<Window, String> {
        let state = self.recorder.state();
        match state.tracks.get(&self.key) {
            Some(track) => track.window(from, state.trouble.clone()),
            None => Ok(Window::default()),
        }
    }
}

/// Equal selectors have equal keys. The range is no part of it: it says how much is read, not what is kept.
fn key(wanted: &VectorSelector) -> String {
    format!("{:?} {:?}", wanted.name, wanted.matchers)
}

/// Fetches at each step until nobody wants anything.
pub(super) async fn run(recorder: Arc<Recorder>, shared: Arc<Shared>) {
    let mut steps = interval(shared.step);
    // An app that takes longer than a step is asked as soon as it has answered, once.
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = steps.tick() => {}
            () = recorder.begun.notified() => {
                if !recorder.has_new() {
                    // The page that was being fetched has done.
                    continue;
                }
                steps.reset();
            }
        }
        if is_over(&recorder, &shared) {
            return;
        }
        // In a task of its own: a page that makes it panic costs a sample and not the recorder.
        let fetch = AbortOnDropHandle::new(tokio::spawn(fetch(
            Arc::clone(&recorder),
            Arc::clone(&shared),
        )));
        let at = now();
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            done = fetch => if !matches!(done, Ok(Ok(()))) {
                let error = "the page could not be read, because of an error in this plugin";
                recorder.record(at, &recorder.names(), Err(Error::new(Kind::Parse, error)));
            }
        }
        recorder.fetched.send_modify(|fetched| *fetched += 1);
    }
}

async fn fetch(recorder: Arc<Recorder>, shared: Arc<Shared>) -> Result<(), JoinError> {
    let _permit = shared.pages.acquire().await;
    let at = now();
    let page = shared.source.page(&recorder.app).await;
    // A large page takes its time, which the threads that answer others do not have.
    spawn_blocking(move || {
        // Tracks that have begun meanwhile have their share of this page too.
        let names = recorder.names();
        let samples = page.map(|page| sample::of_page(&page, |name| names.has(name)).collect());
        recorder.record(at, &names, samples);
    })
    .await
}

/// Forgets what nobody asks for, and says whether nothing is left. Then the recorder is not there any more.
fn is_over(recorder: &Recorder, shared: &Shared) -> bool {
    let mut recorders = shared
        .recorders
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut state = recorder.state();
    state.tracks.retain(|_, track| !track.is_idle(shared.idle));
    if !state.tracks.is_empty() {
        return false;
    }
    recorders.remove(&recorder.app);
    tracing::debug!(app = %recorder.app, "nobody asks for the app any more");
    true
}
