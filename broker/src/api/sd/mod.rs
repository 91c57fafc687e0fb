//! `/v1/sd`: apps as targets for Prometheus' `http_sd_configs`.
//!
//! `wanted` reads which apps are meant, by `filter`; `apps` finds them and `target` says how each is scraped. The
//! samples of a page carry the nine labels themselves, so a target has none but `instance`, which Prometheus would
//! otherwise set to the address of promfetch, the same for all.

mod apps;
mod filter;
mod target;
mod wanted;

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use promfetch_core::client::Bound;
use promfetch_core::discovery::{Discovery, Process};
use promfetch_core::selector::Selector;
use serde::Serializer;

use self::apps::Listed;
pub(crate) use self::target::META;
use self::target::{Base, Targets};
use self::wanted::{Mode, Parameters, Wanted};
use super::aside::aside;
use super::errors::ApiError;
use super::{Api, json};
use crate::access::Access;
use crate::config::Config;
use crate::openapi::Operation;

/// Most targets of one answer: with them it has about 90 MB.
const MAX_TARGETS: usize = 100_000;

pub(crate) fn describe() -> Vec<Operation> {
    let mut labels = "The labels of a target for relabelling:\n\n".to_owned();
    for (name, meaning, _) in META {
        // Writing to a string does not fail.
        let _ = writeln!(labels, "- `{name}`: {meaning}");
    }
    vec![
        Operation::get(
            "/v1/sd",
            "listTargets",
            "Apps, or their instances, as targets for Prometheus' `http_sd_configs`",
        )
        .tag("prometheus")
        .description(labels)
        .query::<Parameters>()
        .json::<Targets>("The targets, by names")
        .kept()
        .errors([StatusCode::BAD_REQUEST]),
    ]
}

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Prometheus keeps the targets that it has when the answer is an error.
    api.client.check_complete()?;
    let bound = api.bound()?;
    let found = {
        let discovery = api.client.discovery().clone();
        let keep = api.config.sd_keep;
        // Regular expressions are read there, too: that takes time.
        aside(move || {
            let wanted = Wanted::read(&uri)?;
            apps::find(&discovery, &bound, keep, &wanted).map(|apps| (wanted, apps))
        })
    };
    let (wanted, apps) = found.await??;
    let is_narrow = wanted.is_narrow();
    let asked = apps.iter().map(|one| Arc::clone(&one.app)).collect();
    let may = api.gate.authorise_apps(&access, asked, is_narrow).await?;
    let text = {
        let discovery = api.client.discovery().clone();
        let config = Arc::clone(&api.config);
        aside(move || {
            let apps = apps::kept(apps, &may);
            write(&discovery, &config.base_url, &wanted, &apps)
        })
    };
    Ok(json::kept(text.await??, &headers))
}

/// The list of all that a table has, for who may see everything. `query` is that of `/v1/sd`.
///
/// # Errors
/// 400 for a query that cannot be read, 503 when its filters take too long.
pub(crate) fn everything(
    discovery: &Discovery,
    bound: &Bound,
    config: &Config,
    query: &[(String, String)],
) -> Result<Bytes, ApiError> {
    let wanted = Wanted::of(query)?;
    let apps = apps::find(discovery, bound, config.sd_keep, &wanted)?;
    let all: Vec<_> = apps.iter().map(|one| Arc::clone(&one.app)).collect();
    let apps = apps::kept(apps, &all);
    write(discovery, &config.base_url, &wanted, &apps)
}

/// The whole list, target by target: none is held longer than it takes to write it.
fn write(
    discovery: &Discovery,
    base_url: &str,
    wanted: &Wanted,
    apps: &[Listed],
) -> Result<Bytes, ApiError> {
    let base = Base::of(base_url);
    let mut targets = Vec::new();
    for one in apps {
        match wanted.mode {
            Mode::Merged => targets.push((one, None)),
            // Of an app that has left there is no instance: nobody can say which of them would be back.
            Mode::Instances if one.departed => {}
            Mode::Instances => {
                let selector = Selector::Guid(one.app.app_id.clone());
                let process = Process::from(Some(&*one.app.process_type));
                let located = discovery.find(&selector, process);
                // Another app may claim the same GUID; what the caller may see was asked for this space alone.
                let own = located
                    .into_iter()
                    .filter(|located| located.instance.app.space_id == one.app.space_id);
                targets.extend(own.map(|located| (one, Some(located.instance))));
            }
        }
        if targets.len() > MAX_TARGETS {
            return Err(ApiError::bad_request(format!(
                "More than {MAX_TARGETS} targets: say which by `org=`, `space=` and `app=`"
            )));
        }
    }
    let groups = targets.iter().filter_map(|(one, instance)| {
        target::group(
            &base,
            one,
            instance.as_deref(),
            wanted.process_type.as_deref(),
        )
    });
    let mut json = Vec::new();
    match serde_json::Serializer::new(&mut json).collect_seq(groups) {
        Ok(()) => Ok(json.into()),
        Err(error) => {
            tracing::error!(%error, "the list of targets could not be written");
            Err(ApiError::internal())
        }
    }
}
