//! `/instances`: why is my app (not) there?

use axum::response::Response;
use promfetch_core::client::InstanceStatus;

use super::address::Address;
use super::ask::{self, Asker};
use super::errors::ApiError;
use super::table_state::{self, TableState};
use super::{Api, json, missing};

#[derive(serde::Serialize, utoipa::ToSchema)]
pub(super) struct Instances {
    /// The selector as it was read, so that a wrongly encoded name shows.
    selector: String,
    instances: Vec<InstanceStatus>,
    table: TableState,
}

/// One entry per instance, with its last outcome; indented, since people read it. Nothing is fetched for it. When there
/// is no instance, the error says what may have been meant.
pub(super) async fn get(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
) -> Result<Response, ApiError> {
    let seen = match ask::find(api, asker.access, address).await {
        Ok(seen) => seen,
        Err(error) => return Err(missing::explained(api, asker.access, address, error).await),
    };
    let path = seen.metric_path.as_deref();
    let answer = Instances {
        selector: address.selector.to_string(),
        instances: api.client.instances(&seen.located, path, &seen.bound),
        table: table_state::of(api, asker.access),
    };
    Ok(json::pretty(&answer, asker.headers))
}
