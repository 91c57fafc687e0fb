//! Paths and bodies that work, for tests to change.

use serde_json::{Value, json};

use super::{PLAN, SERVICE};
use crate::app::encode;

/// The query of deletions.
pub const IDS: &str =
    "?service_id=7e1c7a56-5d0f-4a07-9d0c-6a8d7a9f3e11&plan_id=0c3c8c53-0c5f-4c1e-8a5e-1f5f0a0f4b22";

/// The path of an instance of any id.
pub fn instance(id: &str) -> String {
    format!("/v2/service_instances/{}", encode(id))
}

/// The path of a binding of any id.
pub fn binding(id: &str, binding_id: &str) -> String {
    format!("{}/service_bindings/{}", instance(id), encode(binding_id))
}

/// The least that provisions.
pub fn provision() -> Value {
    json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_guid": "org-guid-here",
        "space_guid": "space-guid-here",
    })
}

/// The least that binds an app.
pub fn bind(app: &str) -> Value {
    json!({"service_id": SERVICE, "plan_id": PLAN, "bind_resource": {"app_guid": app}})
}

/// An object with these members over it; [`ABSENT`] takes one out.
///
/// # Panics
/// When one is no object.
#[must_use]
pub fn with(mut object: Value, members: Value) -> Value {
    let into = object.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value == ABSENT {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
    object
}

/// Stands for a member that is not there, since null is a value.
pub const ABSENT: &str = "(absent)";
