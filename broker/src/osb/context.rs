//! Parts that several bodies have.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::Error;
use crate::bindings::parameters;

/// `maintenance_info`: the version of the plan that the platform knows. `{}` counts as absent.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct MaintenanceInfo {
    version: Option<String>,
}

/// The plan has none, so any version is another one ("Maintenance Info Object").
pub(super) fn check_maintenance_info(info: Option<&MaintenanceInfo>) -> Result<(), Error> {
    match info.and_then(|info| info.version.as_ref()) {
        Some(_) => Err(Error::maintenance_info_conflict()),
        None => Ok(()),
    }
}

/// The platform's context, as text for the store.
pub(super) fn context_text(context: Option<Map<String, Value>>) -> String {
    Value::Object(context.unwrap_or_default()).to_string()
}

/// Checks the parameters of an instance: there are none.
pub(super) fn check_no_parameters(parameters: Option<Map<String, Value>>) -> Result<(), Error> {
    parameters::NONE
        .check("", &Value::Object(parameters.unwrap_or_default()))
        .map_err(|problem| {
            Error::malformed(format!(
                "Wrong parameters: {problem}; give them when you bind an app"
            ))
        })
}
