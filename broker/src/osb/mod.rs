//! The Open Service Broker, API 2.17, below `/broker`.
//!
//! One file an operation. Every request is looked at in the same order: login, version, path and method, ids, body,
//! existence, conflict. `error` has every answer that is not a success. All operations are synchronous, and each is
//! one transaction of the store, in a task of its own: a caller that hangs up stops nothing half-way.

mod bind;
mod catalog;
mod context;
mod deprovision;
mod error;
mod get_binding;
mod get_instance;
mod headers;
mod last_operation;
mod login;
mod operation;
mod provision;
mod request;
mod take_over;
mod unbind;
mod update;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use promfetch_core::calls::Calls;
use tokio::sync::OnceCell;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use self::catalog::Catalog;
use self::error::Error;
use self::login::Logins;
use crate::bindings::credentials::escape;
use crate::bindings::sync::Keeper;
use crate::config::Config;
use crate::server::panics;
use crate::store::Instance;

/// The broker. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Osb(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Arc<Config>,
    /// The store, and the bindings in memory.
    keeper: Keeper,
    logins: Logins,
    catalog: OnceCell<Catalog>,
    /// The latest operation has found the database away.
    away: AtomicBool,
    calls: Calls,
}

impl Osb {
    /// A broker over the keeper's store.
    ///
    /// # Errors
    /// Why it stays off, and how to turn it on.
    pub(crate) fn new(
        config: Arc<Config>,
        keeper: Keeper,
        calls: Calls,
    ) -> Result<Self, &'static str> {
        let logins = Logins::new(config.broker.logins()?);
        Ok(Self(Arc::new(Shared {
            config,
            keeper,
            logins,
            catalog: OnceCell::new(),
            away: AtomicBool::new(false),
            calls,
        })))
    }

    /// Where people look at the apps of an instance's space. One that promfetcher has made may have no space that is
    /// known, and leads to the start.
    fn dashboard_url(&self, instance: &Instance) -> String {
        let base_url = self.0.config.base_url.trim_end_matches('/');
        match &*instance.space_guid {
            "" => format!("{base_url}/"),
            space => format!("{base_url}/?space={}", escape(space)),
        }
    }

    /// The catalog. By default its ids depend on whose database this is, so it may have to wait for that.
    async fn catalog(&self) -> Result<&Catalog, Error> {
        let Shared {
            config,
            keeper,
            catalog,
            ..
        } = &*self.0;
        let make = || async {
            let broker = &config.broker;
            let is_complete = [&broker.service_id, &broker.plan_id, &broker.service_name]
                .iter()
                .all(|given| !given.is_empty());
            let taken_over = !is_complete && keeper.store().taken_over().await?;
            Catalog::new(broker, &config.base_url, taken_over).map_err(|problem| {
                tracing::error!(problem, "the service broker cannot work");
                Error::unavailable(
                    "The service broker is not set up: the log of promfetch says what is missing",
                )
            })
        };
        catalog.get_or_try_init(make).await
    }
}

/// Everything below `/broker`, for a broker that is on.
pub(crate) fn router(osb: &Osb) -> Router {
    const INSTANCE: &str = "/v2/service_instances/{instance_id}";
    const BINDING: &str = "/v2/service_instances/{instance_id}/service_bindings/{binding_id}";
    Router::new()
        .route("/v2/catalog", get(catalog))
        .route(
            INSTANCE,
            put(provision::handle)
                .get(get_instance::handle)
                .patch(update::handle)
                .delete(deprovision::handle),
        )
        .route(
            &format!("{INSTANCE}/last_operation"),
            get(last_operation::of_instance),
        )
        .route(
            BINDING,
            put(bind::handle)
                .get(get_binding::handle)
                .delete(unbind::handle),
        )
        .route(
            &format!("{BINDING}/last_operation"),
            get(last_operation::of_binding),
        )
        .fallback(no_such_page)
        .method_not_allowed_fallback(async || Error::method_not_allowed())
        .with_state(osb.clone())
        // The last layer is the outermost: the login comes first, whatever the path.
        .layer(from_fn(headers::version))
        .layer(from_fn_with_state(osb.clone(), login::check))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::identities))
}

/// The answer to everything below `/broker` while the broker is off.
pub(crate) fn switched_off() -> Router {
    let off = async || {
        Error::unavailable(
            "The service broker of promfetch is off: its log says why, and how to turn it on",
        )
    };
    Router::new()
        .fallback(off)
        .layer(from_fn(headers::identities))
}

/// Answers a request below `/broker`. A platform that knows the broker by an address with a slash at its end calls
/// `/broker//v2/catalog`.
pub(crate) async fn serve(State(router): State<Router>, mut request: Request) -> Response {
    let below = request
        .uri()
        .path_and_query()
        .and_then(|whole| whole.as_str().strip_prefix("/broker"))
        .unwrap_or_default();
    let path = format!("/{}", below.trim_start_matches('/'));
    let Ok(uri) = path.parse::<Uri>() else {
        return Error::malformed("The address cannot be read").into_response();
    };
    *request.uri_mut() = uri;
    router.oneshot(request).await.into_response()
}

async fn catalog(State(osb): State<Osb>, headers: HeaderMap) -> Result<Response, Error> {
    Ok(osb.catalog().await?.answer(&headers))
}

async fn no_such_page() -> Error {
    Error::not_found("There is no such page in the Open Service Broker API")
}

/// 500 without details for the caller; what is known goes to the log.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that tower-http asks for"
)]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!(
        panic = panics::text(&*panic),
        "a request to the service broker panicked"
    );
    Error::internal().into_response()
}
