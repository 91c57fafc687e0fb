//! What the fetch part counts: connections, bytes, failures, and how near its limits it has come.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use crate::config;
use crate::failure::Reason;

/// How long a peak is shown at least, and at most twice as long: longer than any scrape interval, shorter than a shift.
const WINDOW: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

/// All metrics of fetch.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) running: Gauge,
    pub(super) waiting: Gauge,
    pub(super) shared: Counter,
    pub(super) cached: Counter,
    pub(super) overloaded: Counter,
    pub(super) open: Gauge,
    pub(super) idle: Gauge,
    pub(super) created: Counter,
    pub(super) reused: Counter,
    pub(super) retried: Counter,
    pub(super) received: Counter,
    pub(super) decoded: Counter,
    pub(super) inflight: Gauge,
    pub(super) samples: Counter,
    pub(super) converted: Counter,
    failures: Vec<Counter>,
    pub(super) nearness: Nearness,
}

/// The highest share of each limit that was seen lately.
#[derive(Debug)]
pub(super) struct Nearness {
    pub(super) fetches: Peak,
    pub(super) inflight: Peak,
    pub(super) page: Peak,
    pub(super) body: Peak,
    pub(super) samples: Peak,
    pub(super) idle: Peak,
}

impl Metrics {
    /// Makes the metrics and adds them to the registry.
    pub(super) fn register(
        fetch: &config::Fetch,
        max_samples: usize,
        registry: &mut Registry,
    ) -> Self {
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::<i64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let running = gauge("promfetch_fetches_running", "Instances being asked now");
        let waiting = gauge(
            "promfetch_fetches_waiting",
            "Instances waiting until one more may be asked",
        );
        let open = gauge(
            "promfetch_connections_open",
            "Open connections to instances",
        );
        let idle = gauge(
            "promfetch_connections_idle",
            "Connections to instances that wait for their next use",
        );
        let inflight = Gauge::<i64>::default();
        registry.register_with_unit(
            "promfetch_inflight",
            "Bytes of instances' pages in memory",
            Unit::Bytes,
            inflight.clone(),
        );

        let mut counter = |name: &str, help: &str| {
            let counter = Counter::<u64>::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let shared = counter(
            "promfetch_fetches_shared",
            "Pages that joined an equal one under way",
        );
        let cached = counter(
            "promfetch_fetches_cached",
            "Pages served from an equal one finished just before",
        );
        let overloaded = counter(
            "promfetch_fetches_overloaded",
            "Pages refused because too many bytes were in memory",
        );
        let created = counter(
            "promfetch_connections_created",
            "Connections made to instances",
        );
        let reused = counter(
            "promfetch_connections_reused",
            "Requests sent on a connection used before",
        );
        let retried = counter(
            "promfetch_connections_retried",
            "Requests sent again because a reused connection had died",
        );
        let received = counter(
            "promfetch_body_received_bytes",
            "Bytes of bodies as instances sent them",
        );
        let decoded = counter(
            "promfetch_body_bytes",
            "Bytes of bodies after decompression",
        );
        let samples = counter("promfetch_fetched_samples", "Samples of valid pages");
        let converted = counter(
            "promfetch_pages_converted",
            "Instances' pages written in another format, because a caller could not take theirs",
        );

        let family = Family::<ReasonLabels, Counter>::default();
        registry.register(
            "promfetch_fetch_failures",
            "Instances that gave no metrics, by reason",
            family.clone(),
        );
        let failures = Reason::all()
            .map(|reason| {
                family.get_or_create_owned(&ReasonLabels {
                    reason: reason.as_str(),
                })
            })
            .collect();

        let limits = Family::<LimitLabels, Gauge>::default();
        registry.register(
            "promfetch_limit",
            "Limits as configured: fetches, bytes, samples or connections",
            limits.clone(),
        );
        let shares = Family::<LimitLabels, Gauge<f64, AtomicU64>>::default();
        registry.register(
            "promfetch_limit_peak_ratio",
            "Highest use of each limit in the last 5 to 10 minutes; at 1 it was hit",
            shares.clone(),
        );
        let peak = |limit: &'static str, value: usize| {
            let labels = LimitLabels { limit };
            limits
                .get_or_create_owned(&labels)
                .set(i64::try_from(value).unwrap_or(i64::MAX));
            Peak::new(value, shares.get_or_create_owned(&labels))
        };
        let nearness = Nearness {
            fetches: peak("max_fetches", fetch.max_fetches),
            inflight: peak("max_inflight", fetch.max_inflight),
            page: peak("max_page", fetch.max_page),
            body: peak("max_body", fetch.max_body),
            samples: peak("max_samples", max_samples),
            idle: peak("pool_max_idle", fetch.pool_max_idle),
        };
        Self {
            running,
            waiting,
            shared,
            cached,
            overloaded,
            open,
            idle,
            created,
            reused,
            retried,
            received,
            decoded,
            inflight,
            samples,
            converted,
            failures,
            nearness,
        }
    }

