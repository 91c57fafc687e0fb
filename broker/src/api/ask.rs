//! From an address to the instances that its caller may see, and to what these are asked.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use promfetch_core::Kind;
use promfetch_core::client::{self, Bound, Query};
use promfetch_core::discovery::Located;
use promfetch_core::exposition::media::Accepted;

use super::address::Address;
use super::caller::{Caller, Peer};
use super::errors::ApiError;
use super::{Api, metric_path};
use crate::access::{Access, Gate};
use crate::config::access::Mode;

/// The caller's credentials for the app, where `Authorization` is for promfetch.
const APP_AUTHORIZATION: HeaderName = HeaderName::from_static("x-promfetch-app-authorization");

/// The scraper's own limit, in seconds; Prometheus sends it with every scrape.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Who asks, and with which request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'r> {
    pub(crate) access: &'r Access,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) peer: Option<Peer>,
}

/// The instances at an address that its caller may see, at least one, and how they want to be asked.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) located: Vec<Located>,
    pub(crate) bound: Arc<Bound>,
    /// The caller's, checked.
    pub(crate) metric_path: Option<String>,
}

/// Looks up and authorises.
///
/// # Errors
/// 404 for what is not there, and in the same words for what the caller may not see; 503 while that is not known yet;
/// 400 and 403 for the path on the instances.
pub(crate) async fn find(api: &Api, access: &Access, address: &Address) -> Result<Seen, ApiError> {
    let metric_path =
        metric_path::checked(address.metric_path.clone(), &api.config.metric_path_allow)?;
    let bound = api.bound()?;
    let selector = &address.selector;
    let process_type = address.process_type.as_deref();
    let located = match api.client.locate(selector, process_type, &bound) {
        Ok(located) => api.gate.authorise(access, located).await?,
        Err(error) => {
            if error.kind() == Kind::NotFound {
                api.gate.authorise_nothing(access, selector).await?;
            }
            return Err(error.into());
        }
    };
    if located.is_empty() {
        // In the words for an app that does not exist.
        return Err(api.client.nothing_at(selector).into());
    }
    Ok(Seen {
        located,
        bound,
        metric_path,
    })
}

/// What these instances are asked on behalf of this caller, who takes pages in this form.
pub(crate) fn query(
    api: &Api,
    asker: Asker<'_>,
    address: &Address,
    seen: &Seen,
    accepted: Accepted,
) -> Query {
    let headers = asker.headers;
    Query {
        selector: address.selector.clone(),
        metric_path: seen.metric_path.clone(),
        only_app_metrics: address.only_app_metrics,
        needs_endpoint: true,
        accepted,
        authorization: for_the_app(&api.gate, headers),
        bound: Arc::clone(&seen.bound),
        headers: HeaderMap::new(),
        forwarded_for: asker.peer.map(|Peer(peer)| {
            Caller::of(peer.ip(), headers, &api.config.trusted_proxies).forwarded_for
        }),
        timeout: client::scrape_timeout(
            headers
                .get(SCRAPE_TIMEOUT)
                .and_then(|value| value.to_str().ok()),
            api.config.core.fetch.timeout,
        ),
    }
}

/// The caller's credentials for the app: those of a header of their own, or of the usual one where that is not for
/// promfetch. Neither is passed on with a login of promfetch's own.
fn for_the_app(gate: &Gate, headers: &HeaderMap) -> Option<HeaderValue> {
    let name = if headers.contains_key(APP_AUTHORIZATION) {
        &APP_AUTHORIZATION
    } else if gate.mode() == Mode::Protected {
        return None;
    } else {
        &AUTHORIZATION
    };
    let mut value = gate.apps_login(headers, name)?.clone();
    value.set_sensitive(true);
    Some(value)
}
