//! The headers of the specification.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;

const API_VERSION: HeaderName = HeaderName::from_static("x-broker-api-version");
const REQUEST_IDENTITY: HeaderName = HeaderName::from_static("x-broker-api-request-identity");
const ORIGINATING_IDENTITY: HeaderName =
    HeaderName::from_static("x-broker-api-originating-identity");
/// Longest identity that is logged, in bytes.
const MAX_LOGGED: usize = 1024;

/// Middleware: refuses versions of the API other than 2.x.
pub(super) async fn version(request: Request, next: Next) -> Response {
    match check_version(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Absent is 400, all else that is not 2.x is 412 ("API Version Header").
fn check_version(headers: &HeaderMap) -> Result<(), Error> {
    let Some(value) = headers.get(API_VERSION) else {
        return Err(Error::malformed(
            "The header X-Broker-API-Version is missing: send 2.17, or another 2.x",
        ));
    };
    let number = |text: &str| {
        let is_number = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<u32>().ok()).flatten()
    };
    let parts = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once('.'))
        .and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    match parts {
        Some((2, _)) => Ok(()),
        _ => Err(Error::version(
            "This broker speaks version 2.17 of the Open Service Broker API, and all other 2.x: send one of them as X-Broker-API-Version",
        )),
    }
}

/// Middleware: answers carry the request's identity, also errors; changes are logged with who asked for them.
pub(super) async fn identities(request: Request, next: Next) -> Response {
    let request_identity = request.headers().get(REQUEST_IDENTITY).cloned();
    let asked_by = originating(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    let id = request_identity
        .as_ref()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default();
    if !method.is_safe() {
        tracing::info!(%method, path, status = response.status().as_u16(), request_identity = id, asked_by, "service broker");
    }
    if let Some(value) = request_identity {
        response.headers_mut().insert(REQUEST_IDENTITY, value);
    }
    response
}

/// Who has asked for it: `cloudfoundry {"user_id": …}`. What cannot be read is nobody: nothing depends on it.
fn originating(headers: &HeaderMap) -> String {
    let read = || {
        let value = headers.get(ORIGINATING_IDENTITY)?.to_str().ok()?;
        let (platform, encoded) = value.split_once(' ')?;
        if value.len() > MAX_LOGGED {
            return None;
        }
        let json = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        serde_json::from_str::<serde::de::IgnoredAny>(&json).ok()?;
        Some(format!("{platform} {}", json.escape_debug()))
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (header, status, why) in [
            (Some("2.17"), 0, "the latest"),
            (Some("2.9"), 0, "before 2.10"),
            (Some("2.10"), 0, "after 2.9"),
            (Some("2.99"), 0, "minor versions only add"),
            (Some("02.017"), 0, "numbers"),
            (None, 400, "MAY 400 when absent (2.16)"),
            (Some(""), 412, "present, but empty"),
            (Some("2"), 412, "no minor"),
            (Some("2.x"), 412, "not a number"),
            (Some("2.17.1"), 412, "three numbers"),
            (Some("2.-1"), 412, "no sign"),
            (Some("3.0"), 412, "another major"),
            (Some("1.17"), 412, "another major"),
            (Some("2.99999999999999999999"), 412, "no overflow"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(API_VERSION, header.parse().unwrap());
            }
            let got = check_version(&headers)
                .err()
                .map_or(0, |error| error.into_response().status().as_u16());
            assert_eq!(got, status, "{header:?}: {why}");
        }
    }

    #[test]
    fn an_originating_identity_is_read_leniently() {
        let encoded = |json: &str| format!("cloudfoundry {}", STANDARD.encode(json));
        for (header, want, why) in [
            (
                encoded(r#"{"user_id":"u"}"#),
                r#"cloudfoundry {\"user_id\":\"u\"}"#,
                "as it is sent",
            ),
            (encoded("no json"), "", "not JSON"),
            ("cloudfoundry".to_owned(), "", "no value"),
            ("cloudfoundry ***".to_owned(), "", "not base64"),
            (
                encoded(&format!("\"{}\"", "x".repeat(2000))),
                "",
                "too long for a log",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ORIGINATING_IDENTITY, header.parse().unwrap());
            assert_eq!(originating(&headers), want, "{why}");
        }
    }
}
