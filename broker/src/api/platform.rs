//! `/v1/platform`: the table, its sources and the apps that fail, as this process sees them; and its own metrics as
//! samples. For operators.

use std::cmp::Reverse;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use promfetch_core::client::AppHealth;
use promfetch_core::discovery::{Sizes, SourceState};
use promfetch_core::exposition::{Format, Limits, Page};
use serde::Serialize;
use utoipa::ToSchema;

use super::address::describe::FamilyParameter;
use super::aside::aside;
use super::browse::families::{self, Family};
use super::browse::now;
use super::browse::samples::{self, About, Series};
use super::errors::ApiError;
use super::{Api, address, json, own_metrics};
use crate::openapi::Operation;

/// Most apps in each of the two lists.
const MAX_APPS: usize = 50;
/// Bounds of promfetch's own page: a line for each app, and some for each instance that fails.
const LIMITS: Limits = Limits {
    max_line: 64 << 10,
    max_samples: 4 << 20,
};

/// How everything is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Platform {
    pub(crate) version: &'static str,
    pub(crate) uptime_seconds: f64,
    /// Whether all apps of the platform are known.
    pub(crate) ready: bool,
    /// Where the table comes from, and the database among them.
    pub(crate) sources: Vec<SourceState>,
    pub(crate) table: Table,
    /// Messages of NATS since the start, where it is a source: who reads twice gets a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) messages_total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fetches: Option<Fetches>,
    /// Memory of the process that is in use; `None` where the system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) apps: Apps,
}

/// How much there is in the routing table.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = PlatformTable)]
pub(crate) struct Table {
    pub(crate) routes: usize,
    pub(crate) endpoints: usize,
    pub(crate) instances: usize,
    pub(crate) apps: usize,
}

/// Instances asked since the start, for the apps that are on the platform now.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = PlatformFetches)]
pub(crate) struct Fetches {
    pub(crate) success: u64,
    pub(crate) failed: u64,
}

/// The apps of which an instance was asked in the last ten minutes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlatformApps)]
pub(crate) struct Apps {
    pub(crate) asked: usize,
    /// Those with instances that gave no metrics, most of them first.
    pub(crate) failing: Vec<AppHealth>,
    /// The slowest first.
    pub(crate) slowest: Vec<AppHealth>,
}

/// One family of promfetch's own metrics, in the form of an app's.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlatformSamples)]
pub(crate) struct Samples {
    pub(crate) at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<About>,
    pub(crate) series: Vec<Series>,
    pub(crate) series_total: usize,
}

pub(crate) fn describe() -> Vec<Operation> {
    vec![
        Operation::get(
            "/v1/platform",
            "getPlatform",
            "The routing table, its sources, and the apps that fail or are slow",
        )
        .tag("promfetch")
        .json::<Platform>("As this process sees it"),
    ]
}

pub(crate) fn describe_samples() -> Vec<Operation> {
    vec![
        Operation::get(
            "/v1/platform/samples",
            "getOwnSamples",
            "The samples of one family of promfetch's own metrics",
        )
        .tag("promfetch")
        .query::<FamilyParameter>()
        .json::<Samples>("At most 2,000, and 4 MiB of text")
        .errors([StatusCode::BAD_REQUEST]),
    ]
}

pub(crate) async fn get(State(api): State<Api>, headers: HeaderMap) -> Result<Response, ApiError> {
    Ok(json::pretty(&platform(&api).await?, &headers))
}

/// `/v1/platform/samples`.
pub(crate) async fn get_samples(
    State(api): State<Api>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let family = address::family(&uri)?;
    Ok(json::compact(&own_samples(&api, family).await?, &headers))
}

/// How everything is doing, for the page as well.
///
/// # Errors
/// 500 when the own metrics cannot be read.
pub(crate) async fn platform(api: &Api) -> Result<Platform, ApiError> {
    let api = api.clone();
    aside(move || {
        let page = own_page(&api)?;
        let readiness = api.health.readiness();
        let uptime = api.started.elapsed();
        // Without NATS there are none to count.
        let has_nats = readiness.sources.iter().any(|source| source.kind == "nats");
        let messages = sum(&page, "promfetch_discovery_messages_total");
        let messages_total = messages.filter(|_| has_nats);
        Ok(Platform {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: (uptime.as_secs_f64() * 1000.0).round() / 1000.0,
            ready: readiness.ready,
            sources: readiness.sources,
            table: api.client.discovery().sizes().into(),
            messages_total,
            fetches: fetches(&page),
            memory_bytes: memory(),
            apps: Apps::of(api.client.app_health()),
        })
    })
    .await?
}

