//! Apps by what people type: parts of names, a GUID, a route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{Equivalent, HashSet};

use super::state::{AppEntry, State};
use super::{SLICE, Table};
use crate::discovery::record::{app_id, app_names, process_type, space_id, unpack_app};
use crate::discovery::route;
use crate::instance::App;

/// Words of a text that count. More make nothing narrower that anybody would type.
const MAX_WORDS: usize = 8;

/// What a search has found.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// By organization, space, name and GUID; as many as were asked for.
    pub apps: Vec<Found>,
    /// How many there are in all.
    pub total: usize,
}

/// One app that a search has found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The tags of its `web` process, if it has one.
    pub app: Arc<App>,
    /// Types of its processes with their instances, sorted.
    pub processes: Vec<(Box<str>, usize)>,
    /// The route by which it was found, else the first of its routes in sorted order.
    pub route: Option<Box<str>>,
}

/// One app as a whole: all of its processes and routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Types of its processes with their instances, sorted.
    pub processes: Vec<(Box<str>, usize)>,
    /// Sorted; as many as were asked for.
    pub routes: Vec<Box<str>>,
    /// How many there are in all.
    pub routes_total: usize,
}

/// The words to look for, in lower case.
#[derive(Debug)]
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let words = text.split_whitespace().take(MAX_WORDS).map(|word| {
            // Whole addresses are pasted from browsers.
            let word = word.split_once("://").map_or(word, |(_, rest)| rest);
            let word = word.split(['?', '#']).next().unwrap_or_default();
            word.trim_end_matches('/').to_lowercase()
        });
        Self(words.filter(|word| !word.is_empty()).collect())
    }

    /// Whether each word is in the names, the GUID or a route of the app.
    fn fit(&self, state: &State, app: &AppEntry) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let names = app_names(&app.bytes).join("/").to_lowercase();
        let guid = app_id(&app.bytes).to_lowercase();
        self.0.iter().all(|word| {
            names.contains(word)
                || guid.contains(word)
                || routes(state, app).any(|key| is_meant(key, word))
        })
    }

    /// Whether a word of them is in this route.
    fn touch(&self, key: &str) -> bool {
        self.0.iter().any(|word| is_meant(key, word))
    }
}

/// Whether a word is a part of a route, or the address of something below it.
fn is_meant(key: &str, word: &str) -> bool {
    let is_below = || {
        word.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    key.contains(word) || is_below()
}

/// The keys of all routes of an app's instances, with repetitions.
pub(super) fn routes<'s>(state: &'s State, app: &'s AppEntry) -> impl Iterator<Item = &'s str> {
    let endpoints = app
        .instances
        .iter()
        .flat_map(|id| &state.instances[*id].endpoints);
    endpoints
        .map(|id| &*state.routes[state.endpoints[*id].route].key)
        .filter(|key| !route::shown(key).is_empty())
}

impl Table {
    /// The apps in which every word of the text is found: in `organization/space/app`, in the GUID, or in a route.
    /// Case does not count; an empty text finds all. `may` says by GUIDs of app and space which of them count.
    ///
    /// It walks the whole table, in slices: for 100,000 apps some tens of milliseconds.
    pub fn search(&self, text: &str, limit: usize, may: impl Fn(&str, &str) -> bool) -> Matches {
        let words = Words::of(text);
        // An app can have several sets of tags: its processes, and those of a rename under way.
        let mut found = HashSet::new();
        let mut order = BTreeSet::new();
        self.walk_apps(|state, app| {
            // Another app may claim the same GUID: the space decides who may see it.
            let key = (app_id(&app.bytes), space_id(&app.bytes));
            let fits = !key.0.is_empty()
                && !found.contains(&key)
                && may(key.0, key.1)
                && words.fit(state, app);
            if fits {
                let owned = Key(key.0.into(), key.1.into());
                let names = app_names(&app.bytes).map(Box::<str>::from);
                order.insert((names, owned.0.clone(), owned.1.clone()));
                found.insert(owned);
            }
        });
        let state = self.read();
        // What has left in the meantime is not shown.
        let shown = order
            .iter()
            .take(limit)
            .filter_map(|(_, guid, space)| collect(&state, &words, sets(&state, guid, space)));
        Matches {
            apps: shown.collect(),
            total: found.len(),
        }
    }

    /// All processes of the app with this GUID in this space, with at most `limit` of its routes. `None`: it has no
    /// instance.
    pub fn overview(&self, guid: &str, space: &str, limit: usize) -> Option<Overview> {
        let state = self.read();
        let sets = self::sets(&state, guid, space);
        if sets.is_empty() {
            return None;
        }
        let all: BTreeSet<&str> = sets.iter().flat_map(|app| routes(&state, app)).collect();
        Some(Overview {
            processes: processes(&sets),
            routes_total: all.len(),
            routes: all.into_iter().take(limit).map(Box::from).collect(),
        })
    }

    /// Shows every set of tags, in slices.
    pub(super) fn walk_apps(&self, mut look: impl FnMut(&State, &AppEntry)) {
        let mut start = 0;
        loop {
            let state = self.read();
            let end = state.apps.end().min(start + SLICE);
            if start >= end {
                return;
            }
            for app in (start..end).filter_map(|id| state.apps.get(id)) {
                look(&state, app);
            }
            start = end;
        }
    }
}

/// GUIDs of an app and its space.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key(Box<str>, Box<str>);

impl Equivalent<Key> for (&str, &str) {
    fn equivalent(&self, key: &Key) -> bool {
        *self.0 == *key.0 && *self.1 == *key.1
    }
}

/// The sets of tags of an app.
fn sets<'s>(state: &'s State, guid: &'s str, space: &str) -> Vec<&'s AppEntry> {
    let all = state.with_guid(guid).map(|id| &state.apps[id]);
    all.filter(|app| space_id(&app.bytes) == space).collect()
}

/// One app of its sets of tags.
fn collect(state: &State, words: &Words, sets: Vec<&AppEntry>) -> Option<Found> {
    let is_web = |app: &&&AppEntry| process_type(&app.bytes) == super::WEB;
    let shown = sets.iter().find(is_web).or_else(|| sets.first())?;
    let keys = || sets.iter().flat_map(|app| routes(state, app));
    let by_route = keys().filter(|key| words.touch(key)).min();
    Some(Found {
        app: Arc::new(unpack_app(&shown.bytes)),
        processes: processes(&sets),
        route: by_route.or_else(|| keys().min()).map(Box::from),
    })
}

/// Instances by the type of their process.
fn processes(sets: &[&AppEntry]) -> Vec<(Box<str>, usize)> {
    let mut processes = BTreeMap::<&str, usize>::new();
    for app in sets {
        *processes.entry(process_type(&app.bytes)).or_default() += app.instances.len();
    }
    let owned = |(kind, count): (&str, usize)| (kind.into(), count);
    processes.into_iter().map(owned).collect()
}
