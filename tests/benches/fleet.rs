//! A fleet: 2,000 small apps of three instances over mutual TLS, all scraped every 15 s, registered on NATS with
//! heartbeats every 20 s. `FLEET_SECONDS` (120), `FLEET_APPS` (2,000). Prints figures; nothing is asserted.

#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use promfetch_tests::certs::{Authority, GOROUTER};
use promfetch_tests::farm::{Crop, Farm, page};
use promfetch_tests::measure::{memcpy_speed, milliseconds, quantile};
use promfetch_tests::{App, Nats, Promfetch, app, config, eventually, measure};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep_until, timeout};

const INSTANCES: usize = 3;
const SCRAPE_INTERVAL: Duration = Duration::from_secs(15);
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn main() {
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(fleet());
}

async fn fleet() {
    let (count, seconds) = (
        setting("FLEET_APPS", 2_000) as usize,
        setting("FLEET_SECONDS", 120),
    );
    println!("memcpy: {:.1} GB/s", memcpy_speed() / 1e9);
    println!(
        "{count} apps × {INSTANCES} instances of 5 KB over mutual TLS, each app scraped every {SCRAPE_INTERVAL:?}, for {seconds} s"
    );

    let authority = Authority::new("instances");
    let apps: Vec<App> = (0..count)
        .map(|number| {
            App::new(
                "acme",
                &format!("space-{}", number % 50),
                &format!("app-{number}"),
            )
        })
        .collect();
    let guids: Vec<String> = (0..count * INSTANCES)
        .map(|_| app::instance_guid())
        .collect();
    let farm = Farm::mutual_tls(
        220,
        Crop {
            pages: (0..16).map(|seed| page(5 << 10, seed)).collect(),
            ..Crop::default()
        },
        &authority,
        &guids,
    )
    .await;
    let nats = [Nats::start().await];
    let router = authority.issue(&[GOROUTER]);
    let promfetch = Promfetch::start(&config::with(json!({
        "nats": Nats::config(&nats),
        "logging": {"level": "warn"},
        "ca_certs": authority.pem(),
        "backends": {"cert_chain": router.certificate_pem, "private_key": router.key_pem},
    })))
    .await;
    let messages: Vec<Value> = guids
        .iter()
        .enumerate()
        .map(|(number, guid)| {
            message(
                &apps[number / INSTANCES],
                number % INSTANCES,
                guid,
                &farm,
                number,
            )
        })
        .collect();
    let heartbeats = heartbeats(&nats[0], messages).await;
    let last = apps.last().expect("an app").path("instances");
    eventually("the last app is known", async || {
        let answer = promfetch.try_get_with(&last, &[]).await.ok()?;
        (answer.status == 200 && answer.text().matches("address").count() >= INSTANCES)
            .then_some(())
    })
    .await;

    let scraper = Arc::new(Scraper::new(promfetch.address()));
    let (pid, start) = (promfetch.pid(), Instant::now());
    let end = start + Duration::from_secs(seconds);
    let mut scraping = tokio::task::JoinSet::new();
    for (number, app) in apps.iter().enumerate() {
        // Spread over the interval, as Prometheus does.
        let first = start + SCRAPE_INTERVAL * number as u32 / count as u32;
        scraping.spawn(Arc::clone(&scraper).scrape_until(app.path("metrics"), first, end));
    }
    // The first interval makes all connections; the others use them.
    sleep_until(start + SCRAPE_INTERVAL).await;
    let (warm, warm_at) = (measure::processor_time(pid), Instant::now());
    sleep_until(end).await;
    let (spent, steady) = (measure::processor_time(pid) - warm, warm_at.elapsed());
    let (rss, peak, descriptors) = (
        measure::memory_kib(pid, "VmRSS"),
        measure::memory_kib(pid, "VmHWM"),
        measure::descriptors(pid),
    );
    scraping.join_all().await;
    heartbeats.abort();

    let mut walls = scraper.walls.lock().expect("no panic while locked").clone();
    walls.sort();
    println!(
        "processor: {:.1} % of one core, after {:.2} s for the first interval with its {} handshakes",
        100.0 * spent.as_secs_f64() / steady.as_secs_f64(),
        warm.as_secs_f64(),
        farm.handshakes()
    );
    println!(
        "memory: {} MB now, {} MB at the peak; {descriptors} descriptors",
        rss >> 10,
        peak >> 10
    );
    println!(
        "scrapes: {}, missed {}, incomplete {}; median {:.1} ms, 99 % {:.1} ms, longest {:.1} ms",
        walls.len(),
        scraper.missed.load(Ordering::Relaxed),
        scraper.incomplete.load(Ordering::Relaxed),
        milliseconds(quantile(&walls, 0.5)),
        milliseconds(quantile(&walls, 0.99)),
        milliseconds(quantile(&walls, 1.0)),
    );
}

