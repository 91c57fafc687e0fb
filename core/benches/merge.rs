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

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Limits, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

mod pages;

use pages::{instance_labels, page, small_families};

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