/// The samples of the family of this name among promfetch's own metrics.
///
/// # Errors
/// As [`platform`].
pub(crate) async fn own_samples(api: &Api, family: String) -> Result<Samples, ApiError> {
    let api = api.clone();
    aside(move || {
        let page = own_page(&api)?;
        let at = now();
        let own = std::iter::once(("promfetch".to_owned(), String::new(), &page));
        let gathered = samples::of_pages(own, &family);
        Ok(Samples {
            at,
            family: gathered.about,
            series: gathered.series,
            series_total: gathered.total,
        })
    })
    .await?
}

/// All families of promfetch's own metrics: for the page.
///
/// # Errors
/// As [`platform`].
pub(crate) async fn own_families(api: &Api) -> Result<Vec<Family>, ApiError> {
    let api = api.clone();
    aside(move || {
        let page = own_page(&api)?;
        Ok(families::of_pages(std::iter::once(&page)).families)
    })
    .await?
}

/// `/metrics`, read by the scanner of instances' pages.
fn own_page(api: &Api) -> Result<Page, ApiError> {
    let text = own_metrics::text(&api.registry, api.client.calls())?;
    Page::scan(text.into(), Format::Text, &LIMITS).map_err(|error| {
        tracing::error!(%error, "promfetch's own metrics could not be read");
        ApiError::internal()
    })
}

/// The sum of all samples of a counter; `None` when there are none.
fn sum(page: &Page, family: &str) -> Option<u64> {
    let family = page.families().find(|one| one.name() == family)?;
    let numbers = family
        .values()
        .filter_map(|value| value.value.parse::<u64>().ok());
    numbers.reduce(u64::saturating_add)
}

fn fetches(page: &Page) -> Option<Fetches> {
    let success = sum(page, "promfetch_metric_fetch_success_total");
    let failed = sum(page, "promfetch_metric_fetch_failed_total");
    (success.is_some() || failed.is_some()).then(|| Fetches {
        success: success.unwrap_or_default(),
        failed: failed.unwrap_or_default(),
    })
}

impl From<Sizes> for Table {
    fn from(sizes: Sizes) -> Self {
        Self {
            routes: sizes.routes,
            endpoints: sizes.endpoints,
            instances: sizes.instances,
            apps: sizes.apps,
        }
    }
}

impl Apps {
    fn of(mut all: Vec<AppHealth>) -> Self {
        let names = |one: &AppHealth| {
            let app = &one.app;
            (
                app.organization_name.clone(),
                app.space_name.clone(),
                app.app_name.clone(),
                app.app_id.clone(),
            )
        };
        // Of those that are alike the order stays the same from look to look.
        all.sort_by_cached_key(|one| (Reverse(one.slowest), names(one)));
        let slowest = all.iter().take(MAX_APPS).cloned().collect();
        let asked = all.len();
        let mut failing = all;
        failing.retain(|one| one.down > 0);
        failing.sort_by_cached_key(|one| (Reverse(one.down), names(one)));
        failing.truncate(MAX_APPS);
        Self {
            asked,
            failing,
            slowest,
        }
    }
}

/// Resident memory, as Linux tells it.
fn memory() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use promfetch_core::instance::App;

    use super::*;

    fn health(name: &str, down: usize, millis: u64) -> AppHealth {
        AppHealth {
            app: Arc::new(App {
                app_name: name.into(),
                ..App::default()
            }),
            up: 1,
            down,
            slowest: Duration::from_millis(millis),
            samples: 0,
            body_bytes: 0,
            reasons: BTreeMap::new(),
            last_asked: Duration::ZERO,
        }
    }

    fn names(list: &[AppHealth]) -> Vec<&str> {
        list.iter().map(|one| &*one.app.app_name).collect()
    }

    #[test]
    fn the_worst_come_first() {
        let apps = Apps::of(vec![
            health("b", 1, 10),
            health("a", 1, 10),
            health("well", 0, 30),
            health("worst", 3, 5),
        ]);
        assert_eq!(names(&apps.failing), ["worst", "a", "b"]);
        assert_eq!(names(&apps.slowest), ["well", "a", "b", "worst"]);
        assert_eq!(apps.asked, 4);
        let many = (0..MAX_APPS + 5).map(|n| health(&n.to_string(), 1, 1));
        let apps = Apps::of(many.collect());
        assert_eq!(
            (apps.failing.len(), apps.slowest.len(), apps.asked),
            (MAX_APPS, MAX_APPS, MAX_APPS + 5)
        );
    }

    #[test]
    fn memory_is_read_from_what_linux_writes() {
        for (text, want, why) in [
            (
                "Name:\tx\nVmRSS:\t   12 kB\nVmData: 9 kB\n",
                Some(12288),
                "as it is",
            ),
            ("VmRSS: 12 pages\n", None, "another unit"),
            ("VmRSS: 99999999999999999999 kB\n", None, "nonsense"),
            ("", None, "another system"),
        ] {
            assert_eq!(resident(text), want, "{why}");
        }
    }
}
