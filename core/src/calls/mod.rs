//! Call metrics: how often each call of each part was started, how long it took, how many are under way.
//!
//! Every part of promfetch that talks to something or works for long gets a [`Call`] once and starts a
//! [`Guard`] for each use; dropping the guard ends the call, also when its future is cancelled. A call that has not
//! ended after two minutes is lost: it is no longer under way, and has no duration.
//!
//! They are written under promfetch's own names, in the registry beside all other metrics, or as the ECS agent wrote
//! its own ([`Calls::ecs`]).

mod ecs;
mod own;
mod tally;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::registry::Registry;

use self::tally::Tally;
use crate::config::CallMetrics;
use crate::error::{Error, Kind};

/// Longest name of a part or a call of the host's own, in bytes.
const MAX_NAME: usize = 128;
/// Pairs of part and call that a host may make: each is twenty series that stay for good.
const MAX_OWN: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct CallLabels {
    api: Cow<'static, str>,
    call: Cow<'static, str>,
}

/// The call metrics of one client. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    style: CallMetrics,
    kinds: Mutex<Kinds>,
}

#[derive(Debug, Default)]
struct Kinds {
    all: BTreeMap<CallLabels, Call>,
    /// How many of them the host has made by [`Calls::own_call`].
    of_host: usize,
}

impl Calls {
    /// Metrics that are in no registry yet.
    pub fn new(style: CallMetrics) -> Self {
        Self(Arc::new(Shared {
            style,
            ..Shared::default()
        }))
    }

    /// Makes the metrics under their own names and adds them to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let calls = Self::default();
        calls.register_in(registry);
        calls
    }

    /// Adds the metrics to the registry, unless they have the names of the ECS agent, which no registry can write.
    pub fn register_in(&self, registry: &mut Registry) {
        if self.0.style == CallMetrics::Own {
            registry.register_collector(Box::new(own::OwnNames(self.clone())));
        }
    }

    /// The call of this name in this part (`api`): get it once, start it often.
    pub fn call(&self, api: &'static str, call: &'static str) -> Call {
        let labels = CallLabels {
            api: api.into(),
            call: call.into(),
        };
        self.lock().all.entry(labels).or_default().clone()
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
        let mut kinds = self.lock();
        if let Some(known) = kinds.all.get(&labels) {
            return Ok(known.clone());
        }
        if kinds.of_host >= MAX_OWN {
            return Err(Error::new(
                Kind::InvalidArgument,
                format!(
                    "there are {MAX_OWN} kinds of calls already: names of calls must not hold what differs each time"
                ),
            ));
        }
        kinds.of_host += 1;
        Ok(kinds.all.entry(labels).or_default().clone())
    }

    /// Whose names they have.
    pub fn style(&self) -> CallMetrics {
        self.0.style
    }

    /// The metrics as the ECS agent wrote them, if that is configured: in text 0.0.4, or with the types of OpenMetrics,
    /// and without its end.
    pub fn ecs(&self, is_open: bool) -> Option<String> {
        (self.0.style == CallMetrics::Ecs).then(|| ecs::page(&self.kinds(), is_open))
    }

    /// All kinds of calls, by name.
    fn kinds(&self) -> Vec<(CallLabels, Call)> {
        let kinds = self.lock();
        let all = kinds.all.iter();
        all.map(|(labels, call)| (labels.clone(), call.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kinds> {
        self.0.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One kind of call. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Call(Arc<Mutex<Tally>>);

impl Call {
    /// Starts a call; it ends when the guard is dropped.
    #[must_use = "the call ends when the guard is dropped"]
    pub fn start(&self) -> Guard {
        let number = self.lock().start(Instant::now());
        Guard {
            call: self.clone(),
            number,
        }
    }

    /// Counts a call that has no duration.
    pub fn increment(&self) {
        self.lock().increment();
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Guard {
    call: Call,
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.call.lock().end(self.number, Instant::now());
    }
}

#[cfg(test)]
mod tests;
