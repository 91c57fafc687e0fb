//! `/instances`: why is my app (not) there?

use axum::response::Response;
use promfetch_core::client::InstanceStatus;

use super::address::Address;
use super::ask::{self, Asker};
use super::errors::ApiError;
use super::{Api, json};

#[derive(serde::Serialize, utoipa::ToSchema)]
pub(super) struct Instances {
    /// The selector as it was read, so that a wrongly encoded name shows.
    selector: String,
    instances: Vec<InstanceStatus>,
}

/// One entry per instance, with its last outcome; indented, since people read it. Nothing is fetched for it.
pub(super) async fn get(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
) -> Result<Response, ApiError> {
    let seen = ask::find(api, asker.access, address).await?;
    let path = seen.metric_path.as_deref();
    let answer = Instances {
        selector: address.selector.to_string(),
        instances: api.client.instances(&seen.located, path, &seen.bound),
    };
    Ok(json::pretty(&answer, asker.headers))
}
