//! The BOSH release and all of `manifests/`: the Ruby programs of `tests/bosh`, one test each. They are in Ruby, since
//! BOSH's templates are.

use std::collections::BTreeSet;

use promfetch_tests::process::{run, skipped};
use promfetch_tests::promfetch::binary;
use promfetch_tests::tools;

/// Runs one of them. What it skips stands in the log, also when the test passes.
async fn ruby(name: &str) {
    let file = tools::repository().join(format!("tests/bosh/{name}.rb"));
    let words = [file.display().to_string(), "--verbose".to_owned()];
    let finished = run(&tools::find("ruby"), &words, |command| {
        command
            .current_dir(tools::repository())
            .env("PROMFETCH", binary());
    })
    .await;
    assert_eq!(
        finished.code,
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    assert!(
        finished.stdout.contains(", 0 failures, 0 errors,"),
        "it has run tests: {}",
        finished.stdout
    );
    for line in finished.stdout.lines().filter(|line| line.ends_with("= S")) {
        skipped(format_args!("tests/bosh/{name}.rb {line}"));
    }
}

macro_rules! programs {
    ($($name:ident)*) => {
        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                ruby(stringify!($name)).await;
            }
        )*
    };
}

programs! {
    alerts
    cf_push
    container
    dashboards
    deploy_docs
    ops
    ops_file
    ops_prometheus
    ops_rendered
    release_files
    replace_promfetcher
    scripts_databases
    scripts_errands
    scripts_running
    service_unit
    templates_config
    templates_jobs
}

#[test]
fn every_program_is_run() {
    let files: BTreeSet<String> = std::fs::read_dir(tools::repository().join("tests/bosh"))
        .expect("tests/bosh is there")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|of| of == "rb"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    let named: BTreeSet<String> = PROGRAMS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, named);
}
