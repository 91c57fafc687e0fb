//! Call metrics: how often each call of each part was started, how long it took, how many are under way.
//!
//! Every part of promfetch that talks to something or works for long gets a [`Call`] once and starts a
//! [`Guard`] for each use; dropping the guard ends the call, also when its future is cancelled.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::{Error, Kind};

/// Upper bounds of the duration buckets, in seconds: a look-up takes microseconds, a fetch up to 30 s.
const BUCKETS: [f64; 10] = [
    0.000_01, 0.000_1, 0.001, 0.01, 0.05, 0.25, 1.0, 5.0, 10.0, 30.0,
];

/// Longest name of a part or a call of the host's own, in bytes.
const MAX_NAME: usize = 128;
/// Pairs of part and call that a host may make: each is twenty series that stay for good.
const MAX_OWN: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    api: Cow<'static, str>,
    call: Cow<'static, str>,
}

/// The call metrics of one client. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Calls {
    started: Family<CallLabels, Counter>,
    duration: Family<CallLabels, Histogram, fn() -> Histogram>,
    last: Family<CallLabels, Gauge<f64, AtomicU64>>,
    in_flight: Family<CallLabels, Gauge>,
    /// The pairs that a host has made by [`Self::own_call`].
    own: Arc<Mutex<HashSet<CallLabels>>>,
}

impl Calls {
    /// Makes the metrics and adds them to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let calls = Self {
            started: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            last: Family::default(),
            in_flight: Family::default(),
            own: Arc::default(),
        };
        registry.register(
            "promfetch_calls_started",
            "Calls started, by part and call",
            calls.started.clone(),
        );
        registry.register(
            "promfetch_call_duration_seconds",
            "Time that calls took",
            calls.duration.clone(),
        );
        registry.register(
            "promfetch_call_last_duration_seconds",
            "Time that the latest call took",
            calls.last.clone(),
        );
        registry.register(
            "promfetch_calls_in_flight",
            "Calls started and not ended",
            calls.in_flight.clone(),
        );
        calls
    }

    /// The call of this name in this part (`api`): get it once, start it often.
    pub fn call(&self, api: &'static str, call: &'static str) -> Call {
        self.of(&CallLabels {
            api: api.into(),
            call: call.into(),
        })
    }

    /// A call of the program around promfetch, which wants it counted in the same way.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] for an empty name, one above 128 bytes, and for more than 1,000 different pairs.
    pub fn own_call(&self, api: &str, call: &str) -> Result<Call, Error> {
        if [api, call]
            .iter()
            .any(|name| name.is_empty() || name.len() > MAX_NAME)
        {
            return Err(Error::new(
                Kind::InvalidArgument,
                format!("the names of an API and its call have 1 to {MAX_NAME} bytes"),
            ));
        }
        let labels = CallLabels {
            api: api.to_owned().into(),
            call: call.to_owned().into(),
        };
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.contains(&labels) {
            if own.len() >= MAX_OWN {
                return Err(Error::new(
                    Kind::InvalidArgument,
                    format!(
                        "there are {MAX_OWN} kinds of calls already: names of calls must not hold what differs each time"
                    ),
                ));
            }
            own.insert(labels.clone());
        }
        drop(own);
        Ok(self.of(&labels))
    }

    fn of(&self, labels: &CallLabels) -> Call {
        Call(Arc::new(Handles {
            started: self.started.get_or_create_owned(labels),
            duration: self.duration.get_or_create_owned(labels),
            last: self.last.get_or_create_owned(labels),
            in_flight: self.in_flight.get_or_create_owned(labels),
        }))
    }
}

#[derive(Debug)]
struct Handles {
    started: Counter,
    duration: Histogram,
    last: Gauge<f64, AtomicU64>,
    in_flight: Gauge,
}

/// One kind of call. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Call(Arc<Handles>);

impl Call {
    /// Starts a call; it ends when the guard is dropped.
    #[must_use = "the call ends when the guard is dropped"]
    pub fn start(&self) -> Guard {
        self.0.started.inc();
        self.0.in_flight.inc();
        Guard {
            call: self.clone(),
            since: Instant::now(),
        }
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Guard {
    call: Call,
    since: Instant,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.call.0.duration.observe(seconds);
        self.call.0.last.set(seconds);
        self.call.0.in_flight.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_counts_start_flight_and_end() {
        let mut registry = Registry::default();
        let calls = Calls::register(&mut registry);
        let call = calls.call("fetch", "get");
        let first = call.start();
        drop(call.start());
        assert_eq!(
            calls.call("fetch", "get").0.started.get(),
            2,
            "the same call is shared"
        );
        assert_eq!(call.0.in_flight.get(), 1);
        drop(first);
        assert_eq!(call.0.in_flight.get(), 0);

        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        assert!(
            page.contains(r#"promfetch_calls_started_total{api="fetch",call="get"} 2"#),
            "{page}"
        );
        assert!(
            page.contains(r#"promfetch_call_duration_seconds_count{api="fetch",call="get"} 2"#),
            "{page}"
        );
    }

    #[test]
    fn calls_of_the_host_are_counted_like_ours_and_bounded() {
        let mut registry = Registry::default();
        let calls = Calls::register(&mut registry);
        drop(calls.own_call("ecs", "DescribeTasks").unwrap().start());
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        let series = r#"promfetch_calls_started_total{api="ecs",call="DescribeTasks"} 1"#;
        assert!(page.contains(series), "{page}");
        for (api, call) in [("", "a"), ("a", ""), (&*"a".repeat(MAX_NAME + 1), "a")] {
            assert!(calls.own_call(api, call).is_err(), "{api:?} {call:?}");
        }
        let refused = (0..MAX_OWN).find(|number| calls.own_call("a", &number.to_string()).is_err());
        assert_eq!(refused, Some(MAX_OWN - 1), "one is there already");
        assert!(calls.own_call("a", "0").is_ok(), "known ones go on");
    }
}
