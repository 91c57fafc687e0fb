//! Every route of the service on one page, each with what it asks of its caller.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::access::{Class, Classes, Gate, guard};
use crate::api::address::describe;
use crate::api::errors::{self, ApiError};
use crate::api::{self, Api, app_metrics, own_metrics, platform, routes, sd};
use crate::openapi::{self, Description, Document, Operation, Routes};
use crate::osb;
use crate::server::{health, observe, panics};
use crate::web::{assets, doc, explorer, sign_in};

/// Longest path and query accepted. Three names of 250 characters, each percent-encoded to nine bytes, fit. Below
/// `/broker` the length of each id counts instead: platforms expect answers of their own kind.
const MAX_URI: usize = 8 << 10;

struct Route {
    path: &'static str,
    class: Class,
    handler: MethodRouter<Api>,
    /// What `/openapi.json` says of it. `None`: it was forgotten, which a test sees.
    description: Option<Description>,
}

impl Route {
    /// Its operations.
    fn described(self, operations: fn() -> Vec<Operation>) -> Self {
        let description = Some(Description::Operations(operations));
        Self {
            description,
            ..self
        }
    }

    /// It is not for programs that read `/openapi.json`, for this reason.
    fn undescribed(self, why: &'static str) -> Self {
        let description = Some(Description::None(why));
        Self {
            description,
            ..self
        }
    }
}

fn route(path: &'static str, class: Class, handler: MethodRouter<Api>) -> Route {
    Route {
        path,
        class,
        handler,
        description: None,
    }
}

const FOR_PEOPLE: &str = "pages for people";
const OSB: &str = "the Open Service Broker API has a description of its own";

/// The routes of the API port. Paths below an app are read by `api::address`, from their raw form.
fn table() -> Vec<Route> {
    use Class::{Broker, Operator, Platform, Public, Reader};
    vec![
        route("/", Reader, get(explorer::home::get)).described(api::describe),
        route("/apps/", Reader, get(explorer::app::get)).undescribed(FOR_PEOPLE),
        route("/apps/{*address}", Reader, get(explorer::app::get)).undescribed(FOR_PEOPLE),
        route("/platform", Platform, get(explorer::platform::get)).undescribed(FOR_PEOPLE),
        route("/doc", Public, get(doc::start)).undescribed(FOR_PEOPLE),
        route("/doc/", Public, get(doc::slash)).undescribed(FOR_PEOPLE),
        // All that is below, so that the answer to a wrong address is the same with and without login.
        route("/doc/{*page}", Public, get(doc::page)).undescribed(FOR_PEOPLE),
        route("/assets/{file}", Public, get(assets::get)).undescribed(FOR_PEOPLE),
        route("/sign-in", Public, sign_in_form()).undescribed(FOR_PEOPLE),
        route("/sign-in/uaa", Public, get(sign_in::leave)).undescribed(FOR_PEOPLE),
        route("/sign-in/callback", Public, get(sign_in::come_back)).undescribed(FOR_PEOPLE),
        route("/sign-out", Public, sign_out_form()).undescribed(FOR_PEOPLE),
        route("/health", Public, get(health::brief)).described(health::describe),
        route("/ready", Public, get(health::brief)).described(health::describe_ready),
        route("/metrics", Platform, get(own_metrics::get)).described(own_metrics::describe),
        route("/routes", Operator, get(routes::get)).described(routes::describe),
        route("/v1/apps/{*address}", Reader, get(app_metrics::get)).described(describe::v1),
        route("/v2/apps/{*address}", Reader, get(app_metrics::get)).described(describe::v2),
        route("/v1/sd", Reader, get(sd::get)).described(sd::describe),
        route("/v1/platform", Platform, get(platform::get)).described(platform::describe),
        route("/v1/platform/samples", Platform, get(platform::get_samples))
            .described(platform::describe_samples),
        route("/openapi.json", Reader, get(openapi::get)).described(openapi::describe),
        route("/broker", Broker, any(osb::serve)).undescribed(OSB),
        route("/broker/", Broker, any(osb::serve)).undescribed(OSB),
        route("/broker/{*path}", Broker, any(osb::serve)).undescribed(OSB),
    ]
}

/// Its form is as large as a login can be.
fn sign_in_form() -> MethodRouter<Api> {
    let form = get(sign_in::show).post(sign_in::submit);
    form.fallback(errors::no_such_method)
        .layer(DefaultBodyLimit::max(sign_in::MAX_FORM))
}

fn sign_out_form() -> MethodRouter<Api> {
    let form = get(sign_in::no_sign_out).post(sign_in::sign_out);
    form.fallback(errors::no_such_method)
}

/// The API port.
pub(crate) fn api(api: Api, observer: observe::Observer) -> Router {
    assemble(table(), api, observer)
}

/// The health port: for monitors inside the platform, which may know the sources by name.
pub(crate) fn health(health: health::Health) -> Router {
    Router::new()
        .route("/health", get(health::detailed))
        .route("/ready", get(health::detailed))
        .fallback(errors::no_such_page)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(health)
        .layer(from_fn(errors::negotiate))
}

/// The port of the call metrics: they name no apps, and there is no login.
pub(crate) fn calls(calls: own_metrics::CallMetrics) -> Router {
    Router::new()
        .route("/metrics", get(own_metrics::get_calls))
        .fallback(errors::no_such_page)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(calls)
        .layer(from_fn(errors::negotiate))
        .layer(map_response(not_sniffed))
}

/// What `/openapi.json` is made of.
fn described(table: &[Route]) -> Routes {
    let described = table.iter().filter_map(|route| {
        let description = route.description?;
        Some((route.path, route.class, description))
    });
    described.collect()
}

#[cfg(test)]
pub(crate) fn all_described() -> Routes {
    described(&table())
}

fn assemble(table: Vec<Route>, api: Api, observer: observe::Observer) -> Router {
    let classes: Classes = Arc::new(
        table
            .iter()
            .map(|route| (route.path, route.class))
            .collect(),
    );
    let document = Document::new(described(&table));
    let gate: Gate = api.gate.clone();
    let mut router = Router::new();
    for route in table {
        router = router.route(route.path, route.handler);
    }
    // The last layer is the outermost: it sees a request first and an answer last.
    router
        .fallback(errors::no_such_page)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .layer(Extension(document))
        .layer(from_fn_with_state((gate, classes), guard))
        .layer(from_fn(bounded_uri))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(errors::negotiate))
        .layer(map_response(not_sniffed))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(from_fn_with_state(observer, observe::observe))
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(from_fn(observe::plain_request_id))
        .with_state(api)
}

/// Apps decide what their pages say, and errors repeat what callers wrote: no browser may take them for a document.
async fn not_sniffed(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn bounded_uri(request: Request, next: Next) -> Response {
    let length = request
        .uri()
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    let is_brokers = request.uri().path().starts_with("/broker/");
    if length > MAX_URI && !is_brokers {
        return ApiError::new(
            StatusCode::URI_TOO_LONG,
            format!("The address is longer than {MAX_URI} bytes"),
        )
        .into_response();
    }
    next.run(request).await
}

/// 500 without details for the caller; what is known goes to the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that tower-http asks for"
)]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!(panic = panics::text(&*panic), "a request panicked");
    ApiError::internal().into_response()
}

#[cfg(test)]
mod tests;
