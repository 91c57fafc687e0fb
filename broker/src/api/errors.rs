//! Errors as answers.
//!
//! Goals: a scraper's log shows one short line that says what to do; a program that asks for JSON gets
//! `application/problem+json` (RFC 9457); an outsider learns nothing about the inside of the platform.
//!
//! Core's [`Error`] has a kind and a sentence for the caller; [`ApiError::from`] is the only place that knows which
//! status belongs to which kind. Handlers return an [`ApiError`]; [`negotiate`] stands around all of them and the
//! guard, and writes the JSON form when it is asked for. Causes go to the log where they occur, never into an answer.

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use promfetch_core::{Error, Kind};

use super::accept;
use super::missing::Missing;
use crate::openapi::Problem;

/// Seconds after which a caller may try again: about a heartbeat's share of the time until the table is complete.
const RETRY_NOT_READY: u32 = 5;
/// Seconds after which an overloaded process has worked off what it holds.
const RETRY_OVERLOADED: u32 = 2;
/// Seconds after which fewer wrong logins wait.
const RETRY_LOGIN: u32 = 10;

/// What a caller is told when there is no page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// One sentence without a full stop. promfetcher's words where it has them.
    message: String,
    retry_after: Option<u32>,
    /// Of a 401: a token is good as well.
    takes_tokens: bool,
    /// What JSON says besides.
    more: Option<Box<Missing>>,
    /// Of a 401: no browser is to ask for a login by itself.
    without_dialog: bool,
}

impl ApiError {
    /// Control characters of `message`, which may repeat what the caller wrote, are replaced: it
    /// ends in logs and terminals.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, "\u{fffd}");
        }
        Self {
            status,
            message,
            retry_after: None,
            takes_tokens: false,
            more: None,
            without_dialog: false,
        }
    }

    /// The same with what JSON says besides.
    pub(super) fn with(self, more: Missing) -> Self {
        Self {
            more: Some(Box::new(more)),
            ..self
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence, without a full stop. It may repeat what somebody wrote.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 401 with the challenge that makes browsers and `curl -u` send a login.
    pub(crate) fn login_needed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// The same 401, which asks for a token too (RFC 6750, section 3).
    pub(crate) fn with_bearer(self) -> Self {
        Self {
            takes_tokens: true,
            ..self
        }
    }

    /// The same 401 for a browser: a Basic challenge would make it open a dialog of its own, over a page that knows better.
    pub(crate) fn without_dialog(self) -> Self {
        Self {
            without_dialog: true,
            ..self
        }
    }

    /// 429: too many wrong logins are being looked at.
    pub(crate) fn too_many_logins() -> Self {
        Self {
            retry_after: Some(RETRY_LOGIN),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many logins were wrong, try again in a few seconds",
            )
        }
    }

    /// 503: somebody who has to be asked does not answer.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self {
            retry_after: Some(RETRY_NOT_READY),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    /// 500 without details: what happened is in the log.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }

    /// What goes with the answer, in whatever form it is written.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // There must be a challenge (RFC 9110, section 15.5.2). Of this one browsers know nothing.
            let challenge = if self.without_dialog {
                "Cookie realm=\"promfetch\""
            } else {
                "Basic realm=\"promfetch\""
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.takes_tokens {
            headers.append(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"promfetch\""),
            );
        }
        headers
    }

    fn problem(&self) -> String {
        let more = self.more.as_deref();
        let problem = Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.message.clone(),
            near: more.and_then(|more| more.near.clone()),
            component: more.filter(|more| more.component).map(|_| true),
            table: more.and_then(|more| more.table.clone()),
        };
        // Texts and numbers cannot fail to be written.
        serde_json::to_string(&problem).unwrap_or_default()
    }
}

/// The text form without the line feed.
impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.message)
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, retry_after) = match error.kind() {
            Kind::InvalidArgument => (StatusCode::BAD_REQUEST, None),
            Kind::NotFound => (StatusCode::NOT_FOUND, None),
            Kind::NoEndpoint => (StatusCode::NOT_ACCEPTABLE, None),
            Kind::Ambiguous => (StatusCode::CONFLICT, None),
            Kind::NotReady => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_NOT_READY)),
            Kind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_OVERLOADED)),
            Kind::Unavailable | Kind::Parse => (StatusCode::BAD_GATEWAY, None),
            // A kind that no caller can cause: the sentence is for the operator.
            kind => {
                tracing::error!(%error, ?kind, "a request failed");
                return Self::internal();
            }
        };
        Self {
            retry_after,
            ..Self::new(status, error.to_string())
        }
    }
}

