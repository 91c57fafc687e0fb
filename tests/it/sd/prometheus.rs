use std::collections::BTreeSet;

use promfetch_tests::platform::Pushed;
use promfetch_tests::prometheus::Prometheus;
use promfetch_tests::tools::repository;
use promfetch_tests::{App, Behaviour, Instance, Platform, check};

use super::{configuration, job, push_all, stop};

const APPS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_jobs_are_prometheus_configurations() {
    let folder = repository().join("manifests/prometheus");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "yml") {
            check::prometheus_config(&path).unwrap_or_else(|problem| panic!("{problem}"));
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

/// Every sample of the apps has its nine labels as promfetch wrote them.
async fn carries_nine_labels(prometheus: &Prometheus, job: &str, pushed: &Pushed) {
    let app = &pushed.app;
    let series = prometheus
        .query(&format!(
            "promfetch_up{{job=\"{job}\",app_id=\"{}\"}}",
            app.guid
        ))
        .await;
    assert_eq!(series.len(), pushed.instances.len(), "{job} {}", app.name);
    for series in &series {
        let index = series.label("index");
        let instance = pushed
            .instances
            .iter()
            .find(|one| one.index == index)
            .expect("its instance");
        for (label, value) in [
            ("organization_id", app.organization_guid.as_str()),
            ("space_id", &app.space_guid),
            ("organization_name", &app.organization),
            ("space_name", &app.space),
            ("app_name", &app.name),
            ("instance_id", index),
            ("instance", &instance.address.to_string()),
        ] {
            assert_eq!(series.label(label), value, "{job} {label}");
        }
        assert!(
            !series
                .labels
                .keys()
                .any(|label| label.starts_with("exported_")),
            "{series:?}"
        );
    }
}

async fn instances_of_up(prometheus: &Prometheus, job: &str) -> BTreeSet<String> {
    let up = prometheus.query(&format!("up{{job=\"{job}\"}}")).await;
    up.iter()
        .map(|series| series.label("instance").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_for_each_app_follows_the_platform() {
    let platform = Platform::start().await;
    let mut pushed = push_all(&platform, APPS).await;
    let bare = "  - job_name: bare\n    honor_labels: true\n    http_sd_configs:\n      - url: URL/v1/sd\n        refresh_interval: 2s\n"
        .replace("URL", &platform.promfetch.api);
    let jobs = [job("merged.yml", &platform.promfetch.api), bare];
    let prometheus = Prometheus::start(&configuration(&jobs)).await;
    for job in ["cf-apps", "bare"] {
        // Without any relabelling, too, each target is a series of its own.
        prometheus
            .until(&format!("count(up{{job=\"{job}\"}} == 1)"), |up| {
                up == APPS as f64
            })
            .await;
        let guids: BTreeSet<_> = pushed.iter().map(|one| one.app.guid.clone()).collect();
        assert_eq!(instances_of_up(&prometheus, job).await, guids, "{job}");
        prometheus
            .until(
                &format!("count(promfetch_up{{job=\"{job}\"}} == 1)"),
                |up| up == 2.0 * APPS as f64,
            )
            .await;
        carries_nine_labels(&prometheus, job, &pushed[17]).await;
    }
    let up = prometheus
        .query("up{job=\"cf-apps\",app_name=\"app-17\"}")
        .await;
    assert_eq!(up.len(), 1);
    assert_eq!(up[0].label("space_id"), pushed[17].app.space_guid);

    // One leaves: its `up` is 0 and can alert.
    stop(&platform, &pushed[7]).await;
    prometheus
        .until("up{job=\"cf-apps\",app_name=\"app-7\"}", |up| up == 0.0)
        .await;
    // One comes, with a name that means harm.
    let name = "<script>\"\n\u{202e}";
    let new = platform
        .push(App::new("acme", "prod", name), [Behaviour::counting(1)])
        .await;
    prometheus
        .until("count(up{job=\"cf-apps\"})", |count| {
            count == APPS as f64 + 1.0
        })
        .await;
    prometheus
        .until(
            &format!("count(up{{app_id=\"{}\"}} == 1)", new.app.guid),
            |up| up == 1.0,
        )
        .await;
    prometheus
        .until(
            &format!(
                "count(promfetch_up{{job=\"cf-apps\",app_id=\"{}\"}})",
                new.app.guid
            ),
            |up| up == 1.0,
        )
        .await;
    carries_nine_labels(&prometheus, "cf-apps", &new).await;
    // And the first comes back, while another is scaled: no target changes for that.
    let instance = Instance::start("0", Behaviour::counting(1)).await;
    pushed[7] = platform
        .register(pushed[7].app.clone(), vec![instance])
        .await;
    prometheus
        .until("up{job=\"cf-apps\",app_name=\"app-7\"}", |up| up == 1.0)
        .await;
    let third = Instance::start("2", Behaviour::counting(1)).await;
    let _third = platform.register(pushed[3].app.clone(), vec![third]).await;
    prometheus
        .until(
            "count(promfetch_up{job=\"cf-apps\",app_name=\"app-3\"})",
            |count| count == 3.0,
        )
        .await;
    assert_eq!(
        prometheus.value("count(up{job=\"cf-apps\"})").await,
        Some(APPS as f64 + 1.0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_for_each_instance_follows_the_platform() {
    let platform = Platform::start().await;
    let pushed = push_all(&platform, APPS).await;
    let jobs = [job("instances.yml", &platform.promfetch.api)];
    let prometheus = Prometheus::start(&configuration(&jobs)).await;
    let all = 2.0 * APPS as f64;
    prometheus.until("count(up == 1)", |up| up == all).await;
    let guids: BTreeSet<_> = pushed
        .iter()
        .flat_map(|one| &one.instances)
        .map(|one| one.guid.clone())
        .collect();
    assert_eq!(instances_of_up(&prometheus, "cf-instances").await, guids);
    prometheus
        .until("count(promfetch_up == 1)", |up| up == all)
        .await;
    carries_nine_labels(&prometheus, "cf-instances", &pushed[17]).await;

    // A rolling deployment: a new instance with an index that is taken.
    let app = pushed[5].app.process("web");
    let new = Instance::start("0", Behaviour::counting(1)).await;
    let _new = platform.register(app, vec![new]).await;
    let of_index = "up{app_name=\"app-5\",index=\"0\"} == 1";
    prometheus
        .until(&format!("count({of_index})"), |up| up == 2.0)
        .await;
    // The old one leaves, and is no target any more.
    platform
        .emitter
        .unregister(&pushed[5].app, &pushed[5].instances[0])
        .await;
    prometheus
        .until(&format!("count({of_index})"), |up| up == 1.0)
        .await;
    // One that fails is down by itself.
    pushed[9].instances[1].becomes(Behaviour::garbage());
    prometheus
        .until("count(promfetch_up{app_name=\"app-9\"} == 0)", |down| {
            down == 1.0
        })
        .await;
    // An app that leaves takes its targets along.
    stop(&platform, &pushed[7]).await;
    prometheus
        .until("count(up)", |count| count == all - 2.0)
        .await;
}
