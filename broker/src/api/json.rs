//! Answers in JSON.

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::encoding::Encoding;
use super::errors::ApiError;
use super::{accept, body};

/// For programs.
pub(super) fn compact(value: &impl Serialize, headers: &HeaderMap) -> Response {
    answer(serde_json::to_string(value), headers)
}

/// Indented, for what people read with curl.
pub(super) fn pretty(value: &impl Serialize, headers: &HeaderMap) -> Response {
    answer(serde_json::to_string_pretty(value), headers)
}

/// `headers` are the request's: they say how the answer may be compressed.
fn answer(text: serde_json::Result<String>, headers: &HeaderMap) -> Response {
    let text = match text {
        Ok(text) => text + "\n",
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            return ApiError::internal().into_response();
        }
    };
    let encoding = Encoding::negotiate(accept::joined(headers, ACCEPT_ENCODING).as_deref());
    let mut response = body::page(
        std::iter::once(Bytes::from(text)),
        HeaderValue::from_static("application/json"),
        encoding,
    );
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
