//! What the C boundary costs: the same merge through Rust, and through the built library as a C program calls it.
//!
//! `cargo build --release -p promfetch-ffi && cargo bench -p promfetch-ffi --bench merge` prints the best of several
//! rounds. *add* copies each page; *borrowed* does not; *stream* gives families one by one. Each scans and merges.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(
    clippy::missing_transmute_annotations,
    reason = "the fields of `Library` say the types"
)]

use std::ffi::{CString, c_char, c_void};
use std::hint::black_box;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use promfetch_core::config::LabelConflict;
use promfetch_core::exposition::{Format, Limits, Page};
use promfetch_core::labels::Labels;
use promfetch_core::merge::{Input, Options, merge};

#[path = "../../core/benches/pages/mod.rs"]
#[allow(dead_code, reason = "only one kind of page is needed here")]
mod pages;

const LIMITS: Limits = Limits {
    max_samples: 2_000_000,
    max_line: 1 << 20,
};
const BUDGET: Duration = Duration::from_secs(8);

fn main() {
    let library = Library::open();
    println!(
        "{:>6} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7} {:>9}",
        "pages", "of", "in MB", "Rust", "add", "borrowed", "stream", "borrowed"
    );
    for (count, size) in [(10, 20 << 10), (10, 200 << 10), (200, 200 << 10)] {
        measure(&library, count, size);
    }
    println!("milliseconds; the last column is borrowed in per cent of Rust");
}

fn measure(library: &Library, count: usize, size: usize) {
    let bodies: Vec<Bytes> = (0..count)
        .map(|instance| pages::page(size, instance).into())
        .collect();
    let labels: Vec<Labels> = (0..count).map(pages::instance_labels).collect();
    let handles: Vec<*mut c_void> = labels.iter().map(|labels| library.labels(labels)).collect();
    let mut best = [Duration::MAX; 4];
    let started = Instant::now();
    while started.elapsed() < BUDGET {
        let ways: [&dyn Fn() -> usize; 4] = [
            &|| through_rust(&bodies, &labels),
            &|| library.merge(&bodies, &handles, library.add, library.finish),
            &|| library.merge(&bodies, &handles, library.borrow, library.finish),
            &|| library.merge(&bodies, &handles, library.borrow, library.stream),
        ];
        for (best, way) in best.iter_mut().zip(ways) {
            let start = Instant::now();
            black_box(way());
            *best = start.elapsed().min(*best);
        }
    }
    for handle in handles {
        (library.labels_free)(handle);
    }
    let bytes: usize = bodies.iter().map(Bytes::len).sum();
    let [rust, add, borrowed, stream] = best.map(|time| time.as_secs_f64() * 1e3);
    println!(
        "{count:>6} {:>4} KB {:>7.1} {rust:>7.2} {add:>7.2} {borrowed:>8.2} {stream:>7.2} {:>8.1} %",
        size >> 10,
        bytes as f64 / 1e6,
        borrowed / rust * 100.0
    );
}

fn through_rust(bodies: &[Bytes], labels: &[Labels]) -> usize {
    let mut inputs: Vec<Input> = Vec::with_capacity(bodies.len());
    for (body, labels) in bodies.iter().zip(labels) {
        let like = inputs.last().map(|input| &*input.page);
        let page = Page::scan_like(body.clone(), Format::Text, &LIMITS, like).unwrap();
        inputs.push(Input {
            labels: labels.clone(),
            page: Arc::new(page),
        });
    }
    let options = Options {
        format: Format::Text,
        label_conflict: LabelConflict::Export,
    };
    black_box(merge(inputs, None, &options).into_bytes()).len()
}

type Handle = *mut c_void;
type Slot = *mut Handle;
type Add = fn(&Library, Handle, Handle, &[u8]);
type Finish = fn(&Library, Handle) -> usize;

