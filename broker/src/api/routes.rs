//! `/routes`: the routing table, for operators.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;

use super::Api;

pub(crate) async fn get(State(api): State<Api>) -> impl IntoResponse {
    Json(api.client.discovery().routes())
}
