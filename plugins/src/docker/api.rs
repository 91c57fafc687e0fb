//! What dockerd calls, and what Prometheus asks for.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::engine::Engine;
use crate::gauges;

/// The calls of dockerd, whose requests have no body, and on Docker 20.10 an empty `Host`.
pub(super) fn calls(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/Plugin.Activate", post(activate))
        .route("/MetricsCollector.StartMetrics", post(start))
        .route("/MetricsCollector.StopMetrics", post(stop))
        .fallback(unknown)
        .with_state(engine)
}

/// The page.
pub(super) fn pages(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/metrics", get(page))
        .with_state(engine)
}

async fn activate() -> Json<Value> {
    Json(json!({"Implements": ["MetricsCollector"]}))
}

async fn start(State(engine): State<Arc<Engine>>) -> Response {
    match engine.start().await {
        Ok(()) => well(),
        Err(error) => {
            tracing::error!("{error}");
            failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
    }
}

async fn stop(State(engine): State<Arc<Engine>>) -> Response {
    engine.stop().await;
    well()
}

async fn unknown(uri: Uri) -> Response {
    failed(
        StatusCode::NOT_FOUND,
        &format!("there is no {} here", uri.path()),
    )
}

fn well() -> Response {
    Json(json!({"Err": ""})).into_response()
}

/// dockerd logs what is in `Err`.
fn failed(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "Err": error }))).into_response()
}

async fn page(State(engine): State<Arc<Engine>>) -> Response {
    match engine.page().await {
        Ok(body) => ([(CONTENT_TYPE, gauges::CONTENT_TYPE)], body).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    }
}
