//! What somebody may have meant who asked for an app that is not there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use serde::Serialize;

use super::look_up::is_served;
use super::search::routes;
use super::state::AppEntry;
use super::{Process, Table};
use crate::discovery::record::{app_id, app_names, process_id, process_type, space_id, unpack_app};
use crate::discovery::route::{self, Request};
use crate::instance::App;
use crate::selector::Selector;

/// How far a mistyped name may be from the right one: insertions, deletions, changes and swaps of letters.
const TYPOS: usize = 2;
/// Shorter names are all alike.
const MIN_TYPO: usize = 4;
/// How many more than twice as many as asked for are kept during the walk.
const SPARE: usize = 256;

/// Why an app is offered in place of one that is not there. The order is that of likelihood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is the app, but none of its processes is of the type that was asked for.
    Process,
    /// It was the app: its last instance has left.
    Departed,
    /// Its names differ in case only.
    Case,
    /// It has that name in another space or organization.
    OtherSpace,
    /// Its route has that host, and another path.
    OtherPath,
    /// Its names are much alike.
    Similar,
}

/// An app that may have been meant.
#[derive(Clone, Debug)]
pub struct NearMiss {
    pub why: Why,
    pub app: Arc<App>,
    /// Types of its processes, sorted.
    pub processes: Vec<Box<str>>,
    /// A route of it, for what was found by one.
    pub route: Option<Box<str>>,
    /// [`Why::Departed`]: time since its last instance left.
    pub departed: Option<Duration>,
}

/// What is near a selector that leads nowhere.
#[derive(Clone, Debug, Default)]
pub struct Nearby {
    /// The likeliest first.
    pub apps: Vec<NearMiss>,
    /// The route leads to a component of the platform, which is no app.
    pub component: bool,
}

impl Table {
    /// What may have been meant by a selector that [`Self::find`] finds nothing for, of the apps that `may` allows by
    /// GUIDs of app and space. It walks the whole table, in slices.
    pub fn near(
        &self,
        selector: &Selector,
        process: &Process<'_>,
        limit: usize,
        may: impl Fn(&str, &str) -> bool,
        now: Instant,
    ) -> Nearby {
        let wanted = Wanted::of(selector);
        let mut misses = Misses::new(limit);
        self.walk_apps(|state, app| {
            if !is_served(&app.bytes) || !may(app_id(&app.bytes), space_id(&app.bytes)) {
                return;
            }
            if let Some((why, route)) = wanted.why(app, process, || routes(state, app)) {
                misses.add(why, &app.bytes, route, None);
            }
        });
        let state = self.read();
        for (bytes, left) in state.departed.gone(&state) {
            let is_meant = wanted.is(bytes) && process.is_meant(bytes);
            if is_meant && may(app_id(bytes), space_id(bytes)) {
                misses.add(Why::Departed, bytes, None, Some(self.since(left, now)));
            }
        }
        let component = wanted.request.as_ref().is_some_and(|request| {
            request.find(|key| state.route(key)).is_some_and(|route| {
                let mut all = state.routes[route].endpoints.iter().map(|id| {
                    let instance = &state.instances[state.endpoints[*id].instance];
                    &state.apps[instance.app].bytes
                });
                all.all(|app| !is_served(app))
            })
        });
        drop(state);
        Nearby {
            apps: misses.likeliest(),
            component,
        }
    }
}

/// Apps that may have been meant, each once. A name can be that of thousands of apps, so only the likeliest are kept.
struct Misses {
    limit: usize,
    apps: Vec<NearMiss>,
    /// Where each stands, by GUIDs of app and space: another app may claim the same GUID.
    places: HashMap<(Box<str>, Box<str>), usize>,
}

impl Misses {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            apps: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The likelier reason stays.
    fn add(&mut self, why: Why, bytes: &[u8], route: Option<&str>, departed: Option<Duration>) {
        let process = process_type(bytes);
        let key = (app_id(bytes).into(), space_id(bytes).into());
        if let Some(known) = self.places.get(&key).and_then(|at| self.apps.get_mut(*at)) {
            if why < known.why {
                (known.why, known.departed) = (why, departed);
            }
            if !known.processes.iter().any(|known| **known == *process) {
                known.processes.push(process.into());
                known.processes.sort();
            }
            return;
        }
        self.places.insert(key, self.apps.len());
        self.apps.push(NearMiss {
            why,
            app: Arc::new(unpack_app(bytes)),
            processes: vec![process.into()],
            route: route.map(Box::from),
            departed,
        });
        if self.apps.len() > 2 * self.limit + SPARE {
            self.cut();
        }
    }