    /// Counts an instance that gave no metrics.
    pub(super) fn failed(&self, reason: Reason) {
        if let Some(counter) = self.failures.get(reason as usize) {
            counter.inc();
        }
    }

    /// Lets old peaks go.
    pub(super) fn sweep(&self, now: Instant) {
        let Nearness {
            fetches,
            inflight,
            page,
            body,
            samples,
            idle,
        } = &self.nearness;
        for peak in [fetches, inflight, page, body, samples, idle] {
            peak.sweep(now);
        }
    }
}

/// The highest share of a limit in this window and the one before.
#[derive(Debug)]
pub(super) struct Peak {
    limit: usize,
    shown: Gauge<f64, AtomicU64>,
    state: Mutex<Windows>,
}

#[derive(Debug)]
struct Windows {
    since: Instant,
    current: usize,
    before: usize,
}

impl Peak {
    fn new(limit: usize, shown: Gauge<f64, AtomicU64>) -> Self {
        Self {
            limit,
            shown,
            state: Mutex::new(Windows {
                since: Instant::now(),
                current: 0,
                before: 0,
            }),
        }
    }

    /// The limited quantity has this value now.
    pub(super) fn see(&self, value: usize) {
        let mut windows = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if value > windows.current {
            windows.current = value;
            self.show(&windows);
        }
    }

    fn sweep(&self, now: Instant) {
        let mut windows = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(windows.since) >= WINDOW {
            *windows = Windows {
                since: now,
                current: 0,
                before: windows.current,
            };
            self.show(&windows);
        }
    }

    fn show(&self, windows: &Windows) {
        // A limit of 0 means that there is none.
        if self.limit > 0 {
            self.shown
                .set(windows.current.max(windows.before) as f64 / self.limit as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_shown_for_one_to_two_windows() {
        let shown = Gauge::<f64, AtomicU64>::default();
        let peak = Peak::new(200, shown.clone());
        let start = Instant::now();
        for (step, value, want) in [
            ("first", 50, 0.25),
            ("smaller", 10, 0.25),
            ("larger", 100, 0.5),
        ] {
            peak.see(value);
            assert!((shown.get() - want).abs() < 1e-9, "{step}: {}", shown.get());
        }
        peak.sweep(start + WINDOW + Duration::from_secs(1));
        peak.see(20);
        assert!(
            (shown.get() - 0.5).abs() < 1e-9,
            "the window before still counts"
        );
        peak.sweep(start + 2 * WINDOW + Duration::from_secs(2));
        assert!((shown.get() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn every_reason_has_a_series_from_the_start() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&config::Fetch::default(), 10, &mut registry);
        metrics.failed(Reason::Skipped);
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        for reason in Reason::all() {
            let count = u8::from(reason == Reason::Skipped);
            assert!(
                page.contains(&format!(
                    "promfetch_fetch_failures_total{{reason=\"{reason}\"}} {count}"
                )),
                "{reason}: {page}"
            );
        }
        assert!(
            page.contains("promfetch_limit{limit=\"max_body\"} 67108864"),
            "{page}"
        );
        assert!(page.contains("promfetch_inflight_bytes 0"), "{page}");
    }
}
