use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Behaviour, Foundation, Instance, Promfetch, config, foundation};
use serde_json::{Value, json};

/// An app of which one instance gives metrics and one does not, and another that is well.
async fn targets() -> (Value, Vec<Instance>) {
    let instances = vec![
        Instance::start("0", Behaviour::page("a 1\nb 2\n")).await,
        Instance::start("1", Behaviour::garbage()).await,
        Instance::start("0", Behaviour::page("a 1\n")).await,
    ];
    let targets = json!([
        config::target(["acme", "prod", "half"], 0, instances[0].address),
        config::target(["acme", "prod", "half"], 1, instances[1].address),
        config::target(["acme", "prod", "well\u{202e}"], 0, instances[2].address),
    ]);
    (config::with(json!({"targets": targets})), instances)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_says_what_is_wrong_and_what_to_do() {
    let (config, instances) = targets().await;
    let promfetch = Promfetch::start(&config).await;
    let (_folder, file) = config_file(&config.to_string());
    for from in [["--url", &promfetch.api], ["-c", &file]] {
        for (app, code, told, why) in [
            (
                "acme/prod/half",
                1,
                &[
                    &instances[1].address.to_string(),
                    "parse",
                    "line 2",
                    "/metrics (default)",
                    "2 families",
                    "The routing table is complete",
                ][..],
                "one of two",
            ),
            (
                "acme/prod/well%E2%80%AE",
                0,
                &["well\u{fffd}", " up "],
                "all",
            ),
            (
                "acme/prod/Half",
                1,
                &["no instances", "acme/prod/half", "capital"],
                "mistyped",
            ),
            ("x/y/z", 1, &["no instances", "complete"], "nothing near"),
        ] {
            let finished = command(&["explain", app, from[0], from[1]]).await;
            assert_eq!(finished.code, Some(code), "{why}: {}", finished.stderr);
            for text in told {
                assert!(
                    finished.stdout.contains(text),
                    "{why}: {text} in {}",
                    finished.stdout
                );
            }
            assert!(!finished.stdout.contains('\u{202e}'), "{why}");
            assert_eq!(code == 0, finished.stderr.is_empty(), "{why}");

            let finished = command(&["explain", app, from[0], from[1], "--json"]).await;
            assert_eq!(finished.code, Some(code), "{why}");
            let json: Value = serde_json::from_str(&finished.stdout).expect("JSON");
            assert_eq!(json["table"]["ready"], true, "{why}: {json}");
            assert_eq!(
                json.get("instances").is_some(),
                json.get("error").is_none(),
                "{why}: {json}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_decides_what_is_explained() {
    let foundation = Foundation::start(json!({"access": "protected"})).await;
    let platform = &foundation.platform;
    let shop = platform
        .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
        .await;
    let other = platform
        .push(
            App::new("evil", "prod", "other"),
            [Behaviour::page("a 1\n")],
        )
        .await;
    let cloud = foundation.cloud();
    cloud.provision("metrics", &shop.app.space_guid).await;
    let binding = cloud.bind("metrics", "b", Some(&shop.app), json!({})).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let own = file(
        "binding",
        format!("{}:{}\n", binding.user, binding.password),
    );
    let operator = file(
        "operator",
        format!("{}:{}", foundation::OPERATOR, foundation::OPERATOR_PASSWORD),
    );
    let url = platform.promfetch.api.as_str();
    for (arguments, code, told, why) in [
        (
            vec!["explain", &shop.app.guid, "--login", &own],
            0,
            "acme/prod/shop",
            "its own app",
        ),
        (
            vec!["explain", &other.app.guid, "--login", &own],
            1,
            "Cannot found app",
            "one of others",
        ),
        (
            vec!["explain", &shop.app.guid],
            1,
            "--login FILE",
            "no login, and the way out",
        ),
        (
            vec!["top", "--login", &own],
            1,
            "an operator's login",
            "not for it",
        ),
        (
            vec!["top", "--login", &operator],
            0,
            "The slowest apps",
            "for operators",
        ),
        (
            vec!["sd", "--login", &own],
            0,
            &shop.app.guid,
            "its own targets",
        ),
        (
            vec!["sd", "--login", &own, "--app", "~("],
            1,
            "regular expression",
            "said by the server",
        ),
    ] {
        let arguments = [&arguments[..], &["--url", url]].concat();
        let finished = command(&arguments).await;
        assert_eq!(finished.code, Some(code), "{why}: {}", finished.stderr);
        let all = finished.stdout + &finished.stderr;
        assert!(all.contains(told), "{why}: {all}");
        if why != "one of others" {
            assert!(!all.contains(&other.app.guid), "{why}: {all}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn top_prints_its_tables_once_where_nobody_looks() {
    let (config, _instances) = targets().await;
    let promfetch = Promfetch::start(&config).await;
    promfetch.page("/v1/apps/acme/prod/half/metrics").await;
    promfetch
        .page("/v1/apps/acme/prod/well%E2%80%AE/metrics")
        .await;
    let finished = command(&["top", "--url", &promfetch.api]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let half = finished
        .stdout
        .lines()
        .filter(|line| line.starts_with("acme/prod/half"))
        .collect::<Vec<_>>();
    assert_eq!(half.len(), 2, "failing, and slow: {}", finished.stdout);
    assert!(half[0].ends_with("parse 1"), "{}", finished.stdout);
    assert!(
        !finished.stdout.contains(['\u{202e}', '\u{1b}']),
        "{}",
        finished.stdout
    );
    let limited = command(&["top", "--once", "--limit", "0", "--url", &promfetch.api]).await;
    assert!(!limited.stdout.contains("acme/"), "{}", limited.stdout);
    let away = command(&["top", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(away.code, Some(1));
    assert!(
        away.stderr.contains("--url"),
        "the way out: {}",
        away.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sd_prints_the_same_wherever_it_is_from() {
    let (config, _instances) = targets().await;
    let promfetch = Promfetch::start(&config).await;
    let mut own = config.clone();
    own["base_url"] = promfetch.api.as_str().into();
    let (folder, file) = config_file(&own.to_string());
    for more in [
        &[][..],
        &["--mode", "instances"],
        &["--org", "acme", "--app", "~h.*|x", "--app", "y"],
        &["--process-type", "worker"],
    ] {
        let mut lists = Vec::new();
        for from in [["--url", &promfetch.api], ["-c", &file]] {
            let arguments = [&["sd", from[0], from[1]], more].concat();
            let finished = command(&arguments).await;
            assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
            let mut list: Value = serde_json::from_str(&finished.stdout).expect("JSON");
            // Where tests listen, `base_url` names this machine by another name.
            for group in list.as_array_mut().expect("a list") {
                group["targets"] = Value::Null;
            }
            lists.push(list);
        }
        assert_eq!(lists[0], lists[1], "{more:?}");
    }
    let output = folder.path().join("targets.json").display().to_string();
    for _ in 0..2 {
        let finished = command(&["sd", "-c", &file, "--output", &output]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
    let list = std::fs::read(&output).expect("the file");
    let list: Value = serde_json::from_slice(&list).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
    let left = std::fs::read_dir(folder.path())
        .expect("the folder")
        .count();
    assert_eq!(left, 2, "nothing but the configuration and the list");
    let wrong = command(&["sd", "-c", &file, "--app", "~("]).await;
    assert_eq!(wrong.code, Some(64), "{}", wrong.stderr);
}
