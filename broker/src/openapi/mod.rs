//! `/openapi.json`: the HTTP API for programs, as this installation has it.
//!
//! Nothing of it is written apart from the code. Each route of the router's table has its [`Description`] beside it:
//! operations, put together by [`Operation`], or a reason why there is none. What is answered is described by the types
//! that are serialized, and parameters by the types that stand for the query. [`errors`] has the answers that all
//! operations share.

mod document;
mod errors;
mod operation;

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;

pub(crate) use self::errors::Problem;
pub(crate) use self::operation::{Operation, PAGES, TEXT};

use crate::access::Class;
use crate::api::errors::ApiError;
use crate::api::{Api, json};

/// What the document says of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Description {
    /// Its operations.
    Operations(fn() -> Vec<Operation>),
    /// None, for this reason.
    None(&'static str),
}

/// The routes as the document needs them: path in the router's form, class, description.
pub(crate) type Routes = Vec<(&'static str, Class, Description)>;

/// The document, written when it is first asked for. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Document(Arc<(Routes, OnceLock<Option<Bytes>>)>);

impl Document {
    pub(crate) fn new(routes: Routes) -> Self {
        Self(Arc::new((routes, OnceLock::new())))
    }

    fn written(&self, api: &Api) -> Option<&Bytes> {
        let (routes, written) = &*self.0;
        let write = || match document::of(routes, &api.config).to_pretty_json() {
            Ok(text) => Some(Bytes::from(text + "\n")),
            Err(error) => {
                tracing::error!(%error, "the description of the API could not be written");
                None
            }
        };
        written.get_or_init(write).as_ref()
    }
}

pub(crate) async fn get(
    State(api): State<Api>,
    axum::Extension(document): axum::Extension<Document>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = document.written(&api).ok_or_else(ApiError::internal)?;
    Ok(json::kept(text.clone(), &headers))
}

pub(crate) fn describe() -> Vec<Operation> {
    vec![
        Operation::get("/openapi.json", "describeApi", "This document")
            .tag("promfetch")
            .json_object("OpenAPI 3.1")
            .kept(),
    ]
}

#[cfg(test)]
mod tests;
