use promfetch_tests::Broker;
use promfetch_tests::database::Kind;
use promfetch_tests::osb::{self, Answer, binding, with};
use serde_json::json;

fn text<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.json["credentials"][name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {answer:?}"))
}

/// Item 27: `credentials` is an object; nothing that needs `requires`. Item 39: no metadata to connect with. Item 38:
/// no `endpoints`, whose ports the Kubernetes client cannot read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bind_answers_credentials_and_nothing_else() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let app = "47d288f6-f9c1-5e3a-9546-5384018954e2";
    let answer = broker.bind("i", "b", app, json!({"endpoint": "/x"})).await;
    let names: Vec<_> = answer.json.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["credentials"]);
    let base = "https://promfetch.example/v1";
    assert_eq!(
        text(&answer, "metrics_url"),
        format!("{base}/apps/{app}/metrics")
    );
    assert_eq!(
        text(&answer, "instances_url"),
        format!("{base}/apps/{app}/instances")
    );
    assert_eq!(text(&answer, "sd_url"), format!("{base}/sd?app={app}"));
    assert!(text(&answer, "username").len() > 10);
    assert!(text(&answer, "password").len() > 20);
}

/// Item 38: credentials SHOULD be unique per binding; the same binding always answers the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_unique_per_binding_and_stay_the_same() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let one = broker.bind("i", "b1", "a", json!({})).await;
    let other = broker.bind("i", "b2", "a", json!({})).await;
    for name in ["username", "password"] {
        assert_ne!(text(&one, name), text(&other, name), "{name}");
    }
    assert_eq!(
        broker.bind("i", "b1", "a", json!({})).await.json,
        one.json,
        "again"
    );
    let got = broker.get(&binding("i", "b1")).await;
    assert_eq!(got.json["credentials"], one.json["credentials"], "GET");
    let database = broker.database.take().expect("its database");
    drop(broker);
    let broker = Broker::beside(&database, json!({})).await;
    assert_eq!(
        broker.bind("i", "b1", "a", json!({})).await.json,
        one.json,
        "another process"
    );
    assert_eq!(broker.delete(&binding("i", "b1")).await.status, 200);
    let anew = broker.bind("i", "b1", "a", json!({})).await;
    assert_eq!(anew.status, 201);
    assert_ne!(
        text(&anew, "password"),
        text(&one, "password"),
        "bound anew, it is another"
    );
}

/// Item 47: a service key has no app; its credentials are for the instance's space.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_key_is_for_the_space() {
    let broker = Broker::start().await;
    assert_eq!(broker.provision("i").await.status, 201);
    let body = with(osb::bind("a"), json!({"bind_resource": {}}));
    let answer = broker.put(&binding("i", "key"), body).await;
    assert_eq!(answer.status, 201);
    let sd = "https://promfetch.example/v1/sd?space=space-guid-here";
    assert_eq!(text(&answer, "sd_url"), sd);
    assert!(text(&answer, "metrics_url").contains("{app}"));
    assert!(!text(&answer, "password").is_empty());
}

/// Without a secret key there are addresses and no passwords, and nothing that has to be kept secret is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_key_there_are_no_passwords() {
    let none = json!({"broker": {"secret_key": null}});
    let broker = Broker::start_with(Kind::Sqlite, none).await;
    assert_eq!(broker.provision("i").await.status, 201);
    let answer = broker.bind("i", "b", "a", json!({"endpoint": "/x"})).await;
    assert_eq!(answer.status, 201);
    assert!(answer.json["credentials"].get("password").is_none());
    let secret = json!({"authorization": {"type": "bearer", "token": "t0ken"}});
    let answer = broker.bind("i", "b2", "a", secret).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.description().contains("broker.secret_key"),
        "{}",
        answer.description()
    );
}
