//! Speed of scan and merge on one core, with the least that any program could do beside it.
//!
//! `cargo bench -p promfetch-core --bench merge` prints gigabytes of input per second. Each figure is the best of
//! several rounds; on a machine with other work, short rounds are more to be trusted than long ones.
//!
//! - `text`: half node_exporter-like, half JVM-like: 71 samples in 8 families of 1 to 32, 94 bytes a line.
//! - `small`: as of a Go program: 61 samples in 12 families of 1 to 36, a third of the lines are HELP and TYPE.
//! - `openm.`: the same in OpenMetrics.
//!
//! Instances differ in their values. *scan* checks each page alone; *like* checks it along the page before it, as a
//! fetch does. *both* is *like* and *merge*. *splice* is the floor: the labels copied into the lines of one page
//! after the other, at places known before, nothing checked and nothing in order. *index* is bytes per sample.

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
const BUDGET: Duration = Duration::from_millis(1500);

/// What the pages look like.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    format: Format,
    page: fn(usize, usize) -> String,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "text",
        format: Format::Text,
        page,
    },
    Shape {
        name: "small",
        format: Format::Text,
        page: |size, instance| small_families(size, instance, "_total", ""),
    },
    Shape {
        name: "openm.",
        format: Format::OpenMetrics,
        page: |size, instance| small_families(size, instance, "", "# EOF\n"),
    },
];

fn main() {
    println!(
        "{:>6} {:>7} {:>5} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>7} {:>7} {:>6}",
        "pages",
        "of",
        "count",
        "in MB",
        "out MB",
        "scan",
        "like",
        "merge",
        "both",
        "splice",
        "memcpy",
        "UTF-8",
        "index"
    );
    for shape in SHAPES {
        for (size, counts) in [
            (20 << 10, &[10, 100, 500][..]),
            (200 << 10, &[10, 100, 500]),
            (2 << 20, &[10, 50]),
        ] {
            for count in counts {
                measure(shape, size, *count);
            }
        }
    }
    println!("GB/s of input on one core (memcpy: GB/s copied, the same total in pieces of a page)");
}

fn measure(shape: Shape, size: usize, count: usize) {
    let format = shape.format;
    let bodies: Vec<Bytes> = (0..count)
        .map(|instance| Bytes::from((shape.page)(size, instance)))
        .collect();
    let labels: Vec<Labels> = (0..count).map(instance_labels).collect();
    let bytes: usize = bodies.iter().map(Bytes::len).sum();
    let places: Vec<Vec<usize>> = bodies.iter().map(|body| places(body)).collect();
    let (mut written, mut index) = (0, 0.0);
    let mut target = Vec::with_capacity(64 << 10);
    let mut best = [Duration::MAX; 7];
    let mut time = |of: usize, work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        let took = start.elapsed();
        if let Some(best) = best.get_mut(of) {
            *best = took.min(*best);
        }
    };
    let alone = || -> Vec<Arc<Page>> {
        let scan = |body: &Bytes| Page::scan(body.clone(), format, &LIMITS).unwrap();
        bodies.iter().map(|body| Arc::new(scan(body))).collect()
    };
    let alike = || -> Vec<Arc<Page>> {
        let mut pages: Vec<Arc<Page>> = Vec::with_capacity(count);
        for body in &bodies {
            let like = pages.last().map(|page| &**page);
            let page = Page::scan_like(body.clone(), format, &LIMITS, like).unwrap();
            pages.push(Arc::new(page));
        }
        pages
    };
    let merged = |pages: &[Arc<Page>]| -> usize {
        let inputs = pages.iter().zip(&labels).map(|(page, labels)| Input {
            labels: labels.clone(),
            page: page.clone(),
        });
        let options = Options {
            format,
            label_conflict: LabelConflict::Export,
        };
        let chunks = merge(inputs.collect(), None, &options);
        chunks.map(|chunk| black_box(chunk).len()).sum()
    };
    let block = vec![b'x'; labels.first().map_or(0, |labels| labels.render().len())];
    let started = Instant::now();
    for round in 0.. {
        if round >= 3 && started.elapsed() > BUDGET {
            break;
        }
        let mut pages = Vec::new();
        time(0, &mut || pages = alone());
        time(1, &mut || pages = alike());
        let samples: usize = pages.iter().map(|page| page.samples()).sum();
        let indexes: usize = pages.iter().map(|page| page.index_len()).sum();
        index = indexes as f64 / samples as f64;
        time(2, &mut || written = merged(&pages));
        drop(pages);
        time(3, &mut || {
            black_box(merged(&alike()));
        });
        time(4, &mut || {
            for (body, places) in bodies.iter().zip(&places) {
                splice(body, places, &block, &mut target);
            }
        });
        time(5, &mut || {
            for body in &bodies {
                target.clear();
                target.extend_from_slice(body);
                black_box(&mut target);
            }
        });
        time(6, &mut || {
            for body in &bodies {
                black_box(std::str::from_utf8(body).is_ok());
            }
        });
    }
    let rates = best.map(|time| bytes as f64 / time.as_secs_f64() / 1e9);
    let [scan, like, merge, both, splice, copy, utf8] = rates;
    println!(
        "{:>6} {:>4} KB {count:>5} {:>6.1} {:>6.1} {scan:>6.2} {like:>6.2} {merge:>6.2} {both:>6.2} {splice:>6.2} {copy:>7.1} {utf8:>7.1} {index:>6.1}",
        shape.name,
        size >> 10,
        bytes as f64 / 1e6,
        written as f64 / 1e6,
    );
}

