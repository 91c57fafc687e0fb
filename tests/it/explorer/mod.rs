//! The explorer, as a browser without scripts sees it.

use promfetch_tests::Promfetch;
use promfetch_tests::html::{attributes, unescape};
use promfetch_tests::http::Response;

// What each page shows, and to whom it is HTML.
mod pages;
// Names that want to be more than names.
mod hostile;
// A large platform makes no large page.
mod large;

/// What browsers send.
const BROWSER: [(&str, &str); 1] = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

/// A page with this status, as a browser gets it.
async fn page(promfetch: &Promfetch, path: &str, status: u16) -> Response {
    let page = promfetch.get_with(path, &BROWSER).await;
    assert_eq!(page.status, status, "{path}: {}", page.text());
    assert_eq!(
        page.header("content-type"),
        "text/html; charset=utf-8",
        "{path}"
    );
    assert_eq!(page.header("cache-control"), "private, no-cache", "{path}");
    assert_eq!(page.header("vary"), "Accept, Accept-Encoding", "{path}");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("connect-src 'self'") && !policy.contains("unsafe"),
        "{path}: {policy}"
    );
    let text = page.text();
    assert_eq!(text.matches("<h1").count(), 1, "{path}: {text}");
    // Its own: nothing stands inside of a script, and no style in an attribute.
    let scripts = text.matches("<script").count();
    assert_eq!(
        scripts,
        text.matches("<script src=").count(),
        "{path}: {text}"
    );
    for tag in tags(text) {
        assert!(
            !tag.contains(" style") && !tag.contains(" on"),
            "{path}: <{tag}>"
        );
    }
    for link in attributes(text, "href") {
        assert!(!link.contains("script:"), "{path}: {link}");
    }
    page
}

/// What stands between `<` and `>`, without values between quotes.
fn tags(html: &str) -> Vec<String> {
    let inside = html
        .split('<')
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap_or_default());
    inside
        .map(|tag| tag.split('"').step_by(2).collect())
        .collect()
}

/// The text of the block to copy with this name.
fn snippet(html: &str, name: &str) -> String {
    let (_, rest) = html
        .split_once(&format!("data-snippet=\"{name}\""))
        .unwrap_or_else(|| panic!("no block {name}: {html}"));
    let (_, rest) = rest.split_once("<code").expect("code");
    let (_, rest) = rest.split_once('>').expect("a tag that ends");
    let (text, _) = rest.split_once("</code>").expect("a block that ends");
    unescape(text)
}
