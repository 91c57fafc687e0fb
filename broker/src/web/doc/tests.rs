//! The pages of many installations: nothing is left to be put in, and every link leads somewhere.

use std::collections::{BTreeMap, BTreeSet};

use promfetch_core::config::Secret;
use promfetch_core::exposition::Format;
use promfetch_core::failure::Reason;
use promfetch_core::labels::INSTANCE_LABELS;

use super::*;
use crate::config::access::{Mode, UaaConfig};
use crate::config::broker::Login;

/// The pages of a configuration by their paths.
fn pages(config: &Config, has_store: bool, taken_over: bool) -> BTreeMap<&'static str, String> {
    all(config, has_store, taken_over)
        .into_iter()
        .map(|(path, document)| (path, String::from_utf8(document.html.to_vec()).unwrap()))
        .collect()
}

fn with_broker(config: &mut Config) {
    config.broker.login = Login {
        user: "cc".into(),
        pass: Secret("the password of these tests".into()),
    };
    config.broker.secret_key = Secret("the key of these tests".into());
}

/// Installations that differ in everything that the documentation speaks of.
fn installations() -> Vec<(Config, bool)> {
    let mut all = Vec::new();
    for mode in [Mode::Open, Mode::Audit, Mode::Protected] {
        for has_more in [false, true] {
            let mut config = Config::default();
            config.access.mode = mode;
            if has_more {
                with_broker(&mut config);
                config.base_url = "https://promfetch.example/prefix".into();
                config.access.uaa = Some(UaaConfig::default());
                config.metric_path_allow = vec!["/actuator/*".into(), "/m".into()];
                config.core.merge.extra_labels.push("foundation", "eu-1");
                config.core.merge.formats = vec![Format::Text];
                config.core.fetch.cache = std::time::Duration::from_secs(5);
            }
            all.push((config.clone(), has_more));
            if has_more {
                config.broker.secret_key = Secret::default();
                all.push((config, true));
            }
        }
    }
    all
}

/// The values of an attribute, in order.
fn attributes<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn nothing_is_left_to_be_put_in() {
    for (config, has_store) in installations() {
        for (path, html) in pages(&config, has_store, false) {
            assert!(!html.contains("@@"), "/doc/{path}: a mark is left");
            let names: Vec<_> = html.split('@').skip(1).collect();
            for name in names {
                let word: String = name
                    .chars()
                    .take_while(|character| character.is_ascii_lowercase() || *character == '-')
                    .collect();
                assert!(
                    word.is_empty() || !name[word.len()..].starts_with('@'),
                    "/doc/{path}: `@{word}@` is not known"
                );
            }
        }
    }
}

#[test]
fn every_link_leads_to_a_page_and_a_place_on_it() {
    for (config, has_store) in installations() {
        let pages = pages(&config, has_store, false);
        for (path, html) in &pages {
            let ids = attributes(html, "id");
            let unique: BTreeSet<_> = ids.iter().collect();
            assert_eq!(
                ids.len(),
                unique.len(),
                "/doc/{path}: an id is there twice: {ids:?}"
            );
            for link in attributes(html, "href") {
                let (page, place) = link.split_once('#').unwrap_or((link, ""));
                let up = if path.is_empty() { "" } else { "../" };
                let page = match page.strip_prefix(up).unwrap_or("elsewhere") {
                    _ if page.is_empty() => path,
                    own if own.starts_with("assets/") => continue,
                    // The other parts of the service, in the main menu.
                    "" | "./" | "platform" => continue,
                    "doc" => "",
                    own => own.strip_prefix("doc/").unwrap_or(own),
                };
                let target = pages
                    .get(page)
                    .unwrap_or_else(|| panic!("/doc/{path}: no page for {link}"));
                assert!(
                    place.is_empty() || attributes(target, "id").contains(&place),
                    "/doc/{path}: {link} leads to no heading ({:?})",
                    config.access.mode
                );
            }
        }
    }
}

#[test]
fn headings_go_down_one_level_at_a_time_and_tables_and_code_are_whole() {
    for (config, has_store) in installations() {
        for (path, html) in pages(&config, has_store, false) {
            let mut level = 0;
            for (at, _) in html.match_indices("<h") {
                let Some(next) = html[at + 2..]
                    .chars()
                    .next()
                    .and_then(|digit| digit.to_digit(10))
                else {
                    continue;
                };
                assert!(next <= level + 1, "/doc/{path}: h{next} after h{level}");
                level = next;
            }
            assert_eq!(html.matches("<h1>").count(), 1, "/doc/{path}");
            assert!(!html.contains("<p>|"), "/doc/{path}: a table that is none");
            assert!(
                !html.contains("```"),
                "/doc/{path}: a block that is not closed"
            );
            assert!(
                !html.contains("<p></p>") && !html.contains("<ul>\n</ul>"),
                "/doc/{path}"
            );
        }
    }
}

