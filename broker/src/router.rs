//! Every route of the service on one page, each with what it asks of its caller.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::access::{Class, Classes, Gate, guard};
use crate::api::errors::{self, ApiError};
use crate::api::{Api, app_metrics, index, own_metrics, routes, sd};
use crate::osb;
use crate::server::{health, observe, panics};
use crate::web::{assets, doc, sign_in};

/// Longest path and query accepted. Three names of 250 characters, each percent-encoded to nine bytes, fit. Below
/// `/broker` the length of each id counts instead: platforms expect answers of their own kind.
const MAX_URI: usize = 8 << 10;

struct Route {
    path: &'static str,
    class: Class,
    handler: MethodRouter<Api>,
}

fn route(path: &'static str, class: Class, handler: MethodRouter<Api>) -> Route {
    Route {
        path,
        class,
        handler,
    }
}

/// The routes of the API port. Paths below an app are read by `api::address`, from their raw form.
fn table() -> Vec<Route> {
    use Class::{Broker, Operator, Platform, Public, Reader};
    vec![
        route("/", Reader, get(index)),
        route("/doc", Public, get(doc::start)),
        route("/doc/", Public, get(doc::slash)),
        // All that is below, so that the answer to a wrong address is the same with and without login.
        route("/doc/{*page}", Public, get(doc::page)),
        route("/assets/{file}", Public, get(assets::get)),
        route("/sign-in", Public, sign_in_form()),
        route("/sign-in/uaa", Public, get(sign_in::leave)),
        route("/sign-in/callback", Public, get(sign_in::come_back)),
        route("/sign-out", Public, sign_out_form()),
        route("/health", Public, get(health::brief)),
        route("/ready", Public, get(health::brief)),
        route("/metrics", Platform, get(own_metrics::get)),
        route("/routes", Operator, get(routes::get)),
        route("/v1/apps/{*address}", Reader, get(app_metrics::get)),
        route("/v2/apps/{*address}", Reader, get(app_metrics::get)),
        route("/v1/sd", Reader, get(sd::get)),
        route("/broker", Broker, any(osb::serve)),
        route("/broker/", Broker, any(osb::serve)),
        route("/broker/{*path}", Broker, any(osb::serve)),
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

fn assemble(table: Vec<Route>, api: Api, observer: observe::Observer) -> Router {
    let classes: Classes = Arc::new(
        table
            .iter()
            .map(|route| (route.path, route.class))
            .collect(),
    );
    let gate: Gate = api.gate.clone();
    let mut router = Router::new();
    for route in table {
        router = router.route(route.path, route.handler);
    }
    // The last layer is the outermost: it sees a request first and an answer last.
    router
        .fallback(errors::no_such_page)
        .method_not_allowed_fallback(errors::method_not_allowed)
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
