//! Wrong settings of `promfetch-scope`: all that is wrong, before anything is done.

use promfetch_tests::process::run;
use promfetch_tests::tools;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_are_told_all_at_once() {
    let report = read(
        "report",
        &json!({"report": {
            "socket": "/tmp/bad_name.sock",
            "interval": "1m",
            "apps": ["a/b"],
            "metrics": [
                {"id": "x", "series": "rate(a[5m])", "format": "bytes", "priority": "first"},
                {"id": "x", "series": "a"},
                {"label": "Y"},
            ],
            "hosts": [{"address": "10.0.1.4"}],
        }}),
    )
    .await;
    for (told, why) in [
        ("endpoint", "no source"),
        ("invalid plugin id", "the socket's name"),
        ("report.interval", "beyond Scope's window"),
        ("`a/b` has 2 parts", "no app"),
        ("`aggregate` and `rate` say", "an expression"),
        ("`filesize`", "no format of Scope"),
        ("report.metrics[0].priority", "no number"),
        ("report.metrics[1].id", "an id twice"),
        ("report.metrics[2].series", "nothing to count"),
        ("report.hosts[0].name", "half of a host"),
    ] {
        assert!(report.contains(told), "{why}: {report}");
    }

    let watch = json!({"watch": {"listen": "unix://here", "roots": "/x"}});
    let watch = read("watch", &watch).await;
    for told in ["must begin with `/`", "watch.root"] {
        assert!(watch.contains(told), "{watch}");
    }
}

/// What is said about these settings.
async fn read(command: &str, settings: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scope.yml");
    std::fs::write(&file, settings.to_string()).unwrap();
    let arguments = ["-c", file.to_str().unwrap(), command];
    let ended = run(&tools::program("promfetch-scope"), &arguments, |_| ()).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    ended.stderr
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_explains_itself() {
    let program = tools::program("promfetch-scope");
    let help = run(&program, &["--help"], |_| ()).await;
    assert_eq!(help.code, Some(0));
    for word in ["report", "watch", "--config", "KEY=VALUE"] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
    let wrong = run(&program, &["watch", "--set", "watch.listen"], |_| ()).await;
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("key=value"), "{}", wrong.stderr);
}
