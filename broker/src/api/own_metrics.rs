//! `/metrics`: what promfetch says about itself.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};
use axum::response::Response;
use bytes::Bytes;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use promfetch_core::exposition::{Format, media};

use super::encoding::Encoding;
use super::errors::ApiError;
use super::{Api, accept, body, own_text};
use crate::openapi::{Operation, PAGES};

/// Adds `promfetch_build_info`.
pub(crate) fn register_build(registry: &mut Registry) {
    registry.register(
        "promfetch_build",
        "The version of promfetch",
        Info::new([("version", env!("CARGO_PKG_VERSION"))]),
    );
}

pub(crate) fn describe() -> Vec<Operation> {
    // No protobuf, which is the last.
    let formats = PAGES.get(..2).unwrap_or(PAGES);
    vec![
        Operation::get("/metrics", "getOwnMetrics", "promfetch's own metrics")
            .tag("promfetch")
            .text("The page", formats),
    ]
}

/// The page in text 0.0.4.
///
/// # Errors
/// 500 when it cannot be written.
pub(super) fn text(registry: &Registry) -> Result<String, ApiError> {
    Ok(own_text::from_openmetrics(&openmetrics(registry)?))
}

fn openmetrics(registry: &Registry) -> Result<String, ApiError> {
    let mut page = String::new();
    encode(&mut page, registry).map_err(|error| {
        tracing::error!(%error, "promfetch's own metrics could not be written");
        ApiError::internal()
    })?;
    Ok(page)
}

pub(crate) async fn get(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    let mut page = openmetrics(&api.registry)?;
    let dialect = media::accepted(
        accept::joined(&headers, ACCEPT).as_deref(),
        &[Format::Text, Format::OpenMetrics],
    )
    .first();
    if dialect.format == Format::Text {
        page = own_text::from_openmetrics(&page);
    }
    let encoding = Encoding::negotiate(accept::joined(&headers, ACCEPT_ENCODING).as_deref());
    Ok(body::page(
        std::iter::once(Bytes::from(page)),
        dialect.content_type(),
        encoding,
    ))
}
