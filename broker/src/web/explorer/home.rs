//! `/`: find an app.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use promfetch_core::discovery::{Found, Matches, WEB};
use promfetch_core::instance::App;

use super::super::assets;
use super::super::layout::Place;
use super::super::template::visible;
use super::super::words::{counted, grouped};
use super::{Frame, Page, links, name, problem, sources};
use crate::access::Access;
use crate::api::address::Address;
use crate::api::aside::aside;
use crate::api::errors::ApiError;
use crate::api::missing::{self, Missing};
use crate::api::{Api, accept, index, table_state};

/// Most apps on the page.
const MAX_SHOWN: usize = 50;

/// HTML for browsers, a list of addresses for all others.
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(access): Extension<Access>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !accept::names_html(&headers) {
        let mut response = index(State(api)).await.into_response();
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("Accept"));
        return response;
    }
    let frame = Frame {
        api: &api,
        access: &access,
        headers: &headers,
        uri: &uri,
        up: String::new(),
        place: Place::Explorer,
    };
    match find(&frame, Wanted::of(&uri)).await {
        Ok(results) => page(&frame, &results),
        Err(error) => problem::answer(&frame, &error),
    }
}

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    text: String,
    /// The GUID of the only space that counts: the service's dashboard names it.
    space: Option<String>,
}

impl Wanted {
    /// A query that cannot be read looks for nothing.
    fn of(uri: &Uri) -> Self {
        let pairs: Vec<(String, String)> =
            Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
        let value = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim().to_owned())
        };
        Self {
            text: value("q").unwrap_or_default(),
            space: value("space").filter(|space| !space.is_empty()),
        }
    }
}

/// What was found.
struct Results {
    wanted: Wanted,
    matches: Matches,
    /// Where nothing was found.
    near: Option<Missing>,
}

async fn find(frame: &Frame<'_>, wanted: Wanted) -> Result<Results, ApiError> {
    let Frame { api, access, .. } = frame;
    api.client.check_complete()?;
    let visible = api.gate.visible(access).await?;
    let is_exact = visible.is_exact();
    let discovery = api.client.discovery().clone();
    let (text, space) = (wanted.text.clone(), wanted.space.clone());
    // It walks the whole table.
    let mut matches = aside(move || {
        let in_space = |guid: &str| {
            space
                .as_deref()
                .is_none_or(|only| only.eq_ignore_ascii_case(guid))
        };
        discovery.search(&text, MAX_SHOWN, |app, space| {
            in_space(space) && visible.may_show(app, space)
        })
    })
    .await?;
    let apps: Vec<Arc<App>> = matches
        .apps
        .iter()
        .map(|found| Arc::clone(&found.app))
        .collect();
    let may = api.gate.authorise_apps(access, apps, true).await?;
    matches
        .apps
        .retain(|found| may.iter().any(|app| app.app_id == found.app.app_id));
    if !is_exact {
        // Others' apps are among those that were counted.
        matches.total = matches.apps.len();
    }
    let near = if matches.apps.is_empty() {
        near(frame, &wanted).await
    } else {
        None
    };
    Ok(Results {
        wanted,
        matches,
        near,
    })
}

/// What may have been meant by one word, read as a selector.
async fn near(frame: &Frame<'_>, wanted: &Wanted) -> Option<Missing> {
    if wanted.text.contains(char::is_whitespace) || wanted.space.is_some() {
        return None;
    }
    let address = Address::of_text(&wanted.text).ok()?;
    Some(missing::of(frame.api, frame.access, &address).await)
}

fn page(frame: &Frame<'_>, results: &Results) -> Response {
    let Wanted { text, space } = &results.wanted;
    let content = html! {
        h1 { "Find your app" }
        form.search #search action="./" method="get" role="search" {
            label for="q" { "Parts of organization, space and name, a GUID, or a route" }
            div.line {
                input #q type="search" name="q" value=(text) autofocus autocomplete="off" autocapitalize="off"
                    spellcheck="false" maxlength="400" aria-controls="results";
                @if let Some(space) = space { input type="hidden" name="space" value=(space); }
                button.button type="submit" { "Search" }
            }
        }
        div #results data-part="results" { (list(frame, results)) }
        p.foot-note data-part="table" { (sources::sentence(&table_state::of(frame.api, frame.access))) }
    };
    frame.answer(Page {
        status: StatusCode::OK,
        title: "promfetch",
        scripts: &[assets::explorer()],
        refresh: None,
        content,
    })
}

