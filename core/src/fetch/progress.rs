//! How far the fetch of one target is: what a deadline reports.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use crate::failure::{Failure, Reason};

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    Queued,
    Connecting,
    Waiting,
    Reading,
    Checking,
}

/// Kept while a target is asked, so that a deadline can say what was missing.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: AtomicU8,
    started: OnceLock<Instant>,
    /// Status of the latest answer; 0 before there is one.
    status: AtomicU16,
    pub(super) received: AtomicUsize,
}

impl Progress {
    /// The target's turn has come: its duration counts from here.
    pub(super) fn start(&self) {
        self.started.get_or_init(Instant::now);
        self.enter(Phase::Connecting);
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// The head of an answer has come, of a redirect too.
    pub(super) fn answered(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::Relaxed);
    }

    /// The status of the latest answer, if there was any.
    pub(super) fn status(&self) -> Option<u16> {
        match self.status.load(Ordering::Relaxed) {
            0 => None,
            status => Some(status),
        }
    }

    /// How long the target has been asked.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// The failure when the deadline comes now.
    pub(super) fn overdue(&self) -> Failure {
        let phase = self.phase.load(Ordering::Relaxed);
        let detail = match phase {
            phase if phase == Phase::Queued as u8 => {
                return Failure::new(
                    Reason::Skipped,
                    "not asked before the deadline: too many fetches at once (`max_fetches`, `max_conns`)",
                );
            }
            phase if phase == Phase::Connecting as u8 => {
                "no connection before the deadline".to_owned()
            }
            phase if phase == Phase::Waiting as u8 => {
                "connected, but no answer before the deadline".to_owned()
            }
            phase if phase == Phase::Reading as u8 => {
                format!(
                    "the body was not complete before the deadline: {} bytes so far",
                    self.received.load(Ordering::Relaxed)
                )
            }
            _ => "the page was received, but not checked before the deadline".to_owned(),
        };
        Failure::new(Reason::Timeout, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missing_at_the_deadline_is_told() {
        let progress = Progress::default();
        assert_eq!(progress.overdue().reason, Reason::Skipped);
        progress.start();
        for (phase, text) in [
            (Phase::Connecting, "no connection"),
            (Phase::Waiting, "no answer"),
            (Phase::Reading, "0 bytes so far"),
            (Phase::Checking, "not checked"),
        ] {
            progress.enter(phase);
            let failure = progress.overdue();
            assert_eq!(failure.reason, Reason::Timeout, "{phase:?}");
            assert!(failure.detail.contains(text), "{phase:?}: {failure}");
        }
    }
}
