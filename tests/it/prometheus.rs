use promfetch_tests::prometheus::Prometheus;
use promfetch_tests::{App, Behaviour, Platform};

fn host(url: &str) -> &str {
    url.trim_start_matches("http://")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_scrape_fails_while_instances_hang_and_answer_garbage_and_nats_restarts() {
    let mut platform = Platform::start().await;
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            (0..10).map(|_| Behaviour::counting(2)),
        )
        .await;
    let path = pushed.app.path("metrics");
    let config = format!(
        "global:\n  scrape_interval: 3s\n  scrape_timeout: 3s\nscrape_configs:\n\
         - job_name: shop\n  honor_labels: true\n  metrics_path: {path}\n  static_configs:\n  - targets: ['{}']\n",
        host(&platform.promfetch.api)
    );
    let prometheus = Prometheus::start(&config).await;
    prometheus.until("sum(promfetch_up)", |up| up == 10.0).await;

    pushed.instances[3].becomes(Behaviour::Hang);
    pushed.instances[7].becomes(Behaviour::garbage());
    prometheus.until("sum(promfetch_up)", |up| up == 8.0).await;
    platform.nats[0].kill();
    // Several scrapes with NATS away, several after it is back.
    let scrapes = prometheus.until("count_over_time(up[5m])", |_| true).await;
    prometheus
        .until("count_over_time(up[5m])", |count| count >= scrapes + 3.0)
        .await;
    platform.nats[0].restart().await;
    prometheus
        .until("count_over_time(up[5m])", |count| count >= scrapes + 6.0)
        .await;

    assert_eq!(
        prometheus.value("min_over_time(up[5m])").await,
        Some(1.0),
        "a scrape failed"
    );
    let down = prometheus.query("promfetch_up == 0").await;
    let mut down: Vec<_> = down.iter().map(|series| series.label("index")).collect();
    down.sort_unstable();
    assert_eq!(down, ["3", "7"]);
    let reasons = prometheus.query("promfetcher_scrape_error == 1").await;
    let mut reasons: Vec<_> = reasons
        .iter()
        .map(|series| (series.label("index"), series.label("error")))
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [("3", "timeout"), ("7", "parse")]);

    // And back: a healed instance is up again.
    pushed.instances[3].becomes(Behaviour::counting(2));
    prometheus
        .until("promfetch_up{index=\"3\"}", |up| up == 1.0)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promql_over_the_merged_series_equals_the_instances() {
    let platform = Platform::start().await;
    // Pages that do not change, so that every sum has one right answer.
    let values = [3_u64, 5, 8, 13];
    let page = |value: u64| {
        Behaviour::page(format!(
            "# TYPE jobs_total counter\njobs_total{{queue=\"mail\"}} {value}\njobs_total{{queue=\"print\"}} {}\n\
             # TYPE latency_seconds histogram\nlatency_seconds_bucket{{le=\"1\"}} {value}\nlatency_seconds_bucket{{le=\"+Inf\"}} {value}\n\
             latency_seconds_sum {value}.25\nlatency_seconds_count {value}\n",
            value * 10
        ))
    };
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), values.map(page))
        .await;
    let prometheus =
        Prometheus::scraping(host(&platform.promfetch.api), &[pushed.app.path("metrics")]).await;
    prometheus.until("sum(promfetch_up)", |up| up == 4.0).await;

    let sum: u64 = values.iter().sum();
    for (promql, expected) in [
        ("sum(jobs_total)", 11.0 * sum as f64),
        ("sum(jobs_total{queue=\"mail\"})", sum as f64),
        ("sum(latency_seconds_sum)", sum as f64 + 1.0),
        ("max(jobs_total{queue=\"print\"})", 130.0),
        ("count(jobs_total)", 8.0),
        ("count(count by (index) (jobs_total))", 4.0),
        ("sum(promfetch_scrape_samples)", 6.0 * 4.0),
        ("sum(latency_seconds_bucket{le=\"+Inf\"})", sum as f64),
    ] {
        assert_eq!(prometheus.value(promql).await, Some(expected), "{promql}");
    }
    // `honor_labels` keeps ours as they are.
    let series = prometheus
        .query("jobs_total{index=\"2\",queue=\"mail\"}")
        .await;
    assert_eq!(series.len(), 1);
    for (label, value) in [
        ("app_id", pushed.app.guid.as_str()),
        ("organization_name", "acme"),
        ("space_name", "prod"),
        ("app_name", "shop"),
        ("instance_id", "2"),
        ("instance", &pushed.instances[2].address.to_string()),
    ] {
        assert_eq!(series[0].label(label), value, "{label}");
    }
    assert!(
        !series[0]
            .labels
            .keys()
            .any(|label| label.starts_with("exported_"))
    );
}
