//! What Scope's probe may ask.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::build::RESCRAPE;
use super::cache::Cache;

/// Largest request of a control.
const MAX_BODY: usize = 64 << 10;

pub(super) fn router(cache: Arc<Cache>) -> Router {
    Router::new()
        .route("/report", get(report))
        .route("/control", post(control))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(cache)
}

/// The parameters of the probe; others of its are left alone.
#[derive(Debug, Deserialize)]
struct Asked {
    probe_id: Option<String>,
}

async fn report(
    State(cache): State<Arc<Cache>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    // Whatever is asked, the report is the same.
    let probe = asked.ok().and_then(|Query(asked)| asked.probe_id);
    let body = cache.take(probe.as_deref());
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Debug, Deserialize)]
struct Pressed {
    #[serde(rename = "Control")]
    control: String,
}

/// A control that somebody has pressed. The answer is there before the pages are.
async fn control(State(cache): State<Arc<Cache>>, body: Bytes) -> Response {
    let error = match serde_json::from_slice::<Pressed>(&body) {
        Ok(pressed) if pressed.control == RESCRAPE => {
            cache.rescrape();
            return Json(json!({})).into_response();
        }
        Ok(_) => format!("there is no such control: `{RESCRAPE}` is the only one"),
        Err(error) => format!("the request cannot be read: {error}"),
    };
    Json(json!({ "error": error })).into_response()
}
