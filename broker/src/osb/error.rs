//! Every answer of the specification that is not a success, as a value with a name.
//!
//! What the Cloud Controller does with a status decides which one is used: after 5xx, and after 422 without a code it
//! knows, it deletes what it wanted to create; a 400 it shows to the user. So bad input is 400, always with a sentence.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::store;

/// Why a request is refused or failed (Open Service Broker API 2.17, "Service Broker Errors").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    status: StatusCode,
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Body {
    /// One of the codes that the specification names.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// For the user of `cf`.
    description: String,
    /// Only on a failed update.
    #[serde(skip_serializing_if = "Option::is_none")]
    update_repeatable: Option<bool>,
}

impl Error {
    fn new(
        status: StatusCode,
        error: Option<&'static str>,
        description: impl Into<String>,
    ) -> Self {
        let body = Body {
            error,
            description: description.into(),
            update_repeatable: None,
        };
        Self { status, body }
    }

    /// 400: the request is malformed, or says something that cannot be.
    pub(super) fn malformed(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, None, description)
    }

    /// 401.
    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            None,
            "The login is not that of this service broker",
        )
    }

    /// 404: no such instance, binding or page.
    pub(super) fn not_found(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, None, description)
    }

    /// 405. The router adds `Allow`.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            None,
            "This method is not possible here, see the header `Allow`",
        )
    }

    /// 408: the body did not arrive. The Cloud Controller deletes nothing after it.
    pub(super) fn body_too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            None,
            "The body of the request did not arrive in time",
        )
    }

    /// 409: it exists, and is different.
    pub(super) fn conflict(description: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, None, description)
    }

    /// 410: what is to be deleted does not exist.
    pub(super) fn gone(description: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, None, description)
    }

    /// 412: a version of the API that is not spoken here.
    pub(super) fn version(description: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, None, description)
    }

    /// 413.
    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            None,
            format!("The body of the request is longer than {limit} bytes"),
        )
    }

    /// 422: another request is changing the same instance. Text and code as the Kubernetes client compares them.
    pub(super) fn concurrency() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("ConcurrencyError"),
            "The Service Broker does not support concurrent requests that mutate the same resource.",
        )
    }

    /// 422: an endpoint belongs to an app. Text and code as the Kubernetes client compares them.
    pub(super) fn requires_app() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("RequiresApp"),
            "This service supports generation of credentials through binding an application only.",
        )
    }

    /// 422: the platform knows another version of the plan.
    pub(super) fn maintenance_info_conflict() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("MaintenanceInfoConflict"),
            "The plan has no maintenance_info: fetch the catalog again",
        )
    }

    /// 422: the instance stays as it is, and asking again does not help.
    pub(super) fn plan_change() -> Self {
        let mut error = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            None,
            "This service has one plan, so there is none to change to",
        );
        error.body.update_repeatable = Some(false);
        error
    }

    /// 429: too many wrong logins are being looked at.
    pub(super) fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            None,
            "Too many logins were wrong: try again in a few seconds",
        )
    }

    /// 500, without details: they are in the log.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            None,
            "promfetch could not do this; its log says why",
        )
    }

    /// 503: the database is away.
    pub(super) fn away() -> Self {
        Self::unavailable(
            "The database of promfetch cannot be reached at the moment: try again later",
        )
    }

    /// 503: the database is away, or the broker is off.
    pub(super) fn unavailable(description: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, None, description)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error.kind() {
            store::Kind::Unavailable => {
                tracing::warn!(%error, "a request to the service broker could not be answered");
                Self::away()
            }
            store::Kind::Conflict => Self::concurrency(),
            store::Kind::Broken | store::Kind::Configuration => {
                tracing::error!(%error, "a request to the service broker failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = (self.status, json(&self.body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static(
                    "Basic realm=\"promfetch service broker\", charset=\"UTF-8\"",
                ),
            );
        }
        if [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&self.status)
        {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("10"));
        }
        response
    }
}

/// A body of JSON with its type. Every answer has one, also where a platform does not look at it.
pub(super) fn json<T: Serialize>(body: &T) -> impl IntoResponse + use<T> {
    // Texts and maps of texts can all be written.
    let text = serde_json::to_string(body).unwrap_or_else(|_| "{}".into());
    ([(CONTENT_TYPE, "application/json")], text)
}
