//! `/apps/…`: one app, or all that a route leads to.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use promfetch_core::client::InstanceStatus;
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;

use super::super::assets;
use super::super::base::Base;
use super::super::layout::Place;
use super::super::template::visible;
use super::families::{self, Chosen};
use super::links::{self, Source};
use super::snippets::Snippets;
use super::{Frame, Page, full_name, instances, name, problem};
use crate::access::Access;
use crate::api::address::Address;
use crate::api::ask::{self, Asker, Seen};
use crate::api::browse::{self, Families, Samples};
use crate::api::caller::Peer;
use crate::api::errors::ApiError;
use crate::api::{Api, missing};
use crate::bindings::credentials::escape;
use crate::config::access::Mode;

/// Seconds that a page waits for the instances when nobody says how long. The scraper's header says it, here too.
const PATIENCE: HeaderValue = HeaderValue::from_static("5.5");
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Most routes in the head of the page.
const MAX_ROUTES: usize = 5;

/// What the query says beside the address.
#[derive(Debug, Default)]
struct Asked {
    /// Whether the instances are asked while the page is made.
    ask: bool,
    family: Option<String>,
    filter: String,
    /// What names the app, where the path does not, and how it is asked: what each link to this page repeats.
    parameters: Vec<(&'static str, String)>,
}

impl Asked {
    fn of(uri: &Uri) -> Self {
        let pairs: Vec<(String, String)> =
            Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
        let value = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let by_query = uri.path() == links::BY_QUERY;
        let repeated = ["app", "route_url"].into_iter().filter(|_| by_query);
        let repeated = repeated.chain(["metric_path", "process_type"]);
        let filled = |name| Some((name, value(name).filter(|value| !value.trim().is_empty())?));
        Self {
            parameters: repeated.filter_map(filled).collect(),
            ask: value("ask").is_some(),
            family: value("family").filter(|family| !family.is_empty()),
            filter: value("filter").unwrap_or_default().trim().to_owned(),
        }
    }
}

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let frame = Frame {
        api: &api,
        access: &access,
        headers: &headers,
        uri: &uri,
        up: links::up(uri.path()),
        place: Place::Explorer,
    };
    let address = match Address::of_page(&uri) {
        Ok(address) => address,
        Err(error) => return problem::answer(&frame, &error),
    };
    let asked = Asked::of(&uri);
    let peer = peer.map(|Extension(peer)| peer);
    match look(&frame, &address, &asked, peer).await {
        Ok(view) => view.page(&frame, &address, &asked),
        Err(error) => nothing(&frame, &address, &error).await,
    }
}

/// What the page shows.
struct View {
    seen: Seen,
    instances: Vec<InstanceStatus>,
    /// When the instances were asked.
    families: Option<Families>,
    samples: Option<Samples>,
}

async fn look(
    frame: &Frame<'_>,
    address: &Address,
    asked: &Asked,
    peer: Option<Peer>,
) -> Result<View, ApiError> {
    let Frame { api, access, .. } = frame;
    let (mut families, mut samples) = (None, None);
    if asked.ask {
        let mut headers = frame.headers.clone();
        headers.entry(SCRAPE_TIMEOUT).or_insert(PATIENCE);
        let asker = Asker {
            access,
            headers: &headers,
            peer,
        };
        let looked = browse::look(api, asker, address, asked.family.as_deref()).await?;
        families = Some(looked.0);
        samples = looked.1;
    }
    let seen = ask::find(api, access, address).await?;
    let path = seen.metric_path.as_deref();
    let instances = api.client.instances(&seen.located, path, &seen.bound);
    Ok(View {
        seen,
        instances,
        families,
        samples,
    })
}

/// The page that says why there is none.
async fn nothing(frame: &Frame<'_>, address: &Address, error: &ApiError) -> Response {
    if error.status() != StatusCode::NOT_FOUND {
        return problem::answer(frame, error);
    }
    let wanted = match &address.selector {
        Selector::Name {
            organization,
            space,
            app,
        } => [organization, space, app].map(|part| &**part).join("/"),
        Selector::Guid(text) | Selector::Route(text) => text.to_string(),
    };
    let missing = missing::of(frame.api, frame.access, address).await;
    problem::no_app(frame, error, &wanted, &missing)
}