fn message(app: &App, index: usize, guid: &str, farm: &Farm, number: usize) -> Value {
    let address = farm.address(number);
    json!({
        "host": address.ip().to_string(),
        "port": 0,
        "tls_port": address.port(),
        "uris": app.routes,
        "app": app.guid,
        "private_instance_id": guid,
        "private_instance_index": index.to_string(),
        "server_cert_domain_san": guid,
        "tags": app.tags(&index.to_string(), guid),
        "availability_zone": "z1",
    })
}

/// Registers everything now, and again at every heartbeat.
async fn heartbeats(nats: &Nats, messages: Vec<Value>) -> tokio::task::JoinHandle<()> {
    let options = async_nats::ConnectOptions::with_user_and_password(
        promfetch_tests::nats::USER.into(),
        promfetch_tests::nats::PASSWORD.into(),
    );
    let client = options
        .connect(format!("nats://{}:{}", nats.host, nats.port))
        .await
        .expect("NATS takes the emitter");
    let payloads: Vec<Bytes> = messages
        .iter()
        .map(|message| message.to_string().into())
        .collect();
    tokio::spawn(async move {
        let mut ticks = interval(HEARTBEAT);
        loop {
            ticks.tick().await;
            for payload in &payloads {
                if client
                    .publish("router.register", payload.clone())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        }
    })
}

/// A scraper that keeps its connections, as Prometheus does.
struct Scraper {
    target: std::net::SocketAddr,
    idle: Mutex<Vec<SendRequest<Empty<Bytes>>>>,
    walls: Mutex<Vec<Duration>>,
    missed: AtomicU64,
    incomplete: AtomicU64,
}

impl Scraper {
    fn new(target: std::net::SocketAddr) -> Self {
        Self {
            target,
            idle: Mutex::default(),
            walls: Mutex::default(),
            missed: AtomicU64::new(0),
            incomplete: AtomicU64::new(0),
        }
    }

    async fn scrape_until(self: Arc<Self>, path: String, first: Instant, end: Instant) {
        let mut next = first;
        while next < end {
            sleep_until(next).await;
            let since = Instant::now();
            match timeout(SCRAPE_TIMEOUT, self.scrape(&path)).await {
                Ok(Ok(page)) => {
                    self.walls
                        .lock()
                        .expect("no panic while locked")
                        .push(since.elapsed());
                    let up = page
                        .lines()
                        .filter(|line| line.starts_with("promfetch_up{") && line.ends_with(" 1"))
                        .count();
                    if up != INSTANCES {
                        self.incomplete.fetch_add(1, Ordering::Relaxed);
                    }
                }
                _ => {
                    self.missed.fetch_add(1, Ordering::Relaxed);
                }
            }
            next += SCRAPE_INTERVAL;
        }
    }

    async fn scrape(&self, path: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        let kept = self.idle.lock().expect("no panic while locked").pop();
        let mut sender = match kept.filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => {
                let stream = TcpStream::connect(self.target).await?;
                stream.set_nodelay(true)?;
                let (sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        let request = http::Request::builder()
            .uri(path)
            .header("host", "fleet")
            .header(
                "x-prometheus-scrape-timeout-seconds",
                SCRAPE_TIMEOUT.as_secs().to_string(),
            )
            .body(Empty::new())?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        if response.status() != 200 {
            return Err(format!("{}", response.status()).into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        self.idle
            .lock()
            .expect("no panic while locked")
            .push(sender);
        Ok(String::from_utf8(body.into())?)
    }
}
