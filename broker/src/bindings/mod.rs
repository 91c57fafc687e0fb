//! The bindings, in the memory of every process: how apps want to be asked, and who may read with which password.
//!
//! Scraping reads this and never the database, which may be away for hours. [`Bindings`] is changed by the broker's
//! own requests as they are committed, and replaced as a whole by [`sync`] when other processes have changed the
//! database.

pub(crate) mod credentials;
pub(crate) mod effect;
pub(crate) mod held;
mod metrics;
pub(crate) mod parameters;
pub(crate) mod shape;
pub(crate) mod sync;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use promfetch_core::client::Bound;
use promfetch_core::instance::App;

use self::effect::settings;
use self::held::{Held, Vault};
use crate::secrets::{Keyring, username};
use crate::store::{Binding, BindingKey};

/// What a binding's credentials open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The app with this GUID.
    App(String),
    /// All apps of the space with this GUID.
    Space(String),
}

impl Scope {
    /// Whether it opens this app. An app without a space is in none, also not in a nameless one.
    pub(crate) fn opens(&self, app: &App) -> bool {
        self.covers(&app.app_id, &app.space_id)
    }

    /// The same for an app of which only these GUIDs are known.
    pub(crate) fn covers(&self, app_id: &str, space_id: &str) -> bool {
        match self {
            Self::App(guid) => guid == app_id,
            Self::Space(guid) => !guid.is_empty() && guid == space_id,
        }
    }
}

/// All bindings. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Bindings(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    vault: Vault,
    state: RwLock<State>,
    bound: ArcSwap<Bound>,
    loaded: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<BindingKey, Arc<Held>>,
    /// Of each app, the oldest first.
    apps: HashMap<String, Vec<Arc<Held>>>,
    users: HashMap<String, Arc<Held>>,
    /// Counts what requests to this process have changed.
    changes: u64,
}

/// How these bindings want their apps to be asked.
pub(crate) fn bound(rows: &[Binding], vault: &Vault) -> Bound {
    State::of(rows, vault).bound()
}

impl State {
    fn of(rows: &[Binding], vault: &Vault) -> Self {
        let mut state = Self::default();
        for row in rows {
            state.insert(Arc::new(vault.hold(row)));
        }
        state
    }

    fn bound(&self) -> Bound {
        let apps = self.apps.iter();
        apps.filter_map(|(app, held)| Some((app.as_str().into(), settings(held)?)))
            .collect()
    }

    fn insert(&mut self, held: Arc<Held>) {
        self.remove(&held.key);
        if let Some(app) = &held.app_guid {
            let bindings = self.apps.entry(app.clone()).or_default();
            let at = bindings.partition_point(|other| other.seq < held.seq);
            bindings.insert(at, Arc::clone(&held));
        }
        self.users.insert(username(&held.key), Arc::clone(&held));
        self.held.insert(held.key.clone(), held);
    }

    fn remove(&mut self, key: &BindingKey) -> Option<Arc<Held>> {
        let held = self.held.remove(key)?;
        self.users.remove(&username(key));
        if let Some(app) = &held.app_guid
            && let Some(bindings) = self.apps.get_mut(app)
        {
            bindings.retain(|other| other.key != *key);
            if bindings.is_empty() {
                self.apps.remove(app);
            }
        }
        Some(held)
    }
}

impl Bindings {
    /// No bindings yet. Without keys there are no passwords, and nothing that was sealed can be read.
    pub(crate) fn new(keyring: Option<Keyring>) -> Self {
        Self(Arc::new(Shared {
            vault: Vault::new(keyring),
            state: RwLock::default(),
            bound: ArcSwap::default(),
            loaded: AtomicBool::new(false),
        }))
    }

    /// How apps want to be asked, as of now.
    pub(crate) fn bound(&self) -> Arc<Bound> {
        self.0.bound.load_full()
    }

    /// Seals parameters for the store, and opens them.
    pub(crate) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// What this login opens. `None` for a wrong one.
    pub(crate) fn verify(&self, user: &str, password: &str) -> Option<Scope> {
        let keyring = self.0.vault.keyring()?;
        let held = self.read(|state| state.users.get(user).cloned())?;
        keyring
            .verify(&held.key, &held.nonce, password)
            .then(|| held.scope())
    }

    /// Whether they were read once. Before that, a login that is not among them may still be right.
    pub(crate) fn is_loaded(&self) -> bool {
        self.0.loaded.load(Ordering::Acquire)
    }

    /// How many bindings there are.
    pub(crate) fn len(&self) -> usize {
        self.read(|state| state.held.len())
    }

    /// How many of them have parameters that cannot be opened.
    pub(crate) fn locked(&self) -> usize {
        self.read(|state| state.held.values().filter(|held| held.is_locked).count())
    }

    /// Service instance and id of bindings whose secrets are sealed with the previous key, at most so many.
    fn outdated(&self, most: usize) -> Vec<(String, String)> {
        self.read(|state| {
            let outdated = state.held.values().filter(|held| held.is_outdated);
            outdated
                .filter_map(|held| Some((held.instance_id.clone()?, held.binding_id.clone())))
                .take(most)
                .collect()
        })
    }

    /// A number that changes with every change that a request to this process makes.
    pub(crate) fn changes(&self) -> u64 {
        self.read(|state| state.changes)
    }

    /// A binding was made, or made anew.
    pub(crate) fn made(&self, row: &Binding) {
        let held = Arc::new(self.0.vault.hold(row));
        self.write(|state| {
            let app = held.app_guid.clone();
            state.insert(held);
            app.into_iter().collect()
        });
    }

    /// Bindings are gone.
    pub(crate) fn gone<'k>(&self, keys: impl IntoIterator<Item = &'k BindingKey>) {
        self.write(|state| {
            let gone = keys.into_iter().filter_map(|key| state.remove(key));
            gone.filter_map(|held| held.app_guid.clone()).collect()
        });
    }

    /// Takes these as all bindings there are: what the store held after [`changes`](Self::changes) gave `seen`.
    /// False, and nothing is taken, when a request has changed something since: what was read may be older than that.
    pub(crate) fn replace(&self, rows: &[Binding], seen: u64) -> bool {
        let mut fresh = State::of(rows, &self.0.vault);
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.changes != seen {
            return false;
        }
        fresh.changes = seen;
        self.0.bound.store(Arc::new(fresh.bound()));
        *state = fresh;
        self.0.loaded.store(true, Ordering::Release);
        true
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, and with it how the apps are asked that `change` names.
    fn write(&self, change: impl FnOnce(&mut State) -> Vec<String>) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        let apps = change(&mut state);
        state.changes += 1;
        let mut bound = Bound::clone(&self.0.bound.load());
        for app in apps {
            let settings = state.apps.get(&app).and_then(|held| settings(held));
            bound.set(&app, settings);
        }
        self.0.bound.store(Arc::new(bound));
    }
}

#[cfg(test)]
mod tests;
