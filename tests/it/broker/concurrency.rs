use std::sync::Arc;

use promfetch_tests::database::{Database, Kind};
use promfetch_tests::osb::{self, binding, instance, with};
use promfetch_tests::{Broker, config, eventually};
use serde_json::json;
use tokio::task::JoinSet;

use crate::store::on_each_database;

on_each_database!(
    of_n_equal_puts_one_is_201_and_the_others_200,
    of_two_different_puts_one_is_201_and_one_409,
    store_and_memory_agree_after_hundreds_of_operations,
    two_processes_agree_and_a_deprovision_leaves_nothing,
);

/// Requests at once.
const EQUAL: usize = 16;

/// Two processes on one database.
async fn two(database: &Database) -> [Arc<Broker>; 2] {
    let (one, other) = tokio::join!(
        Broker::beside(database, json!({})),
        Broker::beside(database, json!({}))
    );
    [Arc::new(one), Arc::new(other)]
}

/// Item 31: serialised per instance and answered truthfully.
async fn of_n_equal_puts_one_is_201_and_the_others_200(kind: Kind) {
    let database = Database::start(kind).await;
    let brokers = two(&database).await;
    for round in 0..5 {
        let id = format!("i{round}");
        let body = with(osb::bind("a"), json!({"parameters": {"endpoint": "/x"}}));
        for (path, body) in [(instance(&id), osb::provision()), (binding(&id, "b"), body)] {
            let mut tasks = JoinSet::new();
            for number in 0..EQUAL {
                let broker = Arc::clone(&brokers[number % 2]);
                let (path, body) = (path.clone(), body.clone());
                tasks.spawn(async move { broker.put(&path, body).await });
            }
            let mut answers = tasks.join_all().await;
            answers.sort_by_key(|answer| answer.status);
            let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
            let mut wanted = vec![200; EQUAL - 1];
            wanted.push(201);
            assert_eq!(statuses, wanted, "{path}");
            let first = &answers[0].json;
            assert!(
                answers.iter().all(|answer| answer.json == *first),
                "the same credentials"
            );
        }
    }
}

/// Item 31.
async fn of_two_different_puts_one_is_201_and_one_409(kind: Kind) {
    let database = Database::start(kind).await;
    let [one, other] = two(&database).await;
    for round in 0..10 {
        let id = format!("i{round}");
        let another = with(osb::provision(), json!({"space_guid": "another"}));
        let (path, of_path) = (instance(&id), binding(&id, "b"));
        let (a, b) = tokio::join!(one.put(&path, osb::provision()), other.put(&path, another));
        assert_eq!((a.status.min(b.status), a.status.max(b.status)), (201, 409));
        let (a, b) = tokio::join!(
            one.bind(&id, "b", "a", json!({"endpoint": "/one"})),
            one.bind(&id, "b", "a", json!({"endpoint": "/two"})),
        );
        assert_eq!((a.status.min(b.status), a.status.max(b.status)), (201, 409));
        let won = if a.status == 201 { "/one" } else { "/two" };
        let got = other.get(&of_path).await.json;
        assert_eq!(got["parameters"]["endpoint"], won);
    }
}

const APPS: [&str; 2] = [
    "47d288f6-f9c1-5e3a-9546-5384018954e2",
    "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
];
const INSTANCES: usize = 3;
const BINDINGS: usize = 4;

/// Everything at once, on few ids. Each answer is one that some order of the requests explains; no order explains 5xx.
async fn storm(brokers: &[Arc<Broker>], tasks: usize, rounds: usize) {
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let broker = Arc::clone(&brokers[task % brokers.len()]);
        running.spawn(async move {
            for round in 0..rounds {
                let step = task * 7 + round * 5;
                let id = format!("i{}", step % INSTANCES);
                let name = format!("b{}", (step / INSTANCES) % BINDINGS);
                let (status, possible): (u16, &[u16]) = match (task + round * 3) % 10 {
                    0 | 1 => (broker.provision(&id).await.status, &[200, 201]),
                    2 => (broker.delete(&instance(&id)).await.status, &[200, 410]),
                    3 | 4 => (
                        broker.delete(&binding(&id, &name)).await.status,
                        &[200, 410],
                    ),
                    5 => (broker.get(&binding(&id, &name)).await.status, &[200, 404]),
                    6 => {
                        let rotation = json!({"predecessor_binding_id": name});
                        let path = binding(&id, &format!("{name}-rotated"));
                        (
                            broker.put(&path, rotation).await.status,
                            &[200, 201, 404, 409],
                        )
                    }
                    _ => {
                        let endpoint = format!("/{}", (task + round) % 3);
                        let parameters = json!({"endpoint": endpoint});
                        let bound = broker.bind(&id, &name, APPS[step % 2], parameters).await;
                        (bound.status, &[200, 201, 404, 409])
                    }
                };
                assert!(possible.contains(&status), "{status} of {possible:?}");
            }
        });
    }
    running.join_all().await;
}

