//! The documentation for users: Markdown in the binary, fitted to this installation.

mod installation;

use std::sync::{Arc, OnceLock};

use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::Document;
use super::layout::{self, Viewer};
use super::markdown::{self, Section};
use crate::api::errors::ApiError;
use crate::bindings::sync::Keeper;
use crate::config::Config;
use crate::config::access::Mode;

/// One page.
#[derive(Debug)]
struct Source {
    /// Its path below `/doc/`; empty: `/doc` itself.
    path: &'static str,
    /// Its name in the menu.
    name: &'static str,
    markdown: &'static str,
}

/// Pages of one kind of reader.
#[derive(Debug)]
struct Group {
    name: &'static str,
    sources: &'static [Source],
}

/// All pages, in the order of the menu: what most readers need comes first.
static GROUPS: [Group; 3] = [
    Group {
        name: "For everybody",
        sources: &[
            Source {
                path: "",
                name: "Start",
                markdown: include_str!("doc/start.md"),
            },
            Source {
                path: "apps",
                name: "Your app's metrics",
                markdown: include_str!("doc/apps.md"),
            },
            Source {
                path: "prometheus",
                name: "Prometheus",
                markdown: include_str!("doc/prometheus.md"),
            },
            Source {
                path: "access",
                name: "Access and logins",
                markdown: include_str!("doc/access.md"),
            },
        ],
    },
    Group {
        name: "To look up",
        sources: &[
            Source {
                path: "pages",
                name: "What is on a page",
                markdown: include_str!("doc/pages.md"),
            },
            Source {
                path: "questions",
                name: "Questions and answers",
                markdown: include_str!("doc/questions.md"),
            },
        ],
    },
    Group {
        name: "For operators",
        sources: &[
            Source {
                path: "metrics",
                name: "promfetch's own metrics",
                markdown: include_str!("doc/metrics.md"),
            },
            Source {
                path: "configuration",
                name: "Configuration",
                markdown: include_str!("doc/configuration.md"),
            },
        ],
    },
];

/// The pages of this installation. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Docs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Arc<Config>,
    keeper: Option<Keeper>,
    /// By whether the database was promfetcher's, which may become known later and changes a name.
    pages: [OnceLock<Vec<(&'static str, Document)>>; 2],
}

impl Docs {
    /// `keeper`: where there is a store.
    pub(crate) fn new(config: Arc<Config>, keeper: Option<Keeper>) -> Self {
        Self(Arc::new(Shared {
            config,
            keeper,
            pages: [OnceLock::new(), OnceLock::new()],
        }))
    }

    /// The page below this path. All are made when the first is asked for.
    fn page(&self, path: &str) -> Option<&Document> {
        let Shared {
            config,
            keeper,
            pages,
        } = &*self.0;
        let taken_over = keeper
            .as_ref()
            .and_then(|keeper| keeper.store().known_taken_over())
            .or(config.broker.take_over)
            .unwrap_or(false);
        let pages = &pages[usize::from(taken_over)];
        pages
            .get_or_init(|| all(config, keeper.is_some(), taken_over))
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, document)| document)
    }

    fn answer(&self, path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
        let page = self.page(path).ok_or_else(|| {
            ApiError::not_found("There is no such page; `/doc` lists those of the documentation")
        })?;
        Ok(page.answer(headers))
    }
}

/// `/doc`.
pub(crate) async fn start(
    State(docs): State<Docs>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    docs.answer("", &headers)
}

/// `/doc/` is `/doc`: the links on the page start from there.
pub(crate) async fn slash() -> Response {
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "../doc")]).into_response()
}

/// `/doc/…`.
pub(crate) async fn page(
    State(docs): State<Docs>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if path.is_empty() {
        return Ok(slash().await);
    }
    docs.answer(&path, &headers)
}

/// All pages with their paths.
fn all(config: &Config, has_store: bool, taken_over: bool) -> Vec<(&'static str, Document)> {
    let names = installation::names(config, has_store, taken_over);
    let sources = GROUPS.iter().flat_map(|group| group.sources);
    sources
        .map(|source| {
            let up = if source.path.is_empty() { "" } else { "../" };
            let text = names.assemble(source.markdown);
            let rendered = markdown::render(&text, up, |text| names.fill(text));
            let page = layout::whole(&layout::Page {
                title: &rendered.title,
                up,
                // The page is the same for everybody, and kept.
                viewer: &Viewer::Nothing,
                place: Some(layout::Place::Documentation),
                platform: config.access.mode != Mode::Protected,
                scripts: &[],
                refresh: None,
                menu: Some(menu(up, source.path)),
                content: html! {
                    h1 { (rendered.heading) }
                    (contents(&rendered.sections))
                    (rendered.html)
                },
            });
            (source.path, Document::new(page.into_string()))
        })
        .collect()
}

/// The list of all pages, in which the one at hand is marked: beside the content, and folded above it where there is
/// no room beside. The style sheet shows one of the two.
fn menu(up: &str, current: &str) -> Markup {
    html! {
        details.narrow {
            summary { "All pages" }
            (pages(up, current))
        }
        (pages(up, current))
    }
}

fn pages(up: &str, current: &str) -> Markup {
    html! {
        nav.menu aria-label="Documentation" {
            @for group in &GROUPS {
                p { (group.name) }
                ul {
                    @for Source { path, name, .. } in group.sources {
                        @let here = (*path == current).then_some("page");
                        @let slash = if path.is_empty() { "" } else { "/" };
                        li { a href={ (up) "doc" (slash) (path) } aria-current=[here] { (name) } }
                    }
                }
            }
        }
    }
}

/// The list of what is on a page: sections, and the parts of each.
fn contents(sections: &[Section]) -> Markup {
    let chapters: Vec<&[Section]> = sections.chunk_by(|_, next| next.is_part).collect();
    let link = |section: &Section| html! { a href={ "#" (section.id) } { (section.text) } };
    html! {
        @if sections.len() > 1 {
            nav.contents aria-label="On this page" {
                p { "On this page" }
                ul {
                    @for chapter in &chapters {
                        @if let Some((section, parts)) = chapter.split_first() {
                            li {
                                (link(section))
                                @if !parts.is_empty() {
                                    ul { @for part in parts { li { (link(part)) } } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
