use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{Behaviour, Instance, Page, Promfetch, check, config};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_prints_one_page() {
    let instances = [
        Instance::start("0", Behaviour::page("a 1\n")).await,
        Instance::start("1", Behaviour::garbage()).await,
    ];
    let targets: Vec<_> = instances
        .iter()
        .enumerate()
        .map(|(index, instance)| config::target(["acme", "prod", "shop"], index, instance.address))
        .collect();
    let (_folder, file) = config_file(&config::with(json!({"targets": targets})).to_string());
    let finished = command(&["fetch", "acme/prod/shop", "-c", &file]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check::text(finished.stdout.as_bytes()).unwrap();
    let page = Page::read(&finished.stdout);
    assert_eq!(page.value("a", &[("index", "0")]), 1.0);
    assert_eq!(page.errors()["1"], "parse");

    let finished = command(&["fetch", "acme/prod/nobody", "-c", &file]).await;
    assert!(
        finished.code.is_some_and(|code| code != 0),
        "{}",
        finished.stdout
    );
    assert!(finished.stderr.contains("nobody"), "{}", finished.stderr);
    assert_eq!(finished.stdout, "", "no page, nothing on stdout");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_from_a_running_promfetch_ends_as_without_one() {
    let half = [
        Instance::start("0", Behaviour::page("a 1\n")).await,
        Instance::start("1", Behaviour::garbage()).await,
    ];
    let dead = Instance::start("0", Behaviour::garbage()).await;
    let targets = json!([
        config::target(["acme", "prod", "half"], 0, half[0].address),
        config::target(["acme", "prod", "half"], 1, half[1].address),
        config::target(["acme", "prod", "dead"], 0, dead.address),
    ]);
    let config = config::with(json!({"targets": targets}));
    let promfetch = Promfetch::start(&config).await;
    let (_folder, file) = config_file(&config.to_string());
    for (app, code, told) in [
        ("acme/prod/half", 0, "1 of 2 instances gave no metrics"),
        ("acme/prod/dead", 1, "none of the 1 instances gave metrics"),
    ] {
        for from in [["-c", &file], ["--url", &promfetch.api]] {
            for only in [None, Some("--only-app-metrics")] {
                let mut arguments = vec!["fetch", app];
                arguments.extend(from);
                arguments.extend(only);
                let finished = command(&arguments).await;
                assert_eq!(
                    finished.code,
                    Some(code),
                    "{arguments:?}: {}",
                    finished.stderr
                );
                assert!(
                    finished.stderr.contains(told),
                    "{arguments:?}: {}",
                    finished.stderr
                );
                assert_eq!(
                    finished.stdout.contains("promfetch_up"),
                    only.is_none(),
                    "{arguments:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_prints_the_routing_table() {
    let instance = Instance::start("0", Behaviour::page("a 1\n")).await;
    let mut target = config::target(["acme", "prod", "shop"], 0, instance.address);
    target["routes"] = json!(["shop.apps.test"]);
    let (_folder, file) = config_file(&config::with(json!({"targets": [target]})).to_string());
    let finished = command(&["routes", "-c", &file]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("shop.apps.test")
            && finished.stdout.contains(&instance.address.to_string()),
        "{}",
        finished.stdout
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merge_makes_one_page_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = [
        "# TYPE a counter\na 1\nb{x=\"1\"} 2\n",
        "# TYPE a counter\na 3\n",
    ]
    .iter()
    .enumerate()
    .map(|(number, text)| {
        let path = folder.path().join(format!("{number}.prom"));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    })
    .collect();
    let finished = command(&[
        "merge",
        &files[0],
        "--label",
        "from=first",
        &files[1],
        "--label",
        "from=second",
    ])
    .await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check::text(finished.stdout.as_bytes()).unwrap();
    let page = Page::read(&finished.stdout);
    assert_eq!(
        (
            page.value("a", &[("from", "first")]),
            page.value("a", &[("from", "second")])
        ),
        (1.0, 3.0)
    );
    assert_eq!(page.value("b", &[("x", "1"), ("from", "first")]), 2.0);

    std::fs::write(folder.path().join("broken"), "a 1\nbroken {\n").unwrap();
    let broken = folder.path().join("broken").display().to_string();
    let finished = command(&["merge", &files[0], &broken]).await;
    assert!(finished.code.is_some_and(|code| code != 0));
    assert!(
        finished.stderr.contains("broken") && finished.stderr.contains("line 2"),
        "{}",
        finished.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_version_completions_and_the_manual_are_there() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["fetch", "--help"],
        &["merge", "--help"],
        &["--version"],
    ] {
        let finished = command(arguments).await;
        assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
        assert!(
            finished.stdout.contains("promfetch"),
            "{arguments:?}: {}",
            finished.stdout
        );
    }
    let finished = command(&["completions", "bash"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        finished.stdout.contains("_promfetch"),
        "{}",
        finished.stdout
    );
    let finished = command(&["man"]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains(".TH"), "{}", finished.stdout);
    let finished = command(&["serve", "--nonsense"]).await;
    assert!(finished.code.is_some_and(|code| code != 0));
    assert!(
        finished.stderr.contains("--nonsense"),
        "{}",
        finished.stderr
    );
}
