use promfetch_tests::eventually;
use serde_json::{Value, json};

use super::{DRIVER, Folder, Host, is_gone, is_up, restarts};

/// One plugin with these arguments and queries; all its processes are told.
async fn start(arguments: &[&str], queries: &[(&str, &str)]) -> Host {
    let folder = Folder::new();
    let keys = keys(&folder, arguments, queries);
    Host::start_in(folder, keys).await
}

fn keys(folder: &Folder, arguments: &[&str], queries: &[(&str, &str)]) -> Value {
    let pids = folder.text("pids");
    let arguments = [&["-pids", &pids], arguments].concat();
    let queries = queries
        .iter()
        .map(|(name, query)| json!({"name": name, "query": query}));
    json!({
        "plugins": [{"name": DRIVER, "args": arguments}],
        "queries": queries.collect::<Vec<_>>(),
    })
}

async fn until_up(host: &Host) -> f64 {
    let page = host.until("it is up", |page| is_up(page, "pid")).await;
    page.value("apm_query_value", &[("query", "pid")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_when_the_host_is_told_to_end() {
    for (signal, arguments, queries, why) in [
        ("TERM", &[][..], &[("pid", "pid")][..], "a good one"),
        (
            "INT",
            &["-child"],
            &[("pid", "pid")],
            "one with a process of its own",
        ),
        (
            "TERM",
            &["-mode=stubborn", "-child"],
            &[("pid", "pid")],
            "one that does not go",
        ),
        (
            "TERM",
            &[],
            &[("pid", "pid"), ("slow", "sleep:1h")],
            "one that is busy",
        ),
        (
            "TERM",
            &["-tcp"],
            &[("pid", "pid")],
            "one without `Shutdown`",
        ),
    ] {
        let mut host = start(arguments, queries).await;
        until_up(&host).await;
        let started = host.folder.pids().len();
        assert_eq!(
            started,
            1 + usize::from(arguments.contains(&"-child")),
            "{why}"
        );
        host.process.signal(signal);
        assert_eq!(host.process.ended().await.code(), Some(0), "{why}");
        host.folder.all_gone().await;
        assert!(!host.folder.path("apm.sock").exists(), "{why}");
        assert_eq!(host.folder.left().len(), 0, "{why}");
        assert_eq!(
            host.folder.pids().len(),
            started,
            "{why}: not started again"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_when_the_host_is_told_to_end_as_plugins_start() {
    let mut host = start(&["-mode=silent", "-child"], &[("pid", "pid")]).await;
    eventually("it has started", async || {
        (host.folder.pids().len() == 2).then_some(())
    })
    .await;
    host.process.signal("TERM");
    assert_eq!(host.process.ended().await.code(), Some(0));
    host.folder.all_gone().await;
    assert_eq!(host.folder.left().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_takes_its_plugins_along() {
    let mut host = start(&["-mode=stubborn"], &[("pid", "pid")]).await;
    until_up(&host).await;
    assert!(!is_gone(host.folder.pids()[0]));
    host.process.kill();
    host.folder.all_gone().await;
    // Its socket is left, and does not keep the next host from listening.
    assert!(host.folder.path("apm.sock").exists());
    let Host { folder, .. } = host;
    let keys = keys(&folder, &[], &[("pid", "pid")]);
    until_up(&Host::start_in(folder, keys).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_is_killed_is_started_again() {
    let host = start(&["-child"], &[("pid", "pid")]).await;
    let mut pid = until_up(&host).await;
    for times in 1..=2 {
        let status = std::process::Command::new("sh")
            .args(["-c", &format!("kill -KILL {pid}")])
            .status();
        assert!(status.unwrap().success());
        let page = host
            .until("another one answers", |page| {
                is_up(page, "pid") && page.value("apm_query_value", &[("query", "pid")]) != pid
            })
            .await;
        pid = page.value("apm_query_value", &[("query", "pid")]);
        assert_eq!(restarts(&page, DRIVER), f64::from(times));
    }
    host.logged("it ended (signal: 9 (SIGKILL)); it is started again in")
        .await;
    let pids = host.folder.pids();
    assert_eq!(pids.len(), 6);
    eventually(
        "the first ones are gone, with what they had started",
        async || pids[..4].iter().all(|pid| is_gone(*pid)).then_some(()),
    )
    .await;
    // Not even as zombies: this is the parent of the plugins themselves.
    for pid in [pids[0], pids[2]] {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
    assert_eq!(
        host.folder.left().len(),
        1,
        "the folders of the first two are gone"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_go_with_a_plugin_that_crashes_in_a_query() {
    let host = start(&[], &[("pid", "pid"), ("crash", "crash")]).await;
    host.logged("it ended (exit status: 2): panic: I have been asked to")
        .await;
    host.until("it crashed three times", |page| {
        restarts(page, DRIVER) >= 3.0
    })
    .await;
    let page = host
        .until("it is down", |page| {
            page.value("apm_plugin_up", &[("plugin", DRIVER)]) == 0.0
        })
        .await;
    assert!(!page.has("apm_query_value") && !page.has("apm_query_duration_seconds"));
    assert!(!is_up(&page, "pid") && !is_up(&page, "crash"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_hangs_is_started_again() {
    let folder = Folder::new();
    let mut keys = keys(&folder, &[], &[("pid", "pid")]);
    keys["timeout"] = "1s".into();
    let host = Host::start_in(folder, keys).await;
    let pid = until_up(&host).await;
    let signal = |signal: &str| {
        let status = std::process::Command::new("sh")
            .args(["-c", &format!("kill -{signal} {pid}")])
            .status();
        assert!(status.unwrap().success());
    };
    signal("STOP");
    host.logged("it has not answered a ping within 5s; it is started again")
        .await;
    let page = host
        .until("another one answers", |page| is_up(page, "pid"))
        .await;
    assert_ne!(page.value("apm_query_value", &[("query", "pid")]), pid);
    assert_eq!(restarts(&page, DRIVER), 1.0);
    assert!(is_gone(pid as u32));
}
