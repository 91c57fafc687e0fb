//! One app, many instances: what a merged page costs. `cargo bench -p promfetch-tests --bench end_to_end [WORD…]`
//! runs the parts whose names hold a word. Figures are printed with the floor beside them; nothing is asserted.

#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

mod floor;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use promfetch_tests::certs::{Authority, GOROUTER};
use promfetch_tests::farm::{Crop, Farm, page};
use promfetch_tests::http::{Drained, drain};
use promfetch_tests::measure::{memcpy_speed, milliseconds, quantile};
use promfetch_tests::process::Process;
use promfetch_tests::{Page, Promfetch, app, measure};
use serde_json::{Value, json};

const PATH: &str = "/v1/apps/acme/prod/bench/metrics";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if arguments.first().is_some_and(|first| first == "floor") {
        runtime
            .block_on(floor::serve(&arguments[1..]))
            .expect("the floor serves");
        return;
    }
    let wanted = |name: &str| {
        arguments.is_empty() || arguments.iter().any(|word| name.contains(word.as_str()))
    };
    runtime.block_on(async {
        println!("memcpy: {:.1} GB/s", memcpy_speed() / 1e9);
        if wanted("cost") {
            cost().await;
        }
        if wanted("memory") {
            memory().await;
        }
        if wanted("slow") {
            slow().await;
        }
        if wanted("mtls") {
            mtls().await;
        }
        if wanted("hang") {
            hang().await;
        }
    });
}

/// promfetch with these instances as fixed targets.
async fn promfetch(farm: &Farm, instances: usize, extra: Value) -> Promfetch {
    let mut targets = Vec::new();
    for number in 0..instances {
        targets.push(promfetch_tests::config::target(
            ["acme", "prod", "bench"],
            number,
            farm.address(number),
        ));
    }
    with_targets(targets, extra).await
}

async fn with_targets(targets: Vec<Value>, extra: Value) -> Promfetch {
    let mut config =
        json!({"targets": targets, "targets_allow": ["127.0.0.0/8"], "logging": {"level": "warn"}});
    if let (Some(config), Value::Object(extra)) = (config.as_object_mut(), extra) {
        config.extend(extra);
    }
    Promfetch::start(&config).await
}

async fn ask(address: SocketAddr, header: &str) -> Drained {
    drain(address, PATH, header)
        .await
        .unwrap_or_else(|error| panic!("{PATH}: {error}"))
}

/// Processor time per round and the sorted wall times, of a process that answers at this address.
async fn rounds(pid: u32, address: SocketAddr, count: usize) -> (Duration, Vec<Duration>, usize) {
    // Connections, buffers, and the branch predictors of all concerned.
    for _ in 0..2 {
        ask(address, "").await;
    }
    let before = measure::processor_time(pid);
    let mut walls = Vec::new();
    let mut bytes = 0;
    for _ in 0..count {
        let drained = ask(address, "").await;
        walls.push(drained.took);
        bytes = drained.bytes;
    }
    let spent = measure::processor_time(pid) - before;
    walls.sort();
    (spent / count as u32, walls, bytes)
}

/// Processor time per MB of the instances' pages, and wall time, with the floor beside.
async fn cost() {
    println!("\n== processor time of the whole process per MB of app metrics");
    println!(
        "{:>12} {:>8} {:>8} {:>10} {:>10} {:>6} {:>10} {:>10}",
        "pages", "MB in", "MB out", "ms/MB", "floor", "ratio", "wall ms", "floor"
    );
    for (network, (instances, size)) in [
        (10, 200 << 10),
        (100, 20 << 10),
        (500, 20 << 10),
        (50, 2 << 20),
    ]
    .into_iter()
    .enumerate()
    {
        let pages: Vec<Bytes> = (0..instances).map(|number| page(size, number)).collect();
        let mb_in = pages.iter().map(Bytes::len).sum::<usize>() as f64 / 1e6;
        let farm = Farm::plain(
            200 + network as u8,
            Crop {
                pages,
                ..Crop::default()
            },
        )
        .await;
        let promfetch = promfetch(&farm, instances, json!({})).await;
        // About 1 GB in all: seconds of processor time, which the kernel counts in hundredths.
        let count = ((1_000.0 / mb_in) as usize).clamp(5, 300);
        let (spent, walls, bytes) = rounds(promfetch.pid(), promfetch.address(), count).await;
        drop(promfetch);

        let mut arguments = vec!["floor".to_owned(), bytes.to_string()];
        arguments.extend((0..instances).map(|number| farm.address(number).to_string()));
        let mut floor = Process::start(
            &std::env::current_exe().expect("a path"),
            &arguments,
            |_| (),
        );
        let address = floor
            .printed("its port", |log| {
                log.lines()
                    .find_map(|line| line.strip_prefix("floor: ")?.parse().ok())
            })
            .await;
        let (least, least_walls, _) = rounds(floor.pid(), address, count).await;

        let per_mb = |spent: Duration| milliseconds(spent) / mb_in;
        println!(
            "{:>12} {mb_in:>8.1} {:>8.1} {:>10.2} {:>10.2} {:>6.2} {:>10.1} {:>10.1}",
            format!("{instances}×{}K", size >> 10),
            bytes as f64 / 1e6,
            per_mb(spent),
            per_mb(least),
            spent.as_secs_f64() / least.as_secs_f64(),
            milliseconds(quantile(&walls, 0.5)),
            milliseconds(quantile(&least_walls, 0.5)),
        );
    }
}

