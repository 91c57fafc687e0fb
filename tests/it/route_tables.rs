use std::collections::BTreeMap;
use std::path::PathBuf;

use promfetch_tests::config;
use promfetch_tests::gorouter::Gorouter;
use promfetch_tests::{Emitter, Nats, Promfetch, eventually, tools};
use serde_json::{Value, json};

/// The recorded tables; `01-empty` stands apart.
const TABLES: [&str; 10] = [
    "02-http-app",
    "03-tls-app",
    "04-tls-and-plain-port",
    "05-wildcard",
    "06-context-path",
    "07-platform-components",
    "08-isolation-segment",
    "09-route-service",
    "11-options",
    "12-many-routes-multi-port",
];

fn file(name: &str) -> PathBuf {
    tools::repository().join("tests/data/routes").join(name)
}

fn json_of(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

/// Route → addresses of app instances, read from a recorded table.
fn apps(table: &Value) -> BTreeMap<String, Vec<String>> {
    let mut apps = BTreeMap::new();
    for (route, endpoints) in table.as_object().unwrap() {
        let of_apps = endpoints
            .as_array()
            .unwrap()
            .iter()
            .filter(|endpoint| endpoint["tags"]["component"] == "route-emitter");
        let addresses: Vec<_> = of_apps
            .map(|endpoint| endpoint["address"].as_str().unwrap().to_owned())
            .collect();
        apps.insert(route.clone(), addresses);
    }
    apps
}

/// Checks by each route of the table that promfetch lists exactly its addresses.
async fn check(promfetch: &Promfetch, name: &str, table: &Value, by: &str) {
    for (route, addresses) in apps(table) {
        // `*.wild` is asked for as a name below it.
        let path = format!(
            "/v1/apps/instances?route_url={}",
            promfetch_tests::app::encode(&route.replace('*', "any.thing"))
        );
        let what = format!("{name} by {by}: {path} lists {addresses:?}");
        eventually(&what, async || {
            let answer = promfetch.get(&path).await;
            if addresses.is_empty() {
                return (answer.status == 404).then_some(());
            }
            let list = answer.text();
            (answer.status == 200
                && addresses
                    .iter()
                    .all(|address| list.contains(address.as_str())))
            .then_some(())
        })
        .await;
        let list = promfetch.get(&path).await;
        let others = apps(table)
            .into_values()
            .flatten()
            .filter(|address| !addresses.contains(address));
        for other in others {
            assert!(
                !list.text().contains(&format!("{other}\"")),
                "{what}, and not {other}: {}",
                list.text()
            );
        }
    }
}

#[test]
fn the_reader_of_this_test_reads_tables() {
    let shop = &apps(&json_of("02-http-app.json"))["shop.apps.lab.example"];
    assert_eq!(shop, &["127.0.16.10:61000", "127.0.16.11:61001"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_of_each_recorded_table_finds_its_apps() {
    for name in TABLES {
        let table = json_of(&format!("{name}.json"));
        let router = Gorouter::start().await;
        router.set(&table.to_string());
        let promfetch = Promfetch::start(&config::with(
            json!({"gorouters": [router.config()], "gorouter_poll_interval": "1s"}),
        ))
        .await;
        check(&promfetch, name, &table, "poll").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_messages_of_each_recorded_table_lead_to_the_same_apps() {
    for name in TABLES {
        let (table, messages) = (
            json_of(&format!("{name}.json")),
            json_of(&format!("{name}.messages.json")),
        );
        let nats = [Nats::start().await];
        let promfetch = Promfetch::start(&config::with(json!({"nats": Nats::config(&nats)}))).await;
        let emitter = Emitter::connect(&nats, None).await;
        for message in messages["payloads"].as_array().unwrap() {
            emitter
                .publish(messages["subject"].as_str().unwrap(), message)
                .await;
        }
        check(&promfetch, name, &table, "messages").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_empty_table_has_no_apps_and_promfetch_is_ready_in_the_end() {
    let router = Gorouter::start().await;
    router.set(&std::fs::read_to_string(file("01-empty.json")).unwrap());
    let promfetch = Promfetch::start(&config::with(
        json!({"gorouters": [router.config()], "gorouter_poll_interval": "1s"}),
    ))
    .await;
    assert_eq!(
        promfetch
            .get("/v1/apps/acme/prod/shop/metrics")
            .await
            .status,
        404
    );
}
