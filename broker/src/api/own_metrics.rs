//! `/metrics`: what promfetch says about itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};
use axum::response::Response;
use bytes::Bytes;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use promfetch_core::calls::Calls;
use promfetch_core::config;
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
pub(super) fn text(registry: &Registry, calls: &Calls) -> Result<String, ApiError> {
    let page = own_text::from_openmetrics(&openmetrics(registry)?);
    Ok(page + &calls.ecs(false).unwrap_or_default())
}

/// What is in the registry, in OpenMetrics.
fn openmetrics(registry: &Registry) -> Result<String, ApiError> {
    let mut page = String::new();
    encode(&mut page, registry).map_err(|error| {
        tracing::error!(%error, "promfetch's own metrics could not be written");
        ApiError::internal()
    })?;
    Ok(page)
}

pub(crate) async fn get(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    let formats = &[Format::Text, Format::OpenMetrics];
    page(&api.registry, api.client.calls(), formats, &headers)
}

/// The call metrics alone, at an address of their own.
#[derive(Clone, Debug)]
pub(crate) struct CallMetrics {
    calls: Calls,
    registry: Arc<Registry>,
}

impl CallMetrics {
    pub(crate) fn of(calls: &Calls) -> Self {
        let mut registry = Registry::default();
        calls.register_in(&mut registry);
        Self {
            calls: calls.clone(),
            registry: Arc::new(registry),
        }
    }
}

pub(crate) async fn get_calls(
    State(CallMetrics { calls, registry }): State<CallMetrics>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // The ECS agent answers everybody in text.
    let formats: &[Format] = match calls.style() {
        config::CallMetrics::Ecs => &[Format::Text],
        config::CallMetrics::Own => &[Format::Text, Format::OpenMetrics],
    };
    page(&registry, &calls, formats, &headers)
}

fn page(
    registry: &Registry,
    calls: &Calls,
    formats: &[Format],
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let dialect = media::accepted(accept::joined(headers, ACCEPT).as_deref(), formats).first();
    let page = match (dialect.format, calls.ecs(true)) {
        (Format::Text, _) => text(registry, calls)?,
        (_, None) => openmetrics(registry)?,
        (_, Some(ecs)) => {
            openmetrics(registry)?
                .trim_end_matches("# EOF\n")
                .to_owned()
                + &ecs
                + "# EOF\n"
        }
    };
    let encoding = Encoding::negotiate(accept::joined(headers, ACCEPT_ENCODING).as_deref());
    Ok(body::page(
        std::iter::once(Bytes::from(page)),
        dialect.content_type(),
        encoding,
    ))
}