impl View {
    /// The apps, one for each GUID. There is at least one.
    fn apps(&self) -> Vec<&Arc<App>> {
        let mut apps: Vec<_> = self
            .seen
            .located
            .iter()
            .map(|one| &one.instance.app)
            .collect();
        apps.dedup_by(|a, b| a.app_id == b.app_id);
        apps
    }

    fn page(&self, frame: &Frame<'_>, address: &Address, asked: &Asked) -> Response {
        let apps = self.apps();
        let Some(first) = apps.first() else {
            // `find` answers 404 for no instance.
            return problem::answer(frame, &ApiError::internal());
        };
        let title = match (&apps[..], &address.selector) {
            ([app], _) => visible(if app.app_name.is_empty() {
                &app.app_id
            } else {
                &app.app_name
            }),
            (_, Selector::Route(route)) => visible(route),
            _ => full_name(first),
        };
        let machine = match &apps[..] {
            [app] if !matches!(address.selector, Selector::Route(_)) => Source::of_guid(app),
            _ => Source::of(&address.selector, first),
        };
        let machine = with_options(machine, address);
        let content = html! {
            (self.head(frame, &apps, &title))
            nav.jump aria-label="On this page" {
                a href="#h-instances" { "Instances" } " " a href="#metrics" { "Metrics" } " " a href="#use" { "Prometheus job" }
            }
            div #app data-samples={ (frame.up) (machine.address("samples")) } data-family=[&asked.family] {
                section aria-labelledby="h-instances" {
                    h2 #h-instances { "Instances" }
                    div #instances data-part="instances" { (instances::all(&frame.up, &self.instances)) }
                    (options(address, asked))
                }
                section #metrics aria-labelledby="h-metrics" {
                    h2 #h-metrics { "Metrics" }
                    div.look {
                        div.choose #families data-part="families" { (self.families(asked)) }
                        div.see #values data-part="values" { (self.values(asked)) }
                    }
                }
            }
            section #use aria-labelledby="h-use" {
                h2 #h-use { "Scrape it" }
                (self.snippets(frame, address, first).html())
            }
        };
        frame.answer(Page {
            status: StatusCode::OK,
            title: &title,
            scripts: &[assets::plot(), assets::explorer()],
            refresh: None,
            content,
        })
    }

    /// The way here, the name, and what is known of the app.
    fn head(&self, frame: &Frame<'_>, apps: &[&Arc<App>], title: &str) -> Markup {
        let up = if frame.up.is_empty() { "./" } else { &frame.up };
        html! {
            @match apps {
                [app] => {
                    nav.way aria-label="Where this is" {
                        ol {
                            li { a href=(up) { "All apps" } }
                            li { a href={ (up) "?q=" (escape(&app.organization_name)) } { (name(&app.organization_name)) } }
                            li { a href={ (up) "?space=" (escape(&app.space_id)) } { (name(&app.space_name)) } }
                        }
                    }
                    h1 data-app=(app.app_id) { bdi { (title) } }
                    (facts(frame, app))
                }
                several => {
                    nav.way aria-label="Where this is" { ol { li { a href=(up) { "All apps" } } } }
                    h1 { bdi { (title) } }
                    p { (several.len()) " apps are here, one below the other. The merged page holds the instances of all of them." }
                }
            }
        }
    }

    fn families(&self, asked: &Asked) -> Markup {
        let chosen = Chosen {
            filter: &asked.filter,
            family: asked.family.as_deref(),
        };
        match &self.families {
            Some(families) if families.families.is_empty() => {
                html! { p.nothing data-families="0" { (none(families)) } }
            }
            Some(families) => families::list(
                &families.families,
                families.families_total,
                &chosen,
                |family| asked.link(Some(family)),
                &asked.hidden(),
            ),
            None => html! {
                p.ask { "The instances have not been asked yet." }
                p { a.button href=(asked.link(asked.family.as_deref())) { "Ask them now" } }
            },
        }
    }

    fn values(&self, asked: &Asked) -> Markup {
        match (&self.samples, &asked.family) {
            (Some(samples), Some(family)) => families::values(
                samples.family.as_ref(),
                &samples.series,
                samples.series_total,
                family,
            ),
            _ if self
                .families
                .as_ref()
                .is_some_and(|all| !all.families.is_empty()) =>
            {
                html! {
                    p.quiet { "Choose a family to see its values." }
                }
            }
            _ => html! {},
        }
    }

    fn snippets<'s>(&self, frame: &'s Frame<'_>, address: &Address, app: &'s App) -> Snippets<'s> {
        let config = &frame.api.config;
        let job = match &address.selector {
            Selector::Route(route) => visible(route),
            _ => full_name(app),
        };
        Snippets {
            base: Base::of(config),
            app,
            source: with_options(Source::of(&address.selector, app), address),
            job,
            protected: config.access.mode == Mode::Protected,
            up: &frame.up,
        }
    }
}

