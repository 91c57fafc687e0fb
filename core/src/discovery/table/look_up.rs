//! From a selector to the instances to ask.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Table;
use super::lease::Leases;
use super::state::{InstanceEntry, State};
use crate::discovery::record::{
    app_id, instance_key, is_tls, process_type, unpack_app, unpack_instance,
};
use crate::discovery::route::{self, Request};
use crate::instance::{App, Instance};
use crate::selector::Selector;

/// The process type that is meant when nobody asks for one.
pub const WEB: &str = "web";

/// Which processes of an app are meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process<'a> {
    /// The type that was asked for.
    pub asked: Option<&'a str>,
    /// Apps, by GUID, whose usual type is another one than `web`.
    pub usual: Option<&'a HashMap<Box<str>, Box<str>>>,
}

impl<'a> From<Option<&'a str>> for Process<'a> {
    fn from(asked: Option<&'a str>) -> Self {
        Self { asked, usual: None }
    }
}

impl Process<'_> {
    /// Whether this process is meant, of an app that was found by its names or its GUID.
    pub(super) fn is_meant(&self, app: &[u8]) -> bool {
        let usual = || self.usual.and_then(|usual| usual.get(app_id(app)));
        let wanted = self
            .asked
            .or_else(|| usual().map(|name| &**name))
            .unwrap_or(WEB);
        process_type(app) == wanted
    }
}

/// An instance that a selector led to. A snapshot: it does not follow later changes.
#[derive(Clone, Debug)]
pub struct Located {
    pub instance: Arc<Instance>,
    /// What to send as `Host`: the host looked up; otherwise the first of the instance's routes that is no
    /// wildcard, in sorted order; otherwise its address. Behind a Unix socket always `localhost`.
    pub host: Box<str>,
    /// Time since a source has vouched for the instance.
    pub age: Duration,
    /// Changes with every new registration (other GUID, address or transport), not with heartbeats or other tags.
    pub registration: u64,
    /// A fixed target of the configuration: the address policy does not apply.
    pub trusted: bool,
}

impl Table {
    /// The instances that the selector leads to, by app GUID, then index, then address. Empty: no such app.
    ///
    /// By names and by GUID only the process type asked for, or the app's usual one; a route leads to whatever it is
    /// mapped to, unless a type is asked for. One entry for each instance: of several ports the lowest.
    pub fn find<'a>(
        &self,
        selector: &Selector,
        process: impl Into<Process<'a>>,
        now: Instant,
    ) -> Vec<Located> {
        let process = process.into();
        let state = self.read();
        let (mut instances, host) = match selector {
            Selector::Guid(guid) => (of_apps(&state, state.with_guid(guid), &process), None),
            Selector::Name {
                organization,
                space,
                app,
            } => (
                of_apps(
                    &state,
                    state.with_names([organization, space, app]),
                    &process,
                ),
                None,
            ),
            Selector::Route(text) => {
                let Some(request) = Request::parse(text) else {
                    return Vec::new();
                };
                let Some(route) = request.find(|key| state.route(key)) else {
                    return Vec::new();
                };
                let host = Some(request.host())
                    .filter(|host| !host.starts_with('*'))
                    .map(Box::<str>::from);
                (of_route(&state, route, process.asked), host)
            }
        };
        let mut apps = hashbrown::HashMap::new();
        instances.retain(|id| !is_taken_over(&state, &state.instances[*id]));
        let unique = one_per_instance(&state, instances);
        let mut located: Vec<_> = unique
            .into_iter()
            .map(|entry| self.locate(&state, entry, host.as_deref(), &mut apps, now))
            .collect();
        drop(state);
        located.sort_by(|a, b| {
            (&a.instance.app.app_id, a.instance.sort_key())
                .cmp(&(&b.instance.app.app_id, b.instance.sort_key()))
        });
        located
    }

    /// All apps that have instances: one for each set of tags, so an app with two process types counts twice.
    pub fn apps(&self) -> Vec<Arc<App>> {
        let state = self.read();
        let apps = state
            .apps
            .iter()
            .filter(|(_, app)| !app_id(&app.bytes).is_empty());
        apps.map(|(_, app)| Arc::new(unpack_app(&app.bytes)))
            .collect()
    }

    fn locate(
        &self,
        state: &State,
        entry: &InstanceEntry,
        host: Option<&str>,
        apps: &mut hashbrown::HashMap<u32, Arc<App>>,
        now: Instant,
    ) -> Located {
        let app = apps
            .entry(entry.app)
            .or_insert_with(|| Arc::new(unpack_app(&state.apps[entry.app].bytes)));
        let instance = unpack_instance(&entry.bytes, Arc::clone(app));
        let endpoints = || entry.endpoints.iter().map(|id| &state.endpoints[*id]);
        let first_route = || {
            endpoints()
                .filter_map(|endpoint| route::host(&state.routes[endpoint.route].key))
                .min()
        };
        let host = if instance.address.is_unix() {
            instance.address.host().into()
        } else {
            host.or_else(first_route)
                .map_or_else(|| instance.address.to_string().into(), Box::from)
        };
        Located {
            host,
            age: endpoints()
                .map(|endpoint| self.age_of(&endpoint.leases, now))
                .min()
                .unwrap_or_default(),
            registration: entry.registration,
            trusted: endpoints().any(|endpoint| endpoint.leases.fixed()),
            instance: Arc::new(instance),
        }
    }
}