    /// Keeps the likeliest.
    fn cut(&mut self) {
        let names = |app: &App| {
            (
                app.organization_name.clone(),
                app.space_name.clone(),
                app.app_name.clone(),
                app.app_id.clone(),
            )
        };
        self.apps
            .sort_by_cached_key(|miss| (miss.why, names(&miss.app)));
        self.apps.truncate(self.limit);
        let keys = self
            .apps
            .iter()
            .map(|miss| (miss.app.app_id.clone(), miss.app.space_id.clone()));
        self.places = keys.zip(0..).collect();
    }

    fn likeliest(mut self) -> Vec<NearMiss> {
        self.cut();
        self.apps
    }
}

/// A selector, prepared for comparisons.
struct Wanted<'s> {
    selector: &'s Selector,
    /// Organization, space and app in lower case.
    names: [String; 3],
    request: Option<Request>,
}

impl<'s> Wanted<'s> {
    fn of(selector: &'s Selector) -> Self {
        let (names, request) = match selector {
            Selector::Name {
                organization,
                space,
                app,
            } => (
                [organization, space, app].map(|name| name.to_lowercase()),
                None,
            ),
            Selector::Guid(_) => Default::default(),
            Selector::Route(text) => (Default::default(), Request::parse(text)),
        };
        Self {
            selector,
            names,
            request,
        }
    }

    /// Whether the selector names exactly this app.
    fn is(&self, app: &[u8]) -> bool {
        match self.selector {
            Selector::Name {
                organization,
                space,
                app: name,
            } => app_names(app) == [&**organization, &**space, &**name],
            Selector::Guid(guid) => app_id(app) == &**guid,
            Selector::Route(_) => false,
        }
    }

    /// Why this app may have been meant, with the route that says so.
    fn why<'r, R: Iterator<Item = &'r str>>(
        &self,
        app: &AppEntry,
        process: &Process<'_>,
        routes: impl Fn() -> R,
    ) -> Option<(Why, Option<&'r str>)> {
        if self.is(&app.bytes) {
            return (!process.is_meant(&app.bytes)).then_some((Why::Process, None));
        }
        match self.selector {
            Selector::Name { .. } => self.why_by_names(&app.bytes).map(|why| (why, None)),
            Selector::Guid(guid) => {
                // People copy GUIDs of other things from `cf` commands.
                let is_process = *process_id(&app.bytes) == **guid;
                is_process.then_some((Why::Similar, None))
            }
            Selector::Route(text) => {
                let request = self.request.as_ref()?;
                let leads_here =
                    || request.find(|key| routes().any(|known| known == key).then_some(()));
                if process.asked.is_some() && leads_here().is_some() {
                    return Some((Why::Process, None));
                }
                why_by_route(request, text, app_names(&app.bytes)[2], routes)
            }
        }
    }

    fn why_by_names(&self, app: &[u8]) -> Option<Why> {
        let [organization, space, name] = app_names(app).map(str::to_lowercase);
        let [wanted_organization, wanted_space, wanted] = &self.names;
        let same_space = organization == *wanted_organization && space == *wanted_space;
        if name == *wanted {
            return Some(if same_space {
                Why::Case
            } else {
                Why::OtherSpace
            });
        }
        let near_space =
            is_near(&organization, wanted_organization) && is_near(&space, wanted_space);
        // `shop-green` and `shop-venerable` for `shop`: deployments put such words behind the name.
        let begins = name
            .strip_prefix(wanted.as_str())
            .or_else(|| wanted.strip_prefix(&name));
        let is_variant = begins.is_some_and(|rest| rest.starts_with(['-', '_', '.']));
        (near_space && (is_variant || is_near(&name, wanted))).then_some(Why::Similar)
    }
}

/// The likeliest reason among the routes of an app.
fn why_by_route<'r, R: Iterator<Item = &'r str>>(
    request: &Request,
    text: &str,
    name: &str,
    routes: impl Fn() -> R,
) -> Option<(Why, Option<&'r str>)> {
    let host = request.host();
    let host_of = |key: &'r str| route::host(key).unwrap_or_default();
    if let Some(key) = routes().find(|key| host_of(key) == host) {
        return Some((Why::OtherPath, Some(key)));
    }
    // The name alone, where the whole host was meant.
    if name.eq_ignore_ascii_case(text) {
        return Some((Why::Similar, routes().min()));
    }
    let (label, domain) = host.split_once('.').unwrap_or((host, ""));
    let similar = |key: &&'r str| {
        let (other, other_domain) = host_of(key).split_once('.').unwrap_or((host_of(key), ""));
        label == other || (domain == other_domain && is_near(label, other))
    };
    let key = routes().find(similar)?;
    Some((Why::Similar, Some(key)))
}

/// Whether one can be the other mistyped. Both in lower case.
fn is_near(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let shorter = a.len().min(b.len());
    let differs = a.len().abs_diff(b.len());
    // Letters have up to four bytes.
    shorter >= MIN_TYPO
        && differs <= TYPOS * 4
        && strsim::osa_distance(a, b) <= if shorter < 8 { 1 } else { TYPOS }
}
