//! Why there is nothing to show, as a page: what happened, and what to do now.

use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use promfetch_core::discovery::Why;

use super::super::template::visible;
use super::super::words::ago;
use super::{Frame, Page, links, name, sources};
use crate::api::errors::ApiError;
use crate::api::missing::{Missing, Near};
use crate::api::table_state;
use crate::bindings::credentials::escape;

/// Seconds after which a page comes again by itself that waits for the table.
const REFRESH: u32 = 5;

/// The page of an error.
pub(super) fn answer(frame: &Frame<'_>, error: &ApiError) -> Response {
    let sentence = format!("{}.", error.message());
    page(frame, error, &sentence, None)
}

/// The page where no app is. `wanted` is what was asked for.
pub(super) fn no_app(
    frame: &Frame<'_>,
    error: &ApiError,
    wanted: &str,
    missing: &Missing,
) -> Response {
    // One sentence for an app that is not there, and for one that this viewer may not see.
    let sentence = format!("No app that you may see is known as {wanted}.");
    page(frame, error, &sentence, Some(missing))
}

fn page(
    frame: &Frame<'_>,
    error: &ApiError,
    sentence: &str,
    missing: Option<&Missing>,
) -> Response {
    let status = error.status();
    let waits = status == StatusCode::SERVICE_UNAVAILABLE;
    let state = match missing.and_then(|missing| missing.table.clone()) {
        None if waits => Some(table_state::of(frame.api, frame.access)),
        told => told,
    };
    let content = html! {
        div.problem data-status=(status.as_u16()) {
            h1 { (title(status)) }
            p.sentence { bdi { (visible(sentence)) } }
            @if let Some(missing) = missing { (nearby(frame, missing)) }
            @if waits { p { "This page loads itself again every " (REFRESH) " seconds." } }
            // What is typed would be gone with the next load.
            @if !waits { (ways(frame, status)) }
            @if let Some(state) = &state {
                h2 { "Where the routing table comes from" }
                (sources::table(state))
            }
        }
    };
    let mut response = frame.answer(Page {
        status,
        title: title(status),
        scripts: &[],
        refresh: waits.then_some(REFRESH),
        content,
    });
    response.headers_mut().extend(error.headers());
    response
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "No such app here",
        StatusCode::BAD_REQUEST => "This address cannot be read",
        StatusCode::CONFLICT => "Several are meant",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "Not ready yet",
        _ => "This did not work",
    }
}

/// What helps whatever happened.
fn ways(frame: &Frame<'_>, status: StatusCode) -> Markup {
    let up = &frame.up;
    html! {
        @if status == StatusCode::BAD_REQUEST {
            p {
                "An app is addressed as " code { "/apps/ORG/SPACE/APP" } ", " code { "/apps/GUID" } " or "
                code { "/apps/ROUTE" } ": " a href={ (up) "doc/apps#addresses" } { "Addresses" } "."
            }
        }
        form.search action=(if up.is_empty() { "./" } else { up }) method="get" role="search" {
            label for="q" { "Find an app" }
            div.line {
                input #q type="search" name="q" autocomplete="off" spellcheck="false" maxlength="400";
                button.button type="submit" { "Search" }
            }
        }
    }
}

/// Apps that may have been meant.
pub(super) fn nearby(frame: &Frame<'_>, missing: &Missing) -> Markup {
    let near = missing.near.as_deref().unwrap_or_default();
    html! {
        @if missing.component {
            p.note role="note" { "This route leads to a component of the platform, which is no app." }
        }
        @if near.is_empty() {
            p {
                "Apps are known by their routes: an app that is stopped, or has none, is not in the list. "
                "Are organization, space and name right, and may you see the app? "
                a href={ (frame.up) "doc/apps#why-is-my-app-not-there" } { "Why is my app not there?" }
            }
        } @else {
            h2 { "Did you mean" }
            ul.near {
                @for one in near {
                    @let names = [&one.organization_name, &one.space_name, &one.app_name].map(|name| visible(name)).join("/");
                    li data-near=(word(one.why)) data-app=(one.app_id) {
                        @match address(one) {
                            Some(page) => { a href={ (frame.up) (page) } { (name(&names)) } }
                            None => { (name(&names)) }
                        }
                        " " span.why { (why(one)) }
                        @if let Some(route) = &one.route { " " code { (visible(route)) } }
                    }
                }
            }
        }
    }
}

/// The page of the app that was meant; there is none of one that has left.
fn address(near: &Near) -> Option<String> {
    if near.why == Why::Departed {
        return None;
    }
    let names = [&near.organization_name, &near.space_name, &near.app_name];
    let page = links::named(names.map(String::as_str), &near.app_id);
    // By its names alone it would be its usual process, which is another one.
    match (near.why, near.process_types.first()) {
        (Why::Process, Some(kind)) => Some(format!("{page}?process_type={}", escape(kind))),
        _ => Some(page),
    }
}

fn why(near: &Near) -> String {
    match near.why {
        Why::Process => {
            let types: Vec<String> = near
                .process_types
                .iter()
                .map(|kind| visible(kind))
                .collect();
            format!("has no process of this type, but {}", types.join(", "))
        }
        Why::Departed => match near.departed_seconds_ago {
            Some(seconds) => format!(
                "has no instances any more; the last one left {}",
                ago(seconds)
            ),
            None => "has no instances any more".into(),
        },
        Why::Case => "is written differently".into(),
        Why::OtherSpace => "is in another space".into(),
        Why::OtherPath => "has this host, with another path".into(),
        Why::Similar => "has a similar name".into(),
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Process => "process",
        Why::Departed => "departed",
        Why::Case => "case",
        Why::OtherSpace => "other_space",
        Why::OtherPath => "other_path",
        Why::Similar => "similar",
    }
}
