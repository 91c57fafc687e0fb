//! The same by discovery of one's own.

use std::sync::Arc;

use promfetch_core::Kind;
use promfetch_core::client::{self, Bound, Client, Query};
use promfetch_core::discovery::Located;
use promfetch_core::exposition::{Dialect, Format};
use serde_json::{Value, json};

use super::super::{Failure, ask, progress};
use super::Arguments;
use crate::api::browse::families;
use crate::api::missing::Near;
use crate::api::table_state::TableState;
use crate::config::Config;

/// Most near misses.
const NEAR: usize = 10;

/// Finds the instances and asks them.
pub(super) async fn gather(arguments: &Arguments, config: &Config) -> Result<Value, Failure> {
    let metric_path = arguments
        .metric_path
        .as_deref()
        .map(client::check_metric_path)
        .transpose()?;
    let discovered = ask::Discovered::start(config, arguments.wait).await?;
    let client = &discovered.client;
    let bound = ask::bound(config, metric_path.is_some()).await?;
    let process_type = arguments.process_type.as_deref();
    let found = client.locate(&arguments.selector, process_type, &bound);
    let table = |client: &Client| {
        let discovery = client.discovery();
        TableState::new(discovery.readiness(), Some(discovery.sizes()))
    };
    match found {
        Ok(located) => {
            let (instances, families) =
                asked(arguments, client, &located, bound, metric_path).await?;
            Ok(json!({
                "selector": arguments.selector.to_string(),
                "instances": instances,
                "families_total": families,
                "table": table(client),
            }))
        }
        Err(error) if [Kind::NotFound, Kind::NotReady].contains(&error.kind()) => {
            let nearby = client.near(&arguments.selector, process_type, &bound, NEAR, |_, _| true);
            let near: Vec<Near> = nearby.apps.into_iter().map(Near::from).collect();
            Ok(json!({
                "selector": arguments.selector.to_string(),
                "error": error.to_string(),
                "near": near,
                "component": nearby.component,
                "table": table(client),
            }))
        }
        Err(error) => Err(error.into()),
    }
}

/// The states of the instances after each was asked, and how many families they have.
async fn asked(
    arguments: &Arguments,
    client: &Client,
    located: &[Located],
    bound: Arc<Bound>,
    metric_path: Option<String>,
) -> Result<(Value, usize), Failure> {
    let query = Query {
        selector: arguments.selector.clone(),
        metric_path,
        bound,
        only_app_metrics: true,
        needs_endpoint: false,
        accepted: Dialect::plain(Format::Text).into(),
        headers: http::HeaderMap::new(),
        authorization: None,
        forwarded_for: None,
        timeout: arguments.timeout,
    };
    let what = format!(
        "asking {} instances of {}",
        located.len(),
        arguments.selector
    );
    let (outcomes, _) = progress::wait(&what, client.ask(&query, located.to_vec())).await?;
    let instances = client.instances(located, query.metric_path.as_deref(), &query.bound);
    let instances = serde_json::to_value(instances).map_err(Failure::failed)?;
    Ok((instances, families::gather(&outcomes).total))
}
