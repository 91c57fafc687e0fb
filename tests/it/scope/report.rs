//! App instances shown in Weave Scope.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use promfetch_tests::scope::{self, Probe, Scope};
use promfetch_tests::{Behaviour, Instance, Promfetch, config, eventually};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const SHOP: [&str; 3] = ["acme", "prod", "shop"];

/// A folder for plugins and the reporter's socket in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("promfetch/promfetch.sock");
    (folder, socket)
}

/// Settings of the reporter, whose apps come from elsewhere.
fn reporter(socket: &Path) -> Value {
    json!({"socket": socket, "interval": "1s", "metrics": [
        {"id": "requests", "label": "Requests/s", "series": "requests_total", "rate": true},
        {"id": "errors", "series": "requests_total{code=~\"5..\"}", "aggregate": "max", "format": "integer"},
        {"id": "queue", "label": "Queue", "series": "queue_length", "max": 50, "priority": 0.5},
        {"id": "broken", "series": "broken"},
    ]})
}

async fn running() -> (Promfetch, [Instance; 2]) {
    let instances = [
        Instance::start("0", Behaviour::counting(7)).await,
        Instance::start("1", Behaviour::page("queue_length 3\nbroken NaN\n")).await,
    ];
    let targets = [0, 1].map(|index| config::target(SHOP, index, instances[index].address));
    let promfetch = Promfetch::start(&config::with(json!({ "targets": targets }))).await;
    (promfetch, instances)
}

fn value<'a>(node: &'a Value, key: &str) -> &'a str {
    node["latest"][key]["value"].as_str().unwrap_or("")
}

fn by_name<'a>(nodes: &'a Map<String, Value>, name: &str) -> &'a Value {
    nodes
        .values()
        .find(|node| value(node, "docker_container_name") == name)
        .unwrap_or_else(|| panic!("{name} is not in {nodes:?}"))
}

