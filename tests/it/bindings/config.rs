use promfetch_tests::foundation::{Cloud, json_of};
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Behaviour, Database, Platform, database};
use serde_json::{Value, json};

/// A configuration with one mistake, the key that the message names, and a word of what is wrong or allowed.
const MISTAKES: [(&str, &str, &str); 24] = [
    ("access: protected", "access", "nobody could read anything"),
    ("access: sometimes", "access", "protected"),
    ("access: [open]", "access", ""),
    (
        "broker: {secret_key: S3cretS3cretS3c}",
        "broker.secret_key",
        "16 characters",
    ),
    (
        "broker: {previous_secret_key: S3cret}",
        "broker.previous_secret_key",
        "16 characters",
    ),
    (
        "operators: [{name: jane}]",
        "operators[0].password_hash",
        "hash-password",
    ),
    (
        "operators: [{name: jane, password_hash: S3cret}]",
        "operators[0].password_hash",
        "hash-password",
    ),
    (
        "operators: [{name: jane, password_hash: $2y$05$S3cret}]",
        "operators[0].password_hash",
        "argon2id",
    ),
    (
        "operators: [{name: jane, password_hash: ''}]",
        "operators[0].password_hash",
        "",
    ),
    (
        "operators: [{password_hash: x}]",
        "operators[0].name",
        "required",
    ),
    (
        "operators: [{name: 'a:b', password_hash: x}]",
        "operators[0].name",
        "colon",
    ),
    ("operators: jane", "operators", ""),
    ("uaa: {issuer: x}", "uaa.url", "required"),
    (
        "uaa: {url: 'https://uaa.test'}",
        "uaa.cloud_controller",
        "required",
    ),
    (
        "uaa: {url: uaa.test, cloud_controller: 'https://api.test'}",
        "uaa.url",
        "https://",
    ),
    (
        "uaa: {url: 'https://u:S3cret@uaa.test', cloud_controller: 'https://api.test'}",
        "uaa.url",
        "login",
    ),
    (
        "uaa: {url: 'https://uaa.test', cloud_controller: 'https://api.test', ca_certs: x}",
        "uaa",
        "certificate",
    ),
    ("db_conn: oracle://u:S3cret@h/db", "db_conn", "postgres://"),
    ("db_conn: 'mysql://u:S3cret@h:99999/db'", "db_conn", "65535"),
    (
        "db_conn: 'mysql://u:S3cret@h/'",
        "db_conn",
        "names no database",
    ),
    (
        "db_conn: 'postgres://u:S3cret@h'",
        "db_conn",
        "names no database",
    ),
    (
        "db_conn: 'postgres://u:S3cret@h/db?sslmode=perhaps'",
        "db_conn",
        "verify-full",
    ),
    (
        "db_conn: 'sqlite:////var/S3cret/'",
        "db_conn",
        "names no file",
    ),
    (
        "broker: {service_name: 'two words'}",
        "broker.service_name",
        "letters",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_names_its_key_and_shows_no_secret() {
    for (config, key, word) in MISTAKES {
        for arguments in [
            &["check-config"][..],
            &["serve", "--port", "0", "--health-port", "0"],
        ] {
            let (_folder, file) = config_file(&format!("{config}\n"));
            let finished = command(&[arguments, &["-c", &file]].concat()).await;
            let said = &finished.stderr;
            assert_eq!(
                finished.code,
                Some(64),
                "{config}: {}{said}",
                finished.stdout
            );
            assert!(
                said.contains(key) && said.contains(word),
                "{config}: {key}, {word}: {said}"
            );
            assert!(!said.contains("S3cret"), "{config}: {said}");
            assert!(!finished.stdout.contains("api: "), "{config}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_mistakes_come_at_once() {
    let config = "access: protected\nbroker: {secret_key: short}\noperators: [{name: jane}, {name: jane, password_hash: x}]\nuaa: {issuer: x}\ndb_conn: nonsense\n";
    let (_folder, file) = config_file(config);
    let finished = command(&["check-config", "-c", &file]).await;
    assert_eq!(finished.code, Some(64));
    for key in [
        "broker.secret_key",
        "operators[0].password_hash",
        "operators[1].name",
        "operators[1].password_hash",
        "uaa.url",
        "uaa.cloud_controller",
        "db_conn",
    ] {
        assert!(finished.stderr.contains(key), "{key}: {}", finished.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_one_of_the_ways_in_is_enough_for_protected_access() {
    for more in [
        json!({"broker": {"secret_key": "0123456789abcdef"}, "db_conn": "sqlite:///x.db"}),
        json!({"broker": {"secret_key": "0123456789abcdef", "user": "cc", "pass": "V3ry-l0ng-pass"}}),
        json!({"uaa": {"url": "https://uaa.test", "cloud_controller": "https://api.test"}}),
        json!({"operators": promfetch_tests::foundation::keys("", json!({}))["operators"]}),
    ] {
        let mut config = more.clone();
        config["access"] = "protected".into();
        let (_folder, file) = config_file(&config.to_string());
        let finished = command(&["check-config", "-c", &file]).await;
        assert_eq!(finished.code, Some(0), "{more}: {}", finished.stderr);
    }
    // A key, and no bindings that it could be for.
    let config = json!({"access": "protected", "broker": {"secret_key": "0123456789abcdef"}});
    let (_folder, file) = config_file(&config.to_string());
    let finished = command(&["check-config", "-c", &file]).await;
    assert_eq!(finished.code, Some(64), "{}", finished.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_login_that_everybody_knows_the_broker_is_off_and_metrics_are_served() {
    for (login, sentence) in [
        (json!({}), "set `broker.user` and `broker.pass`"),
        (
            json!({"user": "user", "pass": "password"}),
            "the default of promfetcher",
        ),
        (json!({"user": "admin", "pass": "admin"}), "are the same"),
        (json!({"user": "cc"}), "set `broker.user` and `broker.pass`"),
        (
            json!({"user": "cc", "pass": "good", "previous_user": "user", "previous_pass": "password"}),
            "previous_user",
        ),
    ] {
        for has_database in [false, true] {
            let database = Database::start(database::Kind::Sqlite).await;
            let mut keys: Value = json!({"broker": login});
            if has_database {
                keys["db_conn"] = database.url.as_str().into();
            }
            let platform = Platform::start_with(keys).await;
            let shop = platform
                .push(App::new("acme", "prod", "shop"), [Behaviour::page("a 1\n")])
                .await;
            assert!(platform.page(&shop.app).await.has("a"), "{login}");
            let log = platform.promfetch.logged("the service broker is off").await;
            assert!(log.contains(sentence), "{login}: {log}");
            let answer = Cloud::of(&platform.promfetch)
                .send("GET", "/catalog", None)
                .await;
            assert_eq!(answer.status, 503, "{login}");
            assert!(
                answer.header("retry-after").parse::<u32>().is_ok(),
                "{:?}",
                answer.headers
            );
            let body = json_of(&answer);
            let description = body["description"].as_str().expect("a sentence");
            assert!(description.contains("is off"), "{login}: {description}");
            for (path, method) in [
                ("/service_instances/i", "PUT"),
                ("", "GET"),
                ("/x/y", "DELETE"),
            ] {
                let answer = Cloud::of(&platform.promfetch)
                    .send(method, path, None)
                    .await;
                assert_eq!(answer.status, 503, "{login}: {method} {path}");
                assert_eq!(answer.header("content-type"), "application/json");
            }
        }
    }
}
