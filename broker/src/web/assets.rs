//! The files beside the pages. The name of each holds a fingerprint of its content, so that browsers may keep it for
//! ever and get another one with the next version.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;

use super::{compressed, secure};
use crate::api::errors::ApiError;
use crate::etag;

/// One file.
#[derive(Debug)]
struct Asset {
    /// Its path from the root of the service.
    path: String,
    kind: HeaderValue,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, end: &str, kind: &'static str, content: &'static str) -> Self {
        let fingerprint = etag::fingerprint(content.as_bytes());
        Self {
            path: format!("assets/{name}-{fingerprint}.{end}"),
            kind: HeaderValue::from_static(kind),
            content,
        }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = concat!(
        include_str!("assets/style.css"),
        include_str!("assets/explorer/style.css"),
        include_str!("assets/uplot/uPlot.min.css"),
    );
    Asset::new("style", "css", "text/css; charset=utf-8", content)
});
static COPY: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/copy.js");
    Asset::new("copy", "js", "text/javascript; charset=utf-8", content)
});
static EXPLORER: LazyLock<Asset> = LazyLock::new(|| {
    // One file, of parts that each see the others by what they put into one object.
    let content = concat!(
        include_str!("assets/explorer/parts.js"),
        include_str!("assets/explorer/search.js"),
        include_str!("assets/explorer/series.js"),
        include_str!("assets/explorer/plot.js"),
        include_str!("assets/explorer/looking.js"),
        include_str!("assets/explorer/start.js"),
    );
    Asset::new("explorer", "js", "text/javascript; charset=utf-8", content)
});
static PLOT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/uplot/uPlot.iife.min.js");
    Asset::new("uplot", "js", "text/javascript; charset=utf-8", content)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

/// Where the style sheet is, from the root of the service.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// The script that puts a button for copying beside each block of code.
pub(crate) fn copy() -> &'static str {
    &COPY.path
}

/// The script of the explorer's pages.
pub(crate) fn explorer() -> &'static str {
    &EXPLORER.path
}

/// The library that plots: uPlot, whose licence stands beside it.
pub(crate) fn plot() -> &'static str {
    &PLOT.path
}

pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// A file by its name.
pub(crate) async fn get(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let all: [&Asset; 5] = [&STYLE, &COPY, &EXPLORER, &PLOT, &ICON];
    let asset = all
        .into_iter()
        .find(|asset| asset.path.strip_prefix("assets/") == Some(&*name))
        .ok_or_else(|| ApiError::not_found("There is no such file"))?;
    let content = Bytes::from_static(asset.content.as_bytes());
    let mut response = compressed(content, asset.kind.clone(), &headers);
    let own = response.headers_mut();
    // A picture can be opened as a page.
    secure(own);
    own.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    Ok(response)
}
