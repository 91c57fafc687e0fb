//! The catalog: one service offering with one plan.

use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::error;
use crate::bindings::parameters;
use crate::bindings::shape::Shape;
use crate::config::broker::{Broker, PROMFETCHERS, SERVICE_NAME};

/// The name of the plan, as promfetcher's.
const PLAN_NAME: &str = "fetch-app";

/// The catalog, written once.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) service_id: String,
    pub(super) plan_id: String,
    body: Value,
    etag: HeaderValue,
}

impl Catalog {
    /// The catalog of this configuration.
    ///
    /// # Errors
    /// What is missing. A fresh installation must bring its own ids: they are unique in the world.
    pub(super) fn new(config: &Broker, base_url: &str, taken_over: bool) -> Result<Self, String> {
        let (name, service_id, plan_id) = PROMFETCHERS;
        let or = |given: &str, default: &str, key: &str| match (given.is_empty(), taken_over) {
            (false, _) => Ok(given.to_owned()),
            (true, true) => Ok(default.to_owned()),
            (true, false) => Err(format!(
                "`{key}` is not set: give the broker an id of its own (`uuidgen` makes one), or, to take over from a promfetcher without ids, `{default}`"
            )),
        };
        let service_id = or(&config.service_id, service_id, "broker.broker_service_id")?;
        let plan_id = or(&config.plan_id, plan_id, "broker.broker_plan_id")?;
        let name = match config.service_name.as_str() {
            "" if taken_over => name,
            "" => SERVICE_NAME,
            given => given,
        };
        let body = body(name, &service_id, &plan_id, base_url);
        let hash = digest(&SHA256, body.to_string().as_bytes());
        let hex: String = hash.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let etag =
            HeaderValue::try_from(format!("\"{hex}\"")).map_err(|error| error.to_string())?;
        Ok(Self {
            service_id,
            plan_id,
            body,
            etag,
        })
    }

    /// The answer to `GET /v2/catalog`: 304 for who has it already (RFC 9110, section 13.1.2).
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let etag = [(ETAG, self.etag.clone())];
        if headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|value| self.is_named_by(value))
        {
            return (StatusCode::NOT_MODIFIED, etag).into_response();
        }
        (etag, error::json(&self.body)).into_response()
    }

    fn is_named_by(&self, value: &HeaderValue) -> bool {
        let Ok(value) = value.to_str() else {
            return false;
        };
        value.split(',').map(str::trim).any(|tag| {
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.etag.as_bytes()
        })
    }
}

fn schema(shape: &Shape) -> Value {
    let mut schema = shape.schema();
    schema["$schema"] = "http://json-schema.org/draft-04/schema#".into();
    json!({"parameters": schema})
}

fn body(name: &str, service_id: &str, plan_id: &str, base_url: &str) -> Value {
    json!({"services": [{
        "name": name,
        "id": service_id,
        "description": "Prometheus metrics of all instances of an app on one page",
        "tags": ["metrics", "prometheus", "openmetrics"],
        "bindable": true,
        "instances_retrievable": true,
        "bindings_retrievable": true,
        "allow_context_updates": true,
        "plan_updateable": false,
        "metadata": {
            "displayName": "promfetch",
            "longDescription": "Bind an app to have its metrics fetched from another path than /metrics, from another process than web, or with a login, and to get credentials for reading them.",
            "providerDisplayName": "promfetch",
            "documentationUrl": format!("{base_url}/"),
            "shareable": false,
        },
        "plans": [{
            "id": plan_id,
            "name": PLAN_NAME,
            "description": "Metrics of one app from the path that it is bound with",
            "free": true,
            "bindable": true,
            "plan_updateable": false,
            "binding_rotatable": true,
            "metadata": {
                "displayName": "Fetch an app",
                "bullets": [
                    "cf bind-service APP SERVICE -c '{\"endpoint\": \"/actuator/prometheus\"}'",
                    "A service key has credentials for all apps of its space",
                ],
            },
            "schemas": {
                "service_instance": {
                    "create": schema(&parameters::NONE),
                    "update": schema(&parameters::NONE),
                },
                "service_binding": {"create": schema(&parameters::BIND)},
            },
        }],
    }]})
}

#[cfg(test)]
mod tests;