impl IntoResponse for ApiError {
    /// The text form, `404 Cannot found app with id or path X`; [`negotiate`] finds the error beside it.
    fn into_response(self) -> Response {
        let mut response = (self.status, self.headers(), format!("{self}\n")).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Middleware: writes errors as `application/problem+json` for callers that ask for JSON, and where the answer is JSON
/// to everybody.
pub(crate) async fn negotiate(request: Request, next: Next) -> Response {
    let json = wants_json(request.headers()) || answers_json(request.uri().path());
    let mut response = next.run(request).await;
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("Accept"));
    if !json {
        return response;
    }
    // The other headers stay: `Allow` is added by the router, after the handler.
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response.headers_mut().remove(CONTENT_LENGTH);
    response.map(|_| error.problem().into())
}

/// Whether what is at this path is JSON, whatever the caller takes.
fn answers_json(path: &str) -> bool {
    ["/instances", "/families", "/samples", "/v1/platform"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Whether the caller names JSON. A wildcard does not count: every scraper sends `*/*;q=0.1`.
fn wants_json(headers: &HeaderMap) -> bool {
    let Some(value) = accept::joined(headers, ACCEPT) else {
        return false;
    };
    accept::items(&value).any(|(name, q)| {
        q > 0.0
            && ["application/problem+json", "application/json"]
                .iter()
                .any(|json| name.eq_ignore_ascii_case(json))
    })
}

/// The answer where no route matches.
pub(crate) async fn no_such_page() -> ApiError {
    ApiError::not_found("There is no such page; `/` lists the addresses")
}

/// The answer to every method but GET and HEAD. The router adds `Allow`.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only GET and HEAD are answered here",
    )
}

/// The same where forms are taken.
pub(crate) async fn no_such_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "Only GET, HEAD and POST are answered here",
    )
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    /// Status, the headers that matter, and the body of an error as a caller with this `Accept` sees it.
    async fn answer(
        error: ApiError,
        path: &'static str,
        accept: &'static str,
    ) -> (u16, Vec<(String, String)>, String) {
        let app = Router::new()
            .route(path, get(move || async move { error }))
            .layer(from_fn(negotiate));
        let request = Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let response = app.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()))
            .collect();
        headers.retain(|(name, _)| name != "content-length" && name != "vary");
        headers.sort();
        (
            status,
            headers,
            String::from_utf8(to_bytes(response.into_body(), 9999).await.unwrap().to_vec())
                .unwrap(),
        )
    }

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_string(), value.to_string())
    }

    #[tokio::test]
    async fn each_kind_has_its_status_and_promfetchers_text() {
        let text = header("content-type", "text/plain; charset=utf-8");
        for (kind, message, status, more, why) in [
            (
                Kind::NotFound,
                "Cannot found app with id or path x",
                404,
                None,
                "promfetcher's words",
            ),
            (
                Kind::NoEndpoint,
                "Cannot found endpoint '/m' for app with id or path 'x', please create one",
                406,
                None,
                "promfetcher's words",
            ),
            (
                Kind::InvalidArgument,
                "no",
                400,
                None,
                "the caller can mend it",
            ),
            (
                Kind::Ambiguous,
                "two of them",
                409,
                None,
                "the caller must choose",
            ),
            (
                Kind::NotReady,
                "wait",
                503,
                Some(header("retry-after", "5")),
                "never 404 before the table is complete",
            ),
            (
                Kind::Overloaded,
                "busy",
                503,
                Some(header("retry-after", "2")),
                "a bound of the process",
            ),
            (
                Kind::Unavailable,
                "away",
                502,
                None,
                "somebody else's fault",
            ),
        ] {
            let (got, headers, body) = answer(Error::new(kind, message).into(), "/x", "*/*").await;
            assert_eq!(
                (got, body),
                (status, format!("{status} {message}\n")),
                "{kind:?}: {why}"
            );
            let want: Vec<_> = [Some(text.clone()), more].into_iter().flatten().collect();
            assert_eq!(headers, want, "{kind:?}: {why}");
        }
    }

    #[tokio::test]
    async fn what_only_operators_may_know_is_left_out() {
        let error = Error::new(Kind::Configuration, "the key file /var/vcap/secret is gone");
        assert_eq!(
            answer(error.into(), "/x", "").await.2,
            "500 Internal Server Error\n"
        );
    }

    #[test]
    fn what_the_caller_wrote_cannot_reach_a_terminal() {
        let error = ApiError::from(Error::new(Kind::NotFound, "no app \u{1b}[2J\0\nx"));
        assert_eq!(error.to_string(), "404 no app \u{fffd}[2J\u{fffd}\u{fffd}x");
    }

    #[tokio::test]
    async fn json_is_written_only_when_named() {
        let want = r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"gone"}"#;
        for (path, accept, json, why) in [
            ("/x", "application/problem+json", true, "named"),
            (
                "/x",
                "text/html, Application/JSON;q=0.5",
                true,
                "named among others, any case",
            ),
            ("/x", "application/json;q=0, */*", false, "refused by name"),
            (
                "/x",
                "application/openmetrics-text,*/*;q=0.1",
                false,
                "a scraper",
            ),
            ("/x", "", false, "nothing said"),
            ("/x/instances", "*/*", true, "JSON to everybody"),
            ("/v1/platform/samples", "*/*", true, "JSON to everybody"),
        ] {
            let (status, headers, body) = answer(ApiError::not_found("gone"), path, accept).await;
            assert_eq!(status, 404, "{path} {accept}");
            assert_eq!(
                body,
                if json { want } else { "404 gone\n" },
                "{path} {accept}: {why}"
            );
            let kind = if json {
                "application/problem+json"
            } else {
                "text/plain; charset=utf-8"
            };
            assert_eq!(
                headers,
                [header("content-type", kind)],
                "{path} {accept}: {why}"
            );
        }
    }

    #[tokio::test]
    async fn a_login_is_asked_for_in_both_forms() {
        for accept in ["*/*", "application/json"] {
            let (status, headers, _) =
                answer(ApiError::login_needed("who are you"), "/x", accept).await;
            assert_eq!(status, 401);
            assert!(
                headers.contains(&header("www-authenticate", "Basic realm=\"promfetch\"")),
                "{headers:?}"
            );
        }
    }
}
