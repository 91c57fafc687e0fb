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
async fn merge_takes_files_of_all_formats_and_writes_any() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, page: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, page).unwrap();
        path.display().to_string()
    };
    let text = write("a.prom", b"# TYPE a_total counter\na_total 1\n");
    let om = write(
        "b.om",
        b"# TYPE a counter\na_total 2 # {trace_id=\"x\"} 1\n# EOF\n",
    );
    // Family `a_total`, a counter (type 0) with one sample of value 3.
    let protobuf = write(
        "c.pb",
        b"\x18\x0a\x07a_total\x18\0\x22\x0b\x1a\x09\x09\0\0\0\0\0\0\x08\x40",
    );
    for (format, files, begin, why) in [
        (None, &[&text][..], "# TYPE a_total counter\n", "one text"),
        (
            None,
            &[&text, &om],
            "# TYPE a counter\n",
            "of two formats OpenMetrics",
        ),
        (
            Some("text"),
            &[&text, &om, &protobuf],
            "# TYPE a_total counter\n",
            "text of all",
        ),
        (
            Some("openmetrics"),
            &[&protobuf, &text],
            "# TYPE a counter\n",
            "OpenMetrics of two",
        ),
    ] {
        let mut arguments = vec!["merge"];
        if let Some(format) = format {
            arguments.extend(["--format", format]);
        }
        let labels: Vec<String> = (0..files.len()).map(|at| format!("from={at}")).collect();
        for (file, label) in files.iter().zip(&labels) {
            arguments.extend([file.as_str(), "--label", label]);
        }
        let finished = command(&arguments).await;
        assert_eq!(finished.code, Some(0), "{why}: {}", finished.stderr);
        assert!(
            finished.stdout.starts_with(begin),
            "{why}: {}",
            finished.stdout
        );
        let verdict = if finished.stdout.ends_with("# EOF\n") {
            check::openmetrics(finished.stdout.as_bytes())
        } else {
            check::text(finished.stdout.as_bytes())
        };
        assert_eq!(verdict, Ok(()), "{why}: {}", finished.stdout);
        assert_eq!(
            Page::read(&finished.stdout).all("a_total").len(),
            files.len(),
            "{why}"
        );
    }

    let broken = write("broken.om", b"# TYPE a counter\na 2\n# EOF\n");
    let finished = command(&["merge", &text, &broken]).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stdout);
    assert!(
        finished.stderr.contains("broken.om")
            && finished.stderr.contains("line 2")
            && finished.stderr.contains("openmetrics"),
        "the file, the place and what it was taken for: {}",
        finished.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_gives_the_format_that_is_asked_for() {
    let instance =
        Instance::start("0", Behaviour::page("# TYPE a_total counter\na_total 1\n")).await;
    let targets = [config::target(
        ["acme", "prod", "shop"],
        0,
        instance.address,
    )];
    let config = config::with(json!({"targets": targets}));
    let promfetch = Promfetch::start(&config).await;
    let (_folder, file) = config_file(&config.to_string());
    for from in [["-c", &file], ["--url", &promfetch.api]] {
        let mut arguments = vec!["fetch", "acme/prod/shop", "--format", "openmetrics"];
        arguments.extend(from);
        let finished = command(&arguments).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        check::openmetrics(finished.stdout.as_bytes()).unwrap();
        assert!(
            finished.stdout.contains("# TYPE a counter\n"),
            "{}",
            finished.stdout
        );
        assert!(
            instance
                .last_seen()
                .header("accept")
                .contains("openmetrics"),
            "it could have sent that itself"
        );
    }

    let pinned = config::with(json!({"targets": targets, "formats": ["text"]}));
    let promfetch = Promfetch::start(&pinned).await;
    let (_folder, file) = config_file(&pinned.to_string());
    for from in [["-c", &file], ["--url", &promfetch.api]] {
        let mut arguments = vec!["fetch", "acme/prod/shop", "--format", "protobuf"];
        arguments.extend(from);
        let finished = command(&arguments).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("the page is text"),
            "not what was asked for: {}",
            finished.stderr
        );
    }
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
