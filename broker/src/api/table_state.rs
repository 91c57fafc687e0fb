//! What the routing table is made from, and how old that is: a part of every answer to "why is my app not there?"

use promfetch_core::discovery::{Readiness, Sizes, SourceState};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::access::{Access, Reader};

/// How the routing table is doing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct TableState {
    /// Whether all apps of the platform are known. Before, an app that is not found may still come.
    pub(crate) ready: bool,
    pub(crate) sources: Vec<Source>,
    /// Apps in the table; for operators, and where access is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) apps: Option<usize>,
    /// Instances in the table, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instances: Option<usize>,
}

/// Where routes come from, or the database with the bindings.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TableSource)]
pub(crate) struct Source {
    /// `nats`, `gorouter`, `targets` or `bindings`.
    pub(crate) kind: &'static str,
    /// Whether it can be heard at this moment.
    pub(crate) connected: bool,
    /// Whether it has been heard completely once.
    pub(crate) ready: bool,
    /// Since its latest message, poll or reading.
    pub(crate) last_message_age_seconds: Option<f64>,
    /// Its address; for operators, and where access is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// How it is doing, in words; likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// How the table is doing, as far as this caller may know.
pub(crate) fn of(api: &Api, access: &Access) -> TableState {
    let is_open = knows_the_platform(access);
    let sizes = is_open.then(|| api.client.discovery().sizes());
    TableState::new(api.health.readiness(), sizes)
}

impl TableState {
    /// With sizes, and then with names: all there is to know.
    pub(crate) fn new(readiness: Readiness, sizes: Option<Sizes>) -> Self {
        let source = |state| Source::of(state, sizes.is_some());
        Self {
            ready: readiness.ready,
            sources: readiness.sources.into_iter().map(source).collect(),
            apps: sizes.map(|sizes| sizes.apps),
            instances: sizes.map(|sizes| sizes.instances),
        }
    }
}

impl Source {
    fn of(state: SourceState, is_open: bool) -> Self {
        let age = state.last_message_age;
        Self {
            kind: state.kind,
            connected: state.connected,
            ready: state.ready,
            last_message_age_seconds: age.map(|age| (age.as_secs_f64() * 1000.0).round() / 1000.0),
            name: is_open.then_some(state.name),
            detail: is_open.then_some(state.detail),
        }
    }
}

/// Addresses inside of the platform, and its size, are no matter of those who may see some of its apps.
pub(crate) fn knows_the_platform(access: &Access) -> bool {
    match access {
        Access::Everything | Access::Audited(_) | Access::Reader(Reader::Operator(_)) => true,
        Access::Nothing | Access::Reader(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_of_sources_are_for_operators() {
        let state = || SourceState {
            kind: "nats",
            name: "10.0.0.1:4222".into(),
            connected: true,
            ready: true,
            detail: "connected to 10.0.0.1".into(),
            last_message_age: Some(Duration::from_micros(1_234_567)),
        };
        for (is_open, want, why) in [
            (
                false,
                r#"{"kind":"nats","connected":true,"ready":true,"last_message_age_seconds":1.235}"#,
                "no address",
            ),
            (
                true,
                r#"{"kind":"nats","connected":true,"ready":true,"last_message_age_seconds":1.235,"name":"10.0.0.1:4222","detail":"connected to 10.0.0.1"}"#,
                "all of it",
            ),
        ] {
            let text = serde_json::to_string(&Source::of(state(), is_open)).unwrap();
            assert_eq!(text, want, "{why}");
        }
        for (access, want) in [
            (Access::Everything, true),
            (Access::Audited(Err("nobody".into())), true),
            (Access::Reader(Reader::Operator("jane".into())), true),
            (Access::Nothing, false),
        ] {
            assert_eq!(knows_the_platform(&access), want, "{access:?}");
        }
    }
}
