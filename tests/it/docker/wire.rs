//! The plugin by hand: what dockerd sends, byte for byte.

use std::path::{Path, PathBuf};

use promfetch_tests::process::{Process, run};
use promfetch_tests::scope::{Plugin, Reply};
use promfetch_tests::{Page, check, eventually, http, tools};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const PAGE: &str = "# HELP engine_daemon_engine_info The information related to the engine\n\
    # TYPE engine_daemon_engine_info gauge\n\
    engine_daemon_engine_info{architecture=\"x86_64\",daemon_id=\"YXWH:1\",version=\"20.10.24\"} 1\n\
    # TYPE go_goroutines gauge\ngo_goroutines 40\n";

struct Running {
    process: Process,
    socket: PathBuf,
    page: String,
    folder: TempDir,
}

/// The program with sockets in a folder of the test's own.
async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("plugins/promfetch.sock");
    let metrics = folder.path().join("metrics.sock");
    let mut process = Process::start(
        &tools::program("promfetch-docker"),
        &[] as &[&str],
        |command| {
            command
                .env_clear()
                .env("PROMFETCH_PLUGIN_SOCKET", &socket)
                .env("PROMFETCH_METRICS_SOCKET", &metrics)
                .env("PROMFETCH_LISTEN", "127.0.0.1:0")
                .env("PROMFETCH_HOST", "build-7")
                .env("PROMFETCH_LOG", "debug");
        },
    );
    let page = process
        .printed("its address", |log| {
            let (_, rest) = log.split_once("the engine on ")?;
            let (address, _) = rest.split_once('\n')?;
            Some(format!("http://{address}/metrics"))
        })
        .await;
    Running {
        process,
        socket,
        page,
        folder,
    }
}

impl Running {
    /// What dockerd sends, and the answer.
    async fn call(&self, method: &str, host: &str) -> (u16, String) {
        let request = format!(
            "POST /{method} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 0\r\n\
             Accept: application/vnd.docker.plugins.v1.2+json\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        );
        let mut stream = UnixStream::connect(&self.socket).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn page(&self) -> Page {
        let answer = http::get(&self.page, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        check::page(&answer).await;
        Page::read(answer.text())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_begin_and_end_as_dockerd_says() {
    let mut running = start().await;
    let engine = Plugin::start(
        &running.folder.path().join("metrics.sock"),
        Reply::Text(
            vec![(
                "content-type",
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            )],
            PAGE.into(),
        ),
    );
    // dockerd looks whether somebody is there, and goes again.
    drop(UnixStream::connect(&running.socket).await.unwrap());
    assert!(running.page().await.samples.is_empty(), "nothing has begun");
    assert!(engine.seen().is_empty(), "and nothing is asked");

    let well = (200, "{\"Err\":\"\"}".to_owned());
    // Docker 20.10 has no host, newer ones have this; both may call twice.
    for host in ["", "plugin.moby.localhost"] {
        assert_eq!(
            running.call("MetricsCollector.StartMetrics", host).await,
            well
        );
    }
    for _ in 0..2 {
        let page = running.page().await;
        let sample = page.one("go_goroutines", &[]);
        for (label, value) in [
            ("docker_host", "build-7"),
            ("daemon_id", "YXWH:1"),
            ("app_name", "docker"),
        ] {
            assert_eq!(sample.label(label), value, "{label}: {}", page.text);
        }
        assert_eq!(page.value("promfetch_up", &[]), 1.0);
    }
    assert_eq!(engine.seen()[0].0, "/metrics");

    engine.reply(Reply::Status(500));
    let page = running.page().await;
    assert_eq!(
        page.value("promfetch_up", &[]),
        0.0,
        "the engine fails, the page says so"
    );

    for _ in 0..2 {
        assert_eq!(running.call("MetricsCollector.StopMetrics", "").await, well);
        assert!(
            running.page().await.samples.is_empty(),
            "the series are gone"
        );
    }
    assert_eq!(
        running.call("MetricsCollector.StartMetrics", "").await,
        well
    );
    engine.reply(Reply::Text(vec![], PAGE.into()));
    eventually("it goes on", async || {
        running.page().await.has("go_goroutines").then_some(())
    })
    .await;

    assert_eq!(
        running.call("Plugin.Activate", "").await,
        (200, "{\"Implements\":[\"MetricsCollector\"]}".to_owned())
    );
    let (status, body) = running.call("VolumeDriver.List", "").await;
    assert_eq!(status, 404);
    assert!(body.starts_with("{\"Err\":\""), "{body}");

    running.process.signal("TERM");
    assert_eq!(running.process.ended().await.code(), Some(0));
    assert!(!running.socket.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_legacy_socket_is_made_on_a_host() {
    let program = tools::program("promfetch-docker");
    let legacy = Path::new("/run/docker/plugins");
    let before = legacy.exists();
    let ended = run(&program, &[] as &[&str], |command| {
        command.env_clear().env("PROMFETCH_LISTEN", "127.0.0.1:0");
    })
    .await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("makes dockerd hang"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("docker plugin create"),
        "{}",
        ended.stderr
    );
    assert_eq!(legacy.exists(), before, "nothing was made");
    let ended = run(&program, &[] as &[&str], |command| {
        command.env_clear().env("PROMFETCH_LISTEN", "9324");
    })
    .await;
    assert!(
        ended.stderr.contains("PROMFETCH_LISTEN"),
        "{}",
        ended.stderr
    );
    let help = run(&program, &["--help"], |_| ()).await;
    assert!(help.stdout.contains("docker plugin set"), "{}", help.stdout);
}
