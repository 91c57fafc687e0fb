//! The explorer: find an app, see how its instances are doing, look at its metrics, take an address or a Prometheus
//! job along. For operators there is a page of the platform.
//!
//! Pages are whole without a script. A small one fetches the same pages and swaps their marked parts
//! (`data-part="…"`), and draws the plots. Every page shows what its viewer may read, and of each list only what it
//! shows is in the page.
//!
//! [`home`] is `/`, [`app`] is `/apps/…` with `instances`, `families` and `snippets` as its parts, [`platform`] is
//! `/platform`; `problem` says on each of them why there is nothing, and `links` leads from one to another.

pub(crate) mod app;
mod families;
pub(crate) mod home;
mod instances;
mod links;
pub(crate) mod platform;
mod problem;
mod snippets;
mod sources;

use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use promfetch_core::instance::App;

use super::layout::{self, Place, Viewer};
use super::live;
use super::template::visible;
use crate::access::Access;
use crate::api::Api;
use crate::api::table_state::knows_the_platform;

/// What all pages of the explorer are made with.
struct Frame<'r> {
    api: &'r Api,
    access: &'r Access,
    headers: &'r HeaderMap,
    uri: &'r Uri,
    /// From the page to the root of the service.
    up: String,
    place: Place,
}

/// One page, without the frame.
struct Page<'p> {
    status: StatusCode,
    title: &'p str,
    scripts: &'p [&'p str],
    /// Seconds after which it is loaded again.
    refresh: Option<u32>,
    content: Markup,
}

impl Frame<'_> {
    fn answer(&self, page: Page<'_>) -> Response {
        let whole = layout::whole(&layout::Page {
            title: page.title,
            up: &self.up,
            place: Some(self.place),
            platform: knows_the_platform(self.access),
            viewer: &Viewer::of(self.access, self.uri),
            scripts: page.scripts,
            refresh: page.refresh,
            menu: None,
            content: page.content,
        });
        live(page.status, whole.into_string(), self.headers)
    }
}

/// A text from outside, whose direction ends with it.
fn name(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// `organization/space/app` in one line of text.
fn full_name(app: &App) -> String {
    let parts = [&app.organization_name, &app.space_name, &app.app_name];
    parts.map(|part| visible(part)).join("/")
}
