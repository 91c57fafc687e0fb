use promfetch_tests::{Answer, App, Behaviour, Instance, Page, Platform};
use serde_json::json;

/// What Prometheus 2.42 sends.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openmetrics_keeps_exemplars_units_and_created() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::bilingual(2), Behaviour::bilingual(3)],
        )
        .await;
    for accept in [
        PROMETHEUS,
        "application/openmetrics-text; version=1.0.0",
        "application/openmetrics-text",
    ] {
        let answer = platform
            .promfetch
            .get_with(&pushed.app.path("metrics"), &[("accept", accept)])
            .await;
        assert_eq!(
            answer.header("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            "{accept}"
        );
        assert!(answer.text().ends_with("# EOF\n"));
        assert_eq!(answer.text().matches("# EOF").count(), 1);
        let page = Page::read(answer.text());
        let total = page.one("requests_total", &[("index", "1"), ("code", "200")]);
        assert!(
            total.rest.starts_with("# {trace_id=\"abc"),
            "the exemplar stays: {total:?}"
        );
        assert!(page.has("requests_created"));
        assert_eq!(page.types["build"], "info");
        assert!(answer.text().contains("# UNIT latency_seconds seconds\n"));
        assert_eq!(page.up().values().sum::<f64>(), 2.0);
        assert_eq!(page.types["promfetch_up"], "gauge");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_unknown_in_openmetrics_which_wants_total_of_counters() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::bilingual(2), Behaviour::garbage()],
        )
        .await;
    let answer = platform
        .promfetch
        .get_with(&pushed.app.path("metrics"), &[("accept", PROMETHEUS)])
        .await;
    let page = Page::read(answer.text());
    assert_eq!(page.errors()["1"], "parse");
    if answer
        .header("content-type")
        .starts_with("application/openmetrics-text")
    {
        assert_eq!(page.types["promfetcher_scrape_error"], "unknown");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_is_what_callers_get_that_do_not_ask() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::bilingual(2)])
        .await;
    for accept in [
        None,
        Some("*/*"),
        Some("text/plain"),
        Some("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        Some("application/json"),
        Some("nonsense"),
        Some("application/openmetrics-text;q=0,text/plain"),
    ] {
        let headers: Vec<_> = accept.iter().map(|accept| ("accept", *accept)).collect();
        let answer = platform
            .promfetch
            .get_with(&pushed.app.path("metrics"), &headers)
            .await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/plain; version=0.0.4; charset=utf-8"),
            "{accept:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_of_mixed_formats_loses_no_instance() {
    let platform = Platform::start().await;
    let behaviours = [
        Behaviour::bilingual(2),
        Behaviour::page("# TYPE requests_total counter\nrequests_total{code=\"200\"} 9\n"),
        Behaviour::bilingual(4),
    ];
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let answer = platform
        .promfetch
        .get_with(&pushed.app.path("metrics"), &[("accept", PROMETHEUS)])
        .await;
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let page = Page::read(answer.text());
    assert_eq!(page.up().values().sum::<f64>(), 3.0, "{}", page.text);
    for (index, value) in [("0", 2.0), ("1", 9.0), ("2", 4.0)] {
        let labels = [("index", index), ("code", "200")];
        assert_eq!(
            page.value("requests_total", &labels),
            value,
            "{}",
            page.text
        );
    }
    assert!(
        page.one("requests_total", &[("index", "2"), ("code", "200")])
            .rest
            .starts_with("# {trace_id="),
        "the others lose nothing by it"
    );
    let requests: Vec<_> = pushed.instances.iter().map(Instance::requests).collect();
    assert_eq!(requests, [1, 1, 1], "nobody is asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_has_only_openmetrics_is_text_for_those_who_want_text() {
    let platform = Platform::start().await;
    let only = |value| {
        Behaviour::fixed(Answer::openmetrics(format!(
            "# TYPE jobs counter\njobs_total {value}\n# EOF\n"
        )))
    };
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [only(1), only(2)])
        .await;
    // `/v2` is text, whatever is accepted.
    let path = pushed.app.path("metrics").replace("/v1/", "/v2/");
    let answer = platform
        .promfetch
        .get_with(&path, &[("accept", PROMETHEUS)])
        .await;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let page = Page::read(answer.text());
    assert_eq!(page.all("jobs_total").len(), 2);
    assert_eq!(page.types["jobs_total"], "counter");
    assert_eq!(
        page.value("promfetch_scrape_body_bytes", &[("index", "0")]),
        39.0,
        "as the instance sent it"
    );

    // Beside one that has only text they are in one family.
    let text = Behaviour::page("# TYPE jobs_total counter\njobs_total 3\n");
    let mixed = platform
        .push(App::new("acme", "prod", "cart"), [only(1), text])
        .await;
    let page = platform.page(&mixed.app).await;
    assert_eq!(page.up().values().sum::<f64>(), 2.0, "{}", page.text);
    assert_eq!(page.all("jobs_total").len(), 2);
    assert!(!page.has("promfetcher_scrape_error"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_openmetrics_is_a_parse_error() {
    let platform = Platform::start().await;
    let broken = [
        ("# TYPE a counter\na_total 1\n", "no EOF"),
        (
            "# TYPE a counter\na_total 1\n# EOF\nb 1\n",
            "something after EOF",
        ),
        (
            "# TYPE a counter\na 1\n# EOF\n",
            "a counter without `_total`",
        ),
        ("a 1\n\nb 1\n# EOF\n", "an empty line"),
    ];
    let mut behaviours = vec![Behaviour::fixed(Answer::openmetrics(
        "# TYPE a counter\na_total 5\n# EOF\n",
    ))];
    behaviours.extend(
        broken
            .iter()
            .map(|(page, _)| Behaviour::fixed(Answer::openmetrics(*page))),
    );
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let answer = platform
        .promfetch
        .get_with(&pushed.app.path("metrics"), &[("accept", PROMETHEUS)])
        .await;
    let page = Page::read(answer.text());
    assert_eq!(page.value("a_total", &[]), 5.0);
    for (index, (_, reason)) in broken.iter().enumerate() {
        assert_eq!(
            page.errors()
                .get(&(index + 1).to_string())
                .map(String::as_str),
            Some("parse"),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_pins_what_is_offered() {
    let platform = Platform::start_with(json!({"formats": ["text"]})).await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::bilingual(2)])
        .await;
    let answer = platform
        .promfetch
        .get_with(&pushed.app.path("metrics"), &[("accept", PROMETHEUS)])
        .await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    assert!(
        !pushed.instances[0]
            .last_seen()
            .header("accept")
            .contains("openmetrics")
    );
}
