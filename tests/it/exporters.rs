use promfetch_tests::app::instance_guid;
use promfetch_tests::prometheus::{Prometheus, nginx, node_exporter, python_app};
use promfetch_tests::{App, Platform, eventually};
use serde_json::{Value, json};

/// The message that registers a server which is no [`Instance`](promfetch_tests::Instance).
fn message(app: &App, index: &str, address: std::net::SocketAddr) -> Value {
    let guid = instance_guid();
    json!({
        "host": address.ip().to_string(),
        "port": address.port(),
        "uris": app.routes,
        "app": app.guid,
        "private_instance_id": guid,
        "private_instance_index": index,
        "tags": app.tags(index, &guid),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_exporter_prometheus_and_nginx_merge_into_one_page() {
    let saved = tempfile::tempdir().unwrap();
    // Long enough for nginx to compress it.
    let lines: String = (0..2_000)
        .map(|number| format!("saved_metric{{number=\"{number}\"}} {number}\n"))
        .collect();
    std::fs::write(
        saved.path().join("metrics"),
        format!("# HELP saved_metric From a file.\n# TYPE saved_metric gauge\n{lines}"),
    )
    .unwrap();
    let (platform, exporter, prometheus, nginx) = tokio::join!(
        Platform::start(),
        node_exporter(),
        Prometheus::start("scrape_configs: []\n"),
        nginx(saved.path())
    );

    let app = App::new("acme", "prod", "exporters");
    for (index, address) in [
        ("0", exporter.address),
        ("1", prometheus.address),
        ("2", nginx.address),
    ] {
        platform
            .emitter
            .publish("router.register", &message(&app, index, address))
            .await;
    }
    let page = platform
        .page_once(&app, "all three are up", |page| {
            page.up().values().sum::<f64>() == 3.0
        })
        .await;

    assert!(page.one("node_load1", &[]).value >= 0.0);
    assert_eq!(page.one("node_load1", &[]).label("index"), "0");
    assert!(page.has("prometheus_build_info"));
    assert_eq!(page.all("saved_metric").len(), 2_000);
    // Both Go programs have these: one family, a sample of each.
    let go: Vec<_> = page
        .all("go_goroutines")
        .iter()
        .map(|sample| sample.label("index"))
        .collect();
    assert_eq!(go, ["0", "1"]);
    assert_eq!(page.types["go_gc_duration_seconds"], "summary");
}

/// A counter with an exemplar, a histogram and an info.
const METRICS: &str = "
Counter('jobs', 'Jobs done.', ['queue']).labels('a\"b').inc(3, exemplar={'trace_id': 'abc'})
Histogram('wait_seconds', 'Time in the queue.').observe(0.3)
Info('build', 'What runs.').info({'version': '1.2'})
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openmetrics_of_python_programs_keeps_its_exemplars() {
    let (platform, first, second) =
        tokio::join!(Platform::start(), python_app(METRICS), python_app(METRICS));
    let app = App::new("acme", "prod", "exporters");
    for (index, address) in [("0", first.address), ("1", second.address)] {
        platform
            .emitter
            .publish("router.register", &message(&app, index, address))
            .await;
    }
    let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
    let page = eventually("both are up", async || {
        let answer = platform
            .promfetch
            .get_with(&app.path("metrics"), &accept)
            .await;
        let page = (answer.status == 200).then(|| promfetch_tests::Page::read(answer.text()))?;
        (page.up().values().sum::<f64>() == 2.0).then_some(page)
    })
    .await;
    assert_eq!(page.all("jobs_total").len(), 2);
    assert_eq!(page.types["wait_seconds"], "histogram");
    assert_eq!(page.text.matches("# {trace_id=\"abc\"} 3.0").count(), 2);
    assert!(page.text.ends_with("# EOF\n"));
}
