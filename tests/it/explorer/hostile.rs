use promfetch_tests::html::attributes;
use promfetch_tests::{App, Behaviour, Platform, check};

use super::{page, snippet};

/// Every name here is one that the Cloud Controller takes.
fn names() -> Vec<String> {
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "a'b\"c&amp;",
        "\u{202e}txt.exe",
        "{{ .x }} @url@ @@if open@@",
        "new\nline",
        "a/b c%2Fd?e#f",
        "..",
        "größe 東京",
        "- job: [x]: !!y",
    ];
    let mut names: Vec<String> = names.map(str::to_owned).into();
    names.push("x".repeat(250));
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_only_names_on_every_page() {
    let platform = Platform::start().await;
    let promfetch = &platform.promfetch;
    let mut apps = Vec::new();
    for name in names() {
        let app = App::new(&name, &name, &name);
        let metrics =
            "# HELP a <b>&\"' {{ x }}\n# TYPE a counter\na{l=\"</code><script>alert(2)\"} 1\n";
        apps.push(platform.push(app, [Behaviour::page(metrics)]).await);
    }
    let start = page(promfetch, "/", 200).await;
    let links = attributes(start.text(), "href");
    let links: Vec<&String> = links
        .iter()
        .filter(|link| link.starts_with("apps/"))
        .collect();
    assert_eq!(links.len(), apps.len(), "{links:?}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for link in links {
        let join = if link.contains('?') { '&' } else { '?' };
        let path = format!("/{link}{join}ask&family=a&filter=%3Cb%3E");
        let answer = page(promfetch, &path, 200).await;
        let text = answer.text();
        for raw in [
            "<script>",
            "<img src=x",
            "<b>",
            "\u{202e}",
            "@@if",
            "</code><script",
        ] {
            // Marks of the documentation are no marks here, and stay as they are.
            if raw != "@@if" {
                assert!(!text.contains(raw), "{path}: {raw}");
            }
        }
        assert!(text.contains("data-family=\"a\""), "{path}");
        for name in ["job", "sd"] {
            let file = folder.path().join("prometheus.yml");
            std::fs::write(&file, snippet(text, name)).expect("a file");
            check::prometheus_config(&file)
                .unwrap_or_else(|problem| panic!("{path}: {name}: {problem}"));
        }
        // What is copied leads to the app, also where its names cannot stand in a path.
        let url = snippet(text, "url");
        let (_, rest) = url.split_once("/v1/").expect("an address");
        let merged = promfetch.page(&format!("/v1/{rest}")).await;
        assert!(merged.has("a"), "{url}");
        let samples = attributes(text, "data-samples").remove(0);
        let samples = samples.trim_start_matches("../");
        let json = promfetch.get(&format!("/{samples}?family=a")).await;
        assert_eq!(json.status, 200, "{samples}");
    }
    for name in names() {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/?q={encoded}"),
            format!("/apps/x/y/{encoded}z"),
            format!("/apps/{encoded}z"),
        ] {
            let answer = promfetch.get_with(&path, &super::BROWSER).await;
            assert!(
                [200, 404, 400].contains(&answer.status),
                "{path}: {}",
                answer.status
            );
            // What the viewer types stays as it is in the field where it was typed.
            let text = answer.text().replace(&format!("value=\"{name}\""), "");
            for raw in ["<script>a", "<img src=x", "\u{202e}"] {
                assert!(!text.contains(raw), "{path}: {raw}");
            }
        }
    }
}
