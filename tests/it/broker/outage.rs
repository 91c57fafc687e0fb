use promfetch_tests::osb::{self, Answer, Call, IDS, SERVICE, binding, instance};
use promfetch_tests::{Behaviour, Broker, Instance, Server, config, eventually, mariadb, postgres};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_mariadb_calls_are_503_and_scraping_goes_on() {
    without_a_database(Server::mariadb().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_calls_are_503_and_scraping_goes_on() {
    without_a_database(Server::postgres().await).await;
}

/// Every call while the database is away.
async fn calls(broker: &Broker) -> Vec<Answer> {
    let update = Call::new("PATCH", &instance("i")).json(&json!({"service_id": SERVICE}));
    let mut answers = Vec::new();
    for call in [
        Call::new("PUT", &instance("i2")).json(&osb::provision()),
        update,
        Call::new("GET", &instance("i")),
        Call::new("PUT", &binding("i", "b2")).json(&osb::bind("a")),
        Call::new("GET", &binding("i", "b")),
        Call::new("DELETE", &format!("{}{IDS}", binding("i", "b"))),
        Call::new("DELETE", &format!("{}{IDS}", instance("i"))),
    ] {
        answers.push(broker.send(call).await);
    }
    answers
}

/// Item 34: success is reported for what is stored only. Item 8: a 5xx leaves everything as it was.
async fn without_a_database(mut server: Server) {
    let app = "47d288f6-f9c1-5e3a-9546-5384018954e2";
    let running = Instance::start("0", Behaviour::page("a 1\n")).await;
    let mut target = config::target(["acme", "prod", "shop"], 0, running.address);
    target["app_id"] = app.into();
    let broker = Broker::at(&server.url(), json!({"targets": [target]})).await;
    let path = async || {
        let page = broker
            .promfetch
            .page(&format!("/v1/apps/{app}/metrics"))
            .await;
        assert!(page.has("a"));
        running.last_seen().path
    };
    assert_eq!(broker.provision("i").await.status, 201);
    let endpoint = json!({"endpoint": "/bound"});
    let bound = broker.bind("i", "b", app, endpoint.clone()).await;
    assert_eq!(bound.status, 201);

    server.kill();
    for answer in calls(&broker).await {
        assert_eq!(answer.status, 503);
        assert_ne!(answer.header("retry-after"), "");
        let description = answer.description();
        assert!(description.contains("database"), "{description}");
        for secret in [mariadb::PASSWORD, postgres::PASSWORD, "127."] {
            assert!(!description.contains(secret), "{description}");
        }
    }
    let bad = broker.put(&instance("i"), json!({})).await;
    assert_eq!(
        bad.status, 400,
        "what is wrong is wrong without a database too"
    );
    assert_eq!(
        broker.get("/v2/catalog").await.status,
        200,
        "the catalog is the configuration's"
    );
    assert_eq!(path().await, "/bound");

    server.restart().await;
    let again = eventually("calls are answered again", async || {
        let answer = broker.bind("i", "b", app, endpoint.clone()).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert_eq!(
        (again.status, again.json),
        (200, bound.json),
        "nothing was lost"
    );
    assert_eq!(
        broker.get(&instance("i2")).await.status,
        404,
        "nothing was made"
    );
    assert_eq!(
        broker.get(&binding("i", "b2")).await.status,
        404,
        "nothing was made"
    );

    // One that hangs is as one that is gone, only later.
    server.pause();
    assert_eq!(broker.provision("i3").await.status, 503);
    assert_eq!(path().await, "/bound");
    server.resume();
    eventually("calls are answered again", async || {
        let status = broker.provision("i3").await.status;
        [200, 201].contains(&status).then_some(())
    })
    .await;
    assert_eq!(broker.delete(&instance("i")).await.status, 200);
    assert_eq!(path().await, "/metrics");
}