/// Items 31 and 35: what is stored, what is in memory, and what is answered is one and the same.
async fn store_and_memory_agree_after_hundreds_of_operations(kind: Kind) {
    let targets: Vec<_> = APPS
        .iter()
        .map(|app| {
            let nobody = "127.0.0.1:9".parse().expect("an address");
            let mut target = config::target(["acme", "prod", app], 0, nobody);
            target["app_id"] = (*app).into();
            target
        })
        .collect();
    let broker = [Arc::new(
        Broker::start_with(kind, json!({"targets": targets})).await,
    )];
    storm(&broker, 16, 25).await;
    let broker = &broker[0];
    let stored = broker.stored().await;
    assert_eq!(broker.held().await, stored.len(), "{stored:?}");
    let mut answered = 0;
    for id in (0..INSTANCES).map(|number| format!("i{number}")) {
        let names = (0..BINDINGS).map(|number| format!("b{number}"));
        for name in names.flat_map(|name| [name.clone(), format!("{name}-rotated")]) {
            let got = broker.get(&binding(&id, &name)).await;
            let row = stored.iter().find(|row| {
                row["service_instance_id"] == id.as_str() && row["binding_id"] == name.as_str()
            });
            assert_eq!(got.status == 200, row.is_some(), "{id} {name}");
            if let Some(row) = row {
                assert_eq!(got.json["parameters"], row["parameters"], "{id} {name}");
                answered += 1;
            }
        }
    }
    assert_eq!(
        answered,
        stored.len(),
        "nothing is left of an instance that went"
    );
    for app in APPS {
        let mut of_app = stored.iter().filter(|row| row["app_guid"] == app);
        let decides = of_app.find(|row| row["effect"] == "in effect");
        let wanted = decides.map_or("/metrics", |row| {
            row["parameters"]["endpoint"].as_str().expect("a path")
        });
        let list = broker
            .promfetch
            .json(&format!("/v1/apps/{app}/instances"))
            .await;
        assert_eq!(
            list["instances"][0]["path"], wanted,
            "in memory: {stored:?}"
        );
    }
    empty(broker).await;
    assert_eq!(broker.held().await, 0);
}

/// Items 32 and 35: a DELETE accepted during a create ends with nothing left, in every process.
async fn two_processes_agree_and_a_deprovision_leaves_nothing(kind: Kind) {
    let database = Database::start(kind).await;
    let brokers = two(&database).await;
    storm(&brokers, 12, 20).await;
    let stored = brokers[0].stored().await.len();
    for broker in &brokers {
        eventually("each process holds what is stored", async || {
            (broker.held().await == stored).then_some(())
        })
        .await;
    }
    empty(&brokers[0]).await;
    for table in ["promfetch_instances", "promfetch_bindings"] {
        let rows = database
            .rows(&format!("SELECT COUNT(*) FROM {table}"))
            .await;
        assert_eq!(rows[0][0].as_deref(), Some("0"), "{table}");
    }
    for broker in &brokers {
        eventually("each process holds nothing", async || {
            (broker.held().await == 0).then_some(())
        })
        .await;
    }
}

/// Deprovisions all instances, twice.
async fn empty(broker: &Broker) {
    for number in 0..INSTANCES {
        let path = instance(&format!("i{number}"));
        assert!([200, 410].contains(&broker.delete(&path).await.status));
        assert_eq!(broker.delete(&path).await.status, 410);
    }
    assert_eq!(broker.stored().await.len(), 0);
}
