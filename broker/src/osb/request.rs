//! What is in a request: ids in the path, ids in the query, a body of JSON. What cannot be read is 400 with a
//! sentence, in JSON, and never axum's own 415 or 422, after which platforms delete things.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::Error;

/// Longest body, in bytes.
const MAX_BODY: usize = 64 << 10;
/// Longest id, in bytes.
const MAX_ID: usize = 1024;
/// Time for the body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The ids in the path, decoded: any text.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) instance_id: String,
    /// Empty on paths without one.
    pub(super) binding_id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(mut ids) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::malformed("An id in the path is not percent-encoded UTF-8"))?;
        // The path as a whole is there too, from the router that this one is below.
        let mut take = |name| -> Result<String, Error> {
            let Some(id) = ids.remove(name) else {
                return Ok(String::new());
            };
            if id.is_empty() {
                return Err(Error::malformed("An id in the path is empty"));
            }
            check_id("An id in the path", &id)?;
            Ok(id)
        };
        Ok(Self {
            instance_id: take("instance_id")?,
            binding_id: take("binding_id")?,
        })
    }
}

/// `?service_id=&plan_id=`: required to delete, a hint otherwise.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Plan {
    service_id: Option<String>,
    plan_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Plan {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(plan)| plan)
            .map_err(|_| Error::malformed("The parameters of the address cannot be read"))
    }
}

impl Plan {
    /// Both, as a deletion must name them. Empty counts as missing.
    pub(super) fn required(&self) -> Result<(&str, &str), Error> {
        let id = |value: &'_ Option<String>, name: &str| match value {
            Some(id) if !id.is_empty() => Ok(()),
            _ => Err(Error::malformed(format!(
                "The parameter `{name}` is missing in the address"
            ))),
        };
        id(&self.service_id, "service_id")?;
        id(&self.plan_id, "plan_id")?;
        Ok((
            self.service_id.as_deref().unwrap_or_default(),
            self.plan_id.as_deref().unwrap_or_default(),
        ))
    }

    /// Whether what is there fits these.
    pub(super) fn fits(&self, service_id: &str, plan_id: &str) -> bool {
        let fits = |hint: &Option<String>, id: &str| hint.as_ref().is_none_or(|hint| hint == id);
        fits(&self.service_id, service_id) && fits(&self.plan_id, plan_id)
    }

    /// 400 for a hint that is there and empty.
    pub(super) fn check_hints(&self) -> Result<(), Error> {
        for (hint, name) in [(&self.service_id, "service_id"), (&self.plan_id, "plan_id")] {
            if hint.as_ref().is_some_and(String::is_empty) {
                return Err(Error::malformed(format!("The parameter `{name}` is empty")));
            }
        }
        Ok(())
    }
}

/// A body of JSON. A missing type is taken for JSON.
#[derive(Clone, Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        if let Some(kind) = request.headers().get(CONTENT_TYPE) {
            let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.is_empty() && kind != "application/json" && !kind.ends_with("+json") {
                return Err(Error::malformed(
                    "The body must be of the type application/json",
                ));
            }
        }
        let body = Limited::new(request.into_body(), MAX_BODY).collect();
        let bytes = tokio::time::timeout(BODY_TIMEOUT, body)
            .await
            .map_err(|_| Error::body_too_slow())?
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    Error::too_large(MAX_BODY)
                } else {
                    Error::malformed("The body did not arrive whole")
                }
            })?
            .to_bytes();
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // The texts of the library name members and places; what callers sent as values may be secret, and only
            // a wrong type would show one.
            let problem = match error.classify() {
                serde_json::error::Category::Data => describe(&error.to_string()),
                _ => error.to_string(),
            };
            Error::malformed(format!("The body is not as expected: {problem}"))
        })
    }
}

/// The message without the value that did not fit: `invalid type: string "secret", expected a map`.
fn describe(message: &str) -> String {
    match (message.split_once(": "), message.split_once(", expected ")) {
        (Some((kind, _)), Some((_, expected))) => format!("{kind}, expected {expected}"),
        _ => message.to_owned(),
    }
}

/// A member that must be there and must not be empty.
pub(super) fn required<'m>(member: &'m Option<String>, name: &str) -> Result<&'m str, Error> {
    match member.as_deref() {
        None | Some("") => Err(Error::malformed(format!(
            "`{name}` is missing in the body, or empty"
        ))),
        Some(text) => check_id(&format!("`{name}`"), text).map(|()| text),
    }
}

/// Refuses an id that the store cannot keep. `what` names it, to begin a sentence.
pub(super) fn check_id(what: &str, id: &str) -> Result<(), Error> {
    if id.len() > MAX_ID {
        return Err(Error::malformed(format!(
            "{what} is longer than {MAX_ID} bytes"
        )));
    }
    // PostgreSQL's texts cannot hold it.
    if id.contains('\0') {
        return Err(Error::malformed(format!("{what} has the character U+0000")));
    }
    Ok(())
}