#[test]
fn what_an_installation_has_stands_there_and_nothing_else() {
    let mut config = Config::default();
    let open = pages(&config, false, false);
    assert!(open["access"].contains("whoever reaches"));
    assert!(
        !open["apps"].contains("cf create-service"),
        "nobody can bind"
    );
    with_broker(&mut config);
    config.access.mode = Mode::Protected;
    config.base_url = "https://promfetch.example/prefix".into();
    config.broker.service_name = "app-metrics".into();
    let full = pages(&config, true, false);
    for (page, text) in [
        ("apps", "cf create-service app-metrics fetch-app my-metrics"),
        ("apps", "<th scope=\"row\"><code>endpoint</code></th>"),
        (
            "start",
            "https://promfetch.example/prefix/v1/apps/my-org/my-space/my-app/metrics",
        ),
        (
            "prometheus",
            "scheme: https\n    metrics_path: /prefix/v1/apps/",
        ),
        ("prometheus", "targets: [&quot;promfetch.example&quot;]"),
        ("prometheus", "0.8 * 67108864"),
        ("access", "cf service-key my-metrics prometheus"),
        ("configuration", "<code>broker.secret_key</code>"),
    ] {
        let page = if page == "start" { "" } else { page };
        assert!(
            full[page].contains(text),
            "/doc/{page}: {text}: {}",
            full[page]
        );
    }
    assert!(!full["access"].contains("whoever reaches"));
    for secret in ["the password of these tests", "the key of these tests"] {
        assert!(full.values().all(|html| !html.contains(secret)), "{secret}");
    }
    for (given, taken_over, want) in [
        ("", true, "promfetcher"),
        ("", false, "promfetch"),
        ("m.m", true, "m.m"),
    ] {
        config.broker.service_name = given.into();
        let html = &pages(&config, true, taken_over)["apps"];
        assert!(
            html.contains(&format!("cf create-service {want} fetch-app")),
            "{want}"
        );
    }
}

#[test]
fn hostile_values_stay_text() {
    let evil =
        "</code><script>alert(1)</script>\" onload=\"x' $(id) `id` \u{202e}| [x](http://y) @url@";
    let mut config = Config::default();
    with_broker(&mut config);
    config.base_url = format!("https://h.example/{evil}");
    config.broker.service_name = evil.into();
    config.metric_path_allow = vec![evil.into()];
    config.core.merge.extra_labels.push(evil, "x");
    for (path, html) in pages(&config, true, false) {
        assert_eq!(
            html.matches("<script").count(),
            1,
            "/doc/{path}: only its own"
        );
        assert!(!html.contains("onload=\""), "/doc/{path}");
        assert!(
            !html.contains('\u{202e}'),
            "/doc/{path}: no line is turned round"
        );
        assert!(!html.contains("href=\"http"), "/doc/{path}");
        for address in html.split("https://h.example/").skip(1) {
            assert!(
                address.starts_with("%3C/code%3E%3Cscript%3Ealert%281%29%3C/script%3E%22%20onload%3D%22x%27%20%24%28id%29%20%60id%60%20%E2%80%AE%7C%20[x]%28http://y%29%20%40url%40"),
                "/doc/{path}: a shell would read it: {address:.200}"
            );
        }
    }
    let html = &pages(&config, true, false)["pages"];
    assert!(
        html.contains("&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&quot;x"),
        "{html}"
    );
}

#[test]
fn every_reason_and_every_label_is_explained() {
    let html = &pages(&Config::default(), false, false)["pages"];
    let words = Reason::all().map(Reason::as_str).chain(INSTANCE_LABELS);
    for word in words {
        assert!(
            html.contains(&format!("><code>{word}</code></th>")),
            "{word}"
        );
    }
}

#[test]
fn equal_installations_have_equal_tags() {
    let tags = |config: &Config| -> Vec<_> {
        let all = all(config, false, false).into_iter();
        all.map(|(_, document)| document.tag).collect()
    };
    let mut config = Config::default();
    let first = tags(&config);
    assert_eq!(
        first,
        tags(&config),
        "several processes stand behind one address"
    );
    config.base_url = "https://elsewhere.example".into();
    assert!(
        tags(&config)
            .iter()
            .zip(&first)
            .any(|(one, other)| one != other)
    );
}