fn list(frame: &Frame<'_>, results: &Results) -> Markup {
    let Results { matches, near, .. } = results;
    let shown = matches.apps.len();
    html! {
        @if shown == 0 {
            (nothing(frame, results))
            @if let Some(near) = near.as_ref().filter(|near| near.near.as_ref().is_some_and(|all| !all.is_empty())) { (problem::nearby(frame, near)) }
        } @else {
            p.found data-found=(matches.total) { (summary(results)) }
            div.cards {
                table.apps {
                    thead {
                        tr {
                            th scope="col" { "App" }
                            th scope="col" { "Organization / space" }
                            th scope="col" { "Instances" }
                            th scope="col" { "Route" }
                        }
                    }
                    tbody {
                        @for (at, found) in matches.apps.iter().enumerate() {
                            (row(found, is_unique(&matches.apps, at)))
                        }
                    }
                }
            }
            @if matches.total > shown {
                p.more { (grouped(matches.total - shown)) " more: type more of the name." }
            }
        }
    }
}

/// The sentence above the list, which is also read out.
fn summary(results: &Results) -> Markup {
    let Results {
        wanted, matches, ..
    } = results;
    let (shown, total) = (matches.apps.len(), matches.total);
    let space = wanted.space.as_ref().and(matches.apps.first());
    html! {
        @if total > shown {
            "The first " (shown) " of " (counted(total, "app", "apps"))
        } @else {
            (counted(shown, "app", "apps"))
        }
        @if let Some(found) = space {
            " of the space " (name(&found.app.space_name)) " (" a href="./" { "all spaces" } ")"
        }
    }
}

fn nothing(frame: &Frame<'_>, results: &Results) -> Markup {
    let Wanted { text, space } = &results.wanted;
    let state = table_state::of(frame.api, frame.access);
    let is_deaf = frame.api.client.discovery().readiness().is_deaf();
    let is_empty = frame.api.client.discovery().sizes().apps == 0;
    html! {
        div.nothing {
            @if is_empty && is_deaf {
                p.found data-found="0" { "No source of routes could be heard so far, so no app is known." }
                (sources::table(&state))
            } @else if is_empty {
                p.found data-found="0" { "The routing table is empty: no app has a route yet." }
                (sources::table(&state))
            } @else if text.is_empty() {
                p.found data-found="0" {
                    @if space.is_some() { "No app of this space has a route, or you may see none of them." }
                    @else { "There is no app that you may see." }
                }
                p {
                    "Apps show here once they have a route and run. "
                    a href="doc/apps#why-is-my-app-not-there" { "Why is my app not there?" }
                }
            } @else {
                p.found data-found="0" { "No app matches " strong { (name(text)) } "." }
                p {
                    "All words have to be in the app's names, its GUID or one of its routes. Apps without a route, and stopped ones, are not in the list. "
                    a href="doc/apps#why-is-my-app-not-there" { "Why is my app not there?" }
                }
            }
        }
    }
}

/// Whether no other app on the page has these names: the apps stand in the order of their names.
fn is_unique(apps: &[Found], at: usize) -> bool {
    let names = |at: usize| {
        let app = &apps.get(at)?.app;
        Some((&app.organization_name, &app.space_name, &app.app_name))
    };
    let own = names(at);
    own != names(at + 1) && (at == 0 || own != names(at - 1))
}

fn row(found: &Found, is_unique: bool) -> Markup {
    let app = &found.app;
    let title = match &*app.app_name {
        "" => &app.app_id,
        name => name,
    };
    html! {
        tr data-app=(app.app_id) {
            th scope="row" { a href=(links::found(found, WEB, is_unique)) { (name(title)) } }
            td data-label="Space" { (name(&app.organization_name)) " / " (name(&app.space_name)) }
            td data-label="Instances" { (processes(found)) }
            td data-label="Route" {
                @if let Some(route) = &found.route { code { (visible(route)) } } @else { "–" }
            }
        }
    }
}

/// `3`, or `3 web, 1 worker`.
fn processes(found: &Found) -> Markup {
    html! {
        @match &found.processes[..] {
            [(kind, count)] if &**kind == WEB => (count),
            several => {
                @for (at, (kind, count)) in several.iter().enumerate() {
                    @if at > 0 { ", " }
                    (count) " " (name(kind))
                }
            }
        }
    }
}
