//! A binding as it is held in memory, and how its parameters are kept in the store.

use promfetch_core::client::check_metric_path;

use super::Scope;
use super::parameters::Parameters;
use crate::secrets::Keyring;
use crate::store::Binding;

/// A binding, opened.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) key: String,
    /// Later bindings have larger ones.
    pub(crate) seq: i64,
    pub(crate) binding_id: String,
    /// `None`: adopted from promfetcher, and not used since.
    pub(crate) instance_id: Option<String>,
    pub(crate) app_guid: Option<String>,
    pub(crate) space_guid: String,
    pub(crate) parameters: Parameters,
    pub(super) nonce: String,
    pub(crate) created: i64,
    /// The parameters cannot be opened: only the path is known.
    pub(crate) is_locked: bool,
    /// They are sealed with the previous key.
    pub(super) is_outdated: bool,
}

impl Held {
    /// Whether apps can be asked for its path. promfetcher has stored others too.
    pub(crate) fn has_usable_path(&self) -> bool {
        let path = self.parameters.endpoint.as_deref();
        path.is_some_and(|path| check_metric_path(path).is_ok())
    }

    pub(super) fn scope(&self) -> Scope {
        match &self.app_guid {
            Some(app) => Scope::App(app.clone()),
            None => Scope::Space(self.space_guid.clone()),
        }
    }
}

/// Keeps the secrets among the parameters from those who read the database.
#[derive(Debug)]
pub(crate) struct Vault(Option<Keyring>);

/// What the store holds of a binding's parameters.
#[derive(Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) parameters: Parameters,
    /// Sealed with the previous key.
    pub(crate) is_outdated: bool,
}

impl Vault {
    pub(crate) fn new(keyring: Option<Keyring>) -> Self {
        Self(keyring)
    }

    pub(super) fn keyring(&self) -> Option<&Keyring> {
        self.0.as_ref()
    }

    /// The text for the store: sealed when there are secrets, readable otherwise. `None`: there are secrets, but no
    /// key is configured.
    pub(crate) fn store(&self, key: &str, parameters: &Parameters) -> Option<String> {
        let text = parameters.to_json();
        if parameters.has_secrets() {
            Some(self.0.as_ref()?.seal(key, &text))
        } else {
            Some(text)
        }
    }

    /// Reads [`store`](Self::store). `None` when the key is another one, or the text was tampered with.
    pub(crate) fn load(&self, row: &Binding) -> Option<Loaded> {
        if row.parameters.is_empty() {
            // From promfetcher's table.
            return Some(Loaded {
                parameters: Parameters::of_endpoint(row.endpoint.clone()),
                is_outdated: false,
            });
        }
        if row.parameters.starts_with('{') {
            return Some(Loaded {
                parameters: Parameters::from_json(&row.parameters)?,
                is_outdated: false,
            });
        }
        let opened = self.0.as_ref()?.open(&row.key, &row.parameters)?;
        Some(Loaded {
            parameters: Parameters::from_json(&opened.plain)?,
            is_outdated: opened.previous,
        })
    }

    /// The binding, with as much of its parameters as can be read: the path always.
    pub(crate) fn hold(&self, row: &Binding) -> Held {
        let loaded = self.load(row);
        let is_locked = loaded.is_none();
        let is_outdated = loaded.as_ref().is_some_and(|loaded| loaded.is_outdated);
        Held {
            key: row.key.clone(),
            seq: row.seq,
            binding_id: row.binding_id.clone(),
            instance_id: row.instance_id.clone(),
            app_guid: row.app_guid.clone(),
            space_guid: row.space_guid.clone(),
            parameters: loaded.map_or_else(
                || Parameters::of_endpoint(row.endpoint.clone()),
                |loaded| loaded.parameters,
            ),
            nonce: row.nonce.clone(),
            created: row.created,
            is_locked,
            is_outdated,
        }
    }
}
