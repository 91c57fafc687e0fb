use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;

use promfetch_tests::process::run;
use serde_json::json;

use super::{Host, NAME, plugin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_starts_asks_configures_and_ends_a_plugin() {
    let host = Host::new().await;
    let started = host.start_plugin(json!({})).await.good();
    let socket = started["address"].as_str().expect("a path");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let path = std::path::Path::new(socket);
    assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
    host.ask("ping", json!({})).await.good();
    let info = host.ask("info", json!({})).await.good();
    assert_eq!(
        (&info["name"], &info["type"]),
        (&json!(NAME), &json!("PLUGIN_TYPE_APM"))
    );

    let error = host.query("up", 1000).await.unwrap_err();
    assert!(error.contains("not configured yet"), "{error}");
    // No promfetch listens there: that is no reason to keep the agent from starting.
    let config = json!({
        "endpoint": "http://127.0.0.1:1", "nomad_address": "http://127.0.0.1:4646", "nomad_config_inherit": "true",
        "nomad_token": "s3cret", "tiemout": "1s",
    });
    host.ask("config", config).await.good();
    host.has_logged("warn", "`timeout` is one").await;
    let log = host.logged(NAME).await;
    assert!(
        log.iter()
            .all(|(_, line)| !line.contains("s3cret") && !line.contains("nomad_")),
        "{log:?}"
    );
    // Whoever speaks something else on the socket harms nobody.
    let mut stranger = UnixStream::connect(path).unwrap();
    stranger.write_all(&[0xff; 100_000]).ok();
    host.ask("ping", json!({})).await.good();

    assert_eq!(host.ask("kill", json!({})).await.good()["exited"], true);
    assert_eq!(host.left(), Vec::<std::path::PathBuf>::new());
    let log = host.logged("host").await;
    assert!(
        !log.iter()
            .any(|(_, line)| line.contains("failed to exit gracefully")),
        "it ended by itself: {log:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_called_as_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prometheus");
    symlink(plugin(), &path).unwrap();
    let host = Host::new().await;
    host.start_plugin(json!({"path": path})).await.good();
    let info = host.ask("info", json!({})).await.good();
    assert_eq!(
        info["name"], "prometheus",
        "the agent's own plugin can be replaced"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_of_another_kind_are_told_at_once() {
    for (question, told, why) in [
        (
            json!({"cookie": "another"}),
            "not meant to be started by hand",
            "a host of something else than the autoscaler",
        ),
        (
            json!({"auto_mtls": true}),
            "AutoMTLS",
            "a host that wants TLS",
        ),
    ] {
        let host = Host::new().await;
        host.start_plugin(question).await.error();
        // What comes before the log begins is text, which the host logs at debug.
        host.has_logged("debug", told).await;
        assert!(host.left().is_empty(), "{why}");
    }
    let host = Host::new().await;
    let error = host.start_plugin(json!({"multiplex": true})).await.error();
    assert!(error.contains("multiplex"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_may_say_where_the_socket_is_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::new().await;
    let variable = format!("PLUGIN_UNIX_SOCKET_DIR={}", folder.path().display());
    let started = host.start_plugin(json!({"env": [variable]})).await.good();
    let socket = started["address"].as_str().expect("a path");
    assert!(
        socket.starts_with(&folder.path().display().to_string()),
        "{socket}"
    );
    host.ask("ping", json!({})).await.good();
    host.ask("kill", json!({})).await.good();

    let host = Host::new().await;
    let question = json!({"env": ["PLUGIN_UNIX_SOCKET_DIR=/no/such/folder"]});
    host.start_plugin(question).await.error();
    host.has_logged("debug", "/no/such/folder").await;
}

#[tokio::test]
async fn started_by_hand_it_says_what_it_is() {
    let finished = run(&plugin(), &[] as &[&str], |command| {
        command.env_clear();
    })
    .await;
    assert_eq!(finished.code, Some(1));
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("plugin_dir"),
        "{}",
        finished.stderr
    );
    let help = run(&plugin(), &["--help"], |_| ()).await;
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("autoscaler"), "{}", help.stdout);
    let wrong = run(&plugin(), &["--no-such-option"], |_| ()).await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_refused_and_the_one_before_stays() {
    let host = Host::start().await;
    for (config, told) in [
        (json!({}), "`endpoint`"),
        (json!({"endpoint": "promfetch"}), "`http://`"),
        (json!({"endpoint": "http://h", "step": "often"}), "step"),
        (
            json!({"endpoint": "https://h", "ca_cert_file": "/no/such/file"}),
            "/no/such/file",
        ),
        (json!({"targets": "[{"}), "targets"),
    ] {
        let error = host.ask("config", config).await.error();
        assert!(error.contains(told), "{error}");
    }
    host.ask(
        "config",
        json!({"endpoint": "http://127.0.0.1:1", "app": "a/b/c"}),
    )
    .await
    .good();
    host.ask("config", json!({"endpoint": "nowhere"}))
        .await
        .error();
    let error = host.query("up", 1000).await.unwrap_err();
    assert!(error.contains("127.0.0.1:1"), "{error}");
}
