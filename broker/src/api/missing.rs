//! What is told of an app that is not found: what may have been meant, and how the table is doing.
//!
//! Somebody who may not see an app must not learn that there is one. So the answer depends only on the selector and on
//! apps that the caller may see: an app that is there and not theirs, and one that does not exist, are told alike.

use std::sync::Arc;

use axum::http::StatusCode;
use futures_util::{StreamExt, stream};
use promfetch_core::discovery::{NearMiss, Why};
use promfetch_core::selector::Selector;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::address::Address;
use super::aside::aside;
use super::errors::ApiError;
use super::table_state::{self, TableState};
use crate::access::Access;

/// Most near misses shown.
const SHOWN: usize = 10;
/// Most that are authorised, which can cost a question to the Cloud Controller each.
const ASKED: usize = 30;
/// Questions to the Cloud Controller at the same time.
const AT_ONCE: usize = 8;

/// What is told besides that there is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Missing {
    /// Apps that may have been meant, of those that the caller may see, the likeliest first; at most 10.
    pub(crate) near: Option<Vec<Near>>,
    /// The route leads to a component of the platform, which is no app.
    pub(crate) component: bool,
    pub(crate) table: Option<TableState>,
}

/// An app that may have been meant.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = NearMiss)]
pub(crate) struct Near {
    pub(crate) why: Why,
    /// `org/space/app`, percent-encoded as in an address.
    pub(crate) selector: String,
    pub(crate) app_id: String,
    pub(crate) organization_name: String,
    pub(crate) space_name: String,
    pub(crate) app_name: String,
    pub(crate) process_types: Vec<String>,
    /// A route of it, when it was looked for by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<String>,
    /// Its last instance left so long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) departed_seconds_ago: Option<f64>,
}

/// The error with what else there is to say.
pub(super) async fn explained(
    api: &Api,
    access: &Access,
    address: &Address,
    error: ApiError,
) -> ApiError {
    match error.status() {
        StatusCode::NOT_FOUND => error.with(of(api, access, address).await),
        StatusCode::SERVICE_UNAVAILABLE => error.with(Missing {
            table: Some(table_state::of(api, access)),
            ..Missing::default()
        }),
        _ => error,
    }
}

/// What may have been meant by an address that leads to nothing, for the page as well.
pub(crate) async fn of(api: &Api, access: &Access, address: &Address) -> Missing {
    let near = near(api, access, address).await;
    // Without them there is still the table.
    let (near, component) = near.unwrap_or_default();
    Missing {
        near: Some(near),
        component,
        table: Some(table_state::of(api, access)),
    }
}

async fn near(
    api: &Api,
    access: &Access,
    address: &Address,
) -> Result<(Vec<Near>, bool), ApiError> {
    let visible = api.gate.visible(access).await?;
    let bound = api.bound()?;
    let (client, selector) = (api.client.clone(), address.selector.clone());
    let process_type = address.process_type.clone();
    // Those of others, which are not shown, are not to crowd out one's own.
    let may = move |app: &str, space: &str| visible.may_show(app, space);
    let near = move || client.near(&selector, process_type.as_deref(), &bound, ASKED, may);
    let nearby = aside(near).await?;
    let shown = stream::iter(nearby.apps)
        .map(|miss| async move { may_see(api, access, &miss).await.then_some(miss) })
        .buffered(AT_ONCE)
        .filter_map(async |miss| miss.map(Near::from))
        .take(SHOWN);
    Ok((shown.collect().await, nearby.component))
}

/// Each is asked about alone: that of one nothing can be found out changes nothing for the others.
async fn may_see(api: &Api, access: &Access, miss: &NearMiss) -> bool {
    // Nobody has asked for this app, so nobody is refused: there is nothing to count.
    if matches!(access, Access::Audited(_)) {
        return true;
    }
    let app = vec![Arc::clone(&miss.app)];
    let kept = api.gate.authorise_apps(access, app, true).await;
    kept.is_ok_and(|kept| !kept.is_empty())
}

impl From<NearMiss> for Near {
    fn from(miss: NearMiss) -> Self {
        let app = &miss.app;
        let has_names = [&app.organization_name, &app.space_name, &app.app_name]
            .iter()
            .all(|name| !name.is_empty());
        let selector = if has_names {
            Selector::Name {
                organization: app.organization_name.clone(),
                space: app.space_name.clone(),
                app: app.app_name.clone(),
            }
            .to_string()
        } else {
            app.app_id.to_string()
        };
        Self {
            why: miss.why,
            selector,
            app_id: app.app_id.to_string(),
            organization_name: app.organization_name.to_string(),
            space_name: app.space_name.to_string(),
            app_name: app.app_name.to_string(),
            process_types: miss.processes.into_iter().map(String::from).collect(),
            route: miss.route.map(String::from),
            departed_seconds_ago: miss
                .departed
                .map(|ago| (ago.as_secs_f64() * 1000.0).round() / 1000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use promfetch_core::instance::App;

    use super::*;

    #[test]
    fn a_near_miss_can_be_asked_for_as_it_stands() {
        let app = |names: [&str; 3]| App {
            app_id: "a-1".into(),
            organization_name: names[0].into(),
            space_name: names[1].into(),
            app_name: names[2].into(),
            ..App::default()
        };
        for (names, want, why) in [
            (["acme", "prod", "shop"], "acme/prod/shop", "plain names"),
            (["a/b", "c d", "<é>"], "a%2Fb/c%20d/%3C%C3%A9%3E", "encoded"),
            (["", "prod", "shop"], "a-1", "a fixed target without names"),
        ] {
            let near = Near::from(NearMiss {
                why: Why::Departed,
                app: Arc::new(app(names)),
                processes: vec!["web".into()],
                route: None,
                departed: Some(Duration::from_micros(1_500_400)),
            });
            assert_eq!(near.selector, want, "{why}");
            let json = serde_json::to_value(&near).unwrap();
            assert_eq!(json["why"], "departed");
            assert_eq!(json["departed_seconds_ago"], 1.5);
            assert!(json.get("route").is_none());
        }
    }
}
