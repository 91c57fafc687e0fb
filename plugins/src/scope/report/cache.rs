//! The reports that lie ready for the probe.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// Longest id of a probe that is kept.
const MAX_PROBE: usize = 64;

/// Hands out reports without waiting for anything.
#[derive(Debug)]
pub(super) struct Cache {
    ready: Mutex<Ready>,
    rescrape: Notify,
}

#[derive(Debug)]
struct Ready {
    /// With samples that nobody has got yet.
    fresh: Option<Bytes>,
    /// The same without samples.
    rest: Bytes,
    probe: String,
}

impl Cache {
    pub(super) fn new(rest: Bytes) -> Self {
        Self {
            ready: Mutex::new(Ready {
                fresh: None,
                rest,
                probe: String::new(),
            }),
            rescrape: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The report for this probe: samples are in it once.
    pub(super) fn take(&self, probe: Option<&str>) -> Bytes {
        let mut ready = self.lock();
        if let Some(probe) = probe
            && probe != ready.probe
            && is_probe_id(probe)
        {
            probe.clone_into(&mut ready.probe);
        }
        ready.fresh.take().unwrap_or_else(|| ready.rest.clone())
    }

    /// Whether the samples of the last report are still here.
    pub(super) fn has_fresh(&self) -> bool {
        self.lock().fresh.is_some()
    }

    /// The id of the probe that asked last, empty before.
    pub(super) fn probe(&self) -> String {
        self.lock().probe.clone()
    }

    /// Puts a newer report in place of both.
    pub(super) fn put(&self, fresh: Bytes, rest: Bytes) {
        let mut ready = self.lock();
        ready.fresh = Some(fresh);
        ready.rest = rest;
    }

    /// Wants new pages now.
    pub(super) fn rescrape(&self) {
        self.rescrape.notify_one();
    }

    /// Waits until somebody wants new pages.
    pub(super) async fn rescrape_wanted(&self) {
        self.rescrape.notified().await;
    }
}

fn is_probe_id(text: &str) -> bool {
    (1..=MAX_PROBE).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_handed_out_once() {
        let cache = Cache::new("empty".into());
        assert_eq!(cache.take(None), "empty");
        cache.put("fresh".into(), "rest".into());
        assert!(cache.has_fresh());
        assert_eq!(cache.take(Some("1f2e")), "fresh");
        assert!(!cache.has_fresh());
        assert_eq!(
            (cache.take(None), cache.take(None)),
            ("rest".into(), "rest".into())
        );
        assert_eq!(cache.probe(), "1f2e");
        for wrong in ["", "a\"b", &"a".repeat(65)] {
            cache.take(Some(wrong));
            assert_eq!(cache.probe(), "1f2e", "{wrong}");
        }
    }
}
