use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{DRIVER, Folder, Host, command, is_up, restarts};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugins_that_do_not_come_up_stop_no_other() {
    let folder = Folder::new();
    let pids = folder.text("pids");
    std::fs::write(folder.path("text"), "no program").unwrap();
    std::fs::write(folder.path("script"), "no program").unwrap();
    std::fs::set_permissions(folder.path("script"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(folder.path("folder")).unwrap();
    // name, driver, arguments, configuration, what is told
    let cases = [
        (
            "silent",
            DRIVER,
            "-mode=silent",
            json!({}),
            "it has not said within 3s where it listens",
        ),
        (
            "mute",
            DRIVER,
            "-mode=mute",
            json!({}),
            "it has not said within 3s where it listens",
        ),
        (
            "flood",
            DRIVER,
            "-mode=flood",
            json!({}),
            "no plugin for go-plugin: `without an end",
        ),
        (
            "garbage",
            DRIVER,
            "-mode=garbage",
            json!({}),
            "no plugin for go-plugin: `hello, I am a plugin`",
        ),
        (
            "netrpc",
            DRIVER,
            "-mode=netrpc",
            json!({}),
            "it speaks `netrpc`",
        ),
        (
            "core",
            DRIVER,
            "-mode=core",
            json!({}),
            "version `7` of go-plugin's handshake, not 1",
        ),
        (
            "version",
            DRIVER,
            "-mode=version",
            json!({}),
            "version `7` of the autoscaler's plugin API",
        ),
        (
            "remote",
            DRIVER,
            "-mode=remote",
            json!({}),
            "it listens on `192.0.2.1:80`",
        ),
        (
            "nobody",
            DRIVER,
            "-mode=nobody",
            json!({}),
            "it does not listen where it says",
        ),
        (
            "quiet",
            DRIVER,
            "-mode=quiet",
            json!({}),
            "it has closed its stdout",
        ),
        (
            "exit",
            DRIVER,
            "-mode=exit",
            json!({}),
            "it ended (exit status: 3): my disk is full",
        ),
        (
            "cookie",
            DRIVER,
            "-cookie=other",
            json!({}),
            "it ended (exit status: 1): load any plugins automatically",
        ),
        (
            "name",
            DRIVER,
            "-name=datadog",
            json!({}),
            "it calls itself `datadog`",
        ),
        (
            "type",
            DRIVER,
            "-type=target",
            json!({}),
            "its type is PLUGIN_TYPE_TARGET",
        ),
        (
            "typeless",
            DRIVER,
            "-type=none",
            json!({}),
            "its type is PLUGIN_TYPE_UNSPECIFIED",
        ),
        (
            "refuse",
            DRIVER,
            "-mode=serve",
            json!({"refuse": "no token"}),
            "it refuses its configuration: no token",
        ),
        (
            "leave",
            DRIVER,
            "-mode=serve",
            json!({"exit": "cannot work so"}),
            "it ended (exit status: 4): cannot work so",
        ),
        (
            "flag",
            DRIVER,
            "-no-such-flag",
            json!({}),
            "it ended (exit status: 2)",
        ),
        ("missing", "nothing", "", json!({}), "No such file"),
        ("text", "text", "", json!({}), "is not executable: chmod +x"),
        (
            "script",
            "script",
            "",
            json!({}),
            "it ended (exit status: 127)",
        ),
        ("folder", "folder", "", json!({}), "is no file"),
    ];
    let mut plugins = vec![
        json!({"name": "good", "driver": DRIVER, "args": ["-pids", pids]}),
        json!({"name": "better", "driver": DRIVER, "args": ["-pids", pids]}),
    ];
    let mut queries = vec![
        json!({"name": "a", "plugin": "good", "query": "pid"}),
        json!({"name": "b", "plugin": "better", "query": "pid"}),
    ];
    for (name, driver, argument, config, _) in &cases {
        let mut arguments = vec!["-pids", &pids];
        arguments.extend((!argument.is_empty()).then_some(*argument));
        plugins.push(json!({"name": name, "driver": driver, "args": arguments, "config": config}));
        queries.push(json!({"name": name, "plugin": name, "query": "fixed:1"}));
    }
    let mut host = Host::start_in(
        folder,
        json!({"plugins": plugins, "queries": queries, "start_timeout": "3s"}),
    )
    .await;
    let both = host
        .until("the good ones are up", |page| {
            is_up(page, "a") && is_up(page, "b")
        })
        .await;
    let pid = |query| both.value("apm_query_value", &[("query", query)]);
    assert!(pid("a") != pid("b"), "one driver, two plugins");
    let page = host
        .until("all others have been started again", |page| {
            cases.iter().all(|(name, ..)| restarts(page, name) >= 1.0)
        })
        .await;
    for (name, .., told) in &cases {
        assert_eq!(
            page.value("apm_plugin_up", &[("plugin", name)]),
            0.0,
            "{name}"
        );
        let log = host.process.log();
        let is_told = |line: &str| line.contains(told) && line.contains(&format!("plugin={name}"));
        assert!(log.lines().any(is_told), "{name}: {told}\n{log}");
    }
    assert_eq!(page.all("apm_query_value").len(), 2);
    for (plugin, query) in [("good", "a"), ("better", "b")] {
        assert_eq!(page.value("apm_plugin_up", &[("plugin", plugin)]), 1.0);
        assert_eq!(restarts(&page, plugin), 0.0);
        assert_eq!(
            page.value("apm_query_value", &[("query", query)]),
            pid(query),
            "the same process"
        );
    }
    assert!(
        host.process
            .log()
            .contains("lines of its log were left out"),
        "of the one that writes without end"
    );
    let started = host.folder.pids().len();
    assert!(started < 500, "no fast loop: {started}");
    host.process.signal("TERM");
    assert_eq!(host.process.ended().await.code(), Some(0));
    host.folder.all_gone().await;
    assert_eq!(host.folder.left(), [""; 0].map(std::path::PathBuf::from));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_judged_before_anything_runs() {
    let folder = Folder::new();
    let pids = folder.text("pids");
    let bad = folder.configure(&json!({
        "plugins": [{"name": "a", "driver": "../a"}, {"name": "a", "args": ["-pids", pids]}],
        "queries": [{"name": "q", "plugin": "b", "query": "x", "labels": {"app_name": "x"}}],
        "tick": "soon",
    }));
    let bad = bad.display().to_string();
    for arguments in [&["-c", &bad][..], &["--check", "-c", &bad]] {
        let finished = command(&folder, arguments).await;
        assert_eq!(finished.code, Some(64), "{}", finished.stderr);
        for told in [
            "`plugins[0].driver`: expected the name of a file in `plugin_dir`",
            "`plugins[1].name`: is the name of another plugin too",
            "`queries[0].plugin`: there is no plugin of this name",
            "`queries[0].labels.app_name`: is one of the labels",
            "`tick`: expected a duration",
        ] {
            assert!(
                finished.stderr.contains(told),
                "{told}: {}",
                finished.stderr
            );
        }
    }
    let missing = command(&folder, &["-c", "/no/such/file.yml"]).await;
    assert_eq!(missing.code, Some(64), "{}", missing.stderr);
    assert!(
        missing.stderr.contains("/no/such/file.yml"),
        "{}",
        missing.stderr
    );
    let nothing = command(&folder, &[]).await;
    assert!(nothing.stderr.contains("--config"), "{}", nothing.stderr);
    let good = folder.configure(&json!({
        "plugins": [{"name": DRIVER, "args": ["-pids", pids]}],
        "queries": [{"name": "q", "query": "x"}],
    }));
    let checked = command(&folder, &["--check", "-c", &good.display().to_string()]).await;
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
    assert_eq!(folder.pids(), [0; 0], "nothing was started");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_host_leaves_the_first_alone() {
    let folder = Folder::new();
    let keys = json!({
        "plugins": [{"name": DRIVER, "args": ["-pids", folder.text("pids")]}],
        "queries": [{"name": "q", "query": "fixed:1"}],
    });
    let host = Host::start_in(folder, keys).await;
    host.until("it is up", |page| is_up(page, "q")).await;
    let file = host.folder.text("host.yml");
    let second = command(&host.folder, &["-c", &file]).await;
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(
        second
            .stderr
            .contains("somebody listens on this socket already"),
        "{}",
        second.stderr
    );
    assert_eq!(host.folder.pids().len(), 1);
    assert!(is_up(&host.page().await, "q"));
}
