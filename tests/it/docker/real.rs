//! The plugin in a real dockerd.

use promfetch_tests::docker::{self, Dockerd};
use promfetch_tests::process::{report, skipped};
use promfetch_tests::{Page, eventually, http, net};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dockerd_runs_the_managed_plugin() {
    if let Some(reason) = docker::missing() {
        skipped(format_args!("a real dockerd: {reason}"));
        return;
    }
    let mut dockerd = match Dockerd::start().await {
        Ok(dockerd) => dockerd,
        Err(log) => {
            skipped(format_args!("dockerd does not start here"));
            report(format_args!("{log}"));
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    docker::plugin(folder.path());
    // The plugin is on the host's network.
    let address = net::free_address();
    let url = format!("http://{address}/metrics");
    let created = [
        "plugin",
        "create",
        "promfetch",
        folder.path().to_str().unwrap(),
    ];
    dockerd.must(&created).await;
    for setting in [
        format!("PROMFETCH_LISTEN={address}"),
        "PROMFETCH_HOST=build-7".to_owned(),
    ] {
        dockerd
            .must(&["plugin", "set", "promfetch", &setting])
            .await;
    }
    let enabled = dockerd.docker(&["plugin", "enable", "promfetch"]).await;
    if docker::is_forbidden(&enabled) {
        skipped(format_args!(
            "no containers here: {}",
            enabled.stderr.trim()
        ));
        return dockerd.finish().await;
    }
    assert_eq!(enabled.code, Some(0), "{}", enabled.stderr);
    scraped(&url, "after it was enabled").await;

    dockerd.restart().await.unwrap();
    scraped(&url, "after dockerd was restarted").await;

    dockerd.must(&["plugin", "disable", "promfetch"]).await;
    eventually("the plugin has ended", async || {
        http::try_get(&url, &[]).await.is_err().then_some(())
    })
    .await;
    // Nothing hangs.
    dockerd.must(&["volume", "ls"]).await;
    dockerd.must(&["plugin", "rm", "promfetch"]).await;
    dockerd.finish().await;
}

/// Waits for the engine's metrics.
async fn scraped(url: &str, when: &str) {
    let page = eventually(&format!("the engine is scraped {when}"), async || {
        let answer = http::try_get(url, &[]).await.ok()?;
        let page = Page::read(answer.text());
        page.has("engine_daemon_engine_info").then_some(page)
    })
    .await;
    let sample = page.one("go_goroutines", &[]);
    assert_eq!(sample.label("docker_host"), "build-7");
    assert!(!sample.label("daemon_id").is_empty(), "{}", page.text);
    assert_eq!(page.value("promfetch_up", &[]), 1.0);
}
