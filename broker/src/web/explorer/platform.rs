//! `/platform`: how everything is doing, for operators.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use promfetch_core::client::AppHealth;

use super::super::assets;
use super::super::layout::Place;
use super::super::template::visible;
use super::super::words::{bytes, counted, grouped, since, time};
use super::families::{self, Chosen};
use super::{Frame, Page, full_name, links, name, problem, sources};
use crate::access::Access;
use crate::api::Api;
use crate::api::browse::families::Family;
use crate::api::browse::samples::Series;
use crate::api::errors::ApiError;
use crate::api::platform::{self, Platform, Samples};
use crate::api::table_state;
use crate::bindings::credentials::escape;

/// Own metrics that are plotted from the beginning: what changes first when something is wrong.
const PLOTTED: [&str; 4] = [
    "promfetch_discovery_messages_total",
    "promfetch_metric_fetch_success_total",
    "promfetch_metric_fetch_failed_total",
    "promfetch_http_requests_total",
];

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let frame = Frame {
        api: &api,
        access: &access,
        headers: &headers,
        uri: &uri,
        up: String::new(),
        place: Place::Platform,
    };
    match look(&frame, &uri).await {
        Ok(view) => view.page(&frame),
        Err(error) => problem::answer(&frame, &error),
    }
}

struct View {
    platform: Platform,
    families: Vec<Family>,
    filter: String,
    family: Option<String>,
    samples: Option<Samples>,
}

async fn look(frame: &Frame<'_>, uri: &Uri) -> Result<View, ApiError> {
    let pairs: Vec<(String, String)> =
        Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
    let value = |name: &str| {
        let found = pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let family = value("family").filter(|family| !family.is_empty());
    let samples = match &family {
        Some(family) => Some(platform::own_samples(frame.api, family.clone()).await?),
        None => None,
    };
    Ok(View {
        platform: platform::platform(frame.api).await?,
        families: platform::own_families(frame.api).await?,
        filter: value("filter").unwrap_or_default().trim().to_owned(),
        family,
        samples,
    })
}

impl View {
    fn page(&self, frame: &Frame<'_>) -> Response {
        let all = &self.platform;
        let state = table_state::of(frame.api, frame.access);
        let content = html! {
            h1 { "Platform" }
            div data-part="numbers" { (numbers(all)) }
            section aria-labelledby="h-sources" {
                h2 #h-sources { "Sources" }
                div data-part="sources" { (sources::table(&state)) }
            }
            section aria-labelledby="h-apps" {
                h2 #h-apps { "Apps asked in the last ten minutes" }
                div data-part="apps" { (apps(all)) }
            }
            section #metrics aria-labelledby="h-metrics" {
                h2 #h-metrics { "promfetch's own metrics" }
                div.plots #plots {}
                div.look #platform data-samples="v1/platform/samples" data-family=[&self.family]
                    data-plots=(PLOTTED.join(" ")) {
                    div.choose #families data-part="families" { (self.list()) }
                    div.see #values data-part="values" { (self.values()) }
                }
            }
        };
        frame.answer(Page {
            status: StatusCode::OK,
            title: "Platform",
            scripts: &[assets::plot(), assets::explorer()],
            refresh: None,
            content,
        })
    }

    fn list(&self) -> Markup {
        let chosen = Chosen {
            filter: &self.filter,
            family: self.family.as_deref(),
        };
        let families: &[Family] = &self.families;
        families::list(
            families,
            families.len(),
            &chosen,
            |family| format!("?family={}#metrics", escape(family)),
            &html! {},
        )
    }

    fn values(&self) -> Markup {
        match (&self.samples, &self.family) {
            (Some(samples), Some(family)) => {
                let series: &[Series] = &samples.series;
                families::values(
                    samples.family.as_ref(),
                    series,
                    samples.series_total,
                    family,
                )
            }
            _ => html! { p.quiet { "Choose a metric to see its values." } },
        }
    }
}

/// What there is, at a glance.
fn numbers(all: &Platform) -> Markup {
    let table = &all.table;
    let fact = |id: &str, label: &str, value: String| {
        html! { div data-number=(id) { dt { (label) } dd { (value) } } }
    };
    html! {
        dl.numbers {
            (fact("apps", "Apps", grouped(table.apps)))
            (fact("instances", "Instances", grouped(table.instances)))
            (fact("routes", "Routes", grouped(table.routes)))
            (fact("endpoints", "Endpoints", grouped(table.endpoints)))
            @if let Some(messages) = all.messages_total {
                (fact("messages", "Messages so far", grouped(usize::try_from(messages).unwrap_or(usize::MAX))))
            }
            @if let Some(fetches) = all.fetches {
                @let all = fetches.success.saturating_add(fetches.failed);
                (fact("fetches", "Instances asked", grouped(usize::try_from(all).unwrap_or(usize::MAX))))
                (fact("failed", "of them in vain", grouped(usize::try_from(fetches.failed).unwrap_or(usize::MAX))))
            }
            @if let Some(memory) = all.memory_bytes {
                (fact("memory", "Memory", bytes(usize::try_from(memory).unwrap_or(usize::MAX))))
            }
            (fact("uptime", "Up for", time(all.uptime_seconds)))
            (fact("version", "Version", all.version.to_owned()))
        }
        @if !all.ready { p.note role="note" { "The routing table is not complete yet." } }
    }
}

fn apps(all: &Platform) -> Markup {
    let apps = &all.apps;
    html! {
        @if apps.asked == 0 {
            p { "Nobody has asked for an app." }
        } @else {
            p.found data-asked=(apps.asked) {
                (counted(apps.asked, "app was", "apps were")) " asked; "
                @if apps.failing.is_empty() { "all of their instances gave metrics." }
                @else { "instances of the following ones gave nothing." }
            }
            @if !apps.failing.is_empty() {
                h3 { "Failing" }
                (health("Failing apps", &apps.failing))
            }
            h3 { "Slowest" }
            (health("Slowest apps", &apps.slowest))
        }
    }
}

fn health(label: &str, apps: &[AppHealth]) -> Markup {
    html! {
        div.wide.cards tabindex="0" role="region" aria-label=(label) {
            table.health {
                thead {
                    tr {
                        th scope="col" { "App" }
                        th.number scope="col" { "Up" }
                        th.number scope="col" { "Down" }
                        th scope="col" { "Reasons" }
                        th.number scope="col" { "Slowest" }
                        th.number scope="col" { "Samples" }
                        th.number scope="col" { "Size" }
                        th scope="col" { "Asked" }
                    }
                }
                tbody {
                    @for one in apps {
                        tr data-app=(one.app.app_id) {
                            th scope="row" { a href=(links::by_guid(&one.app)) { (name(&full_name(&one.app))) } }
                            td.number data-label="Up" { (one.up) }
                            td.number data-label="Down" { @if one.down > 0 { strong.bad { (one.down) } } @else { "0" } }
                            td data-label="Reasons" {
                                @for (at, (reason, count)) in one.reasons.iter().enumerate() {
                                    @if at > 0 { ", " }
                                    (count) " " code { (visible(reason)) }
                                }
                                @if one.reasons.is_empty() { "–" }
                            }
                            td.number data-label="Slowest" { (time(one.slowest.as_secs_f64())) }
                            td.number data-label="Samples" { (grouped(one.samples)) }
                            td.number data-label="Size" { (bytes(one.body_bytes)) }
                            td data-label="Asked" { (since(one.last_asked)) }
                        }
                    }
                }
            }
        }
    }
}
