//! How fast the broker binds: 16 clients, each with a connection of its own, bind apps one after the other on SQLite and
//! on PostgreSQL. `BROKER_SECONDS` (10). Then PostgreSQL is killed and started again: what scrapes and binds answer.
//! Prints figures; nothing is asserted.

#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use promfetch_tests::database::{Database, Kind};
use promfetch_tests::measure::{memcpy_speed, milliseconds, quantile};
use promfetch_tests::postgres::Postgres;
use promfetch_tests::{Promfetch, config};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

const CLIENTS: usize = 16;
/// Service instances; operations on one follow each other.
const INSTANCES: usize = 64;
/// `platform:bench-login`.
const LOGIN: &str = "Basic cGxhdGZvcm06YmVuY2gtbG9naW4=";

fn main() {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(async {
            println!("memcpy: {:.1} GB/s", memcpy_speed() / 1e9);
            for kind in [Kind::Sqlite, Kind::Postgres] {
                binds(kind).await;
            }
            outage().await;
        });
}

async fn start(url: &str) -> Promfetch {
    Promfetch::start(&config::with(json!({
        "logging": {"level": "error"},
        "targets": [config::target(["o", "s", "a"], 0, "127.0.0.1:9".parse().expect("an address"))],
        "db_conn": url,
        "broker": {
            "broker_service_id": "service", "broker_plan_id": "plan", "user": "platform", "pass": "bench-login",
            "secret_key": "a key that is long enough for a bench",
        },
    })))
    .await
}

async fn binds(kind: Kind) {
    let seconds = std::env::var("BROKER_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let database = Database::start(kind).await;
    let promfetch = start(&database.url).await;
    let mut first = Caller::new(&promfetch).await;
    for instance in 0..INSTANCES {
        let body = json!({"service_id": "service", "plan_id": "plan", "organization_guid": "o", "space_guid": "s"});
        first.put(&format!("/i-{instance}"), &body).await;
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let clients = (0..CLIENTS).map(|client| {
        let promfetch = &promfetch;
        async move {
            let mut caller = Caller::new(promfetch).await;
            let mut walls = Vec::new();
            while Instant::now() < end {
                let number = walls.len() * CLIENTS + client;
                let path = format!("/i-{}/service_bindings/b-{number}", number % INSTANCES);
                let since = Instant::now();
                let status = caller.put(&path, &bind(number)).await;
                walls.push((since.elapsed(), status));
            }
            walls
        }
    });
    let answers: Vec<_> = futures_util::future::join_all(clients).await.concat();
    let mut walls: Vec<Duration> = answers.iter().map(|(wall, _)| *wall).collect();
    walls.sort();
    let made = answers.iter().filter(|(_, status)| *status == 201).count();
    println!(
        "{kind:?}: {:.0} binds/s with {CLIENTS} clients for {seconds} s ({made} of {} answered 201); median {:.1} ms, 99 % {:.1} ms, longest {:.1} ms",
        made as f64 / seconds as f64,
        answers.len(),
        milliseconds(quantile(&walls, 0.5)),
        milliseconds(quantile(&walls, 0.99)),
        milliseconds(quantile(&walls, 1.0)),
    );
}

/// Kills the database, binds and scrapes on, starts it again.
async fn outage() {
    let mut server = Postgres::start().await;
    let promfetch = start(&server.url("postgres")).await;
    let mut caller = Caller::new(&promfetch).await;
    let body = json!({"service_id": "service", "plan_id": "plan", "organization_guid": "o", "space_guid": "s"});
    caller.put("/i", &body).await;
    println!("PostgreSQL killed:");
    server.kill();
    let (mut statuses, mut slowest) = (BTreeMap::<u16, usize>::new(), Duration::ZERO);
    for number in 0..5 {
        let since = Instant::now();
        let status = caller
            .put(&format!("/i/service_bindings/b-{number}"), &bind(number))
            .await;
        *statuses.entry(status).or_default() += 1;
        slowest = slowest.max(since.elapsed());
        let page = promfetch.get("/v1/apps/o/s/a/instances").await;
        assert_eq!(page.status, 200, "reading goes on");
    }
    println!(
        "  5 binds: {statuses:?}, the slowest {:.0} ms; 5 reads: 200",
        milliseconds(slowest)
    );
    server.restart().await;
    let since = Instant::now();
    while caller.put("/i/service_bindings/after", &bind(0)).await != 201 {
        sleep(Duration::from_millis(20)).await;
    }
    println!(
        "  first bind {:.0} ms after it was back",
        milliseconds(since.elapsed())
    );
}

fn bind(number: usize) -> Value {
    json!({
        "service_id": "service", "plan_id": "plan",
        "bind_resource": {"app_guid": format!("app-{}", number % 10_000)},
        "parameters": {"endpoint": "/actuator/prometheus"},
    })
}

/// A client with a connection that is kept.
struct Caller(SendRequest<Full<Bytes>>);

impl Caller {
    async fn new(promfetch: &Promfetch) -> Self {
        let stream = TcpStream::connect(promfetch.address())
            .await
            .expect("connected");
        stream.set_nodelay(true).expect("an option that all have");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self(sender)
    }

    async fn put(&mut self, path: &str, body: &Value) -> u16 {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/broker/v2/service_instances{path}"))
            .header("host", "promfetch")
            .header("authorization", LOGIN)
            .header("x-broker-api-version", "2.17")
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .expect("a request");
        self.0.ready().await.expect("the connection stays");
        let answer = self.0.send_request(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let _ = answer.into_body().collect().await;
        status
    }
}
