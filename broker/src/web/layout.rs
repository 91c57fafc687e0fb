//! The frame of every page: head, main menu, content, foot.
//!
//! All addresses are relative, so that pages work below the prefix of a proxy, too.

use axum::http::Uri;
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::sign_in::next::Next;
use super::template::visible;
use crate::access::Access;

/// The parts of the service in the main menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Explorer,
    Platform,
    Documentation,
}

/// What stands in the frame.
#[derive(Debug)]
pub(crate) struct Page<'p> {
    pub(crate) title: &'p str,
    /// From the page to the root of the service: nothing, or `../`.
    pub(crate) up: &'p str,
    /// Which part of the service this page belongs to.
    pub(crate) place: Option<Place>,
    /// Whether the main menu leads to the page for operators.
    pub(crate) platform: bool,
    /// Scripts beside the one of every page, from the root of the service.
    pub(crate) scripts: &'p [&'p str],
    /// Seconds after which browsers load the page again: while something is about to change by itself.
    pub(crate) refresh: Option<u32>,
    pub(crate) viewer: &'p Viewer,
    /// The menu beside the content.
    pub(crate) menu: Option<Markup>,
    /// The content, with the page's only `h1`.
    pub(crate) content: Markup,
}

/// Who looks at a page, for its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Whoever: it makes no difference.
    Nothing,
    /// Somebody who could sign in, and come back to this page.
    Stranger(Next),
    /// Somebody who has signed in, under this name.
    Known(String),
}

impl Viewer {
    /// Who looks at the page at this address.
    pub(crate) fn of(access: &Access, uri: &Uri) -> Self {
        match (access.viewer(), access) {
            (Some(name), _) => Self::Known(name),
            (None, Access::Audited(_)) => Self::Stranger(Next::of(uri)),
            (None, _) => Self::Nothing,
        }
    }

    /// Its part of the head.
    fn shown(&self, up: &str) -> Markup {
        html! {
            @match self {
                Self::Nothing => {}
                Self::Stranger(next) => div.viewer { a href={ (up) "sign-in" (next.query()) } { "Sign in" } },
                Self::Known(name) => form.viewer method="post" action={ (up) "sign-out" } {
                    span { "Signed in as " bdi { (visible(name)) } }
                    button type="submit" { "Sign out" }
                },
            }
        }
    }
}

/// The whole page.
pub(crate) fn whole(page: &Page<'_>) -> Markup {
    let Page {
        title,
        up,
        place,
        platform,
        scripts,
        refresh,
        viewer,
        menu,
        content,
    } = page;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) @if *title != "promfetch" { " – promfetch" } }
                link rel="icon" type="image/svg+xml" href={ (up) (assets::icon()) };
                link rel="stylesheet" href={ (up) (assets::style()) };
                script src={ (up) (assets::copy()) } defer {}
                @for script in *scripts { script src={ (up) (script) } defer {} }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top {
                    a.brand href=(root(up)) {
                        img src={ (up) (assets::icon()) } alt="" width="24" height="24";
                        "promfetch"
                    }
                    (main_menu(up, *place, *platform))
                    (viewer.shown(up))
                }
                div class=(if menu.is_some() { "columns" } else { "alone" }) {
                    @if let Some(menu) = menu { (menu) }
                    main id="content" tabindex="-1" { (content) }
                }
                footer.foot { "promfetch " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}

/// The way to `/`. An empty one would be the page itself.
fn root(up: &str) -> &str {
    if up.is_empty() { "./" } else { up }
}

fn main_menu(up: &str, here: Option<Place>, platform: bool) -> Markup {
    let entry = |place: Place, href: &str, name: &str| {
        let current = (Some(place) == here).then_some("true");
        html! { li { a href=(href) aria-current=[current] { (name) } } }
    };
    html! {
        nav.places aria-label="Main" {
            ul {
                (entry(Place::Explorer, root(up), "Explorer"))
                @if platform { (entry(Place::Platform, &format!("{up}platform"), "Platform")) }
                (entry(Place::Documentation, &format!("{up}doc"), "Documentation"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Reader;
    use crate::bindings::Scope;

    #[test]
    fn what_stands_in_the_frame_is_escaped() {
        let page = whole(&Page {
            title: "</title><script>",
            up: "../",
            place: Some(Place::Documentation),
            platform: false,
            scripts: &[],
            refresh: None,
            viewer: &Viewer::Nothing,
            menu: Some(html! { nav { "menu" } }),
            content: html! { h1 { "<b>" } },
        })
        .into_string();
        assert!(
            page.starts_with("<!DOCTYPE html><html lang=\"en\">"),
            "{page}"
        );
        assert!(
            page.contains("<title>&lt;/title&gt;&lt;script&gt; – promfetch</title>"),
            "{page}"
        );
        assert!(page.contains("<h1>&lt;b&gt;</h1>"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "its own: {page}");
        assert!(!page.contains("http-equiv"), "{page}");
        for address in [
            "<a href=\"../\">Explorer</a>",
            "<a href=\"../doc\" aria-current=\"true\">Documentation</a>",
            "href=\"../assets/style-",
            "src=\"../assets/copy-",
        ] {
            assert!(page.contains(address), "{address}: {page}");
        }
    }

    #[test]
    fn the_frame_has_what_the_page_needs() {
        let page = whole(&Page {
            title: "promfetch",
            up: "",
            place: Some(Place::Explorer),
            platform: true,
            viewer: &Viewer::Nothing,
            scripts: &["assets/a.js"],
            refresh: Some(5),
            menu: None,
            content: html! { h1 { "Apps" } },
        })
        .into_string();
        for (part, why) in [
            ("<title>promfetch</title>", "its own name once"),
            (
                "<a href=\"./\" aria-current=\"true\">Explorer</a>",
                "an empty address would keep the query",
            ),
            ("<a href=\"platform\">Platform</a>", "for operators"),
            ("<script src=\"assets/a.js\" defer>", "its script"),
            (
                "<meta http-equiv=\"refresh\" content=\"5\">",
                "without a script",
            ),
            ("<div class=\"alone\"><main", "no menu beside it"),
        ] {
            assert!(page.contains(part), "{why}: {part}: {page}");
        }
    }

    #[test]
    fn the_head_says_who_looks() {
        let shown = |viewer: &Viewer| viewer.shown("../").into_string();
        let uri = Uri::from_static("/apps/acme/prod/shop?ask=1&x=%3C");
        for (access, want, why) in [
            (Access::Everything, "", "everybody may look"),
            (Access::Nothing, "", "nobody is known"),
            (
                Access::Audited(Err("there is no login".into())),
                "<div class=\"viewer\"><a href=\"../sign-in?next=/apps/acme/prod/shop%3Fask%3D1%26x%3D%253C\">Sign in</a></div>",
                "a stranger",
            ),
            (
                Access::Reader(Reader::Operator("<b>\u{202e}\"jane".into())),
                "<form class=\"viewer\" method=\"post\" action=\"../sign-out\"><span>Signed in as <bdi>operator &lt;b&gt;\u{fffd}&quot;jane</bdi></span>\
                 <button type=\"submit\">Sign out</button></form>",
                "a hostile name",
            ),
            (
                Access::Audited(Ok(Reader::Binding(Scope::App("a".into()), "b-1".into()))),
                "<form class=\"viewer\" method=\"post\" action=\"../sign-out\"><span>Signed in as <bdi>binding b-1</bdi></span>\
                 <button type=\"submit\">Sign out</button></form>",
                "a binding",
            ),
        ] {
            assert_eq!(shown(&Viewer::of(&access, &uri)), want, "{why}");
        }
    }
}
