//! Targets for Prometheus.

// The list itself: filters, order, tags, names that mean harm.
mod list;
// A real Prometheus with the jobs that are shipped, while apps come and go.
mod prometheus;
// Who gets which targets.
mod access;

use promfetch_tests::platform::Pushed;
use promfetch_tests::tools::repository;
use promfetch_tests::{App, Behaviour, Platform};
use serde_json::Value;

/// A shipped job for the promfetch at this address, whose list is read every other second.
fn job(file: &str, api: &str) -> String {
    let path = repository().join("manifests/prometheus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (head, jobs) = text.split_once("scrape_configs:\n").expect("jobs");
    assert!(
        head.lines().all(|line| line.starts_with('#')),
        "{file}: {head}"
    );
    let jobs = jobs.replace("https://promfetch.example.org", api);
    let lines = jobs
        .lines()
        .map(|line| match line.split_once("refresh_interval: ") {
            Some((start, _)) => format!("{start}refresh_interval: 2s\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}

/// A configuration with these jobs, which scrape often.
fn configuration(jobs: &[String]) -> String {
    format!(
        "global:\n  scrape_interval: 3s\n  scrape_timeout: 3s\nscrape_configs:\n{}",
        jobs.concat()
    )
}

/// Pushes so many apps with two instances each, `app-0` and so on.
async fn push_all(platform: &Platform, count: usize) -> Vec<Pushed> {
    let mut all = Vec::new();
    for number in 0..count {
        let app = App::new("acme", "prod", &format!("app-{number}"));
        let behaviours = [Behaviour::counting(1), Behaviour::counting(1)];
        all.push(platform.push(app, behaviours).await);
    }
    all
}

/// Takes all instances of an app away.
async fn stop(platform: &Platform, pushed: &Pushed) {
    for instance in &pushed.instances {
        platform.emitter.unregister(&pushed.app, instance).await;
    }
}

/// The values of a label over a list of targets.
fn labels<'l>(list: &'l Value, name: &str) -> Vec<&'l str> {
    let groups = list.as_array().expect("a list");
    let values = groups.iter().map(|group| {
        let value = group["labels"][name].as_str();
        value.unwrap_or_else(|| panic!("{name}: {group}"))
    });
    values.collect()
}
