//! The guard before every route.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::audit::PATIENCE;
use super::caller::{Caller, Reader};
use super::{Access, Class, Classes, Gate};
use crate::api::errors::ApiError;
use crate::config::access::Mode;
use crate::web::sign_in;

/// The headers and the path of a request.
type Asked<'r> = (&'r HeaderMap, &'r str);

/// Why a request does not pass, and who has sent it as far as that is known.
struct Refused {
    error: ApiError,
    access: Access,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            access: Access::Nothing,
        }
    }
}

/// Lets a request pass to its handler, or answers in its place.
///
/// A path that no route matches is a reader's matter: only who may read learns that there is nothing. People who look
/// at a page with a browser are led to where they can sign in.
pub(crate) async fn guard(
    State((gate, classes)): State<(Gate, Classes)>,
    mut request: Request,
    next: Next,
) -> Response {
    let class = match request.extensions().get::<MatchedPath>() {
        None => Some(Class::Reader),
        Some(pattern) => classes.get(pattern.as_str()).copied(),
    };
    let Some(class) = class else {
        tracing::error!(
            path = request.uri().path(),
            "a route without an access class was refused"
        );
        return ApiError::forbidden("This page is not open to anybody").into_response();
    };
    let asked = (request.headers(), request.uri().path());
    match gate.admit(class, asked).await {
        Ok(access) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        Err(Refused { error, access }) => {
            if let Some(response) = sign_in::turned_away(&request, &error, &access) {
                return response;
            }
            if gate.is_script(request.headers()) {
                return error.without_dialog().into_response();
            }
            error.into_response()
        }
    }
}

impl Gate {
    /// What the caller of a route of this class may see.
    async fn admit(&self, class: Class, asked: Asked<'_>) -> Result<Access, Refused> {
        match (class, self.mode) {
            (Class::Public | Class::Broker, _) => Ok(Access::Nothing),
            (Class::Reader | Class::Platform, Mode::Open) => Ok(Access::Everything),
            (Class::Reader | Class::Platform, Mode::Audit) => Ok(self.audit(class, asked).await),
            (Class::Reader, Mode::Protected) => Ok(Access::Reader(self.reader(asked).await?)),
            (Class::Operator, _) | (Class::Platform, Mode::Protected) => {
                match self.reader(asked).await? {
                    reader @ Reader::Operator(_) => Ok(Access::Reader(reader)),
                    other => Err(Refused {
                        error: ApiError::forbidden("This page is for operators"),
                        access: Access::Reader(other),
                    }),
                }
            }
        }
    }

    /// The caller, who must have a right login. All others get the same answer, whatever they have asked for.
    async fn reader(&self, (headers, path): Asked<'_>) -> Result<Reader, ApiError> {
        match self.identify(headers).await? {
            Caller::Known(reader) => Ok(reader),
            Caller::Nobody => Err(self.login_needed()),
            Caller::Wrong(why) => {
                tracing::info!(path, why, "a login was refused");
                Err(self.login_needed())
            }
        }
    }

    fn login_needed(&self) -> ApiError {
        let error = ApiError::login_needed(
            "A login is needed: credentials of a binding, an operator's, or a token of the platform",
        );
        if self.uaa.is_some() {
            error.with_bearer()
        } else {
            error
        }
    }

    /// Whether a page's script asks, for which the browser would open a dialog of its own at a Basic challenge. Browsers
    /// say so (Fetch Metadata), but only to encrypted hosts and to this machine; a session gives them away too.
    fn is_script(&self, headers: &HeaderMap) -> bool {
        let destination = headers.get("sec-fetch-dest");
        destination.is_some_and(|destination| destination == "empty")
            || self.sessions.is_there(headers)
    }

    /// Nobody is refused, but handlers learn who would be. A login that is not promfetch's is not looked at: it may
    /// be for the app.
    async fn audit(&self, class: Class, (headers, path): Asked<'_>) -> Access {
        let found = async {
            if self.is_own_login(headers) {
                self.identify(headers).await
            } else {
                self.identify_session(headers).await
            }
        };
        let reader = match timeout(PATIENCE, found).await {
            Ok(Ok(Caller::Known(reader))) => Ok(reader),
            Ok(Ok(Caller::Nobody)) => Err("there is no login".into()),
            Ok(Ok(Caller::Wrong(why))) => Err(why),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the login could not be checked in time".into()),
        };
        if class == Class::Platform && !matches!(reader, Ok(Reader::Operator(_))) {
            tracing::debug!(
                path,
                "with protected access this page would need an operator's login"
            );
        }
        Access::Audited(reader)
    }
}
