//! The frame of every page: head, main menu, content, foot.
//!
//! All addresses are relative, so that pages work below the prefix of a proxy, too.

use maud::{DOCTYPE, Markup, html};

use super::assets;

/// What stands in the frame.
#[derive(Debug)]
pub(crate) struct Page<'p> {
    pub(crate) title: &'p str,
    /// From the page to the root of the service: nothing, or `../`.
    pub(crate) up: &'p str,
    /// The menu beside the content.
    pub(crate) menu: Markup,
    /// The content, with the page's only `h1`.
    pub(crate) content: Markup,
}

/// The whole page.
pub(crate) fn whole(page: &Page<'_>) -> Markup {
    let Page {
        title,
        up,
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
                }
                div.columns {
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

    #[test]
    fn what_stands_in_the_frame_is_escaped() {
        let page = whole(&Page {
            title: "</title><script>",
            up: "../",
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
}
