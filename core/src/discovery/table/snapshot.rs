//! The table as people and programs read it: like gorouter's `/routes`, with age and source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Table;
use super::lease::Leases;
use super::state::{Endpoint, State};
use crate::discovery::record::{unpack_app, unpack_instance};
use crate::discovery::route;

/// One endpoint of a route.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RouteEntry {
    /// `host:port`, IPv6 in brackets.
    pub address: String,
    pub availability_zone: Box<str>,
    /// `http1` or `http2`.
    pub protocol: &'static str,
    pub tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cert_domain_san: Option<Box<str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub isolation_segment: Box<str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub private_instance_id: Box<str>,
    /// Metric tags that are known and not empty; none for components of the platform.
    pub tags: BTreeMap<&'static str, Box<str>>,
    /// Seconds since a source has vouched for it.
    pub age_seconds: f64,
    /// Who vouches for it: `nats`, `gorouter`, `targets`.
    pub source: Vec<&'static str>,
}

/// Routes that are written out before others get the lock.
const SLICE: u32 = 512;

impl Table {
    /// All endpoints by route key. Instances without a route stand under the empty key. For 100,000 endpoints
    /// this takes some 100 MB and a few tenths of a second, in slices.
    pub fn snapshot(&self, now: Instant) -> BTreeMap<Box<str>, Vec<RouteEntry>> {
        let mut routes = BTreeMap::new();
        let mut start = 0;
        loop {
            let state = self.read();
            let end = state.routes.end().min(start + SLICE);
            if start >= end {
                return routes;
            }
            for route in (start..end).filter_map(|id| state.routes.get(id)) {
                let mut entries: Vec<_> = route
                    .endpoints
                    .iter()
                    .map(|id| self.entry(&state, &state.endpoints[*id], now))
                    .collect();
                entries.sort_by(|a, b| a.address.cmp(&b.address));
                routes
                    .entry(route::shown(&route.key).into())
                    .or_insert_with(Vec::new)
                    .append(&mut entries);
            }
            start = end;
        }
    }

    fn entry(&self, state: &State, endpoint: &Endpoint, now: Instant) -> RouteEntry {
        let entry = &state.instances[endpoint.instance];
        let instance = unpack_instance(
            &entry.bytes,
            Arc::new(unpack_app(&state.apps[entry.app].bytes)),
        );
        let app = &instance.app;
        let tags = [
            ("app_id", &app.app_id),
            ("app_name", &app.app_name),
            ("instance_id", &instance.index),
            ("organization_id", &app.organization_id),
            ("organization_name", &app.organization_name),
            ("process_id", &app.process_id),
            ("process_type", &app.process_type),
            ("source_id", &app.source_id),
            ("space_id", &app.space_id),
            ("space_name", &app.space_name),
        ];
        let leases = &endpoint.leases;
        let sources = [
            (leases.nats_seen() != 0, "nats"),
            (leases.polls() != 0, "gorouter"),
            (leases.fixed(), "targets"),
        ];
        RouteEntry {
            address: instance.address.to_string(),
            availability_zone: instance.availability_zone.clone(),
            protocol: if instance.transport.http2 {
                "http2"
            } else {
                "http1"
            },
            tls: instance.transport.tls.is_some(),
            server_cert_domain_san: instance.transport.tls.clone(),
            isolation_segment: instance.isolation_segment.clone(),
            private_instance_id: instance.guid.clone(),
            tags: tags
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name, value.clone()))
                .collect(),
            age_seconds: self.age_of(leases, now).as_secs_f64(),
            source: sources
                .into_iter()
                .filter(|(held, _)| *held)
                .map(|(_, name)| name)
                .collect(),
        }
    }

    /// Time since any source has vouched for an endpoint: heartbeat, poll, or just now for fixed targets.
    pub(super) fn age_of(&self, leases: &Leases, now: Instant) -> Duration {
        if leases.fixed() {
            return Duration::ZERO;
        }
        let polled = (0..)
            .zip(&self.polled)
            .filter(|(number, _)| leases.polled(*number))
            .map(|(_, tick)| tick.load(Ordering::Relaxed))
            .max();
        self.since(leases.nats_seen().max(polled.unwrap_or_default()), now)
    }
}
