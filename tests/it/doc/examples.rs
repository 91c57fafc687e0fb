use std::collections::BTreeMap;
use std::path::Path;

use promfetch_tests::foundation::Foundation;
use promfetch_tests::html::unescape;
use promfetch_tests::http::{self, Response};
use promfetch_tests::process::{report, run};
use promfetch_tests::{Promfetch, check};
use serde_json::{Value, json};

use super::crawl;

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
