use std::collections::BTreeMap;

use promfetch_tests::oracle::{self, Format, Native, Series};
use promfetch_tests::pages::{Kind, Metrics};
use promfetch_tests::platform::Pushed;
use promfetch_tests::prometheus::Prometheus;
use promfetch_tests::{Answer, App, Behaviour, Platform};
use serde_json::{Value, json};

use super::instances;

/// An app of which each instance has another format, and nothing else.
async fn mixed(platform: &Platform, metrics: &[Metrics]) -> Pushed {
    let behaviours = metrics.iter().zip(Format::ALL).map(|(metrics, format)| {
        let page = metrics.page(format);
        Behaviour::fixed(match format {
            Format::Text => Answer::text(page),
            Format::OpenMetrics => Answer::openmetrics(page),
            Format::Protobuf => Answer::protobuf(page),
        })
    });
    platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await
}

/// What must be read of that app's page.
fn expected(pushed: &Pushed, metrics: &[Metrics], target: Format) -> Vec<Series> {
    let app = &pushed.app;
    let all = metrics.iter().zip(Format::ALL).zip(&pushed.instances);
    all.flat_map(|((metrics, source), instance)| {
        let address = instance.address.to_string();
        let added = [
            ("organization_id", app.organization_guid.as_str()),
            ("space_id", &app.space_guid),
            ("app_id", &app.guid),
            ("organization_name", &app.organization),
            ("space_name", &app.space),
            ("app_name", &app.name),
            ("index", &instance.index),
            ("instance_id", &instance.index),
            ("instance", &address),
        ];
        metrics.series(source, target, &added)
    })
    .collect()
}

/// Names, labels and values alone; what a database of samples keeps.
fn bare(series: Series) -> Series {
    Series {
        kind: String::new(),
        help: String::new(),
        unit: String::new(),
        exemplars: Vec::new(),
        created: None,
        ..series
    }
    .canonical()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_prometheus_has_every_sample_of_every_format() {
    // Old times are not stored. Prometheus 2.42 tells by a family's first metric whether it has native histograms, and
    // leaves out `_bucket` and `_count` in the names of gauge histograms.
    let metrics = instances(7, 3, false);
    let metrics: Vec<_> = metrics
        .iter()
        .map(|it| it.timeless().classic().without(Kind::GaugeHistogram))
        .collect();
    for target in Format::ALL {
        let platform = Platform::start_with(json!({"formats": [target.word()]})).await;
        let pushed = mixed(&platform, &metrics).await;
        let config = format!(
            "global:\n  scrape_interval: 5s\n  scrape_timeout: 5s\nscrape_configs:\n\
             - job_name: shop\n  honor_labels: true\n  metrics_path: {}\n  static_configs:\n  - targets: ['{}']\n",
            pushed.app.path("metrics"),
            platform.promfetch.api.trim_start_matches("http://")
        );
        // With native histograms it asks for protobuf first; else it does not at all.
        let features: &[&str] = match target {
            Format::Protobuf => &["--enable-feature=native-histograms"],
            _ => &[],
        };
        let prometheus = Prometheus::start_with(&config, features).await;
        prometheus.until("sum(promfetch_up)", |up| up == 3.0).await;
        let got = prometheus
            .raw("{job=\"shop\",__name__!~\"up|scrape_.*|promfetch_.*\"}")
            .await;
        let got: Vec<_> = got.iter().map(stored).collect();
        let want: Vec<_> = expected(&pushed, &metrics, target)
            .into_iter()
            .map(bare)
            .collect();
        let want = as_stored(want);
        if let Err(problem) = oracle::compare(&got, &want) {
            let page = platform.get(&pushed.app).await;
            panic!(
                "{target:?}: {problem}\n{}",
                String::from_utf8_lossy(&page.body)
            );
        }
    }
}

/// The API says neither of what kind the counts of native histograms are nor in which bucket, but its bounds.
fn as_stored(mut all: Vec<Series>) -> Vec<Series> {
    for series in &mut all {
        if let Some(native) = &mut series.native {
            *native = Native {
                count: native.count,
                sum: native.sum,
                positive: native
                    .negative
                    .values()
                    .rev()
                    .chain(Some(&native.zero_count).filter(|count| **count > 0.0))
                    .chain(native.positive.values())
                    .zip(0..)
                    .map(|(count, at)| (at, *count))
                    .collect(),
                ..Native::default()
            };
        }
    }
    all
}

/// One series of the API's answer.
fn stored(answer: &Value) -> Series {
    let number = |value: &Value| -> f64 {
        value
            .as_str()
            .and_then(|it| it.parse().ok())
            .expect("a number")
    };
    let mut labels: BTreeMap<String, String> = answer["metric"]
        .as_object()
        .expect("labels")
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    labels.remove("job");
    let histogram = &answer["histogram"][1];
    let native = histogram.is_object().then(|| Native {
        count: number(&histogram["count"]),
        sum: number(&histogram["sum"]),
        positive: histogram["buckets"]
            .as_array()
            .into_iter()
            .flatten()
            .zip(0..)
            .map(|(bucket, at)| (at, number(&bucket[3])))
            .collect(),
        ..Native::default()
    });
    bare(Series {
        name: labels.remove("__name__").unwrap_or_default(),
        labels,
        value: if native.is_some() {
            f64::NAN
        } else {
            number(&answer["value"][1])
        },
        timestamp: None,
        kind: String::new(),
        help: String::new(),
        unit: String::new(),
        exemplars: Vec::new(),
        created: None,
        native,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_get_what_they_ask_for() {
    let metrics = instances(8, 3, false);
    let platform = Platform::start().await;
    let pushed = mixed(&platform, &metrics).await;
    for target in Format::ALL {
        let path = pushed.app.path("only-app-metrics");
        let accept = format!("{},*/*;q=0.1", target.content_type());
        let answer = platform
            .promfetch
            .get_with(&path, &[("accept", &accept)])
            .await;
        let (kind, _) = target.content_type().split_once(';').unwrap();
        assert!(
            answer.header("content-type").starts_with(kind),
            "{target:?}"
        );
        let [got] = &oracle::read(target.oracles()[0], target, &[answer.body.to_vec()])[..] else {
            panic!("one page")
        };
        let got: Vec<_> = got.clone().unwrap().into_iter().map(bare).collect();
        let want: Vec<_> = expected(&pushed, &metrics, target)
            .into_iter()
            .map(bare)
            .collect();
        oracle::compare(&got, &want).unwrap_or_else(|problem| panic!("{target:?}: {problem}"));
    }
}
