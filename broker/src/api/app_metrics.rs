//! Everything below `/v1/apps/` and `/v2/apps/`.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use promfetch_core::client;
use promfetch_core::exposition::media::{self, Accepted};
use promfetch_core::exposition::{Dialect, Format};

use super::address::{self, Address, Kind, Version};
use super::ask::{self, Asker};
use super::caller::Peer;
use super::encoding::Encoding;
use super::errors::ApiError;
use super::{Api, accept, body, browse, instances, json};
use crate::access::Access;

/// On every page: how many instances gave metrics, and how many instances and external exporters did not. Also
/// where the page has no health series.
pub(crate) const INSTANCES_UP: HeaderName = HeaderName::from_static("x-promfetch-up");
pub(crate) const INSTANCES_FAILED: HeaderName = HeaderName::from_static("x-promfetch-failed");

/// Answers any form of address; see [`address`].
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let address = address::parse(&uri)?;
    let asker = Asker {
        access: &access,
        headers: &headers,
        peer: peer.map(|Extension(peer)| peer),
    };
    match &address.kind {
        Kind::Page => page(&api, asker, &address, None).await,
        Kind::InstancePage(n) => page(&api, asker, &address, Some(n)).await,
        Kind::Instances => instances::get(&api, asker, &address).await,
        Kind::Families => {
            let families = browse::families(&api, asker, &address).await?;
            Ok(json::compact(&families, &headers))
        }
        Kind::Samples(family) => {
            let samples = browse::samples(&api, asker, &address, family).await?;
            Ok(json::compact(&samples, &headers))
        }
    }
}

/// The merged page, or that of the one instance.
async fn page(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
    instance: Option<&str>,
) -> Result<Response, ApiError> {
    let mut seen = ask::find(api, asker.access, address).await?;
    if let Some(n) = instance {
        seen.located = client::pick_instance(seen.located, n)?;
    }
    let headers = asker.headers;
    let query = ask::query(
        api,
        asker,
        address,
        &seen,
        accepted(api, address.version, headers),
    );
    let answer = api.client.page(&query, seen.located).await?;
    let encoding = Encoding::negotiate(accept::joined(headers, ACCEPT_ENCODING).as_deref());
    let (up, failed) = (answer.up, answer.failed);
    let mut response = body::page(answer.page, answer.dialect.content_type(), encoding);
    response
        .headers_mut()
        .extend([(INSTANCES_UP, up.into()), (INSTANCES_FAILED, failed.into())]);
    Ok(response)
}

/// What the caller takes. `/v2` means plain text, whatever the header says.
fn accepted(api: &Api, version: Version, headers: &HeaderMap) -> Accepted {
    match version {
        Version::V1 => media::accepted(
            accept::joined(headers, ACCEPT).as_deref(),
            &api.client.offered_formats(),
        ),
        Version::V2 => Dialect::plain(Format::Text).into(),
    }
}
