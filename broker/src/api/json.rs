//! Answers in JSON.

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::encoding::Encoding;
use super::errors::ApiError;
use super::{accept, body};
use crate::etag;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A text that callers ask for again and again, or 304 for who has it. The tag is weak, as the text may be sent
/// compressed.
pub(crate) fn kept(text: Bytes, headers: &HeaderMap) -> Response {
    let tag = etag::weak(&text);
    let mut response = if etag::is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        answer(text, headers)
    };
    let own = response.headers_mut();
    own.insert(ETAG, tag);
    own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}

/// For programs. `headers` are the request's, here and below: they say how the answer may be compressed.
pub(super) fn compact(value: &impl Serialize, headers: &HeaderMap) -> Response {
    fresh(serde_json::to_string(value), headers)
}

/// Indented, for what people read with curl.
pub(super) fn pretty(value: &impl Serialize, headers: &HeaderMap) -> Response {
    fresh(serde_json::to_string_pretty(value), headers)
}

fn fresh(text: serde_json::Result<String>, headers: &HeaderMap) -> Response {
    match text {
        Ok(text) => answer((text + "\n").into(), headers),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            ApiError::internal().into_response()
        }
    }
}

fn answer(text: Bytes, headers: &HeaderMap) -> Response {
    let encoding = Encoding::negotiate(accept::joined(headers, ACCEPT_ENCODING).as_deref());
    let mut response = body::page(std::iter::once(text), JSON, encoding);
    let own = response.headers_mut();
    own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}
