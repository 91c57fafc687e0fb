//! `/instances`: why is my app (not) there?

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use promfetch_core::client::{Bound, InstanceStatus};
use promfetch_core::discovery::Located;

use super::Api;
use super::address::Address;
use super::errors::ApiError;

#[derive(serde::Serialize, utoipa::ToSchema)]
pub(super) struct Instances {
    /// The selector as it was read, so that a wrongly encoded name shows.
    selector: String,
    instances: Vec<InstanceStatus>,
}

/// One entry per instance, with its last outcome; indented, since people read it. Nothing is fetched for it.
pub(super) fn answer(api: &Api, address: &Address, located: &[Located], bound: &Bound) -> Response {
    let answer = Instances {
        selector: address.selector.to_string(),
        instances: api
            .client
            .instances(located, address.metric_path.as_deref(), bound),
    };
    match serde_json::to_string_pretty(&answer) {
        Ok(text) => (
            [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, "no-cache"),
            ],
            text + "\n",
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "the list of instances could not be written");
            ApiError::internal().into_response()
        }
    }
}
