//! Polling a router that does what real ones do: restart, refuse, cut answers off.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use prometheus_client::registry::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::calls::Calls;
use crate::config::{Config, Secret};
use crate::discovery::Discovery;
use crate::selector::Selector;

/// A router that plays its answers one after the other, each for one poll, and the last one for ever.
#[derive(Clone)]
struct Router {
    address: SocketAddr,
    answers: Arc<Mutex<VecDeque<String>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Router {
    async fn start(answers: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let router = Self {
            address: listener.local_addr().unwrap(),
            answers: Arc::new(Mutex::new(answers.iter().cloned().collect())),
            requests: Arc::default(),
        };
        let played = router.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A poller that is shut down hangs up in the middle; the next one wants its answer all the same.
                let _ = played.answer(stream).await;
            }
        });
        router
    }

    async fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await?);
        }
        self.requests
            .lock()
            .unwrap()
            .push(String::from_utf8(request).unwrap());
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers[0].clone()
            }
        };
        stream.write_all(answer.as_bytes()).await
    }

    fn then(&self, answers: &[String]) {
        *self.answers.lock().unwrap() = answers.iter().cloned().collect();
    }

    fn polls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// Waits until so many further polls are answered and applied.
    async fn more_polls(&self, count: usize) {
        // The poll that is under way, and the one after the last whole one, whose start proves that it was applied.
        let goal = self.polls() + count + 1;
        until(|| self.polls() > goal).await;
    }
}

/// The body of `/routes` with one instance of `shop` for each port, under one route.
fn table(ports: impl IntoIterator<Item = u16>) -> String {
    let endpoint = |port| {
        format!(
            r#"{{"address":"10.0.0.1:{port}","tls":false,"ttl":120,"private_instance_id":"g-{port}","tags":{{"component":"route-emitter","app_id":"47d288f6-f9c1-5e3a-9546-5384018954e2","instance_id":"{port}"}}}}"#
        )
    };
    let endpoints: Vec<_> = ports.into_iter().map(endpoint).collect();
    format!("{{\"shop.example\":[{}]}}\n", endpoints.join(","))
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn status(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// As gorouter sends a large table when it runs into its own time limit: no last chunk, plain end of stream.
fn cut_short(body: &str) -> String {
    let half = &body[..body.len() / 2];
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{half}\r\n",
        half.len()
    )
}

fn discovery(routers: &[&Router], delay: Duration) -> (Discovery, Registry, CancellationToken) {
    let gorouter = |router: &&Router| Gorouter {
        host: router.address.ip().to_string(),
        port: router.address.port(),
        user: "router-status".into(),
        pass: Secret("pass".into()),
    };
    let mut config = Config {
        gorouters: routers.iter().map(gorouter).collect(),
        ..Config::default()
    };
    config.discovery.poll_interval = Duration::from_millis(20);
    config.discovery.start_response_delay = delay;
    config.discovery.stale_threshold = delay;
    let mut registry = Registry::default();
    let calls = Calls::register(&mut registry);
    let shutdown = CancellationToken::new();
    let discovery = Discovery::start(&config, &calls, &mut registry, shutdown.clone()).unwrap();
    (discovery, registry, shutdown)
}

fn ports(discovery: &Discovery) -> Vec<u16> {
    let found = discovery.find(
        &Selector::Guid("47d288f6-f9c1-5e3a-9546-5384018954e2".into()),
        None,
    );
    found
        .iter()
        .filter_map(|located| located.instance.address.port())
        .collect()
}

async fn until(condition: impl Fn() -> bool) {
    let all = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .expect("it comes to pass within a minute");
}

/// Long enough never to end within a test.
const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_good_poll_replaces_what_the_router_had() {
    let router = Router::start(&[ok(&table([1, 2, 3, 4]))]).await;
    let (discovery, _, shutdown) = discovery(&[&router], LONG);
    discovery.wait_ready().await;
    assert_eq!(ports(&discovery), [1, 2, 3, 4]);
    router.then(&[ok(&table([2, 3, 5]))]);
    until(|| ports(&discovery) == [2, 3, 5]).await;

    let request = router.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("GET /routes HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: Basic cm91dGVyLXN0YXR1czpwYXNz\r\n"),
        "{request}"
    );
    let state = &discovery.readiness().sources[0];
    assert!(
        state.connected && state.kind == "gorouter" && state.name == router.address.to_string(),
        "{state:?}"
    );
    shutdown.cancel();
}

#[tokio::test]
async fn a_poll_that_failed_keeps_the_table() {
    let full = table(1..=30);
    let router = Router::start(&[ok(&full)]).await;
    let (discovery, registry, shutdown) = discovery(&[&router], LONG);
    discovery.wait_ready().await;
    for (answer, why) in [
        (status("401 Unauthorized", "401 Unauthorized\n"), "401"),
        (status("404 Not Found", ""), "404"),
        (status("302 Found", ""), "status 302"),
        (status("503 Service Unavailable", "{}"), "status 503"),
        (cut_short(&full), "EOF"),
        (ok(&full[..full.len() / 2]), "cut short"),
        (ok("{\"shop.example\": [{]}}"), "route 1"),
        (ok("<html>"), "not a JSON object"),
        (ok("[]"), "not a JSON object"),
        ("garbage\r\n\r\n".into(), ""),
        (String::new(), ""),
    ] {
        router.then(std::slice::from_ref(&answer));
        router.more_polls(2).await;
        assert_eq!(ports(&discovery).len(), 30, "{answer}");
        let readiness = discovery.readiness();
        assert!(
            readiness.ready && !readiness.sources[0].connected,
            "degraded, not unready: {answer}"
        );
        let detail = &readiness.sources[0].detail;
        assert!(
            detail.contains(why) || why == "EOF",
            "{detail} for {answer}"
        );
    }
    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
    assert!(
        !page.contains("promfetch_scrape_route_failed_total 0"),
        "{page}"
    );
    router.then(&[ok(&table(2..=30))]);
    until(|| ports(&discovery).len() == 29 && discovery.readiness().sources[0].connected).await;
    shutdown.cancel();
}

