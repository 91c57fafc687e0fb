//! The catalog: one service offering with one plan.

use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error;
use crate::bindings::parameters;
use crate::bindings::shape::Shape;
use crate::config::broker::{Broker, PLAN_NAME, PROMFETCHERS};
use crate::etag;

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
        let (_, service_id, plan_id) = PROMFETCHERS;
        let or = |given: &str, default: &str, key: &str| match (given.is_empty(), taken_over) {
            (false, _) => Ok(given.to_owned()),
            (true, true) => Ok(default.to_owned()),
            (true, false) => Err(format!(
                "`{key}` is not set: give the broker an id of its own (`uuidgen` makes one), or, to take over from a promfetcher without ids, `{default}`"
            )),
        };
        let service_id = or(&config.service_id, service_id, "broker.broker_service_id")?;
        let plan_id = or(&config.plan_id, plan_id, "broker.broker_plan_id")?;
        let name = config.offering(taken_over);
        let body = body(name, &service_id, &plan_id, base_url);
        let etag = etag::strong(body.to_string().as_bytes());
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
        if etag::is_known(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, etag).into_response();
        }
        (etag, error::json(&self.body)).into_response()
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
            "documentationUrl": format!("{base_url}/doc"),
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
