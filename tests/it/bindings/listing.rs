use promfetch_tests::foundation::{PASSWORD, USER};
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{App, Database, Foundation, config, database, foundation, net};
use serde_json::{Value, json};

/// Runs `promfetch bindings` on this database.
async fn bindings(database: &str, arguments: &[&str]) -> promfetch_tests::process::Finished {
    let config = config::with(foundation::keys(database, json!({})));
    let (_folder, file) = config_file(&config.to_string());
    command(&[&["bindings", "-c", &file], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_effect_and_why() {
    let foundation = Foundation::start(json!({})).await;
    let cloud = foundation.cloud();
    let (shop, till) = (
        App::new("acme", "prod", "shop"),
        App::new("acme", "prod", "till"),
    );
    cloud.provision("i", "the-space").await;
    let bearer = json!({"type": "bearer", "token": "bound-token"});
    for (binding, app, parameters) in [
        ("one", Some(&shop), json!({"endpoint": "/one"})),
        ("creds", Some(&shop), json!({})),
        ("two", Some(&shop), json!({"endpoint": "/two"})),
        (
            "three",
            Some(&shop),
            json!({"timeout": 5, "authorization": bearer, "headers": {"X-A": "bound-header"}}),
        ),
        ("till", Some(&till), json!({"endpoint": "/own?a=\"b\""})),
        ("key", None, json!({})),
    ] {
        if binding == "till" {
            let guid = app.map(|app| app.guid.as_str());
            let answer = cloud.try_bind("i", binding, guid, parameters).await;
            assert_eq!(answer.status, 400, "quotes are no part of a path");
            cloud
                .bind("i", binding, app, json!({"endpoint": "/own?a=b"}))
                .await;
            continue;
        }
        cloud.bind("i", binding, app, parameters).await;
    }
    let database = &foundation.database.url;
    let all = bindings(database, &["--json"]).await;
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    let all: Value = serde_json::from_str(&all.stdout).expect("JSON");
    let all = all.as_array().expect("a list");
    let effects = [
        ("one", "not in effect: three is newer"),
        ("creds", "credentials only"),
        ("two", "its path is in effect, all else is said by three"),
        ("three", "in effect, with the path of two"),
        ("till", "in effect"),
        ("key", "credentials for the space the-space"),
    ];
    assert_eq!(all.len(), effects.len());
    for (binding, effect) in effects {
        let one = all
            .iter()
            .find(|one| one["binding_id"] == binding)
            .expect("a binding");
        assert_eq!(one["effect"], effect, "{binding}");
        assert_eq!(one["service_instance_id"], "i");
        assert!(
            one["created_ms"]
                .as_i64()
                .is_some_and(|time| time > 1_600_000_000_000)
        );
    }
    assert_eq!(
        all.last().expect("a key")["app_guid"],
        Value::Null,
        "keys come last"
    );

    let table = bindings(database, &[]).await.stdout;
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), effects.len() + 1, "{table}");
    assert!(
        lines[0].starts_with("APP ") && lines[0].ends_with("EFFECT"),
        "{table}"
    );
    for (binding, effect) in effects {
        let fits = |line: &&&str| line.contains(&format!(" {binding} ")) && line.ends_with(effect);
        assert_eq!(lines.iter().filter(fits).count(), 1, "{binding}: {table}");
    }
    let only = bindings(database, &["--app", &till.guid]).await.stdout;
    assert_eq!(only.lines().count(), 2, "{only}");
    assert!(only.contains(&till.guid) && !only.contains(&shop.guid));
    for text in [table, Value::from(all.clone()).to_string()] {
        assert!(!text.contains("bound-"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_callers_wrote_cannot_move_a_terminals_cursor() {
    let foundation = Foundation::start(json!({})).await;
    let cloud = foundation.cloud();
    cloud.provision("i", "space").await;
    let app = Some("app\u{1b}[31m\nFAKE  LINE\u{202e}");
    let answer = cloud
        .try_bind("i", "b%1b%5b2J%0a", app, json!({"endpoint": "/x"}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let table = bindings(&foundation.database.url, &[]).await.stdout;
    assert_eq!(table.lines().count(), 2, "{table:?}");
    assert!(!table.contains(['\u{1b}', '\u{202e}']), "{table:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_a_missing_and_an_absent_database() {
    let missing = Database::start(database::Kind::Sqlite).await;
    let finished = bindings(&missing.url, &[]).await;
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let file = std::path::Path::new(missing.url.trim_start_matches("sqlite:///"));
    assert!(
        file.is_absolute() && !file.exists(),
        "looking makes no file"
    );

    let empty = Database::start(database::Kind::Postgres).await;
    let finished = bindings(&empty.url, &[]).await;
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (Some(0), "no bindings\n")
    );
    let finished = bindings(&empty.url, &["--json"]).await;
    assert_eq!((finished.code, finished.stdout.trim()), (Some(0), "[]"));

    let nobody = net::free_address();
    for (url, code, word) in [
        (format!("postgres://u:s3cret@{nobody}/db"), 1, "database"),
        (format!("mysql://u:s3cret@{nobody}/db"), 1, "database"),
        ("sqlite:////no/such/folder/x.db".to_owned(), 1, "folder"),
    ] {
        let finished = bindings(&url, &[]).await;
        assert_eq!(finished.code, Some(code), "{url}: {}", finished.stderr);
        assert!(finished.stderr.contains(word), "{url}: {}", finished.stderr);
        let text = finished.stdout + &finished.stderr;
        assert!(!text.contains("s3cret"), "{url}: {text}");
    }
    // Neither a database nor a login that would make one.
    let (_folder, file) = config_file("{}");
    let finished = command(&["bindings", "-c", &file]).await;
    assert_eq!(finished.code, Some(64), "{}", finished.stderr);
    assert!(finished.stderr.contains("db_conn"), "{}", finished.stderr);
    assert!(!(finished.stdout + &finished.stderr).contains(PASSWORD) && !USER.is_empty());
}
