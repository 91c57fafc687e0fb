//! What people read in a browser. Everything is in the binary and comes from this service alone, as a platform may
//! stand in a closed network; the headers hold browsers to that.
//!
//! [`layout`] is the frame of every page, [`markdown`] makes HTML of texts and [`template`] fits them to this
//! installation, [`assets`] are the files beside the pages, [`doc`] is the documentation, [`explorer`] shows apps,
//! [`sign_in`] is the way in.

pub(crate) mod assets;
mod base;
pub(crate) mod doc;
pub(crate) mod explorer;
mod layout;
mod markdown;
pub(crate) mod sign_in;
pub(crate) mod template;
mod words;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::api::{accept, body, encoding::Encoding};
use crate::etag;

/// What a page may load and do: files of this service. Nothing else, whatever stands in it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page that stays the same while the process runs.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    html: Bytes,
    tag: HeaderValue,
}

impl Document {
    pub(crate) fn new(html: String) -> Self {
        let html = Bytes::from(html);
        let tag = etag::weak(&html);
        Self { html, tag }
    }

    /// The page, or 304 for who has it.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if etag::is_known(headers, &self.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            compressed(self.html.clone(), HTML, headers)
        };
        let own = response.headers_mut();
        secure(own);
        own.insert(ETAG, self.tag.clone());
        own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        own.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
        response
    }
}

/// A page that is made for one caller, at one moment.
fn live(status: StatusCode, html: String, headers: &HeaderMap) -> Response {
    let mut response = compressed(Bytes::from(html), HTML, headers);
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    let own = response.headers_mut();
    secure(own);
    // It shows what this caller may see: no cache that others share may keep it.
    own.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    own.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    response
}

/// The headers that keep a page to this service.
fn secure(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    // Addresses hold the names of apps. With `no-referrer` forms would not say where they are from, not even here.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

/// An answer in the encoding that the caller wants.
fn compressed(content: Bytes, kind: HeaderValue, headers: &HeaderMap) -> Response<Body> {
    let wanted = accept::joined(headers, ACCEPT_ENCODING);
    let encoding = Encoding::negotiate(wanted.as_deref());
    let mut response = body::page(std::iter::once(content), kind, encoding);
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}
