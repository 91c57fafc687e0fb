//! Everything below `/v1/apps/` and `/v2/apps/`: look up, authorise, fetch, answer.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use promfetch_core::client::{self, Bound, DEFAULT_METRIC_PATH, Query};
use promfetch_core::discovery::Located;
use promfetch_core::exposition::media::{self, Accepted};
use promfetch_core::exposition::{Dialect, Format};

use super::address::{self, Address, Kind, Version};
use super::caller::{Caller, Peer};
use super::encoding::Encoding;
use super::errors::ApiError;
use super::{Api, accept, body, instances};
use crate::access::{Access, Gate};
use crate::config::access::Mode;

/// On every page: how many instances gave metrics, and how many instances and external exporters did not. Also
/// where the page has no health series.
pub(crate) const INSTANCES_UP: HeaderName = HeaderName::from_static("x-promfetch-up");
pub(crate) const INSTANCES_FAILED: HeaderName = HeaderName::from_static("x-promfetch-failed");

/// The caller's credentials for the app, where `Authorization` is for promfetch.
const APP_AUTHORIZATION: HeaderName = HeaderName::from_static("x-promfetch-app-authorization");

/// The scraper's own limit, in seconds; Prometheus sends it with every scrape.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Answers any form of address; see [`address`].
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut address = address::parse(&uri)?;
    address.metric_path = checked_metric_path(address.metric_path, &api.config.metric_path_allow)?;
    let bound = api.bound()?;
    let process_type = address.process_type.as_deref();
    let located = match api.client.locate(&address.selector, process_type, &bound) {
        Ok(located) => api.gate.authorise(&access, located).await?,
        Err(error) => {
            if error.kind() == promfetch_core::Kind::NotFound {
                api.gate
                    .authorise_nothing(&access, &address.selector)
                    .await?;
            }
            return Err(error.into());
        }
    };
    if located.is_empty() {
        // In the words for an app that does not exist.
        return Err(api.client.nothing_at(&address.selector).into());
    }
    match &address.kind {
        Kind::Instances => Ok(instances::answer(&api, &address, &located, &bound)),
        Kind::Page => page(&api, &address, located, bound, peer, &headers).await,
        Kind::InstancePage(n) => {
            let located = client::pick_instance(located, n)?;
            page(&api, &address, located, bound, peer, &headers).await
        }
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

async fn page(
    api: &Api,
    address: &Address,
    located: Vec<Located>,
    bound: Arc<Bound>,
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let query = Query {
        selector: address.selector.clone(),
        metric_path: address.metric_path.clone(),
        only_app_metrics: address.only_app_metrics,
        needs_endpoint: true,
        accepted: accepted(api, address.version, headers),
        authorization: for_the_app(&api.gate, headers),
        bound,
        headers: HeaderMap::new(),
        forwarded_for: peer.map(|Extension(Peer(peer))| {
            Caller::of(peer.ip(), headers, &api.config.trusted_proxies).forwarded_for
        }),
        timeout: client::scrape_timeout(
            headers
                .get(SCRAPE_TIMEOUT)
                .and_then(|value| value.to_str().ok()),
            api.config.core.fetch.timeout,
        ),
    };
    let answer = api.client.page(&query, located).await?;
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

/// `?metric_path=` by the rules of core and the operator's patterns; an empty list of patterns allows all.
fn checked_metric_path(
    path: Option<String>,
    allowed: &[String],
) -> Result<Option<String>, ApiError> {
    let Some(path) = path else { return Ok(None) };
    let path = client::check_metric_path(&path)?;
    if allowed.is_empty() || is_allowed(&path, allowed) {
        return Ok(Some(path));
    }
    Err(ApiError::forbidden(format!(
        "The metric path `{path}` is not among those that `metric_path_allow` of this platform names"
    )))
}

/// Whether the operator's patterns, or the default, name this path. Its query does not count. It is looked at as the
/// app will see it, decoded, so that `%2e%2e` leads nowhere.
fn is_allowed(path: &str, allowed: &[String]) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return false;
    };
    if path.split('/').any(|segment| segment == "..") {
        return false;
    }
    path == DEFAULT_METRIC_PATH || allowed.iter().any(|pattern| matches(pattern, &path))
}

/// Whether a pattern fits the whole text. `*` stands for any characters, also none and also `/`.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // Taking each middle part where it comes first leaves the most for those that follow.
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_paths() {
        for (pattern, text, want) in [
            ("/metrics", "/metrics", true),
            ("/metrics", "/metrics2", false),
            ("/metrics*", "/metrics/a?b=c", true),
            ("*", "/anything", true),
            ("*/prometheus", "/actuator/prometheus", true),
            ("*/prometheus", "/actuator/prometheus/x", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*b*c", "/a-c-b", false),
            ("/ab*bc", "/abc", false),
            ("/a**c", "/ac", true),
            ("", "/metrics", false),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn a_metric_path_obeys_the_operators_patterns() {
        let allow = ["/actuator/*".to_string()];
        for (path, want, why) in [
            ("actuator/prometheus", true, "the slash is added"),
            (
                "/actuator/prometheus?tag=a",
                true,
                "the query does not count",
            ),
            ("/metrics", true, "the default is always open"),
            ("/admin", false, "another path"),
            ("/actuator", false, "not below it"),
            (
                "/actuator/%2e%2e/admin",
                false,
                "it would be `/admin` for the app",
            ),
            (
                "/actuator/%2e%2E%2fadmin",
                false,
                "the same, with the slash encoded",
            ),
            ("/actuator/%FF", false, "not text"),
        ] {
            let got = checked_metric_path(Some(path.to_string()), &allow);
            assert_eq!(got.is_ok(), want, "{path}: {why}: {got:?}");
        }
        let refused = checked_metric_path(Some("/admin".into()), &allow).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "403 The metric path `/admin` is not among those that `metric_path_allow` of this platform names"
        );
        let any = checked_metric_path(Some("anything".into()), &[]);
        assert_eq!(
            any,
            Ok(Some("/anything".to_string())),
            "no patterns: all paths"
        );
        assert_eq!(checked_metric_path(None, &allow), Ok(None));
        let elsewhere = checked_metric_path(Some("//elsewhere.example/".into()), &[]);
        assert!(elsewhere.is_err(), "core's rules come first");
    }
}
