//! What is stored.

use super::keys;

/// A service instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: String,
    pub service_id: String,
    pub plan_id: String,
    pub organization_guid: String,
    pub space_guid: String,
    /// Canonical JSON; `{}` when there are none.
    pub parameters: String,
    /// JSON; `{}` when there is none.
    pub context: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub updated: i64,
}

/// What tells a binding from all others: 64 hex digits, SHA-256 over instance id and binding id. Platforms only ask
/// for binding ids that are unique within an instance.
pub type BindingKey = String;

/// A binding of an app, or a service key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    pub key: BindingKey,
    /// Bindings that were made later have larger ones.
    pub seq: i64,
    /// `None`: adopted from promfetcher, which does not know of instances, and not seen with one since.
    pub instance_id: Option<String>,
    pub binding_id: String,
    /// Empty in an adopted binding, as are the next and the space.
    pub service_id: String,
    pub plan_id: String,
    /// `None` in a service key.
    pub app_guid: Option<String>,
    pub space_guid: String,
    pub endpoint: Option<String>,
    /// What the broker makes of the parameters: sealed, for the store any text. Empty in an adopted binding.
    pub parameters: String,
    /// 32 hex digits.
    pub nonce: String,
    /// Milliseconds since 1970.
    pub created: i64,
}

impl Binding {
    /// The key of the binding with these ids.
    pub fn key(instance_id: Option<&str>, binding_id: &str) -> BindingKey {
        keys::binding(instance_id, binding_id)
    }
}

/// A binding that is to be stored, of the instance of the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBinding {
    pub binding_id: String,
    pub service_id: String,
    pub plan_id: String,
    pub app_guid: Option<String>,
    pub space_guid: String,
    pub endpoint: Option<String>,
    pub parameters: String,
    /// 32 hex digits.
    pub nonce: String,
    /// Milliseconds since 1970.
    pub created: i64,
}