/// Where the labels end in each line.
fn places(body: &[u8]) -> Vec<usize> {
    let mut at = 0;
    let mut places = Vec::new();
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let end = line.iter().rposition(|byte| matches!(byte, b'}' | b' '));
        if line.first() != Some(&b'#') {
            places.push(at + end.unwrap_or(0));
        }
        at += line.len();
    }
    places
}

/// Copies the body with `block` at each of the places, in chunks.
fn splice(body: &[u8], places: &[usize], block: &[u8], chunk: &mut Vec<u8>) {
    let mut copied = 0;
    chunk.clear();
    for place in places {
        chunk.extend_from_slice(&body[copied..*place]);
        chunk.extend_from_slice(block);
        copied = *place;
        if chunk.len() >= 60 << 10 {
            black_box(&mut *chunk);
            chunk.clear();
        }
    }
    chunk.extend_from_slice(&body[copied..]);
    black_box(chunk);
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
    let mut next = numbers(instance);
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

/// Numbers that are different for each instance.
fn numbers(instance: usize) -> impl FnMut() -> u64 {
    let mut random = 0x9e37_79b9_7f4a_7c15u64 ^ (instance as u64) << 17;
    move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    }
}

/// A page of about `size` bytes of many small families. `total` is what counters have on their TYPE line.
fn small_families(size: usize, instance: usize, total: &str, end: &str) -> String {
    let mut page = String::with_capacity(size + 8192);
    let mut next = numbers(instance);
    let mut block = 0;
    while page.len() < size {
        for unit in ["reads", "written_bytes", "io_time_weighted", "flushes"] {
            let name = format!("node_disk_{unit}_{block}");
            let _ = writeln!(
                page,
                "# HELP {name}{total} The total number of {unit} of the device.\n# TYPE {name}{total} counter"
            );
            for device in ["sda", "sdb", "nvme0n1"] {
                let value = next() % 1_000_000;
                let _ = writeln!(page, "{name}_total{{device=\"{device}\"}} {value}");
            }
        }
        for gauge in [
            "goroutines",
            "threads",
            "heap_alloc_bytes",
            "heap_objects",
            "gc_bytes",
            "fds",
        ] {
            let name = format!("go_{gauge}_{block}");
            let value = (next() % 10_000_000) as f64 / 8.0;
            let _ = writeln!(
                page,
                "# HELP {name} Number of {gauge} that currently exist.\n# TYPE {name} gauge\n{name} {value}"
            );
        }
        let name = format!("go_gc_duration_{block}_seconds");
        let _ = writeln!(
            page,
            "# HELP {name} A summary of the pauses in garbage collection cycles.\n# TYPE {name} summary"
        );
        for quantile in ["0", "0.25", "0.5", "0.75", "1"] {
            let value = (next() % 100_000) as f64 * 1e-9;
            let _ = writeln!(page, "{name}{{quantile=\"{quantile}\"}} {value:e}");
        }
        let (sum, count) = ((next() % 1_000_000) as f64 / 1e4, next() % 100_000);
        let _ = writeln!(page, "{name}_sum {sum}\n{name}_count {count}");
        let name = format!("http_request_duration_{block}_seconds");
        let _ = writeln!(
            page,
            "# HELP {name} Duration of requests.\n# TYPE {name} histogram"
        );
        for path in ["/", "/api/v1/orders", "/healthz"] {
            let labels = format!("code=\"200\",method=\"get\",path=\"{path}\"");
            let mut count = 0;
            for le in [
                "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "+Inf",
            ] {
                count += next() % 1000;
                let _ = writeln!(page, "{name}_bucket{{{labels},le=\"{le}\"}} {count}");
            }
            let sum = (next() % 1_000_000) as f64 / 1e3;
            let _ = writeln!(
                page,
                "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
            );
        }
        block += 1;
    }
    page.push_str(end);
    page
}
