//! JSON that callers ask for again and again.

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::encoding::Encoding;
use super::{accept, body};
use crate::etag;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The text, or 304 for who has it. The tag is weak, as the text may be sent compressed.
pub(crate) fn kept(text: Bytes, headers: &HeaderMap) -> Response {
    let tag = etag::weak(&text);
    let mut response = if etag::is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let encoding = Encoding::negotiate(accept::joined(headers, ACCEPT_ENCODING).as_deref());
        body::page(std::iter::once(text), JSON, encoding)
    };
    let own = response.headers_mut();
    own.insert(ETAG, tag);
    own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}
