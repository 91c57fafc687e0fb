use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use promfetch_tests::foundation::Foundation;
use promfetch_tests::http::{self, Response};
use promfetch_tests::process::{report, run};
use promfetch_tests::{App, Behaviour, Platform, Promfetch, check};
use serde_json::{Value, json};

/// What browsers are told that pages may do.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The values of an attribute, unescaped.
fn attributes(html: &str, name: &str) -> Vec<String> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(unescape)
        .collect()
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

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
                if !target.is_empty() {
                    ahead.push(resolve(&path, target));
                }
            }
        }
        pages.insert(path, page);
    }
    pages
}

/// A block of code on a page.
#[derive(Debug)]
struct Block {
    page: String,
    language: String,
    text: String,
}

fn blocks(page: &str, html: &str) -> Vec<Block> {
    html.split("<pre tabindex=\"0\"><code")
        .skip(1)
        .map(|rest| {
            let (head, rest) = rest.split_once('>').expect("a tag that ends");
            let (text, _) = rest.split_once("</code></pre>").expect("a block that ends");
            let language = head.trim().strip_prefix("class=\"language-");
            Block {
                page: page.to_owned(),
                language: language
                    .unwrap_or_default()
                    .trim_end_matches('"')
                    .to_owned(),
                text: unescape(text),
            }
        })
        .collect()
}

fn all_blocks(pages: &BTreeMap<String, Response>) -> Vec<Block> {
    pages
        .iter()
        .filter(|(_, page)| page.header("content-type").starts_with("text/html"))
        .flat_map(|(path, page)| blocks(path, page.text()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_have_the_headers_that_keep_them_to_this_service() {
    let demo = Promfetch::demo().await;
    let pages = crawl(&demo).await;
    assert!(pages.len() >= 10, "{:?}", pages.keys());
    for (path, page) in &pages {
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
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

/// A `cf` that knows one token.
fn fake_cf(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("cf");
    std::fs::write(&file, "#!/bin/sh\necho 'bearer of-a-developer'\n").expect("a file");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a mode");
}

/// Runs a `curl` of the documentation with the names of the demo.
async fn run_curl(folder: &Path, page: &str, command: &str) {
    let here = command
        .replace("curl -s", "curl -sf")
        .replace("my-org/my-space/my-app", "demo/dev/hello")
        .replace("my-app.apps.example.org", "hello.demo.example")
        .replace("/actuator/prometheus", "/stock/metrics");
    let path = std::env::var("PATH").unwrap_or_default();
    let finished = run(Path::new("/bin/sh"), &["-c", &here], |shell| {
        shell
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("USERNAME", "somebody")
            .env("PASSWORD", "a password");
    })
    .await;
    assert_eq!(
        finished.code,
        Some(0),
        "{page}: {here}: {}",
        finished.stderr
    );
    assert!(!finished.stdout.is_empty(), "{page}: {here} prints nothing");
}

/// The parameters of a `cf bind-service` must be such that the broker takes them.
async fn try_bind(demo: &Promfetch, page: &str, command: &str, number: usize) {
    let parameters: Value = match command.split_once(" -c '") {
        Some((_, rest)) => serde_json::from_str(rest.trim_end_matches('\''))
            .unwrap_or_else(|error| panic!("{page}: {command}: {error}")),
        None => json!({}),
    };
    let ids = json!({"service_id": "promfetch", "plan_id": "fetch-app"});
    let headers = [
        ("authorization", "Basic cGxhdGZvcm06dHJ5LW1l"),
        ("x-broker-api-version", "2.17"),
        ("content-type", "application/json"),
    ];
    let send = async |path: String, mut body: Value| {
        body.as_object_mut()
            .expect("an object")
            .extend(ids.as_object().expect("an object").clone());
        let url = format!("{}/broker/v2/service_instances/i{path}", demo.api);
        http::send("PUT", &url, &headers, body.to_string().into(), None)
            .await
            .expect("an answer")
    };
    let provisioned = send(
        String::new(),
        json!({"organization_guid": "o", "space_guid": "s"}),
    )
    .await;
    assert!(
        [200, 201].contains(&provisioned.status),
        "{}",
        provisioned.text()
    );
    let body =
        json!({"app_guid": "2f0f5c38-95a5-4a66-9d8e-3f6f2c1f6a10", "parameters": parameters});
    let bound = send(format!("/service_bindings/b{number}"), body).await;
    assert_eq!(bound.status, 201, "{page}: {command}: {}", bound.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works() {
    const CF: [&str; 7] = [
        "bind-service",
        "create-service",
        "create-service-key",
        "env",
        "service-key",
        "ssh",
        "unbind-service",
    ];
    let demo = Promfetch::demo().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    fake_cf(folder.path());
    let mut ran = BTreeMap::<&str, usize>::new();
    for block in all_blocks(&crawl(&demo).await) {
        let page = &block.page;
        match block.language.as_str() {
            "sh" => {}
            // The first is checked below, the others are read by people.
            "yaml" | "text" | "json" | "" => continue,
            other => panic!("{page}: nobody looks after blocks of {other:?}"),
        }
        for command in block.text.lines() {
            let mut words = command.split(' ');
            match (words.next(), words.next().unwrap_or_default()) {
                (Some("curl"), _) => {
                    run_curl(folder.path(), page, command).await;
                    *ran.entry("curl").or_default() += 1;
                }
                (Some("cf"), verb) => {
                    assert!(
                        CF.contains(&verb),
                        "{page}: `cf {verb}`: is there such a command?"
                    );
                    if verb == "bind-service" {
                        let count = ran.entry("bind").or_default();
                        *count += 1;
                        try_bind(&demo, page, command, *count).await;
                    }
                    if verb == "create-service" {
                        assert_eq!(command, "cf create-service promfetch fetch-app my-metrics");
                    }
                }
                _ => panic!("{page}: no test knows how to run `{command}`"),
            }
        }
    }
    assert!(ran["curl"] >= 8 && ran["bind"] >= 4, "{ran:?}");
}

/// Gives every YAML block to its judge.
fn check_yaml(blocks: &[Block]) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("block.yml");
    let mut checked = 0;
    for Block { page, text, .. } in blocks.iter().filter(|block| block.language == "yaml") {
        std::fs::write(&file, text).expect("a temporary file");
        let verdict = if text.contains("http_headers:") {
            report(format_args!(
                "{page}: not checked, as promtool before 2.55 does not know `http_headers`"
            ));
            continue;
        } else if text.contains("scrape_configs:") {
            assert!(
                text.contains("job_name: promfetch\n") || text.contains("honor_labels: true"),
                "{page}: {text}"
            );
            check::prometheus_config(&file)
        } else if text.contains("groups:") {
            check::prometheus_rules(&file)
        } else {
            assert!(
                text.contains("applications:"),
                "{page}: nobody looks after {text}"
            );
            continue;
        };
        verdict.unwrap_or_else(|problem| panic!("{page}: {problem}\n{text}"));
        checked += 1;
    }
    checked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_prometheus_configuration_and_every_rule_is_one() {
    let demo = Promfetch::demo().await;
    let open = all_blocks(&crawl(&demo).await);
    let foundation = Foundation::start(
        json!({"access": "protected", "base_url": "https://promfetch.test/below/here"}),
    )
    .await;
    let protected = all_blocks(&crawl(&foundation.platform.promfetch).await);
    let (open, protected) =
        tokio::task::spawn_blocking(move || (check_yaml(&open), check_yaml(&protected)))
            .await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    assert!(open >= 6 && protected >= 6, "{open} and {protected}");
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
