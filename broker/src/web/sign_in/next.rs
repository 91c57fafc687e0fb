//! Where somebody goes after signing in: only ever a page of this service.
//!
//! Two things hold that together. A text that comes from outside must be a page's path, of plain characters. And an
//! answer names it relatively, with a dot in front: whatever it is, a browser reads it as a path on this host.

use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest text, in bytes. Longer addresses lead to the start.
const MAX: usize = 2000;
/// Most levels of a path from which the way back is written.
const MAX_DEPTH: usize = 16;
/// What stands for itself in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Whether people look at this path with a browser.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/" || path == "/platform" || path.starts_with("/apps/")
}

/// The path of a page of this service, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next(String);

impl Next {
    /// What a caller has written. All that is no page of this service is the start.
    pub(crate) fn read(text: Option<&str>) -> Self {
        let good = text.filter(|text| text.len() <= MAX && is_own(text));
        Self(good.unwrap_or("/").to_owned())
    }

    /// The page that was asked for.
    pub(crate) fn of(uri: &Uri) -> Self {
        Self::read(uri.path_and_query().map(|whole| whole.as_str()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where that is for a browser: `from` is the way to the root of the service, `.` or `..`.
    pub(crate) fn location(&self, from: &str) -> String {
        format!("{from}{}", self.0)
    }

    /// As parameters of an address of the sign-in; nothing for the start.
    pub(crate) fn query(&self) -> String {
        match &*self.0 {
            "/" => String::new(),
            next => format!("?next={}", utf8_percent_encode(next, QUERY)),
        }
    }
}

/// The way from this path to the root of the service: nothing, or some `../`. `None`: it is too long to be a page's.
pub(super) fn up(path: &str) -> Option<String> {
    let depth = path.matches('/').count().saturating_sub(1);
    (depth <= MAX_DEPTH).then(|| "../".repeat(depth))
}

fn is_own(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\#".contains(&byte);
    let path = text.split('?').next().unwrap_or_default();
    is_page(path) && text.bytes().all(is_plain) && !path.split('/').any(is_dots)
}

/// Whether browsers go up, or stay, at this segment of a path; they read `%2e` like a dot.
fn is_dots(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    segment == "." || segment == ".."
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    /// What callers write to be led elsewhere.
    const ATTACKS: [&str; 34] = [
        "",
        "//evil.example",
        "///evil.example",
        "////evil.example/%2f..",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "https:evil.example",
        "https://evil.example",
        "https:/evil.example",
        "HTTPS://evil.example/apps/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "apps/x",
        " /apps/x",
        "/ /evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "/apps/x\r\nSet-Cookie: a=b",
        "/apps/\u{0}",
        "/apps/\u{202e}",
        "/%2f/evil.example",
        "/%5cevil.example",
        "%2f%2fevil.example",
        "/apps/../../evil",
        "/apps/%2e%2E/%2e./evil",
        "/apps/./..//evil.example",
        "/apps\\..\\evil",
        "/@evil.example",
        "/sign-out",
        "/v1/apps/x/metrics",
        "/platform#evil",
    ];

    #[test]
    fn only_pages_of_this_service_are_led_to() {
        for text in [
            "/",
            "/?q=shop",
            "/?space=8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
            "/platform",
            "/platform?x=1",
            "/apps/acme/prod/shop",
            "/apps/acme%2Fx/prod/caf%C3%A9?metric_path=/a/../b&ask=1",
            "/apps/?route_url=shop.example.org/path",
        ] {
            assert_eq!(Next::read(Some(text)).as_str(), text);
        }
        for text in ATTACKS {
            assert_eq!(Next::read(Some(text)).as_str(), "/", "{text:?}");
        }
        assert_eq!(Next::read(None).as_str(), "/");
        let long = |length| format!("/apps/{}", "x".repeat(length));
        assert_eq!(Next::read(Some(&long(1994))).as_str(), long(1994));
        assert_eq!(Next::read(Some(&long(1995))).as_str(), "/");
    }

    #[test]
    fn a_browser_stays_on_this_host_whatever_is_read() {
        // The second defence, without the first.
        for text in ATTACKS.iter().filter(|text| text.starts_with('/')) {
            for (page, from) in [
                ("https://h.example/sign-in", "."),
                ("https://h.example/prefix/sign-in/callback", ".."),
            ] {
                let location = Next((*text).to_owned()).location(from);
                let url = Url::parse(page).unwrap().join(&location).unwrap();
                assert_eq!(url.host_str(), Some("h.example"), "{text:?}: {url}");
                assert_eq!(url.scheme(), "https", "{text:?}: {url}");
            }
        }
    }

    #[test]
    fn the_way_there_and_back_works_below_a_prefix() {
        for (prefix, path) in [
            ("", "/"),
            ("", "/apps/acme/prod/shop?a=b&next=/x"),
            ("/prefix", "/"),
            ("/a/b", "/platform"),
            ("/prefix", "/apps/acme%2Fx/prod/sh%20op?metric_path=/a%26b"),
        ] {
            let host = "https://h.example";
            let page = Url::parse(&format!("{host}{prefix}{path}")).unwrap();
            let uri: Uri = path.parse().unwrap();
            let next = Next::of(&uri);
            let there = format!("{}sign-in{}", up(uri.path()).unwrap(), next.query());
            let there = page.join(&there).unwrap();
            assert_eq!(there.path(), format!("{prefix}/sign-in"), "{path}");
            let given = there.query_pairs().find(|(name, _)| name == "next");
            let given = Next::read(given.as_ref().map(|(_, next)| &**next));
            assert_eq!(given, next, "{path}");
            let back = there.join(&given.location(".")).unwrap();
            assert_eq!(back, page, "{path}");
            let callback = page
                .join(&format!("{host}{prefix}/sign-in/callback"))
                .unwrap();
            let back = callback.join(&given.location("..")).unwrap();
            assert_eq!(back, page, "{path}");
        }
        assert_eq!(up(&"/x".repeat(17)).map(|up| up.len()), Some(48));
        assert_eq!(up(&"/".repeat(8000)), None);
    }
}