#[tokio::test]
async fn a_restarted_router_does_not_empty_the_table() {
    let router = Router::start(&[ok(&table(1..=40))]).await;
    let (discovery, _, shutdown) = discovery(&[&router], LONG);
    discovery.wait_ready().await;
    router.then(&[ok("{}")]);
    router.more_polls(2).await;
    assert_eq!(ports(&discovery).len(), 40, "`{{}}` is not believed");
    router.then(&[ok(&table(30..=50))]);
    until(|| ports(&discovery).len() == 50).await;
    router.more_polls(2).await;
    assert_eq!(
        ports(&discovery).len(),
        50,
        "what a filling table lists is taken, what it leaves out stays"
    );
    router.then(&[ok(&table(3..=40))]);
    until(|| ports(&discovery).len() == 38).await;
    shutdown.cancel();
}

#[tokio::test]
async fn an_empty_table_is_believed_when_it_lasts() {
    let router = Router::start(&[ok(&table(1..=40))]).await;
    let (discovery, _, shutdown) = discovery(&[&router], Duration::from_millis(50));
    until(|| ports(&discovery).len() == 40).await;
    router.then(&[ok("{}")]);
    until(|| ports(&discovery).is_empty()).await;
    assert_eq!(discovery.sizes().endpoints, 0);
    shutdown.cancel();
}

#[tokio::test]
async fn one_failing_router_of_two_costs_nothing() {
    let (first, second) = (
        Router::start(&[ok(&table([1, 2]))]).await,
        Router::start(&[ok(&table([2, 3]))]).await,
    );
    let (discovery, _, shutdown) = discovery(&[&first, &second], LONG);
    discovery.wait_ready().await;
    assert_eq!(ports(&discovery), [1, 2, 3], "the union");
    second.then(&[status("500 Internal Server Error", "")]);
    first.then(&[ok(&table([1]))]);
    first.more_polls(2).await;
    second.more_polls(2).await;
    assert_eq!(
        ports(&discovery),
        [1, 2, 3],
        "the other's last good answer stays"
    );
    second.then(&[ok(&table([3]))]);
    until(|| ports(&discovery) == [1, 3]).await;
    shutdown.cancel();
}

#[tokio::test]
async fn ready_needs_a_good_answer_of_every_router_or_the_start_delay() {
    let (good, empty) = (
        Router::start(&[ok(&table([1]))]).await,
        Router::start(&[ok("{}")]).await,
    );
    let (discovery, _, shutdown) = discovery(&[&good, &empty], LONG);
    until(|| ports(&discovery) == [1]).await;
    empty.more_polls(1).await;
    assert!(
        !discovery.readiness().ready,
        "an empty answer may come from a router that was just started"
    );
    empty.then(&[ok(&table([2]))]);
    discovery.wait_ready().await;
    shutdown.cancel();

    let refusing = Router::start(&[status("404 Not Found", "")]).await;
    let (discovery, _, shutdown) =
        super::tests::discovery(&[&good, &refusing], Duration::from_millis(30));
    discovery.wait_ready().await;
    until(|| ports(&discovery) == [1]).await;
    shutdown.cancel();
}

#[test]
fn belief_is_strict_with_large_tables_and_while_in_doubt() {
    let start = Instant::now();
    for (name, answers) in [
        (
            "growing and shrinking slowly",
            vec![
                (0, 100, true),
                (30, 120, true),
                (60, 108, true),
                (90, 98, true),
            ],
        ),
        (
            "restart: doubt until nine tenths are back",
            vec![
                (0, 100, true),
                (30, 0, false),
                (31, 60, false),
                (33, 89, false),
                (40, 90, true),
            ],
        ),
        (
            "a small answer that lasts is the truth",
            vec![
                (0, 100, true),
                (30, 10, false),
                (50, 10, false),
                (51, 10, true),
                (80, 10, true),
            ],
        ),
        (
            "a restart in the middle of filling",
            vec![
                (0, 1000, true),
                (30, 700, false),
                (60, 1000, true),
                (90, 700, false),
            ],
        ),
        (
            "a small table may lose half",
            vec![(0, 4, true), (30, 2, true), (60, 1, true)],
        ),
        (
            "but not more",
            vec![(0, 4, true), (30, 1, false), (40, 3, true)],
        ),
        (
            "nor all, however often it is told so",
            vec![
                (0, 1, true),
                (30, 0, false),
                (31, 0, false),
                (51, 0, true),
                (60, 0, true),
            ],
        ),
        (
            "an empty start",
            vec![(0, 0, true), (1, 0, true), (2, 5, true)],
        ),
    ] {
        let mut belief = Belief::new(Duration::from_secs(20));
        for (seconds, endpoints, believed) in answers {
            let now = start + Duration::from_secs(seconds);
            assert_eq!(
                belief.believe(endpoints, now),
                believed,
                "{name}: {endpoints} after {seconds} s"
            );
        }
    }
}

#[test]
fn failed_polls_do_not_make_a_restart_last() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut belief = Belief::new(Duration::from_secs(20));
    assert!(belief.believe(100, at(0)));
    assert!(!belief.believe(0, at(15)));
    for seconds in [30, 45, 60] {
        belief.failed(at(seconds));
    }
    assert!(!belief.believe(0, at(75)), "the router has crashed again");
    assert!(!belief.believe(60, at(79)), "still in doubt");
    assert!(belief.believe(60, at(96)), "20 s without a failure");
}
