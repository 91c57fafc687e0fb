//! The examples of `ffi/examples` in C and C++, built as their README says, with the demo.

use std::fs;
use std::path::Path;

use promfetch_tests::library::{Library, Watch};
use promfetch_tests::process::{Finished, run};
use promfetch_tests::{Promfetch, check, tools};

/// What makes a program learn the demo's apps.
pub(super) fn environment(demo: &Promfetch) -> Vec<(&'static str, String)> {
    vec![
        (
            "PROMFETCH_GOROUTERS__0__HOST",
            demo.address().ip().to_string(),
        ),
        (
            "PROMFETCH_GOROUTERS__0__PORT",
            demo.address().port().to_string(),
        ),
        ("PROMFETCH_GOROUTERS__0__USER", "operator".into()),
        ("PROMFETCH_GOROUTERS__0__PASS", "look-around-here".into()),
        ("PROMFETCH_TARGETS_ALLOW", "127.0.0.0/8".into()),
    ]
}

async fn start(
    program: &Path,
    arguments: &[&str],
    environment: &[(&'static str, String)],
) -> Finished {
    run(program, arguments, |command| {
        command
            .env_clear()
            .env("LD_LIBRARY_PATH", Library::staged().libraries())
            .envs(environment.iter().map(|(name, value)| (name, value)));
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_and_cpp_examples_work_with_the_demo() {
    let demo = Promfetch::demo().await;
    let environment = environment(&demo);
    for language in ["c", "cpp"] {
        for name in ["fetch", "merge", "discover", "stream"] {
            let source =
                tools::repository().join(format!("ffi/examples/{language}/{name}.{language}"));
            let lines = fs::read_to_string(&source)
                .expect("the example")
                .lines()
                .count();
            assert!(lines < 25, "{} has {lines} lines", source.display());
            let folder = tempfile::tempdir().expect("a temporary folder");
            let program = tokio::task::spawn_blocking({
                let folder = folder.path().to_path_buf();
                move || Library::staged().compile(&source, Watch::Nothing, &folder)
            })
            .await
            .expect("it compiles");
            let what = format!("{language}/{name}");

            let finished = start(&program, &["demo/dev/hello"], &environment).await;
            assert_eq!((finished.code, &*finished.stderr), (Some(0), ""), "{what}");
            match name {
                "discover" => assert_eq!(finished.stdout.lines().count(), 3, "{what}"),
                "merge" => assert!(
                    finished.stdout.contains("jobs_total{worker=\"b\"}"),
                    "{what}"
                ),
                _ => {
                    check::text(finished.stdout.as_bytes())
                        .unwrap_or_else(|problem| panic!("{what}: {problem}"));
                    assert_eq!(
                        finished.stdout.matches("promfetch_up{").count(),
                        3,
                        "{what}"
                    );
                }
            }
            if name != "merge" {
                let finished = start(&program, &["demo/dev/nothing"], &environment).await;
                assert_eq!(finished.code, Some(1), "{what}: {}", finished.stdout);
                assert!(!finished.stderr.is_empty(), "{what} says why");
            }
        }
    }
}
