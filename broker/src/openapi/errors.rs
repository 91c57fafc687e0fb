//! The errors that operations share. Their words and their two forms are those of [`crate::api::errors`].

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Ref, RefOr, Response};

use super::operation::TEXT;
use crate::access::Class;
use crate::api::missing::Near;
use crate::api::table_state::TableState;

/// Why there is no page (RFC 9457), for callers whose `Accept` names JSON. Others get a line of text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// No more than the status says: `about:blank`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// The words that belong to the status.
    pub(crate) title: &'static str,
    pub(crate) status: u16,
    /// One sentence for people.
    pub(crate) detail: String,
    /// Of 404 of `instances`: apps that may have been meant, of those that the caller may see, the likeliest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) near: Option<Vec<Near>>,
    /// Likewise: the route leads to a component of the platform, which is no app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) component: Option<bool>,
    /// Of 404 and 503 of `instances`: how the routing table is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) table: Option<TableState>,
}

/// Every error that an operation may name: its status, the name of the answer, and when it comes.
const ALL: [(StatusCode, &str, &str); 11] = [
    (
        StatusCode::BAD_REQUEST,
        "BadRequest",
        "The request cannot be understood: the text says what is wrong",
    ),
    (
        StatusCode::UNAUTHORIZED,
        "LoginNeeded",
        "A login is needed, or the one that was shown opens nothing",
    ),
    (
        StatusCode::FORBIDDEN,
        "Forbidden",
        "The login is right, and not good for this",
    ),
    (
        StatusCode::NOT_FOUND,
        "NotFound",
        "There is no such app or instance, or none that the caller may see",
    ),
    (
        StatusCode::NOT_ACCEPTABLE,
        "NoEndpoint",
        "All instances answer 4xx: the app has no metrics on this path",
    ),
    (
        StatusCode::CONFLICT,
        "Ambiguous",
        "Several instances have this index: ask for one by its GUID",
    ),
    (
        StatusCode::URI_TOO_LONG,
        "AddressTooLong",
        "The address has more than 8 KiB",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyLogins",
        "Too many logins were wrong",
    ),
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        "What has happened is in promfetch's log",
    ),
    (
        StatusCode::BAD_GATEWAY,
        "Unavailable",
        "Somebody who had to be asked gave no answer that can be used",
    ),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "NotNow",
        "The routing table is not complete yet, or promfetch is overloaded, or somebody who knows what the caller may see is away",
    ),
];

/// The errors of every operation on a route of this class.
pub(super) fn of_class(class: Class) -> &'static [StatusCode] {
    match class {
        Class::Public | Class::Broker => {
            &[StatusCode::URI_TOO_LONG, StatusCode::INTERNAL_SERVER_ERROR]
        }
        Class::Reader => &[
            StatusCode::UNAUTHORIZED,
            StatusCode::URI_TOO_LONG,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::SERVICE_UNAVAILABLE,
        ],
        Class::Platform | Class::Operator => &[
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::URI_TOO_LONG,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::SERVICE_UNAVAILABLE,
        ],
    }
}

/// The answer of this status, which stands among the components.
pub(super) fn reference(status: StatusCode) -> RefOr<Response> {
    let known = ALL.iter().find(|(known, ..)| *known == status);
    // A test looks for references that lead nowhere.
    let name = known.map_or("", |(_, name, _)| *name);
    Ref::from_response_name(name).into()
}

/// The answers by name.
pub(super) fn components() -> impl Iterator<Item = (&'static str, Response)> {
    ALL.iter().map(|(status, name, description)| {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name())));
        let mut response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", problem.build());
        for kind in TEXT {
            let text = ContentBuilder::new()
                .schema(Some(Object::with_type(Type::String)))
                .example(Some(format!("{} {description}\n", status.as_u16()).into()));
            response = response.content(*kind, text.build());
        }
        for (name, description, kind) in headers(*status) {
            let header = HeaderBuilder::new()
                .schema(Some(Object::with_type(kind.clone())))
                .description(Some(*description));
            response = response.header(*name, header.build());
        }
        (*name, response.build())
    })
}

fn headers(status: StatusCode) -> &'static [(&'static str, &'static str, Type)] {
    match status {
        StatusCode::UNAUTHORIZED => &[(
            "WWW-Authenticate",
            "Which kinds of login are taken",
            Type::String,
        )],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &[(
            "Retry-After",
            "Seconds after which to try again",
            Type::Integer,
        )],
        _ => &[],
    }
}
