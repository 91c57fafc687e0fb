//! The frame of every page: head, main menu, content, foot.
//!
//! All addresses are relative, so that pages work below the prefix of a proxy, too.

use axum::http::Uri;
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::sign_in::next::Next;
use super::template::visible;
use crate::access::Access;

/// What stands in the frame.
#[derive(Debug)]
pub(crate) struct Page<'p> {
    pub(crate) title: &'p str,
    /// From the page to the root of the service: nothing, or `../`.
    pub(crate) up: &'p str,
    pub(crate) viewer: &'p Viewer,
    /// The menu beside the content.
    pub(crate) menu: Markup,
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
        viewer,
        menu,
        content,
    } = page;
    let columns = if menu.0.is_empty() {
        "columns single"
    } else {
        "columns"
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) @if *title != "promfetch" { " – promfetch" } }
                link rel="icon" type="image/svg+xml" href={ (up) (assets::icon()) };
                link rel="stylesheet" href={ (up) (assets::style()) };
                script src={ (up) (assets::copy()) } defer {}
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.top {
                    a.brand href={ (up) "doc" } {
                        img src={ (up) (assets::icon()) } alt="" width="24" height="24";
                        "promfetch"
                    }
                    (viewer.shown(up))
                }
                div class=(columns) {
                    (menu)
                    main id="content" tabindex="-1" { (content) }
                }
                footer.foot { "promfetch " (env!("CARGO_PKG_VERSION")) }
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
            viewer: &Viewer::Nothing,
            menu: html! { nav { "menu" } },
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
        for address in [
            "href=\"../doc\"",
            "href=\"../assets/style-",
            "src=\"../assets/copy-",
        ] {
            assert!(page.contains(address), "{address}: {page}");
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
