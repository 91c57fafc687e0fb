//! The answers of the HTTP API: one file per page.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRef, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use prometheus_client::registry::Registry;
use promfetch_core::client::{Bound, Client};
use promfetch_core::{Error, Kind};

use self::errors::ApiError;
use crate::access::Gate;
use crate::bindings::sync::Keeper;
use crate::config::Config;
use crate::openapi::{Operation, TEXT};
use crate::server::health::Health;
use crate::web::doc::Docs;

pub(crate) mod accept;
pub(crate) mod address;
pub(crate) mod advice;
pub(crate) mod app_metrics;
pub(crate) mod aside;
pub(crate) mod ask;
pub(crate) mod body;
pub(crate) mod browse;
pub(crate) mod caller;
pub(crate) mod encoding;
pub(crate) mod errors;
mod instances;
pub(crate) mod json;
mod metric_path;
pub(crate) mod missing;
pub(crate) mod own_metrics;
pub(crate) mod own_text;
pub(crate) mod platform;
pub(crate) mod routes;
pub(crate) mod sd;
pub(crate) mod table_state;

/// What handlers work with. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) config: Arc<Config>,
    /// Filled before the first request; from then on it is only read.
    pub(crate) registry: Arc<Registry>,
    pub(crate) health: Health,
    pub(crate) gate: Gate,
    /// `None`: there is no store, and no app has bound anything.
    pub(crate) keeper: Option<Keeper>,
    /// Everything below `/broker`.
    pub(crate) broker: axum::Router,
    pub(crate) docs: Docs,
    pub(crate) started: Instant,
}

impl Api {
    /// How apps want to be asked.
    ///
    /// # Errors
    /// 503 while that is not known yet: asked in the usual way, an app with a path of its own would look broken.
    pub(crate) fn bound(&self) -> Result<Arc<Bound>, ApiError> {
        match &self.keeper {
            None => Ok(Arc::default()),
            Some(keeper) if keeper.is_ready() => Ok(keeper.bindings().bound()),
            Some(_) => Err(Error::new(
                Kind::NotReady,
                "The bindings of apps have not been read from the database yet, try again in a few seconds",
            )
            .into()),
        }
    }
}

/// The handlers of `/doc` work with this part alone.
impl FromRef<Api> for Docs {
    fn from_ref(api: &Api) -> Self {
        api.docs.clone()
    }
}

/// The handler of everything below `/broker` works with this part alone.
impl FromRef<Api> for axum::Router {
    fn from_ref(api: &Api) -> Self {
        api.broker.clone()
    }
}

/// The handlers of `/health` work with this part alone.
impl FromRef<Api> for Health {
    fn from_ref(api: &Api) -> Self {
        api.health.clone()
    }
}

/// What is said of `/`.
pub(crate) fn describe() -> Vec<Operation> {
    vec![
        Operation::get(
            "/",
            "listAddresses",
            "The addresses, for who found the port",
        )
        .tag("promfetch")
        .text("One address a line", TEXT),
    ]
}

/// `/`: the addresses, for who found the port.
pub(crate) async fn index(State(api): State<Api>) -> impl IntoResponse {
    let base = api.config.base_url.trim_end_matches('/');
    let text = format!(
        "promfetch {version}: the metrics of all instances of an app, on one page.\n\n\
         {base}/doc                                          how to use it, for people\n\
         {base}/v1/apps/ORG/SPACE/APP/metrics                the merged page (also GUID/metrics, ROUTE/metrics)\n\
         {base}/v1/apps/metrics?app=APP                      the same; APP is ORG/SPACE/APP, a GUID or a route\n\
         {base}/v1/apps/metrics?route_url=ROUTE              the same by a route, with or without a path\n\
         {base}/v1/apps/ORG/SPACE/APP/only-app-metrics       without external exporters and health series\n\
         {base}/v1/apps/ORG/SPACE/APP/instances              why is my app (not) there? One entry per instance, JSON\n\
         {base}/v1/apps/ORG/SPACE/APP/families               what it has metrics of, JSON\n\
         {base}/v1/apps/ORG/SPACE/APP/samples?family=NAME    the samples of one family, JSON\n\
         {base}/v1/apps/ORG/SPACE/APP/instances/0/metrics    one instance's page\n\
         {base}/v1/sd?org=ORG&space=SPACE                    targets for Prometheus' http_sd_configs\n\
         {base}/metrics                                      promfetch's own metrics\n\
         {base}/v1/platform                                  the table, its sources, the apps that fail, JSON\n\
         {base}/openapi.json                                 the description of this API, for programs\n\
         {base}/health                                       200 once the routing table is complete\n\n\
         Add `metric_path=/path` when the app's metrics are not on `/metrics`. A name with a slash is written with `%2F`.\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    ([(CACHE_CONTROL, "no-cache")], text)
}