/// The functions of the library, as `dlsym` finds them.
struct Library {
    merge_new: extern "C" fn() -> Handle,
    merge_add: extern "C" fn(Handle, Handle, *const c_char, *const c_char, usize, Slot) -> u32,
    merge_add_borrowed: extern "C" fn(
        Handle,
        Handle,
        *const c_char,
        *const c_char,
        usize,
        Handle,
        Handle,
        Slot,
    ) -> u32,
    merge_finish: extern "C" fn(Handle, Slot) -> Handle,
    merge_stream: extern "C" fn(Handle, Slot) -> Handle,
    merge_free: extern "C" fn(Handle),
    data: extern "C" fn(Handle, *mut usize) -> *const c_char,
    exposition_free: extern "C" fn(Handle),
    next: extern "C" fn(Handle, *mut usize, Slot) -> *const c_char,
    stream_free: extern "C" fn(Handle),
    labels_new: extern "C" fn() -> Handle,
    labels_set: extern "C" fn(Handle, *const c_char, *const c_char, Slot) -> u32,
    labels_free: extern "C" fn(Handle),
    add: Add,
    borrow: Add,
    finish: Finish,
    stream: Finish,
}

impl Library {
    /// The release library beside the workspace's target folder.
    fn open() -> Self {
        let path = std::env::var("PROMFETCH_LIBRARY").unwrap_or_else(|_| {
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../target/release/libpromfetch.so"
            )
            .to_owned()
        });
        let name = CString::new(path.as_str()).unwrap();
        // SAFETY: the library has no constructors that do anything.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        assert!(
            !library.is_null(),
            "{path} is not there: build it with `cargo build --release -p promfetch-ffi`"
        );
        macro_rules! symbol {
            ($name:literal) => {{
                // SAFETY: the symbols have the types of include/promfetch.h, which the fields repeat.
                unsafe {
                    let symbol = libc::dlsym(library, concat!($name, "\0").as_ptr().cast());
                    assert!(!symbol.is_null(), $name);
                    std::mem::transmute(symbol)
                }
            }};
        }
        Self {
            merge_new: symbol!("promfetch_merge_new"),
            merge_add: symbol!("promfetch_merge_add"),
            merge_add_borrowed: symbol!("promfetch_merge_add_borrowed"),
            merge_finish: symbol!("promfetch_merge_finish"),
            merge_stream: symbol!("promfetch_merge_stream"),
            merge_free: symbol!("promfetch_merge_free"),
            data: symbol!("promfetch_exposition_data"),
            exposition_free: symbol!("promfetch_exposition_free"),
            next: symbol!("promfetch_stream_next"),
            stream_free: symbol!("promfetch_stream_free"),
            labels_new: symbol!("promfetch_labels_new"),
            labels_set: symbol!("promfetch_labels_set"),
            labels_free: symbol!("promfetch_labels_free"),
            add: |library, merge, labels, body| {
                let code = (library.merge_add)(
                    merge,
                    labels,
                    null(),
                    body.as_ptr().cast(),
                    body.len(),
                    null_mut(),
                );
                assert_eq!(code, 0);
            },
            borrow: |library, merge, labels, body| {
                let data = body.as_ptr().cast();
                let code = (library.merge_add_borrowed)(
                    merge,
                    labels,
                    null(),
                    data,
                    body.len(),
                    null_mut(),
                    null_mut(),
                    null_mut(),
                );
                assert_eq!(code, 0);
            },
            finish: |library, merge| {
                let page = (library.merge_finish)(merge, null_mut());
                let mut len = 0;
                black_box((library.data)(page, &raw mut len));
                (library.exposition_free)(page);
                len
            },
            stream: |library, merge| {
                let stream = (library.merge_stream)(merge, null_mut());
                let (mut len, mut all) = (0, 0);
                while !(library.next)(stream, &raw mut len, null_mut()).is_null() {
                    all += len;
                }
                (library.stream_free)(stream);
                all
            },
        }
    }

    fn labels(&self, labels: &Labels) -> Handle {
        let handle = (self.labels_new)();
        for (name, value) in labels.iter() {
            let [name, value] = [name, value].map(|text| CString::new(text).unwrap());
            assert_eq!(
                (self.labels_set)(handle, name.as_ptr(), value.as_ptr(), null_mut()),
                0
            );
        }
        handle
    }

    fn merge(&self, bodies: &[Bytes], labels: &[Handle], add: Add, finish: Finish) -> usize {
        let merge = (self.merge_new)();
        for (body, labels) in bodies.iter().zip(labels) {
            add(self, merge, *labels, body);
        }
        let len = finish(self, merge);
        (self.merge_free)(merge);
        len
    }
}
