//! Whether the table can be trusted to be complete: a latch for each source, and one for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use tokio::sync::watch;

/// Whether all sources have said all they know, and how each is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    /// Once true, it stays true: a source that is lost later is degraded, and the last good table is served.
    pub ready: bool,
    pub sources: Vec<SourceState>,
}

impl Readiness {
    /// Whether the table is empty for want of anybody to fill it: there are sources, and none was ever heard.
    pub fn is_deaf(&self) -> bool {
        let silent = |source: &SourceState| !source.connected && source.last_message_age.is_none();
        !self.sources.is_empty() && self.sources.iter().all(silent)
    }
}

/// How one source is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SourceState {
    /// `nats`, `gorouter` or `targets`.
    pub kind: &'static str,
    /// Its address, without login.
    pub name: String,
    /// Whether it can be heard at this moment.
    pub connected: bool,
    /// Whether it has been heard completely once. Never falls back.
    pub ready: bool,
    /// One sentence for people.
    pub detail: String,
    /// Time since its latest message or good poll.
    #[serde(rename = "last_message_age_seconds", serialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<f64>))]
    pub last_message_age: Option<Duration>,
}

fn seconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| age.as_secs_f64()).serialize(serializer)
}

#[derive(Debug)]
struct Status {
    kind: &'static str,
    name: String,
    connected: bool,
    ready: bool,
    detail: String,
    last_message: Option<Instant>,
}

/// The states of all sources.
#[derive(Debug)]
pub(super) struct Board {
    sources: Mutex<Vec<Status>>,
    ready: watch::Sender<bool>,
}

impl Board {
    /// A board with these sources (kind and name), none heard yet. Without any it is ready at once.
    pub(super) fn new(sources: impl IntoIterator<Item = (&'static str, String)>) -> Arc<Self> {
        let status = |(kind, name)| Status {
            kind,
            name,
            connected: false,
            ready: false,
            detail: "not heard yet".into(),
            last_message: None,
        };
        let sources: Vec<_> = sources.into_iter().map(status).collect();
        Arc::new(Self {
            ready: watch::Sender::new(sources.is_empty()),
            sources: Mutex::new(sources),
        })
    }

    /// The handle of the source that stands at this place.
    pub(super) fn reporter(self: &Arc<Self>, place: usize) -> Reporter {
        Reporter {
            board: Arc::clone(self),
            place,
        }
    }

    /// A source that needs nobody to be heard, under its present name. It is added when it is not there yet.
    pub(super) fn complete(&self, kind: &'static str, name: String, detail: &str) {
        let status = Status {
            kind,
            name,
            connected: true,
            ready: true,
            detail: detail.into(),
            last_message: None,
        };
        let mut sources = self.lock();
        match sources.iter_mut().find(|known| known.kind == kind) {
            Some(known) => *known = status,
            None => sources.push(status),
        }
        self.settle(&sources);
    }

    /// Falls the latch when all sources are ready.
    fn settle(&self, sources: &[Status]) {
        if sources.iter().all(|status| status.ready) {
            self.ready
                .send_if_modified(|ready| !std::mem::replace(ready, true));
        }
    }

    pub(super) fn readiness(&self, now: Instant) -> Readiness {
        let sources = self.lock();
        let state = |status: &Status| SourceState {
            kind: status.kind,
            name: status.name.clone(),
            connected: status.connected,
            ready: status.ready,
            detail: status.detail.clone(),
            last_message_age: status
                .last_message
                .map(|last| now.saturating_duration_since(last)),
        };
        Readiness {
            ready: *self.ready.borrow(),
            sources: sources.iter().map(state).collect(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    pub(super) async fn wait_ready(&self) {
        // An error would mean that the sender is gone, and it lives in `self`.
        drop(self.ready.subscribe().wait_for(|ready| *ready).await);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Status>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// With this a source tells how it is doing.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    board: Arc<Board>,
    place: usize,
}

impl Reporter {
    pub(super) fn connected(&self, connected: bool, detail: impl Into<String>) {
        self.change(|status| {
            status.connected = connected;
            status.detail = detail.into();
        });
    }

    pub(super) fn heard(&self, now: Instant) {
        self.change(|status| status.last_message = Some(now));
    }

    /// The source has been heard completely. Repeating it does nothing.
    pub(super) fn ready(&self) {
        self.change(|status| status.ready = true);
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut sources = self.board.lock();
        let Some(status) = sources.get_mut(self.place) else {
            return;
        };
        let was_ready = status.ready;
        change(status);
        if status.ready && !was_ready {
            self.board.settle(&sources);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_is_a_latch_over_all_sources() {
        let board = Board::new([("nats", "a:4222".into()), ("gorouter", "b:8082".into())]);
        let (nats, gorouter) = (board.reporter(0), board.reporter(1));
        nats.ready();
        assert!(!board.readiness(Instant::now()).ready, "one of two");
        gorouter.ready();
        board.wait_ready().await;
        nats.connected(false, "gone");
        let readiness = board.readiness(Instant::now());
        assert!(
            readiness.ready && readiness.sources[0].ready,
            "losing a source later does not take it back"
        );
        assert!(!readiness.sources[0].connected);
    }

    #[tokio::test]
    async fn a_complete_source_comes_at_any_time_and_takes_nothing_back() {
        let now = Instant::now();
        let board = Board::new([("nats", "a:4222".into())]);
        board.complete("targets", "2 targets".into(), "configured");
        assert!(!board.readiness(now).ready, "NATS was not heard yet");
        board.reporter(0).ready();
        board.complete("targets", "0 targets".into(), "configured");
        let readiness = board.readiness(now);
        let names: Vec<_> = readiness
            .sources
            .iter()
            .map(|source| &*source.name)
            .collect();
        assert_eq!(
            (names, readiness.ready),
            (vec!["a:4222", "0 targets"], true)
        );

        let alone = Board::new([]);
        alone.complete("targets", "1 targets".into(), "configured");
        alone.wait_ready().await;
        let first = Board::new([("targets", "1 targets".into())]);
        assert!(!first.is_ready());
        first.complete("targets", "1 targets".into(), "configured");
        first.wait_ready().await;
    }

    #[tokio::test]
    async fn without_sources_all_is_said() {
        let board = Board::new([]);
        board.wait_ready().await;
        assert!(board.readiness(Instant::now()).ready);
    }

    #[test]
    fn states_are_written_with_ages_in_seconds() {
        let board = Board::new([("nats", "a:4222".into())]);
        let now = Instant::now();
        board.reporter(0).heard(now);
        board.reporter(0).connected(true, "connected");
        let json =
            serde_json::to_value(board.readiness(now + Duration::from_millis(1500))).unwrap();
        assert_eq!(json["sources"][0]["last_message_age_seconds"], 1.5);
        assert_eq!(
            (&json["ready"], &json["sources"][0]["connected"]),
            (&false.into(), &true.into())
        );
    }
}
