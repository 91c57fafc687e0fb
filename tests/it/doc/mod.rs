//! The documentation of a running promfetch, as a browser walks through it.

use std::collections::BTreeMap;

use promfetch_tests::Promfetch;
use promfetch_tests::html::attributes;
use promfetch_tests::http::Response;

// What it shows works: every command, every configuration, every rule.
mod examples;
// What browsers are told and get, whatever the configuration.
mod pages;

/// Where a relative link on the page at `base` leads.
fn resolve(base: &str, link: &str) -> String {
    let mut path: Vec<&str> = base.split('/').collect();
    path.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(path.pop()),
            "." => {}
            part => path.push(part),
        }
    }
    path.join("/")
}

/// All pages, by following their links from `/doc`.
async fn crawl(promfetch: &Promfetch) -> BTreeMap<String, Response> {
    let mut pages = BTreeMap::new();
    let mut ahead = vec!["/doc".to_owned()];
    while let Some(path) = ahead.pop() {
        if pages.contains_key(&path) {
            continue;
        }
        let page = promfetch.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        if page.header("content-type").starts_with("text/html") {
            for link in attributes(page.text(), "href") {
                assert!(
                    !link.contains(':') && !link.starts_with('/'),
                    "{path} leads elsewhere: {link}"
                );
                let target = link.split('#').next().unwrap_or_default();
                let is_others = ["./", "../", ".././", "platform", "../platform"].contains(&target);
                if !target.is_empty() && !is_others {
                    ahead.push(resolve(&path, target));
                }
            }
        }
        pages.insert(path, page);
    }
    pages
}

#[test]
fn links_are_resolved_as_browsers_do() {
    for (base, link, want) in [
        ("/doc", "doc/apps", "/doc/apps"),
        ("/doc", "assets/x.css", "/assets/x.css"),
        ("/doc/apps", "../doc", "/doc"),
        ("/doc/apps", "../doc/pages", "/doc/pages"),
        ("/doc/apps", "pages", "/doc/pages"),
    ] {
        assert_eq!(resolve(base, link), want, "{base} {link}");
    }
}
