//! The C functions called at random, by `tests/ffi/c/fuzz.c`. `make fuzz-ffi SECONDS=600` goes on longer.

use std::time::{Duration, Instant, SystemTime};

use promfetch_tests::library::Watch;
use promfetch_tests::process::report;

use super::{Instances, Program};

/// Steps of one run: a crash is looked for among these.
const STEPS: u64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_breaks_the_library() {
    let number = |name: &str| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<u64>().expect("a number"))
    };
    let instances = Instances::start().await;
    let (plain, sanitized, watched) = tokio::join!(
        Program::compile("fuzz", Watch::Nothing),
        Program::compile("fuzz", Watch::Sanitizers),
        Program::compile("fuzz", Watch::Valgrind),
    );
    let run = async |program: &Program, seed: u64, steps: u64| {
        let mut arguments = vec![format!("seed={seed}"), format!("steps={steps}")];
        arguments.extend(instances.arguments());
        program.succeeds(&arguments).await;
    };
    let seconds = number("FUZZ_SECONDS");
    let first = number("FUZZ_SEED").unwrap_or_else(|| {
        if seconds.is_none() {
            return 1; // the same for everybody, unless somebody looks for more
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs() % 1_000_000_000)
    });
    report(format_args!(
        "seeds from {first}: FUZZ_SEED={first} begins there again"
    ));
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(5));
    let mut seed = first;
    while seed == first || Instant::now() < end {
        run(&plain, seed, STEPS).await;
        run(&sanitized, seed, STEPS).await;
        if seed % 50 == first % 50 {
            run(&watched, seed, STEPS / 10).await;
        }
        seed += 1;
    }
    report(format_args!("{} seeds", seed - first));
}
