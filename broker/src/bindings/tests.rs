//! Which binding decides, and what memory does when bindings come and go.

use super::*;
use crate::secrets::SecretKey;

const KEY: &str = "a key that nobody can guess";

fn row(seq: i64, app: Option<&str>, parameters: &str) -> Binding {
    let id = format!("binding-{seq}");
    Binding {
        key: Binding::key(Some("instance"), &id),
        seq,
        instance_id: Some("instance".into()),
        binding_id: id,
        service_id: "service".into(),
        plan_id: "plan".into(),
        app_guid: app.map(Into::into),
        space_guid: "space".into(),
        endpoint: parameters::Parameters::from_json(parameters).and_then(|all| all.endpoint),
        parameters: parameters.into(),
        nonce: format!("{seq:032x}"),
        created: seq,
    }
}

fn bindings(rows: &[Binding]) -> Bindings {
    let bindings = Bindings::new(Some(Keyring::new(SecretKey::new(KEY), None)));
    assert!(bindings.replace(rows, 0));
    bindings
}

fn path(bindings: &Bindings) -> Option<String> {
    let bound = bindings.bound();
    bound.get("app")?.path.as_deref().map(str::to_owned)
}

#[test]
fn the_newest_binding_decides_and_the_older_returns() {
    let rows = [
        row(1, Some("app"), r#"{"endpoint":"/first"}"#),
        row(2, Some("app"), r#"{"endpoint":"/second"}"#),
    ];
    let bindings = bindings(&rows[..1]);
    assert_eq!(path(&bindings).as_deref(), Some("/first"));
    bindings.made(&rows[1]);
    assert_eq!(path(&bindings).as_deref(), Some("/second"));
    bindings.gone([&rows[1].key]);
    assert_eq!(path(&bindings).as_deref(), Some("/first"));
    bindings.gone([&rows[0].key, &rows[1].key]);
    assert_eq!(path(&bindings), None, "twice gone is gone");
    assert!(bindings.bound().get("app").is_none());
    assert_eq!(bindings.len(), 0);
}

#[test]
fn a_binding_without_an_endpoint_leaves_the_path() {
    for (rows, path, worker, why) in [
        (vec!["{}"], None, false, "credentials alone say nothing"),
        (
            vec![r#"{"endpoint":"/m"}"#, "{}"],
            Some("/m"),
            false,
            "credentials alone leave the older one in effect",
        ),
        (
            vec![r#"{"endpoint":"/m"}"#, r#"{"process":"worker"}"#],
            Some("/m"),
            true,
            "the path stays, the rest is the newer one's",
        ),
        (
            vec![
                r#"{"endpoint":"/m","process":"worker"}"#,
                r#"{"timeout":2.0}"#,
            ],
            Some("/m"),
            false,
            "only the path stays",
        ),
        (
            vec![r#"{"process":"worker"}"#, r#"{"endpoint":"/m"}"#],
            Some("/m"),
            false,
            "the newest decides wholly",
        ),
    ] {
        let rows: Vec<_> = (1..)
            .zip(&rows)
            .map(|(seq, parameters)| row(seq, Some("app"), parameters))
            .collect();
        let bindings = bindings(&rows);
        let bound = bindings.bound();
        let settings = bound.get("app");
        assert_eq!(settings.and_then(|all| all.path.as_deref()), path, "{why}");
        let process = settings.and_then(|all| all.process_type.as_deref());
        assert_eq!(process == Some("worker"), worker, "{why}");
    }
}

#[test]
fn what_was_read_before_a_change_is_not_taken() {
    let rows = [row(1, Some("app"), r#"{"endpoint":"/m"}"#)];
    let bindings = bindings(&[]);
    let seen = bindings.changes();
    bindings.made(&rows[0]);
    assert!(
        !bindings.replace(&[], seen),
        "the list is older than the bind"
    );
    assert_eq!(path(&bindings).as_deref(), Some("/m"));
    assert!(bindings.replace(&[], bindings.changes()));
    assert_eq!(path(&bindings), None);
}

#[test]
fn credentials_open_their_app_or_their_space() {
    let rows = [row(1, Some("app"), "{}"), row(2, None, "{}")];
    let bindings = bindings(&rows);
    let login = |row: &Binding| {
        let credentials =
            serde_json::to_value(bindings.credentials(row, "https://p.example")).unwrap();
        let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
        (text("username"), text("password"), credentials.clone())
    };
    let (app_user, app_password, app) = login(&rows[0]);
    let (space_user, space_password, space) = login(&rows[1]);
    assert_eq!(
        bindings.verify(&app_user, &app_password),
        Some(Scope::App("app".into()))
    );
    assert_eq!(
        bindings.verify(&space_user, &space_password),
        Some(Scope::Space("space".into()))
    );
    assert_eq!(
        bindings.verify(&app_user, &space_password),
        None,
        "another's password"
    );
    assert_eq!(bindings.verify("nobody", &app_password), None);
    assert_eq!(app["metrics_url"], "https://p.example/v1/apps/app/metrics");
    assert_eq!(app["sd_url"], "https://p.example/v1/sd?app=app");
    assert_eq!(
        space["metrics_url"],
        "https://p.example/v1/apps/{app}/metrics"
    );
    assert_eq!(space["sd_url"], "https://p.example/v1/sd?space=space");
    bindings.gone([&rows[0].key]);
    assert_eq!(
        bindings.verify(&app_user, &app_password),
        None,
        "gone with the binding"
    );
}

#[test]
fn without_a_key_there_are_only_addresses() {
    let rows = [row(1, Some("a/b"), "{}")];
    let bindings = Bindings::new(None);
    bindings.made(&rows[0]);
    let credentials =
        serde_json::to_value(bindings.credentials(&rows[0], "https://p.example")).unwrap();
    assert_eq!(
        credentials["metrics_url"],
        "https://p.example/v1/apps/a%2Fb/metrics"
    );
    assert!(credentials.get("username").is_none() && credentials.get("password").is_none());
}

#[test]
fn secrets_are_sealed_and_opened_with_either_key() {
    let secret = r#"{"endpoint":"/m","authorization":{"type":"bearer","token":"s3cret"}}"#;
    let parameters = parameters::Parameters::from_json(secret).unwrap();
    let mut row = row(1, Some("app"), "");
    row.endpoint = Some("/m".into());
    let old = Bindings::new(Some(Keyring::new(
        SecretKey::new("the old key, also unguessable"),
        None,
    )));
    row.parameters = old.vault().store(&row.key, &parameters).unwrap();
    assert!(!row.parameters.contains("s3cret"));
    let both = Keyring::new(
        SecretKey::new(KEY),
        Some(SecretKey::new("the old key, also unguessable")),
    );
    let loaded = Bindings::new(Some(both)).vault().load(&row).unwrap();
    assert!(loaded.is_outdated && loaded.parameters == parameters);

    // With another key the path is still known, and nothing else.
    let bindings = bindings(&[row]);
    let bound = bindings.bound();
    let settings = bound.get("app").unwrap();
    assert_eq!(settings.path.as_deref(), Some("/m"));
    assert!(settings.authorization.is_none());
    // Without secrets the store has readable text, also without a key.
    let plain = parameters::Parameters::of_endpoint(Some("/m".into()));
    let stored = Bindings::new(None).vault().store("key", &plain);
    assert_eq!(stored.as_deref(), Some(r#"{"endpoint":"/m"}"#));
    assert_eq!(Bindings::new(None).vault().store("key", &parameters), None);
}

#[test]
fn bindings_are_unknown_until_they_were_read() {
    let bindings = Bindings::new(None);
    bindings.made(&row(1, Some("app"), "{}"));
    assert!(!bindings.is_loaded(), "one that was just made is not all");
    assert!(bindings.replace(&[], bindings.changes()));
    assert!(bindings.is_loaded());
}

#[test]
fn a_scope_opens_its_apps_and_no_nameless_ones() {
    let app = |id: &str, space: &str| App {
        app_id: id.into(),
        space_id: space.into(),
        ..App::default()
    };
    for (scope, app, opens, why) in [
        (Scope::App("a".into()), app("a", "s"), true, "its app"),
        (
            Scope::App("a".into()),
            app("b", "s"),
            false,
            "another app of its space",
        ),
        (
            Scope::Space("s".into()),
            app("b", "s"),
            true,
            "an app of its space",
        ),
        (
            Scope::Space("s".into()),
            app("b", "t"),
            false,
            "of another space",
        ),
        (
            Scope::Space(String::new()),
            app("b", ""),
            false,
            "of no space",
        ),
    ] {
        assert_eq!(scope.opens(&app), opens, "{why}");
    }
}
