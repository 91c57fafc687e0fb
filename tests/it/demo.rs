use std::path::Path;

use promfetch_tests::process::run;
use promfetch_tests::{Page, Promfetch, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_answers_with_three_instances_that_change() {
    let demo = Promfetch::demo().await;
    let first = demo.page("/v1/apps/demo/dev/hello/metrics").await;
    assert_eq!(
        first.up().into_values().collect::<Vec<_>>(),
        [1.0, 1.0, 1.0]
    );
    let own: Vec<_> = first
        .samples
        .iter()
        .filter(|sample| !sample.name.starts_with("promfetch"))
        .collect();
    assert!(
        own.iter().any(|sample| sample.label("index") == "2"),
        "{}",
        first.text
    );
    let second = demo.page("/v1/apps/demo/dev/hello/only-app-metrics").await;
    let changed = second.samples.iter().any(|sample| {
        first.samples.iter().any(|before| {
            before.name == sample.name
                && before.labels == sample.labels
                && before.value != sample.value
        })
    });
    assert!(
        changed,
        "the metrics change between two scrapes: {}",
        second.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flaky_answers_all_that_is_healthy_in_time() {
    let demo = Promfetch::demo().await;
    let page = demo
        .page_with(
            "/v1/apps/demo/dev/flaky/metrics",
            &[("x-prometheus-scrape-timeout-seconds", "3")],
        )
        .await;
    let up = page.up();
    assert_eq!((up["0"], up["1"], up["2"]), (1.0, 0.0, 0.0));
    assert_eq!(page.errors()["1"], "timeout");
    assert_eq!(page.errors()["2"], "parse");
    assert!(
        page.samples
            .iter()
            .any(|sample| sample.label("index") == "0" && !sample.name.starts_with("promfetch")),
        "{}",
        page.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_printed_command_works_as_it_stands() {
    let demo = Promfetch::demo().await;
    let printed = demo.log();
    // What sets a variable counts for all that follows.
    let (variables, commands): (Vec<&str>, Vec<&str>) = printed
        .lines()
        .map(str::trim)
        .filter(|line| {
            ["curl ", "broker=", "bind=", "$broker"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .partition(|line| line.starts_with("b"));
    assert!(
        commands.len() >= 10,
        "commands to try are printed: {printed}"
    );
    let folder = tempfile::tempdir().unwrap();
    for command in commands {
        let command = format!("{}\n{command}", variables.join("\n"));
        let finished = run(Path::new("/bin/sh"), &["-c", &command], |shell| {
            shell.current_dir(folder.path());
        })
        .await;
        assert_eq!(finished.code, Some(0), "{command}: {}", finished.stderr);
        assert!(!finished.stdout.is_empty(), "{command}");
        if command.contains("/metrics")
            && finished.stdout.starts_with("# ")
            && !finished.stdout.contains("# EOF")
        {
            check::text(finished.stdout.as_bytes())
                .unwrap_or_else(|problem| panic!("{command}: {problem}"));
            Page::read(&finished.stdout);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_needs_no_file_and_ends_when_told() {
    let mut demo = Promfetch::demo().await;
    assert!(
        std::fs::read_dir(demo.folder.path())
            .unwrap()
            .next()
            .is_none(),
        "it leaves nothing behind"
    );
    demo.signal("INT");
    assert_eq!(demo.ended().await.code(), Some(0));
}
