use std::path::PathBuf;

use promfetch_tests::process::run;
use promfetch_tests::{App, Behaviour, Platform, eventually};
use serde_json::json;

use super::{Host, of_app};

/// Sends a signal to a process that is no child of the test.
async fn signal(signal: &str, pid: u64) {
    let kill = format!("kill -{signal} {pid}");
    let finished = run("/bin/sh".as_ref(), &["-c", &kill], |_| ()).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Waits until the process is gone, or a zombie that only its host can bury.
async fn gone(pid: u64) {
    eventually("the plugin is gone", async || {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z")).then_some(())
    })
    .await;
}

async fn started(host: &Host) -> u64 {
    let started = host.start_plugin(json!({})).await.good();
    started["pid"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_does_not_wait_for_open_queries() {
    let platform = Platform::start().await;
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::Hang])
        .await;
    let host = Host::of(&platform.promfetch, json!({"timeout": "60s"})).await;
    let query = of_app("in_flight", "shop");
    let question = json!({"query": query, "window": 0});
    let (answer, ()) = tokio::join!(host.ask("query", question), async {
        eventually("the app is asked", async || {
            (pushed.instances[0].requests() > 0).then_some(())
        })
        .await;
        assert_eq!(host.ask("kill", json!({})).await.good()["exited"], true);
    });
    // By whoever is first: the plugin, or the host, which closes its connection right after.
    answer.error();
    let log = host.logged("host").await;
    assert!(
        !log.iter()
            .any(|(_, line)| line.contains("failed to exit gracefully")),
        "it ended within 2 s: {log:?}"
    );
    assert_eq!(host.left(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_plugin_can_be_started_again() {
    let platform = Platform::start().await;
    let _pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page("in_flight 3\n")],
        )
        .await;
    let host = Host::new().await;
    let pid = started(&host).await;
    host.configure(&platform.promfetch, json!({})).await.good();
    host.until(&of_app("in_flight", "shop"), 3.0).await;
    signal("KILL", pid).await;
    gone(pid).await;
    host.ask("ping", json!({})).await.error();
    host.ask("kill", json!({})).await.good();

    assert_ne!(started(&host).await, pid);
    host.configure(&platform.promfetch, json!({})).await.good();
    let samples = host
        .query(&of_app("in_flight", "shop"), 60_000)
        .await
        .unwrap();
    assert_eq!(samples.len(), 1, "history begins anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terminate_ends_and_interrupt_does_not() {
    let host = Host::new().await;
    let pid = started(&host).await;
    signal("INT", pid).await;
    host.ask("ping", json!({})).await.good();
    signal("TERM", pid).await;
    gone(pid).await;
    assert_eq!(host.left(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_does_not_outlive_its_host() {
    let host = Host::new().await;
    let pid = started(&host).await;
    host.process.signal("KILL");
    gone(pid).await;
    assert_eq!(host.left(), Vec::<PathBuf>::new());
}
