//! The Python package of `ffi/python`: its own tests against the installed library, and the way of somebody who has
//! nothing but Python and a wheel.

use promfetch_tests::library::{Library, built};
use promfetch_tests::process::{Finished, run};
use promfetch_tests::{Promfetch, tools};

use super::examples::environment;

async fn python(arguments: &[String], environment: &[(&'static str, String)]) -> Finished {
    run(&tools::python(), arguments, |command| {
        command
            .current_dir(tools::repository())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("PYTHONPATH")
            .envs(environment.iter().map(|(name, value)| (name, value)));
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_packages_own_tests_pass() {
    let words = [
        "-m",
        "unittest",
        "discover",
        "-s",
        "ffi/python/tests",
        "-t",
        "ffi/python",
    ];
    let library = Library::staged().libraries().join("libpromfetch.so.1");
    let environment = [
        ("PROMFETCH_LIBRARY", library.display().to_string()),
        ("PYTHONPATH", "ffi/python/src".to_owned()),
    ];
    let finished = python(&words.map(str::to_owned), &environment).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let skipped = finished.stderr.contains("skipped=");
    assert!(!skipped, "all that they need is there: {}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wheel_is_all_that_a_program_needs() {
    let demo = Promfetch::demo().await;
    let library = built().join("libpromfetch.so");
    let arguments = [
        "tests/ffi/python/check_wheel.py".to_owned(),
        "--library".to_owned(),
        library.display().to_string(),
    ];
    let finished = python(&arguments, &environment(&demo)).await;
    assert_eq!(
        finished.code,
        Some(0),
        "{}{}",
        finished.stdout,
        finished.stderr
    );
    assert_eq!(finished.stdout.matches("promfetch_up{").count(), 3);
}