fn last(node: &Value, metric: &str) -> Option<f64> {
    let samples = node["metrics"][metric]["samples"].as_array()?;
    samples.last()?["value"].as_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_of_a_running_promfetch_are_containers_with_metrics() {
    let (promfetch, instances) = running().await;
    let (_folder, socket) = place();
    let mut settings = reporter(&socket);
    settings["hosts"] = json!([{"address": instances[0].address.ip(), "name": "cell-1"}]);
    let mut scope = Scope::start(
        "report",
        &json!({"endpoint": promfetch.api, "report": settings}),
    )
    .await;
    let mut probe = Probe::new(&socket);
    // Metrics come in some reports and not in others: what is new is sent once.
    let mut shop: Vec<Value> = Vec::new();
    let node = eventually("the first instance has a rate", async || {
        let nodes = probe.report().await.unwrap();
        if nodes.len() == 2 {
            shop.push(by_name(&nodes, "shop/1").clone());
        }
        let first = nodes
            .values()
            .find(|node| value(node, "docker_container_name") == "shop/0")?;
        last(first, "requests").map(|_| first.clone())
    })
    .await;
    assert!(last(&node, "requests").unwrap() > 0.0, "{node}");
    assert!(
        last(&node, "errors").unwrap() >= 1.0,
        "a gauge of a counter: {node}"
    );
    assert_eq!(last(&node, "queue"), Some(7.0));
    assert_eq!(node["metrics"]["queue"]["max"], 50.0);
    assert_eq!(node["parents"]["host"], json!(["cell-1;<host>"]));
    for (key, expected) in [
        ("docker_container_state", "running"),
        ("promfetch_metrics", "up"),
        ("promfetch_table_app___organization", "acme"),
        ("promfetch_table_app___space", "prod"),
        ("promfetch_table_app___app", "shop"),
        ("promfetch_table_app___index", "0"),
        ("host_node_id", "cell-1;<host>"),
        ("control_probe_id", "1f2e3d4c5b6a7988"),
    ] {
        assert_eq!(value(&node, key), expected, "{key}");
    }
    assert_eq!(
        value(&node, "promfetch_instance"),
        instances[0].address.to_string()
    );
    // The other has no counter, and a value that JSON does not have.
    let other = shop
        .iter()
        .find(|node| last(node, "queue").is_some())
        .unwrap();
    assert_eq!(last(other, "queue"), Some(3.0));
    assert!(other["metrics"].get("broken").is_none() && other["metrics"].get("requests").is_none());
    assert!(
        other.get("parents").is_none() || instances[0].address.ip() == instances[1].address.ip()
    );

    // One that answers no more is still there, and says so.
    instances[1].becomes(Behaviour::status(500));
    eventually("the second instance is shown as failing", async || {
        let nodes = probe.report().await.unwrap();
        (value(by_name(&nodes, "shop/1"), "promfetch_metrics") == "no answer").then_some(())
    })
    .await;

    assert_eq!(scope.stop().await, Some(0));
    assert!(!socket.exists(), "the socket goes");
    assert!(!socket.parent().unwrap().exists(), "and its own folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_discovery_works_and_nothing_keeps_the_probe_waiting() {
    let hanging = Instance::start("0", Behaviour::Hang).await;
    let good = Instance::start("0", Behaviour::page("queue_length 5\n")).await;
    let (folder, _) = place();
    // Not in a folder of its own: that one stays.
    let socket = folder.path().join("my-apps.sock");
    let mut settings = config::with(json!({
        "targets": [
            config::target(["acme", "prod", "hangs"], 0, hanging.address),
            config::target(SHOP, 0, good.address),
            config::target(["other", "prod", "unseen"], 0, good.address),
        ],
        "timeout": "60s",
        "report": reporter(&socket),
    }));
    settings.as_object_mut().unwrap().remove("logging");
    settings["report"]["organizations"] = json!(["acme"]);
    let mut scope = Scope::start("report", &settings).await;
    let mut probe = Probe::new(&socket);
    let mut samples = 0;
    eventually("two samples of the good one came", async || {
        let nodes = probe.report().await.unwrap();
        // The page of the other is on its way for a minute, so it is not known yet.
        let node = nodes.values().next()?;
        assert_eq!(
            (nodes.len(), value(node, "docker_container_name")),
            (1, "shop/0")
        );
        samples += usize::from(last(node, "queue") == Some(5.0));
        (samples == 2).then_some(())
    })
    .await;
    assert_eq!(scope.stop().await, Some(0));
    assert!(!socket.exists() && folder.path().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_fetches_at_once() {
    let (promfetch, instances) = running().await;
    let (_folder, socket) = place();
    let mut settings = reporter(&socket);
    settings["interval"] = "15s".into();
    settings["apps"] = json!(["acme/prod/shop"]);
    let scope = Scope::start(
        "report",
        &json!({"endpoint": promfetch.api, "report": settings}),
    )
    .await;
    let mut probe = Probe::new(&socket);
    eventually("the instances are there", async || {
        (probe.report().await.unwrap().len() == 2).then_some(())
    })
    .await;
    let before = instances[0].seen().len();
    let node = probe.report().await.unwrap().keys().next().unwrap().clone();
    assert_eq!(probe.control(&node, "rescrape").await, json!({}));
    eventually("the instance was asked", async || {
        (instances[0].seen().len() > before).then_some(())
    })
    .await;
    let error = probe.control(&node, "stop").await;
    assert!(
        error["error"].as_str().unwrap().contains("no such control"),
        "{error}"
    );
    // What no probe would send costs nothing.
    for (method, path, body, status) in [
        ("POST", "/control", "no JSON", 200),
        ("POST", "/report", "", 405),
        ("GET", "/", "", 404),
        ("GET", "/report", "", 200),
        ("GET", "/report?probe_id=%00%ff&x", "", 200),
    ] {
        let answer = scope::ask(&socket, method, path, &[], Bytes::from(body))
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{method} {path}");
    }
    drop(scope);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promfetch_may_come_late_and_a_dead_process_socket_is_replaced() {
    let (_folder, socket) = place();
    let gone = promfetch_tests::net::free_address();
    let settings = json!({
        "endpoint": format!("http://{gone}"),
        "timeout": "1s",
        "report": reporter(&socket),
    });
    let mut first = Scope::start("report", &settings).await;
    let mut probe = Probe::new(&socket);
    assert_eq!(
        probe.report().await.unwrap(),
        Map::new(),
        "there is a report at once"
    );
    first.logged("the list of apps did not come").await;
    let mut second = Scope::launch("report", &settings);
    assert_eq!(second.process.ended().await.code(), Some(1));
    second
        .logged("somebody listens on this socket already")
        .await;
    first.process.kill();
    assert!(socket.exists(), "a killed process leaves its socket");
    let mut third = Scope::start("report", &settings).await;
    assert_eq!(probe.report().await.unwrap(), Map::new());
    assert_eq!(third.stop().await, Some(0));
}
