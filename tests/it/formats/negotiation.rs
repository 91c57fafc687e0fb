use promfetch_tests::http::Response;
use promfetch_tests::platform::Pushed;
use promfetch_tests::{Answer, App, Behaviour, Page, Platform};
use serde_json::json;

/// What Prometheus 3 sends with native histograms: it names no escaping for protobuf.
const PROMETHEUS_3: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

/// The same without protobuf, which is its default.
const PROMETHEUS_3_DEFAULT: &str = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF_ANSWER: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Family `jobs_total`, a counter with one sample of this value.
fn jobs_protobuf(value: f64) -> Vec<u8> {
    let mut family = b"\x0a\x0ajobs_total\x18\0\x22\x0b\x1a\x09\x09".to_vec();
    family.extend(value.to_le_bytes());
    family.insert(0, u8::try_from(family.len()).unwrap());
    family
}

/// Always protobuf, whatever is asked for.
fn protobuf(value: f64) -> Behaviour {
    Behaviour::fixed(Answer {
        status: 200,
        headers: vec![("content-type", PROTOBUF_ANSWER.into())],
        body: jobs_protobuf(value).into(),
    })
}

fn text(value: f64) -> Behaviour {
    Behaviour::page(format!("# TYPE jobs_total counter\njobs_total {value}\n"))
}

fn openmetrics(value: f64) -> Behaviour {
    Behaviour::fixed(Answer::openmetrics(format!(
        "# TYPE jobs counter\njobs_total {value}\n# EOF\n"
    )))
}

/// In whichever format is asked for first.
fn polyglot(value: f64) -> Behaviour {
    let answers = [protobuf(value), openmetrics(value), text(value)];
    Behaviour::answering(move |seen| {
        let accept = seen.header("accept");
        let at = if accept.contains("protobuf") {
            0
        } else if accept.contains("openmetrics") {
            1
        } else {
            2
        };
        match &answers[at] {
            Behaviour::Answer(respond) => respond(seen),
            other => panic!("{other:?} is no answer"),
        }
    })
}

