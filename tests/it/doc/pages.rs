use std::collections::BTreeSet;

use promfetch_tests::foundation::Foundation;
use promfetch_tests::html::attributes;
use promfetch_tests::{App, Behaviour, Platform, Promfetch};
use serde_json::json;

use super::{crawl, resolve};

/// What browsers are told that pages may do.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_have_the_headers_that_keep_them_to_this_service() {
    let demo = Promfetch::demo().await;
    let pages = crawl(&demo).await;
    assert!(pages.len() >= 10, "{:?}", pages.keys());
    for (path, page) in &pages {
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("vary"), "accept-encoding", "{path}");
        let head = demo.request("HEAD", path).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in [
            "content-type",
            "etag",
            "cache-control",
            "content-security-policy",
        ] {
            assert_eq!(head.header(name), page.header(name), "{path}: {name}");
        }
        for encoding in ["gzip", "zstd"] {
            let packed = demo.get_with(path, &[("accept-encoding", encoding)]).await;
            let is_small = page.body.len() < 1024;
            let want = if is_small { "" } else { encoding };
            assert_eq!(packed.header("content-encoding"), want, "{path}");
            assert!(
                is_small || packed.body.len() < page.body.len() / 2,
                "{path}"
            );
        }
        if path.starts_with("/assets/") {
            let kept = page.header("cache-control");
            assert_eq!(kept, "public, max-age=31536000, immutable", "{path}");
            continue;
        }
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-cache", "{path}");
        let known = [("if-none-match", page.header("etag"))];
        let again = demo.get_with(path, &known).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), page.header("etag"), "{path}");
        for method in ["POST", "PUT", "DELETE"] {
            assert_eq!(
                demo.request(method, path).await.status,
                405,
                "{method} {path}"
            );
        }
    }
    let slash = demo.get("/doc/").await;
    assert_eq!((slash.status, slash.header("location")), (308, "../doc"));
    for path in [
        "/doc/nothing",
        "/doc/apps/",
        "/doc/apps/more",
        "/doc/%2e%2e/routes",
        "/assets/nothing.css",
    ] {
        let answer = demo.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().starts_with("404 There is no such "), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_and_every_anchor_leads_somewhere_and_nothing_comes_from_elsewhere() {
    let demo = Promfetch::demo().await;
    let pages = crawl(&demo).await;
    for (path, page) in &pages {
        let text = page.text();
        for source in attributes(text, "src") {
            let source = resolve(path, &source);
            assert!(source.starts_with("/assets/"), "{path}: {source}");
            assert_eq!(demo.get(&source).await.status, 200, "{path}: {source}");
        }
        for forbidden in [
            "@import",
            "url(",
            "fetch(",
            "XMLHttpRequest",
            "style=\"",
            "onclick",
        ] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        let ids: Vec<_> = attributes(text, "id");
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{path}: {ids:?}");
        for link in attributes(text, "href") {
            let Some((target, place)) = link.split_once('#') else {
                continue;
            };
            let target = if target.is_empty() {
                path.clone()
            } else {
                resolve(path, target)
            };
            let html = pages[&target].text();
            assert!(
                attributes(html, "id").contains(&place.to_owned()),
                "{path}: {link} leads to no heading"
            );
        }
        // What reading aloud and small screens need.
        for part in [
            "<html lang=\"en\">",
            "name=\"viewport\"",
            "<main id=\"content\"",
            "class=\"skip\" href=\"#content\"",
            "<nav class=\"menu\" aria-label=\"Documentation\">",
            "aria-current=\"page\"",
        ] {
            assert!(text.contains(part), "{path}: {part}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documentation_is_open_where_access_is_protected_and_names_no_app() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let app = App::new("acme-organization", "prod", "secret-shop");
    let pushed = foundation
        .platform
        .push(app, [Behaviour::page("a 1\n")])
        .await;
    let promfetch = &foundation.platform.promfetch;
    assert_eq!(promfetch.get("/").await.status, 401);
    for (path, page) in crawl(promfetch).await {
        for name in [
            "acme-organization",
            "secret-shop",
            &pushed.app.guid,
            "nats",
            "jane",
        ] {
            let is_generic =
                name == "nats" && ["/doc/configuration", "/doc/metrics"].contains(&&*path);
            assert!(
                is_generic || !page.text().contains(name),
                "{path} tells of {name}"
            );
        }
    }
    assert_eq!(
        promfetch.get("/doc/nothing").await.status,
        404,
        "and not 401"
    );
    let start = promfetch.get("/doc").await;
    assert!(start.text().contains("A login is needed here"));
    assert!(start.text().contains("curl -s -u"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_values_of_the_configuration_stay_text() {
    let platform = Platform::start_with(json!({
        "base_url": "https://h.example/<script>alert(1)</script>\"onload='$(id)'\u{202e}x",
        "metric_path_allow": ["/<script>alert(2)</script>\"\u{202e}*"],
        "extra_labels": {"foundation": "<script>alert(3)</script>"},
    }))
    .await;
    for (path, page) in crawl(&platform.promfetch).await {
        let text = page.text();
        for forbidden in ["<script>", "alert(3)", "'$(id)'", "\u{202e}", "onload='"] {
            assert!(!text.contains(forbidden), "{path}: {forbidden}");
        }
    }
    let apps = platform.promfetch.get("/doc/apps").await;
    for wanted in [
        "https://h.example/%3Cscript%3Ealert%281%29%3C/script%3E%22onload%3D%27%24%28id%29%27%E2%80%AEx/v1/apps/",
        "/&lt;script&gt;alert(2)&lt;/script&gt;&quot;\u{fffd}*",
    ] {
        assert!(apps.text().contains(wanted), "{wanted}: {}", apps.text());
    }
}
