//! Pages of the corpus, spoiled at random for as long as `FUZZ_SECONDS` says: no page makes the scan panic, and a page
//! that is accepted stays acceptable after it is merged, and after it is converted to every dialect.
//!
//! A page that breaks this is saved below `target/fuzz`. Cases are numbered: `FUZZ_FIRST=N` begins with the Nth.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

mod corpus;
mod mutate;
mod properties;
mod random;

use self::corpus::Corpus;
use self::properties::Counts;
use self::random::Random;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
#[expect(clippy::print_stdout, reason = "a long run says what it did")]
fn spoiled_pages_are_refused_or_stay_good() {
    let seconds = number("FUZZ_SECONDS", 4);
    let until = Instant::now() + Duration::from_secs(seconds);
    let corpus = Corpus::read();
    let next = AtomicU64::new(number("FUZZ_FIRST", 0));
    let failed = AtomicBool::new(false);
    // A long run has the machine for itself.
    let threads = match seconds {
        ..60 => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let worker = || {
        let mut counts = Counts::default();
        while Instant::now() < until && !failed.load(Ordering::Relaxed) {
            let case = next.fetch_add(1, Ordering::Relaxed);
            let mut random = Random::new(case);
            let (body, format) = mutate::page(&mut random, &corpus);
            let checked = catch_unwind(AssertUnwindSafe(|| {
                properties::check(&mut random, &corpus, &body, format, &mut counts)
            }));
            let problem = match checked {
                Ok(Ok(())) => continue,
                Ok(Err(problem)) => problem,
                Err(_) => "a panic".to_owned(),
            };
            failed.store(true, Ordering::Relaxed);
            let file = save(case, &body, format);
            panic!(
                "case {case}, {format:?}: {problem}\nThe page is in {}",
                file.display()
            );
        }
        counts
    };
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let done = workers.into_iter().map(|worker| worker.join());
        done.collect::<Result<Vec<_>, _>>()
    });
    match counts {
        Ok(counts) => {
            let all = counts.into_iter().fold(Counts::default(), Counts::plus);
            println!("{all:?} in {seconds} s");
            assert!(
                all.accepted > 0 && all.refused > 0 && all.converted > 0,
                "{all:?}"
            );
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn save(case: u64, body: &[u8], format: promfetch_core::exposition::Format) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    let file = folder.join(format!("{case}.{}", corpus::extension(format)));
    std::fs::create_dir_all(&folder).expect("a folder below target");
    std::fs::write(&file, body).expect("a file below target");
    file
}