async fn ask(platform: &Platform, pushed: &Pushed, accept: &str) -> Response {
    platform
        .promfetch
        .get_with(&pushed.app.path("metrics"), &[("accept", accept)])
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_gets_what_it_likes_best() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [polyglot(1.0), polyglot(2.0)],
        )
        .await;
    let protobuf_utf8 = format!("{PROTOBUF_ANSWER}; escaping=allow-utf-8");
    let openmetrics_utf8 = format!("{OPENMETRICS}; escaping=allow-utf-8");
    for (accept, want, why) in [
        ("*/*", TEXT, "curl"),
        (
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            TEXT,
            "a browser",
        ),
        (
            "text/plain;version=0.0.4;q=0.6,*/*;q=0.5",
            TEXT,
            "Prometheus with text alone",
        ),
        (
            "text/plain;version=1.0.0;escaping=dots",
            "text/plain; version=1.0.0; charset=utf-8; escaping=dots",
            "text with names in quotes",
        ),
        (
            "text/plain;version=1.0.0",
            "text/plain; version=1.0.0; charset=utf-8",
            "and without",
        ),
        (
            PROMETHEUS_3,
            &protobuf_utf8,
            "Prometheus 3 with native histograms",
        ),
        (PROMETHEUS_3_DEFAULT, &openmetrics_utf8, "Prometheus 3"),
        (PROTOBUF, PROTOBUF_ANSWER, "protobuf alone"),
        (
            "application/openmetrics-text;escaping=any",
            OPENMETRICS,
            "an unknown escaping",
        ),
        ("application/json", TEXT, "nothing that there is"),
    ] {
        let answer = ask(&platform, &pushed, accept).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, want),
            "{why}"
        );
        assert_eq!(answer.header("vary"), "Accept, Accept-Encoding", "{why}");
        assert_eq!(answer.header("x-promfetch-up"), "2", "{why}");
        if !want.contains("protobuf") {
            let page = Page::read(answer.text());
            assert_eq!(page.all("jobs_total").len(), 2, "{why}: {}", page.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_version_is_told_to_those_who_ask_for_it() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [polyglot(1.0)])
        .await;
    let path = pushed.app.path("metrics");
    // No judge knows this version; the page is the same as that of 1.0.0.
    let accept = "application/openmetrics-text;version=0.0.1";
    let answer = platform
        .promfetch
        .try_get_with(&path, &[("accept", accept)])
        .await
        .unwrap();
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=0.0.1; charset=utf-8"
    );
    assert!(answer.text().ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_all_formats_are_one_page() {
    let platform = Platform::start().await;
    let behaviours = [
        text(1.0),
        openmetrics(2.0),
        protobuf(3.0),
        Behaviour::garbage(),
    ];
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    for accept in ["*/*", "application/openmetrics-text"] {
        let answer = ask(&platform, &pushed, accept).await;
        let page = Page::read(answer.text());
        for (index, value) in [("0", 1.0), ("1", 2.0), ("2", 3.0)] {
            assert_eq!(
                page.value("jobs_total", &[("index", index)]),
                value,
                "{accept}"
            );
            assert_eq!(
                page.value("promfetch_scrape_samples", &[("index", index)]),
                1.0
            );
        }
        assert_eq!(
            page.value("promfetch_scrape_body_bytes", &[("index", "2")]),
            jobs_protobuf(3.0).len() as f64,
            "as the instance sent it"
        );
        assert_eq!(page.errors().len(), 1, "{}", page.text);
        assert_eq!(page.errors()["3"], "parse");
    }
    let answer = ask(&platform, &pushed, PROMETHEUS_3).await;
    assert!(answer.header("content-type").starts_with(PROTOBUF_ANSWER));
    assert_eq!(
        (
            answer.header("x-promfetch-up"),
            answer.header("x-promfetch-failed")
        ),
        ("3", "1")
    );
    for (at, instance) in pushed.instances.iter().enumerate() {
        assert_eq!(instance.requests(), 3, "once for each page: {at}");
        let first = format!("{PROTOBUF};escaping=allow-utf-8;q=0.6,");
        assert!(instance.last_seen().header("accept").starts_with(&first));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_in_the_best_format_that_any_instance_has() {
    let platform = Platform::start().await;
    for (name, behaviours, want) in [
        (
            "texts",
            vec![text(1.0), text(2.0)],
            "text/plain; version=1.0.0",
        ),
        ("both", vec![text(1.0), openmetrics(2.0)], OPENMETRICS),
        (
            "all",
            vec![text(1.0), openmetrics(2.0), protobuf(3.0)],
            PROTOBUF_ANSWER,
        ),
        ("none", vec![Behaviour::status(500)], PROTOBUF_ANSWER),
    ] {
        let pushed = platform
            .push(App::new("acme", "prod", name), behaviours)
            .await;
        let answer = ask(&platform, &pushed, PROMETHEUS_3).await;
        assert!(
            answer.header("content-type").starts_with(want),
            "{name}: {}",
            answer.header("content-type")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_says_which_are_offered_and_for_whom() {
    for (formats, accept, want) in [
        (json!(["openmetrics", "text"]), "*/*", OPENMETRICS),
        (json!(["openmetrics", "text"]), PROTOBUF, TEXT),
        (json!(["protobuf", "text"]), "*/*", TEXT),
        (json!(["protobuf"]), PROTOBUF, PROTOBUF_ANSWER),
    ] {
        let platform = Platform::start_with(json!({"formats": formats})).await;
        let pushed = platform
            .push(App::new("acme", "prod", "shop"), [polyglot(1.0)])
            .await;
        let answer = ask(&platform, &pushed, accept).await;
        assert_eq!(answer.header("content-type"), want, "{formats} {accept}");
    }
}