fn of_apps(state: &State, apps: impl Iterator<Item = u32>, process: &Process<'_>) -> Vec<u32> {
    let apps = apps
        .map(|id| &state.apps[id])
        .filter(|app| is_served(&app.bytes) && process.is_meant(&app.bytes));
    apps.flat_map(|app| app.instances.iter().copied()).collect()
}

fn of_route(state: &State, route: u32, wanted: Option<&str>) -> Vec<u32> {
    let instances = state.routes[route]
        .endpoints
        .iter()
        .map(|id| state.endpoints[*id].instance);
    let fits =
        |app: &[u8]| is_served(app) && wanted.is_none_or(|wanted| process_type(app) == wanted);
    instances
        .filter(|id| fits(&state.apps[state.instances[*id].app].bytes))
        .collect()
}

/// Components of the platform are in the table, but nobody is led to them.
pub(super) fn is_served(app: &[u8]) -> bool {
    !app_id(app).is_empty()
}

/// Whether another instance has the address now. Cells use ports again, and an instance that crashed does not
/// unregister: its entry stays until it has aged. Behind TLS the certificate tells them apart; in the clear
/// nothing does, and one app's metrics would come under the labels of another.
fn is_taken_over(state: &State, entry: &InstanceEntry) -> bool {
    // Mostly it is so.
    if is_tls(&entry.bytes) {
        return false;
    }
    let (_, _, guid) = instance_key(&entry.bytes);
    if guid.is_empty() {
        return false;
    }
    let leases = |entry: &InstanceEntry| {
        let mut leases = entry
            .endpoints
            .iter()
            .map(|id| &state.endpoints[*id].leases);
        let fixed = leases.clone().any(Leases::fixed);
        (fixed, leases.any(|leases| leases.nats_seen() > 0))
    };
    let (is_fixed, is_on_nats) = leases(entry);
    !is_fixed
        && state.at_address(entry.address()).any(|id| {
            let other = &state.instances[id];
            let (_, _, other_guid) = instance_key(&other.bytes);
            let newer = other.registration > entry.registration;
            // A poll may come from a table that is older than the heartbeats.
            newer
                && !other_guid.is_empty()
                && other_guid != guid
                && (!is_on_nats || leases(other).1)
        })
}

/// Leaves one entry for each instance GUID of an app, the one with the lowest port, and without a GUID one for each
/// address. Of two that differ in their tags only (a rename under way) the newer one stays.
fn one_per_instance(state: &State, instances: Vec<u32>) -> Vec<&InstanceEntry> {
    let mut keyed: Vec<_> = instances
        .into_iter()
        .map(|id| {
            let entry = &state.instances[id];
            let (host, port, guid) = instance_key(&entry.bytes);
            let unknown = if guid.is_empty() {
                (host, port)
            } else {
                ("", 0)
            };
            (
                (app_id(&state.apps[entry.app].bytes), guid, unknown),
                (port, host, u64::MAX - entry.change),
                entry,
            )
        })
        .collect();
    keyed.sort_unstable_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    keyed.dedup_by(|a, b| a.0 == b.0);
    keyed.into_iter().map(|(_, _, entry)| entry).collect()
}