/// Peak memory while 50 pages of 2 MB are merged, for one caller and for four.
async fn memory() {
    println!("\n== peak memory (VmHWM), 50×2048K");
    let pages: Vec<Bytes> = (0..50).map(|number| page(2 << 20, number)).collect();
    let farm = Farm::plain(
        210,
        Crop {
            pages,
            ..Crop::default()
        },
    )
    .await;
    for (callers, what) in [
        (1, "1 caller"),
        (4, "4 callers that share one fetch"),
        (-4, "4 callers with credentials of their own"),
    ] {
        let promfetch = promfetch(&farm, 50, json!({})).await;
        let address = promfetch.address();
        let idle = measure::memory_kib(promfetch.pid(), "VmRSS");
        for _ in 0..3 {
            let mut tasks = tokio::task::JoinSet::new();
            for caller in 0..i32::abs(callers) {
                let header = if callers < 0 {
                    format!("authorization: Bearer {caller}\r\n")
                } else {
                    String::new()
                };
                tasks.spawn(async move { ask(address, &header).await });
            }
            tasks.join_all().await;
        }
        let peak = measure::memory_kib(promfetch.pid(), "VmHWM");
        println!("{what:>40}: {:>6} MB (idle {} MB)", peak >> 10, idle >> 10);
    }
}

/// 500 instances that each take 100 ms.
async fn slow() {
    println!("\n== 500 instances that each take 100 ms");
    let crop = Crop {
        pages: vec![page(5 << 10, 1)],
        delay: Duration::from_millis(100),
        hangs: None,
    };
    let farm = Farm::plain(211, crop).await;
    let promfetch = promfetch(&farm, 500, json!({})).await;
    let address = promfetch.address();
    let first = ask(address, "").await;
    let mut walls = Vec::new();
    for _ in 0..20 {
        walls.push(ask(address, "").await.took);
    }
    walls.sort();
    println!(
        "first page {:.0} ms, then median {:.0} ms, longest {:.0} ms",
        milliseconds(first.took),
        milliseconds(quantile(&walls, 0.5)),
        milliseconds(quantile(&walls, 1.0))
    );
}

/// 1,000 instances over mutual TLS, with connections kept.
async fn mtls() {
    println!("\n== 1,000 instances over mutual TLS");
    let authority = Authority::new("instances");
    let guids: Vec<String> = (0..1_000).map(|_| app::instance_guid()).collect();
    let farm = Farm::mutual_tls(
        212,
        Crop {
            pages: vec![page(5 << 10, 1)],
            ..Crop::default()
        },
        &authority,
        &guids,
    )
    .await;
    let mut targets = Vec::new();
    for (number, guid) in guids.iter().enumerate() {
        let mut target = promfetch_tests::config::target(
            ["acme", "prod", "bench"],
            number,
            farm.address(number),
        );
        target["tls"] = true.into();
        target["server_name"] = guid.as_str().into();
        targets.push(target);
    }
    let router = authority.issue(&[GOROUTER]);
    let extra = json!({"ca_certs": authority.pem(), "backends": {"cert_chain": router.certificate_pem, "private_key": router.key_pem}});
    let promfetch = with_targets(targets, extra).await;
    let address = promfetch.address();
    let first = ask(address, "").await;
    let shaken = farm.handshakes();
    let (spent, walls, _) = rounds(promfetch.pid(), address, 20).await;
    println!(
        "first page {:.0} ms ({shaken} handshakes), then median {:.0} ms, longest {:.0} ms, {:.0} ms of processor time, {} handshakes more",
        milliseconds(first.took),
        milliseconds(quantile(&walls, 0.5)),
        milliseconds(quantile(&walls, 1.0)),
        milliseconds(spent),
        farm.handshakes() - shaken
    );
}

/// One of ten instances hangs, and the scraper waits 10 s.
async fn hang() {
    println!("\n== one of 10 instances hangs, the scraper waits 10 s");
    let farm = Farm::plain(
        213,
        Crop {
            pages: vec![page(20 << 10, 1)],
            hangs: Some(4),
            ..Crop::default()
        },
    )
    .await;
    let promfetch = promfetch(&farm, 10, json!({})).await;
    let since = Instant::now();
    let answer = promfetch
        .get_with(PATH, &[("x-prometheus-scrape-timeout-seconds", "10")])
        .await;
    let seconds = since.elapsed().as_secs_f64();
    let up = Page::read(answer.text()).up();
    let up = up.values().filter(|up| **up == 1.0).count();
    println!("{up} of 10 are up, after {seconds:.2} s");
}
