//! Who may read what. One guard stands before every route and denies by default.
//!
//! A route has a [`Class`]; a route without one is refused, so that a forgotten line in the router's table shuts a
//! door instead of opening one. What a reader may see of an app is decided later, by [`authorise`], when the selector
//! has been resolved: one route can lead to several apps, and each is looked at alone.

mod answers;
mod cloud_controller;
#[cfg_attr(not(test), expect(dead_code, reason = "the broker calls it later"))]
pub(crate) mod derived;
mod jwks;
mod jwt;
#[cfg_attr(not(test), expect(dead_code, reason = "the guard calls it later"))]
pub(crate) mod login;
#[cfg_attr(not(test), expect(dead_code, reason = "the guard calls it later"))]
pub(crate) mod operators;
#[cfg_attr(not(test), expect(dead_code, reason = "the guard calls it later"))]
pub(crate) mod password;
#[cfg_attr(not(test), expect(dead_code, reason = "the guard calls it later"))]
pub(crate) mod slow_down;
#[cfg(test)]
mod testing;
#[cfg_attr(not(test), expect(dead_code, reason = "the guard calls it later"))]
pub(crate) mod uaa;
pub(crate) mod upstream;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use promfetch_core::discovery::Located;

use crate::api::errors::ApiError;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing: health and readiness.
    Public,
    /// To be allowed to read metrics. With open access that is everybody.
    Reader,
    /// To be an operator of the platform.
    Operator,
}

/// What the guard has found out about a caller. Handlers get it as a request extension; only the guard makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every app: access is open.
    Everything,
}

/// The class of each route, by the pattern under which the router knows it.
pub(crate) type Classes = Arc<HashMap<&'static str, Class>>;

/// Lets a request pass to its handler, or answers in its place.
///
/// A path that no route matches is a reader's matter: only who may read learns that there is nothing.
pub(crate) async fn guard(
    State(classes): State<Classes>,
    mut request: Request,
    next: Next,
) -> Response {
    let class = match request.extensions().get::<MatchedPath>() {
        None => Some(Class::Reader),
        Some(pattern) => classes.get(pattern.as_str()).copied(),
    };
    match class {
        Some(Class::Public | Class::Reader) => {
            request.extensions_mut().insert(Access::Everything);
            next.run(request).await
        }
        // There are no operators yet, so no login can be right.
        Some(Class::Operator) => {
            ApiError::login_needed("This page is for operators").into_response()
        }
        None => {
            tracing::error!(
                path = request.uri().path(),
                "a route without an access class was refused"
            );
            ApiError::forbidden("This page is not open to anybody").into_response()
        }
    }
}

/// What is left of the instances that a selector led to, for this caller: whole apps are kept or left out.
pub(crate) fn authorise(access: &Access, located: Vec<Located>) -> Vec<Located> {
    match access {
        Access::Everything => located,
    }
}
