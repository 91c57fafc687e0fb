//! `/v1/sd`: apps as targets for Prometheus' `http_sd_configs`.
//!
//! The samples of a page carry the nine labels themselves, so a target has none of them, or Prometheus would rename
//! ours: only meta labels, for relabelling.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use promfetch_core::discovery::{Located, Process};
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::errors::ApiError;
use crate::access::Access;
use crate::bindings::credentials::escape;

/// Which apps, and how each becomes targets. Names and GUIDs are taken alike.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    app: Option<String>,
    org: Option<String>,
    space: Option<String>,
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// One target for each app: its merged page.
    #[default]
    Merged,
    /// One for each instance.
    Instances,
}

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Ok(Query(wanted)) = wanted else {
        return Err(ApiError::bad_request(
            "The query cannot be read: there are `app`, `org`, `space`, and `mode` with `merged` or `instances`",
        ));
    };
    // Prometheus keeps the targets that it has when the answer is an error.
    api.client.check_complete()?;
    let bound = api.bound()?;
    let usual = |app: &App| bound.process_type(&app.app_id) == &*app.process_type;
    // By name, so that an answer changes only where the platform does. An app with several sets of tags is one app.
    let mut apps = BTreeMap::new();
    for app in api.client.discovery().apps() {
        if usual(&app) && wanted.fits(&app) {
            let key = (
                app.organization_name.clone(),
                app.space_name.clone(),
                app.app_name.clone(),
                app.app_id.clone(),
            );
            apps.insert(key, app);
        }
    }
    let apps = apps.into_values().collect();
    let is_narrow = wanted.app.is_some() || wanted.space.is_some();
    let apps = api.gate.authorise_apps(&access, apps, is_narrow).await?;
    let groups: Vec<Value> = match wanted.mode {
        Mode::Merged => apps.iter().map(|app| merged(&api, app)).collect(),
        Mode::Instances => {
            let mut groups = Vec::new();
            for app in &apps {
                let selector = Selector::Guid(app.app_id.clone());
                let process = Process::from(Some(&*app.process_type));
                let located = api.client.discovery().find(&selector, process);
                groups.extend(located.iter().map(|one| instance(&api, app, one)));
            }
            groups
        }
    };
    Ok((
        [(CACHE_CONTROL, "no-cache")],
        axum::Json(Value::Array(groups)),
    )
        .into_response())
}

impl Wanted {
    fn fits(&self, app: &App) -> bool {
        let fits = |wanted: &Option<String>, name: &str, guid: &str| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted == name || wanted.eq_ignore_ascii_case(guid))
        };
        fits(&self.app, &app.app_name, &app.app_id)
            && fits(&self.org, &app.organization_name, &app.organization_id)
            && fits(&self.space, &app.space_name, &app.space_id)
    }
}

fn merged(api: &Api, app: &App) -> Value {
    group(
        api,
        app,
        &format!("/v1/apps/{}/metrics", escape(&app.app_id)),
        BTreeMap::new(),
    )
}

fn instance(api: &Api, app: &Arc<App>, one: &Located) -> Value {
    let path = format!(
        "/v1/apps/{}/instances/{}/metrics",
        escape(&app.app_id),
        escape(&one.instance.name())
    );
    let labels = BTreeMap::from([
        (
            "__meta_promfetch_instance_guid",
            one.instance.guid.to_string(),
        ),
        (
            "__meta_promfetch_instance_index",
            one.instance.index.to_string(),
        ),
    ]);
    group(api, app, &path, labels)
}

fn group(api: &Api, app: &App, path: &str, mut labels: BTreeMap<&'static str, String>) -> Value {
    let base = &api.config.base_url;
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    let (host, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    labels.extend([
        ("__scheme__", scheme.to_owned()),
        ("__metrics_path__", format!("{prefix}{path}")),
        ("__meta_promfetch_app_id", app.app_id.to_string()),
        ("__meta_promfetch_app_name", app.app_name.to_string()),
        (
            "__meta_promfetch_process_type",
            app.process_type.to_string(),
        ),
        ("__meta_promfetch_space_id", app.space_id.to_string()),
        ("__meta_promfetch_space_name", app.space_name.to_string()),
        (
            "__meta_promfetch_organization_id",
            app.organization_id.to_string(),
        ),
        (
            "__meta_promfetch_organization_name",
            app.organization_name.to_string(),
        ),
    ]);
    json!({"targets": [host], "labels": labels})
}
