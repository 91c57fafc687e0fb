//! The routing table at the size of large platforms: load, memory, heartbeats, look-ups while heartbeats run.
//!
//! `cargo bench -p promfetch-core --bench table` prints the figures in about half a minute.

#![expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use promfetch_core::discovery::apply::{Applier, Subject, Verdict};
use promfetch_core::discovery::table::{Bounds, Table};
use promfetch_core::policy::AddressPolicy;
use promfetch_core::selector::Selector;

/// Every endpoint is told this often.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Messages per second while look-ups are timed: those of 100,000 endpoints.
const RATE: u64 = 5000;
/// How long look-ups are timed, for each kind.
const LOOK_UPS: Duration = Duration::from_secs(2);
/// How often each message is told for the cost of a heartbeat.
const ROUNDS: usize = 5;

/// Makes the selector of the app with this number.
type MakeSelector = Box<dyn Fn(usize) -> Selector>;

fn main() {
    // Each platform in a process of its own: memory that another one has freed would hide what this one takes.
    let arguments: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if let [endpoints, per_app] = arguments[..] {
        return platform(endpoints, per_app);
    }
    println!("memcpy {:.1} GB/s", memcpy());
    for (endpoints, per_app) in [(100_000, 1), (100_000, 2), (250_000, 2)] {
        let this = std::env::current_exe().unwrap();
        let status = Command::new(this)
            .args([endpoints.to_string(), per_app.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

/// A message as route-emitter writes it, for the instance with this number; `per_app` instances make an app.
fn message(number: usize, per_app: usize) -> String {
    let (app, index) = (number / per_app, number % per_app);
    let guid = |kind: usize, number: usize| {
        format!(
            "{:08x}-{kind:04x}-5f0a-9b1c-{number:012x}",
            number.wrapping_mul(2_654_435_761) & 0xffff_ffff
        )
    };
    let (app_id, org, space) = (guid(1, app), guid(2, app / 100), guid(3, app / 20));
    let instance = format!("{:08x}-17cc-50d8-979d-{:04x}", number, number & 0xffff);
    let host = format!(
        "10.{}.{}.{}",
        number / 62_500 % 250,
        number / 250 % 250,
        number % 250
    );
    format!(
        r#"{{"host":"{host}","port":0,"tls_port":{port},"uris":["app-{app}.apps.platform.example.org"],"app":"{app_id}","private_instance_id":"{instance}","private_instance_index":"{index}","server_cert_domain_san":"{instance}","tags":{{"app_id":"{app_id}","app_name":"app-{app}","component":"route-emitter","instance_id":"{index}","organization_id":"{org}","organization_name":"organization-{}","process_id":"{app_id}","process_instance_id":"{instance}","process_type":"web","source_id":"{app_id}","space_id":"{space}","space_name":"space-{}"}},"availability_zone":"z1"}}"#,
        app / 100,
        app / 20,
        port = 61001 + number % 200,
    )
}

fn platform(endpoints: usize, per_app: usize) {
    let messages: Vec<String> = (0..endpoints)
        .map(|number| message(number, per_app))
        .collect();
    println!(
        "\n{endpoints} endpoints, {} apps, {} bytes a message",
        endpoints / per_app,
        messages[0].len()
    );

    let before = resident();
    let table = Table::new(
        Duration::from_secs(120),
        AddressPolicy::default(),
        Bounds::default(),
        Instant::now(),
    );
    table.nats_connected(Instant::now());
    let mut applier = Applier::default();
    let load = time(
        &messages,
        1,
        |body| applier.apply(&table, Subject::Register, body, Instant::now()),
        Verdict::Changed,
    );
    println!(
        "  load            {:>9.0} ms  {:.0} ns a message",
        load.as_secs_f64() * 1e3,
        per(load, endpoints)
    );
    println!(
        "  memory          {:>9.1} MB  {:.0} bytes an endpoint",
        mega(resident() - before),
        (resident() - before) as f64 / endpoints as f64
    );

    let apply = |body: &[u8]| applier.apply(&table, Subject::Register, body, Instant::now());
    let beat = time(&messages, ROUNDS, apply, Verdict::Unchanged) / ROUNDS as u32;
    let share = beat.as_secs_f64() / HEARTBEAT.as_secs_f64() * 100.0;
    println!(
        "  heartbeat       {:>9.0} ns  {share:.2} % of one core at {:.0} messages/s",
        per(beat, endpoints),
        endpoints as f64 / HEARTBEAT.as_secs_f64()
    );

    let start = Instant::now();
    table.age(Instant::now());
    println!(
        "  look for aged   {:>9.2} ms",
        start.elapsed().as_secs_f64() * 1e3
    );

    let table = Arc::new(table);
    let apps = endpoints / per_app;
    let guids: Vec<_> = table.apps().iter().map(|app| app.app_id.clone()).collect();
    let kinds: [(&str, MakeSelector); 3] = [
        (
            "name",
            Box::new(|app| {
                Selector::parse(&format!(
                    "organization-{}/space-{}/app-{app}",
                    app / 100,
                    app / 20
                ))
                .unwrap()
            }),
        ),
        (
            "GUID",
            Box::new(move |app| Selector::Guid(guids[app].clone())),
        ),
        (
            "route",
            Box::new(|app| {
                Selector::Route(format!("app-{app}.apps.platform.example.org/metrics/x").into())
            }),
        ),
    ];
    for (kind, selector) in kinds {
        let ticker = Ticker::start(&table, &messages);
        let mut times = Vec::new();
        let start = Instant::now();
        while start.elapsed() < LOOK_UPS {
            let selector = selector(times.len().wrapping_mul(7919) % apps);
            let began = Instant::now();
            let found = table.find(&selector, None, Instant::now());
            times.push(began.elapsed());
            assert_eq!(found.len(), per_app, "{selector}");
        }
        let (sent, seconds) = ticker.stop();
        times.sort_unstable();
        let at =
            |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        println!(
            "  look-up by {kind:<5} p50 {:.2} µs  p99 {:.2} µs  p99.9 {:.2} µs  max {:.0} µs  ({} look-ups, {:.0} heartbeats/s beside)",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            times.len(),
            sent as f64 / seconds,
        );
    }
}

/// A thread that sends heartbeats at [`RATE`], one in a hundred of them a change.
struct Ticker {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    since: Instant,
    thread: thread::JoinHandle<()>,
}

impl Ticker {
    fn start(table: &Arc<Table>, messages: &[String]) -> Self {
        let (stop, sent) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (table, messages, stopped, count) = (
            Arc::clone(table),
            messages.to_vec(),
            Arc::clone(&stop),
            Arc::clone(&sent),
        );
        let since = Instant::now();
        let thread = thread::spawn(move || {
            let mut applier = Applier::default();
            while !stopped.load(Ordering::Relaxed) {
                let due = (since.elapsed().as_secs_f64() * RATE as f64) as u64;
                while count.load(Ordering::Relaxed) < due {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    let body = &messages[number as usize * 31 % messages.len()];
                    if number.is_multiple_of(100) {
                        let changed = body
                            .replace(r#""availability_zone":"z1""#, r#""availability_zone":"z2""#);
                        applier.apply(
                            &table,
                            Subject::Register,
                            changed.as_bytes(),
                            Instant::now(),
                        );
                    } else {
                        applier.apply(&table, Subject::Register, body.as_bytes(), Instant::now());
                    }
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        Self {
            stop,
            sent,
            since,
            thread,
        }
    }

    fn stop(self) -> (u64, f64) {
        self.stop.store(true, Ordering::Relaxed);
        let seconds = self.since.elapsed().as_secs_f64();
        self.thread.join().unwrap();
        (self.sent.load(Ordering::Relaxed), seconds)
    }
}

/// Applies all messages, so many times over, and gives the time that this thread was on a processor.
fn time(
    messages: &[String],
    rounds: usize,
    mut apply: impl FnMut(&[u8]) -> Verdict,
    want: Verdict,
) -> Duration {
    let start = processor_time();
    for message in std::iter::repeat_n(messages, rounds).flatten() {
        assert_eq!(apply(message.as_bytes()), want);
    }
    processor_time() - start
}

/// Time this thread was on a processor, as Linux tells it: other programs on a busy machine do not count.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(
        text.split_whitespace()
            .next()
            .and_then(|nanos| nanos.parse().ok())
            .unwrap_or_default(),
    )
}

fn per(duration: Duration, count: usize) -> f64 {
    duration.as_secs_f64() * 1e9 / count as f64
}

/// Resident memory of this process in bytes, as Linux tells it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kilobytes| kilobytes.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Speed of copying 64 MB in this machine's memory, to compare figures of different machines by.
fn memcpy() -> f64 {
    let source = vec![1u8; 64 << 20];
    let mut target = vec![0u8; 64 << 20];
    let start = Instant::now();
    for _ in 0..8 {
        target.copy_from_slice(std::hint::black_box(&source));
        std::hint::black_box(&target);
    }
    (8 * source.len()) as f64 / start.elapsed().as_secs_f64() / 1e9
}
