//! `/routes`: the routing table, for operators.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use promfetch_core::discovery::RouteEntry;
use utoipa::ToSchema;

use super::Api;
use crate::openapi::Operation;

/// The endpoints by route.
#[expect(dead_code, reason = "it stands for what the table gives")]
#[derive(ToSchema)]
struct Routes(BTreeMap<String, Vec<RouteEntry>>);

pub(crate) fn describe() -> Vec<Operation> {
    vec![
        Operation::get("/routes", "listRoutes", "The routing table, for operators")
            .tag("promfetch")
            .json::<Routes>("The endpoints of each route"),
    ]
}

pub(crate) async fn get(State(api): State<Api>) -> impl IntoResponse {
    Json(api.client.discovery().routes())
}
