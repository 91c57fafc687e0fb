use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promfetch_tests::foundation::{OPERATOR_PASSWORD, PASSWORD, SECRET_KEY, basic, operator};
use promfetch_tests::promfetch::{command, config_file};
use promfetch_tests::{Answer, Uaa, config, foundation, nats};
use serde_json::json;

use super::Town;

const APP: &str = "x-promfetch-app-authorization";

/// Logs at this level, and everything else that promfetch shows.
async fn shown(level: &str, in_json: bool) {
    let uaa = Uaa::start().await;
    let logging = json!({"level": level, "in_json": in_json});
    let keys = json!({"uaa": uaa.config(), "logging": logging});
    let town = Town::start_with("protected", keys).await;
    let cloud = town.foundation.cloud();
    let parameters = json!({
        "endpoint": "/own",
        "authorization": {"type": "basic", "username": "scraper", "password": "bound-pa55word"},
        "headers": {"X-Tenant": "bound-header"},
    });
    let shop = Some(&town.shop.app);
    let first = cloud.bind("prod-metrics", "first", shop, parameters).await;
    let parameters = json!({"authorization": {"type": "bearer", "token": "bound-token"}});
    let second = cloud.bind("prod-metrics", "second", shop, parameters).await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    // Refused, with secrets in it.
    for parameters in [
        json!({"authorization": {"type": "bearer", "token": "refused token"}}),
        json!({"authorization": {"type": "basic", "username": "a:b", "password": "refused-password"}}),
        json!({"headers": {"X-A": "refused\nheader"}}),
        json!({"headers": {"authorization": "refused-header"}}),
        json!({"authorization": "refused-text"}),
    ] {
        let guid = Some(town.shop.app.guid.as_str());
        let answer = cloud
            .try_bind("prod-metrics", "third", guid, parameters)
            .await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains("refused"), "{}", answer.text());
    }
    let token = uaa.token("alice");
    uaa.permit("alice", &town.shop.app.guid, true);
    let ended = uaa.token_with("alice", json!({"exp": 1_000_000}));
    let logins = [
        operator(),
        first.login(),
        second.login(),
        key.login(),
        format!("Bearer {token}"),
        format!("Bearer {ended}"),
        basic("jane", "guessed-pa55word"),
        basic(&first.user, "guessed-pa55word"),
        "Basic !!guessed-pa55word".to_owned(),
        "Bearer guessed pa55word".to_owned(),
    ];
    let mut texts = Vec::new();
    let app = &town.shop.app;
    for login in &logins {
        for path in [
            app.path("metrics"),
            app.path("instances"),
            app.path("metrics?metric_path=//guess"),
            app.path("metrics?metric_path=/admin"),
            town.other.app.path("metrics"),
            "/routes".to_owned(),
            "/metrics".to_owned(),
            "/broker/v2/catalog".to_owned(),
            "/nothing".to_owned(),
            format!("{}?token=x", app.path("only-app-metrics")),
        ] {
            let headers = [
                ("authorization", login.as_str()),
                (APP, "Basic Y2FsbGVyOnNlY3JldA=="),
            ];
            texts.push(
                town.ask_with("GET", &path, &headers)
                    .await
                    .text()
                    .to_owned(),
            );
        }
    }
    uaa.apps_answer(Some(Answer::status(500)));
    uaa.keys_answer(Some(Answer::status(500)));
    let other = format!("Bearer {}", uaa.token("carol"));
    texts.push(
        town.ask("GET", &app.path("metrics"), &other)
            .await
            .text()
            .to_owned(),
    );
    for binding in ["first", "second"] {
        let path = format!("/service_instances/prod-metrics/service_bindings/{binding}");
        let shown = cloud.send("GET", &path, None).await;
        let own = if binding == "first" { &first } else { &second };
        texts.push(shown.text().replace(&own.password, "its own"));
    }
    let keys = foundation::keys(
        &town.foundation.database.url,
        json!({"logging": {"level": "trace"}}),
    );
    let (_folder, file) = config_file(&config::with(keys).to_string());
    for more in [&[][..], &["--json"]] {
        let finished = command(&[&["bindings", "-c", &file], more].concat()).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stdout.contains("first") && finished.stdout.contains("scraper"));
        texts.extend([finished.stdout, finished.stderr]);
    }
    let promfetch = &town.foundation.platform.promfetch;
    texts.push(promfetch.logged("a login was refused").await);

    let signature = |token: &str| token.rsplit('.').next().expect("a part").to_owned();
    let secrets = [
        OPERATOR_PASSWORD.to_owned(),
        PASSWORD.to_owned(),
        SECRET_KEY.to_owned(),
        first.password.clone(),
        second.password.clone(),
        key.password.clone(),
        signature(&token),
        signature(&ended),
        "bound-pa55word".to_owned(),
        "bound-token".to_owned(),
        "bound-header".to_owned(),
        "refused token".to_owned(),
        "refused-".to_owned(),
        "refused\nheader".to_owned(),
        "guessed".to_owned(),
        "guessed pa55word".to_owned(),
        "Y2FsbGVyOnNlY3JldA".to_owned(),
        "$argon2id$".to_owned(),
        nats::PASSWORD.to_owned(),
        nats::PASSWORD.replace('"', "\\\""),
        STANDARD.encode("scraper:bound-pa55word"),
    ];
    let encoded = logins
        .iter()
        .filter_map(|login| login.strip_prefix("Basic "))
        .map(str::to_owned);
    for secret in secrets.into_iter().chain(encoded) {
        for text in &texts {
            if let Some(at) = text.find(&secret) {
                let start = text.floor_char_boundary(at.saturating_sub(200));
                let end = text.ceil_char_boundary((at + 100).min(text.len()));
                panic!("{secret} is shown: …{}…", &text[start..end]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_or_shown_at_level_trace() {
    shown("trace", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_or_shown_in_json() {
    shown("debug", true).await;
}
