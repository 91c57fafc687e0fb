//! Speed of scan and merge on one core, text to text, with the machine's memcpy beside it.
//!
//! `cargo bench -p promfetch-core --bench merge` prints gigabytes of input per second. Each figure is the best of
//! several rounds. A page is half node_exporter-like, half JVM-like; instances differ in their values.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Limits, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

const LIMITS: Limits = Limits {
    max_samples: 2_000_000,
    max_line: 1 << 20,
};
const OPTIONS: Options = Options {
    format: Format::Text,
    label_conflict: LabelConflict::Export,
};
const BUDGET: Duration = Duration::from_millis(1500);

fn main() {
    println!(
        "{:>8} {:>5} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "page", "pages", "in MB", "out MB", "scan", "merge", "both", "memcpy"
    );
    for (size, counts) in [
        (20 << 10, &[10, 100, 500][..]),
        (200 << 10, &[10, 100, 500]),
        (2 << 20, &[10, 50]),
    ] {
        for count in counts {
            measure(size, *count);
        }
    }
    println!("GB/s of input on one core (memcpy: GB/s copied, the same total in pieces of a page)");
}

fn measure(size: usize, count: usize) {
    let bodies: Vec<Bytes> = (0..count)
        .map(|instance| Bytes::from(page(size, instance)))
        .collect();
    let labels: Vec<Labels> = (0..count).map(instance_labels).collect();
    let bytes: usize = bodies.iter().map(Bytes::len).sum();
    let (mut scan, mut both, mut splice, mut copy) =
        (Duration::MAX, Duration::MAX, Duration::MAX, Duration::MAX);
    let mut written = 0;
    let mut target = vec![0u8; size * 2];
    let started = Instant::now();
    for round in 0.. {
        if round >= 3 && started.elapsed() > BUDGET {
            break;
        }
        let start = Instant::now();
        let pages: Vec<Arc<Page>> = bodies
            .iter()
            .map(|body| Arc::new(Page::scan(body.clone(), Format::Text, &LIMITS).unwrap()))
            .collect();
        let scanned = start.elapsed();
        let inputs = pages
            .iter()
            .zip(&labels)
            .map(|(page, labels)| Input {
                labels: labels.clone(),
                page: page.clone(),
            })
            .collect();
        written = merge(inputs, None, &OPTIONS)
            .map(|chunk| black_box(chunk).len())
            .sum();
        let all = start.elapsed();
        scan = scan.min(scanned);
        splice = splice.min(all - scanned);
        both = both.min(all);

        let start = Instant::now();
        for body in &bodies {
            target[..body.len()].copy_from_slice(body);
            black_box(&mut target);
        }
        copy = copy.min(start.elapsed());
    }
    let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e9;
    println!(
        "{:>5} KB {count:>5} {:>8.1} {:>9.1} {:>9.2} {:>9.2} {:>9.2} {:>9.1}",
        size >> 10,
        bytes as f64 / 1e6,
        written as f64 / 1e6,
        rate(scan),
        rate(splice),
        rate(both),
        rate(copy)
    );
}

fn instance_labels(index: usize) -> Labels {
    let index = index.to_string();
    let address = format!("10.0.{}.7:61{index:0>3}", index.len());
    Labels::from_iter([
        ("organization_id", "3f2b6d0e-6d5d-4b7f-9c55-6a1d3f6a9d01"),
        ("space_id", "b1b9a3f4-0b1e-4f0a-8a59-0f6d0a1f2c11"),
        ("app_id", "0c8f1c52-55f5-45b1-9f6e-a2a1b7a4f6f0"),
        ("organization_name", "my-organization"),
        ("space_name", "production"),
        ("app_name", "shop-backend"),
        ("index", &index),
        ("instance_id", &index),
        ("instance", &address),
    ])
}

/// A page of about `size` bytes.
fn page(size: usize, instance: usize) -> String {
    let mut page = String::with_capacity(size + 4096);
    let mut random = 0x9e37_79b9_7f4a_7c15u64 ^ (instance as u64) << 17;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut block = 0;
    while page.len() < size {
        let _ = writeln!(
            page,
            "# HELP node_cpu_seconds_{block}_total Seconds the CPUs spent in each mode.\n# TYPE node_cpu_seconds_{block}_total counter"
        );
        for cpu in 0..4 {
            for mode in [
                "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user",
            ] {
                let _ = writeln!(
                    page,
                    "node_cpu_seconds_{block}_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {}",
                    next() % 10_000_000_000 / 100
                );
            }
        }
        for gauge in ["MemFree", "MemAvailable", "Cached", "SwapFree", "Dirty"] {
            let _ = writeln!(
                page,
                "# HELP node_memory_{gauge}_{block}_bytes Memory information field {gauge}_bytes.\n# TYPE node_memory_{gauge}_{block}_bytes gauge\nnode_memory_{gauge}_{block}_bytes {:e}",
                next() % 100_000_000_000
            );
        }
        let _ = writeln!(
            page,
            "# HELP jvm_memory_used_{block}_bytes The amount of used memory\n# TYPE jvm_memory_used_{block}_bytes gauge"
        );
        for (area, id) in [
            ("heap", "G1 Eden Space"),
            ("heap", "G1 Old Gen"),
            ("nonheap", "Metaspace"),
            ("nonheap", "CodeHeap 'non-nmethods'"),
        ] {
            let _ = writeln!(
                page,
                "jvm_memory_used_{block}_bytes{{application=\"shop\",area=\"{area}\",id=\"{id}\",}} {}.{}E7",
                next() % 10,
                next() % 100_000
            );
        }
        let _ = writeln!(
            page,
            "# HELP http_server_requests_{block}_seconds \n# TYPE http_server_requests_{block}_seconds histogram"
        );
        for uri in [
            "/api/orders/{id}",
            "/api/customers/{id}/addresses",
            "/actuator/prometheus",
        ] {
            let labels = format!(
                "application=\"shop\",exception=\"None\",method=\"GET\",outcome=\"SUCCESS\",status=\"200\",uri=\"{uri}\""
            );
            let mut count = 0;
            for le in ["0.005", "0.01", "0.05", "0.1", "0.5", "1.0", "5.0", "+Inf"] {
                count += next() % 1000;
                let _ = writeln!(
                    page,
                    "http_server_requests_{block}_seconds_bucket{{{labels},le=\"{le}\",}} {count}.0"
                );
            }
            let _ = writeln!(
                page,
                "http_server_requests_{block}_seconds_count{{{labels},}} {count}.0"
            );
            let _ = writeln!(
                page,
                "http_server_requests_{block}_seconds_sum{{{labels},}} {}.{}",
                next() % 1000,
                next() % 1_000_000_000
            );
        }
        block += 1;
    }
    page
}
