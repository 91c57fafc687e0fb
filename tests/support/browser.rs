//! A real browser: the tests of `tests/browser`, run against a promfetch.

use crate::process;
use crate::tools;

/// Runs a file of `tests/browser` against the promfetch at `url`, with these variables in the environment, and gives
/// what it printed.
///
/// Pictures of pages are left in `target/screenshots/<name>`, for people to look at.
///
/// # Panics
/// When a test of the file fails, with all that was printed.
pub async fn run(name: &str, url: &str, environment: &[(&str, &str)]) -> String {
    let file = tools::repository().join(format!("tests/browser/{name}.test.mjs"));
    let node = tools::folder().join("bin/node");
    assert!(
        node.is_file() && file.is_file(),
        "{} or {} is missing: run `make tools`",
        node.display(),
        file.display()
    );
    let screenshots = tools::repository().join("target/screenshots").join(name);
    let home = tempfile::tempdir().expect("a temporary folder");
    let arguments = [
        "--test".into(),
        "--test-reporter=spec".into(),
        "--test-concurrency=1".into(),
        file.into_os_string(),
    ];
    let finished = process::run(&node, &arguments, |command| {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            // Chromium keeps its settings there.
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("BROWSER_MODULES", tools::folder().join("browser"))
            .env("CHROMIUM", tools::find("chromium"))
            .env("PROMFETCH_URL", url)
            .env("SCREENSHOTS", screenshots)
            .envs(environment.iter().copied());
    })
    .await;
    assert_eq!(
        finished.code,
        Some(0),
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    finished.stdout
}
