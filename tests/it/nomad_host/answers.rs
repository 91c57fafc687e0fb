use promfetch_tests::http;
use serde_json::json;

use super::{DRIVER, Host, get, is_up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_become_gauges() {
    let queries = [
        ("fixed", "fixed:120.5"),
        ("config", "config:number"),
        ("window", "window"),
        ("gap", "gap"),
        ("timeless", "timeless"),
        ("old", "old"),
        ("nan", "nan"),
        ("empty", "empty"),
        ("error", "error:no route\nto host"),
        ("slow", "sleep:1h"),
        ("huge", "huge:1000000"),
        ("large", "huge:100000"),
        ("unknown", "something else"),
        ("endless", "long"),
    ];
    let queries: Vec<_> = queries
        .iter()
        .map(|(name, query)| json!({"name": name, "query": query, "labels": {"team": "a\"b"}}))
        .collect();
    let host = Host::start(json!({
        "plugins": [{"name": "my plugin", "driver": DRIVER, "config": {"number": 42, "empty": ""}}],
        "queries": queries,
        "timeout": "4s",
    }))
    .await;
    // A debug build and a busy machine take a while for the large ones.
    let page = host
        .until("all have an answer", |page| {
            page.all("apm_query_duration_seconds").len() == 14 && is_up(page, "large")
        })
        .await;
    for (query, expected, why) in [
        ("fixed", Some(120.5), "the last of many that come backwards"),
        (
            "config",
            Some(42.0),
            "a number of the file is a text for plugins",
        ),
        ("window", Some(60.0), "a minute is asked for"),
        ("gap", Some(5.0), "the last that is a number"),
        ("timeless", Some(7.0), "the last that has a time"),
        ("old", Some(3.0), "with its own time"),
        ("large", Some(1.0), "100,000 samples"),
        ("nan", None, "no number"),
        ("empty", None, "no sample"),
        ("error", None, "the plugin's error"),
        ("slow", None, "no answer in time"),
        ("huge", None, "over the limit"),
        ("unknown", None, "no query of this plugin"),
        ("endless", None, "an error of megabytes"),
    ] {
        let labels = [("plugin", "my plugin"), ("query", query), ("team", "a\"b")];
        assert_eq!(is_up(&page, query), expected.is_some(), "{why}");
        let values = page.all("apm_query_value").into_iter();
        let found: Vec<_> = values
            .filter(|sample| sample.label("query") == query)
            .map(|sample| sample.value)
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{why}");
        assert!(
            page.value("apm_query_duration_seconds", &labels) >= 0.0,
            "{why}"
        );
    }
    let time = |query| page.value("apm_query_sample_timestamp_seconds", &[("query", query)]);
    let age = time("fixed") - time("old");
    assert!(
        (3600.0..3720.0).contains(&age),
        "an hour and the window: {age}"
    );
    assert_eq!(page.types["apm_plugin_restarts_total"], "counter");
    for text in [
        "no route\\nto host",
        "no answer within 4s",
        "3 samples, of which none is a number",
        "no samples in this time",
        "unknown query \"something else\"",
        "limit",
    ] {
        host.logged(text).await;
    }
    let told = host.process.log().matches("no route").count();
    assert_eq!(told, 1, "once, and not each tick");
    assert_eq!(super::restarts(&page, "my plugin"), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_fails_has_no_value_and_gets_one_again() {
    let folder = super::Folder::new();
    let there = folder.path("there");
    let query = format!("while:{}", there.display());
    std::fs::write(&there, "").unwrap();
    let host = Host::start_in(
        folder,
        json!({
            "plugins": [{"name": DRIVER}],
            "queries": [
                {"name": "sometimes", "query": query},
                {"name": "always", "query": "offset", "offset": "1m", "window": "0s"},
                {"name": "instant", "query": "window", "window": "0s"},
            ],
        }),
    )
    .await;
    let page = host
        .until("all are up", |page| {
            ["sometimes", "always", "instant"]
                .iter()
                .all(|query| is_up(page, query))
        })
        .await;
    assert!(page.value("apm_query_value", &[("query", "always")]) >= 60.0);
    assert_eq!(page.value("apm_query_value", &[("query", "instant")]), 0.0);
    std::fs::remove_file(&there).unwrap();
    let page = host
        .until("it fails", |page| !is_up(page, "sometimes"))
        .await;
    assert_eq!(page.all("apm_query_value").len(), 2);
    std::fs::write(&there, "").unwrap();
    host.until("it is up again", |page| is_up(page, "sometimes"))
        .await;
    host.logged("it has an answer again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_at_an_address_too_and_nothing_else_is() {
    let host = Host::start(json!({
        "plugins": [{"name": DRIVER, "args": ["-tcp"]}],
        "queries": [{"name": "a", "query": "fixed:1"}],
        "socket": null,
        "address": "127.0.0.1:0",
    }))
    .await;
    let log = host.process.log();
    let (_, url) = log.split_once("listening on ").expect("an address");
    let url = url.split_whitespace().next().unwrap().to_owned();
    // This plugin listens on TCP, and knows neither `Shutdown` nor the streams of Go's library.
    promfetch_tests::eventually("it is up", async || {
        let page = http::get(&url, &[]).await;
        assert!(
            page.header("content-type")
                .starts_with("text/plain; version=0.0.4")
        );
        page.text()
            .contains("apm_query_value{plugin=\"noop-apm\",query=\"a\"} 1\n")
            .then_some(())
    })
    .await;
    assert_eq!(
        http::get(&url.replace("/metrics", "/"), &[]).await.status,
        404
    );
    assert_eq!(
        http::request("POST", &url, &[], None).await.unwrap().status,
        405
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_what_plugins_write() {
    let host = Host::start(json!({
        "plugins": [{"name": "talker", "driver": DRIVER, "config": {"log": "yes"}, "args": ["-env"]}],
        "queries": [{"name": "a", "query": "fixed:1"}],
    }))
    .await;
    host.until("it is up", |page| is_up(page, "a")).await;
    for (level, text, why) in [
        (
            "WARN",
            "apm: the disk is nearly full disk=\"/var\" free=7 nested={\"a\":1}",
            "hclog with all fields",
        ),
        (
            "ERROR",
            "something failed error=\"no route to host\"",
            "hclog without a name",
        ),
        (
            "DEBUG",
            "a line of plain text",
            "text, which Go's library sends over gRPC",
        ),
        (
            "DEBUG",
            "{\"@level\":\"warn\",\"no\":\"message\"}",
            "JSON that is no hclog",
        ),
        (
            "DEBUG",
            "with a bell \\u{7} and \\u{1b}[31mcolours",
            "nothing that a terminal obeys",
        ),
        ("DEBUG", "end of the long line", "the last piece"),
        (
            "DEBUG",
            "something on stdout",
            "stdout after the first line",
        ),
        (
            "DEBUG",
            "environment: MY_PROXY=seen",
            "the environment is handed on",
        ),
        (
            "DEBUG",
            "environment: PLUGIN_PROTOCOL_VERSIONS=1",
            "as the agent sets it",
        ),
        (
            "DEBUG",
            "environment: PLUGIN_MIN_PORT=10000",
            "as the agent sets it",
        ),
    ] {
        host.logged(text).await;
        let log = host.process.log();
        let line = log.lines().find(|line| line.contains(text)).unwrap();
        assert!(
            line.contains(&format!(" {level} ")) && line.contains("plugin=talker"),
            "{why}: {line}"
        );
    }
    let log = host.process.log();
    assert!(
        !log.contains("unseen"),
        "what is promfetch's, or another host's, is kept back: {log}"
    );
    assert!(log.lines().all(|line| line.len() < 5000));
    let (head, _) = get(&host.folder.path("apm.sock"), "/").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
}