/// Why there is no family.
fn none(families: &Families) -> &'static str {
    let has = |status: &str| families.instances.iter().any(|one| one.status == status);
    if has("up") {
        "The instances answered, and their pages are empty."
    } else {
        "No instance gave metrics. The table above says why."
    }
}

fn with_options(source: Source, address: &Address) -> Source {
    source
        .with("metric_path", address.metric_path.as_deref())
        .with("process_type", address.process_type.as_deref())
}

/// GUID, processes and routes of an app.
fn facts(frame: &Frame<'_>, app: &App) -> Markup {
    let known = frame
        .api
        .client
        .discovery()
        .app(&app.app_id, &app.space_id, MAX_ROUTES);
    html! {
        dl.facts {
            div { dt { "GUID" } dd { code { (visible(&app.app_id)) } } }
            @if let Some(known) = known {
                div {
                    dt { "Processes" }
                    dd {
                        @for (at, (kind, count)) in known.processes.iter().enumerate() {
                            @if at > 0 { ", " }
                            (count) " " a href={ (frame.up) (links::by_guid(app)) "?process_type=" (escape(kind)) } { (name(kind)) }
                        }
                    }
                }
                div {
                    dt { @if known.routes_total == 1 { "Route" } @else { "Routes" } }
                    dd {
                        @for (at, route) in known.routes.iter().enumerate() {
                            @if at > 0 { ", " }
                            a href={ (frame.up) (links::route(route)) } { code { (visible(route)) } }
                        }
                        @if known.routes.is_empty() { "none" }
                        @if known.routes_total > known.routes.len() { ", and " (known.routes_total - known.routes.len()) " more" }
                    }
                }
            }
        }
    }
}

/// Another path or process to ask.
fn options(address: &Address, asked: &Asked) -> Markup {
    let is_set = address.metric_path.is_some() || address.process_type.is_some();
    let selector = asked.parameters.iter();
    let selector = selector.filter(|(name, _)| ["app", "route_url"].contains(name));
    html! {
        details.options open[is_set] {
            summary { "Ask another path or process" }
            form method="get" {
                @for (name, value) in selector { input type="hidden" name=(name) value=(value); }
                div.field {
                    label for="metric_path" { "Path of the metrics" }
                    input #metric_path type="text" name="metric_path" value=[&address.metric_path] placeholder="/metrics"
                        autocomplete="off" autocapitalize="off" spellcheck="false";
                }
                div.field {
                    label for="process_type" { "Process type" }
                    input #process_type type="text" name="process_type" value=[&address.process_type] placeholder="web"
                        autocomplete="off" autocapitalize="off" spellcheck="false";
                }
                input type="hidden" name="ask";
                button.button type="submit" { "Ask" }
            }
        }
    }
}

impl Asked {
    /// The fields that a form needs to come back here.
    fn hidden(&self) -> Markup {
        html! {
            @for (name, value) in &self.parameters { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="ask";
        }
    }

    /// This page with the instances asked, from the page itself.
    fn link(&self, family: Option<&str>) -> String {
        let mut query = "?ask".to_owned();
        let family = family.map(|family| ("family", family));
        let repeated = self
            .parameters
            .iter()
            .map(|(name, value)| (*name, &**value));
        for (name, value) in repeated.chain(family) {
            query.push_str(&format!("&{name}={}", escape(value)));
        }
        query + "#metrics"
    }
}
