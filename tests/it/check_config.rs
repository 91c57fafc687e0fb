use promfetch_tests::process::run;
use promfetch_tests::promfetch::{binary, command, config_file};

/// A configuration with one mistake, the key that the message must name, and a word of what is wrong or allowed.
const MISTAKES: [(&str, &str, &str); 14] = [
    ("port: 70000\n", "port", "65535"),
    ("port: eight\n", "port", "eight"),
    ("health_check_port: -1\n", "health_check_port", "-1"),
    ("fetch_timeout: soon\n", "fetch_timeout", "soon"),
    (
        "droplet_stale_threshold: {}\n",
        "droplet_stale_threshold",
        "",
    ),
    ("label_conflict: maybe\n", "label_conflict", "drop"),
    ("formats: [text, yaml]\n", "formats", "yaml"),
    (
        "targets_allow: [10.0.0.0/33]\n",
        "targets_allow",
        "10.0.0.0/33",
    ),
    ("logging: {level: loud}\n", "logging.level", "loud"),
    (
        "nats: {hosts: [{hostname: a, port: 99999}]}\n",
        "nats.hosts",
        "99999",
    ),
    (
        "external_exporters: [{name: x}]\n",
        "external_exporters",
        "host",
    ),
    ("ca_certs: nonsense\n", "ca_certs", ""),
    ("enable_ssl: perhaps\n", "enable_ssl", "perhaps"),
    (
        "targets: [{organization: o, space: s, app: a, address: nowhere}]\n",
        "targets",
        "nowhere",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_names_key_and_value_and_ends_with_64() {
    for (config, key, word) in MISTAKES {
        let (_folder, file) = config_file(config);
        let finished = command(&["check-config", "-c", &file]).await;
        assert_eq!(
            finished.code,
            Some(64),
            "{config}: {}{}",
            finished.stdout,
            finished.stderr
        );
        assert!(
            finished.stderr.contains(key),
            "{config}: the key: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(word),
            "{config}: {word}: {}",
            finished.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mistakes_come_at_once_and_before_a_port_opens() {
    let config =
        "port: 70000\nfetch_timeout: soon\nlabel_conflict: maybe\ntargets_allow: [nonsense]\n";
    let (_folder, file) = config_file(config);
    for arguments in [
        &["check-config", "-c", &file][..],
        &["serve", "-c", &file, "--port", "0", "--health-port", "0"],
    ] {
        let finished = command(arguments).await;
        assert_eq!(
            finished.code,
            Some(64),
            "{arguments:?}: {}",
            finished.stderr
        );
        for key in ["port", "fetch_timeout", "label_conflict", "targets_allow"] {
            assert!(
                finished.stderr.contains(key),
                "{arguments:?}: {key}: {}",
                finished.stderr
            );
        }
        assert!(
            !finished.stdout.contains("api: "),
            "{arguments:?}: {}",
            finished.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_yaml_and_a_missing_file_are_told_with_place_and_name() {
    let (_folder, file) = config_file("port: 1\n  broken: [\n");
    let finished = command(&["check-config", "-c", &file]).await;
    assert_eq!(finished.code, Some(64), "{}", finished.stderr);
    assert!(
        finished.stderr.contains(&format!("{file}:2:")),
        "file and line: {}",
        finished.stderr
    );
    let finished = command(&["check-config", "-c", "/nowhere/at-all.yml"]).await;
    assert_eq!(finished.code, Some(64), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("/nowhere/at-all.yml"),
        "{}",
        finished.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_keys_warn_with_the_nearest_known_one() {
    let (_folder, file) = config_file("fetch_timeot: 5s\nsomething_else: 1\n");
    let finished = command(&["check-config", "-c", &file]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let said = finished.stdout + &finished.stderr;
    assert!(
        said.contains("fetch_timeot") && said.contains("fetch_timeout"),
        "{said}"
    );
    assert!(said.contains("something_else"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_is_checked_like_the_file_and_secrets_stay_secret() {
    let (_folder, file) =
        config_file("nats: {hosts: [{hostname: localhost}], user: u, pass: file-s3cret}\n");
    let finished = run(&binary(), &["check-config", "-c", &file], |command| {
        command
            .env("PROMFETCH_FETCH_TIMEOUT", "later")
            .env("PROMFETCH_NATS__PASS", "env-s3cret");
    })
    .await;
    assert_eq!(finished.code, Some(64), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("PROMFETCH_FETCH_TIMEOUT") && finished.stderr.contains("later"),
        "{}",
        finished.stderr
    );
    let said = finished.stdout + &finished.stderr;
    assert!(
        !said.contains("file-s3cret") && !said.contains("env-s3cret"),
        "{said}"
    );
}
