use promfetch_core::Kind;
use serde_json::json;

use super::*;
use crate::access::testing::{Pair, Server};

/// A platform where every user may see `app-1`.
async fn platform() -> Server {
    Server::start(|request| match request.uri().path() {
        "/token_keys" => (
            200,
            json!({"keys": [Pair::new(1).jwk("key-1")]}).to_string(),
        ),
        "/v3/apps/app%2D1" => (200, json!({"guid": "app-1"}).to_string()),
        _ => (404, String::new()),
    })
    .await
}

#[tokio::test]
async fn a_user_with_a_token_sees_own_apps() {
    let server = platform().await;
    let uaa = Uaa::new(&server.config(), &Calls::default()).unwrap();
    let issuer = format!("{}/oauth/token", server.url);
    let raw = Pair::new(1).token("key-1", &issuer);
    let token = uaa.verify(&raw).await.unwrap();
    assert_eq!(token.user(), "jane");
    assert_eq!(uaa.may_read(&token, "app-1").await, Ok(true));
    assert_eq!(uaa.may_read(&token, "app-2").await, Ok(false));
    assert!(!format!("{token:?}").contains(&raw), "no token in logs");

    let ended = Token {
        expires: now(),
        ..token
    };
    assert_eq!(
        uaa.may_read(&ended, "app-1").await,
        Ok(false),
        "it has ended meanwhile"
    );
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let server = platform().await;
    let uaa = Uaa::new(&server.config(), &Calls::default()).unwrap();
    let issuer = format!("{}/oauth/token", server.url);
    for (token, want, why) in [
        (
            "opaque".to_owned(),
            "the token is not a JSON Web Token",
            "no JWT",
        ),
        (
            Pair::new(2).token("key-2", &issuer),
            "the token is signed with a key that UAA does not have",
            "an unknown key",
        ),
        (
            Pair::new(2).token("key-1", &issuer),
            "the token has a wrong signature",
            "another key under a known name",
        ),
        (
            Pair::new(1).token("key-1", "https://uaa.other.example/oauth/token"),
            "the token is from another issuer",
            "another UAA's",
        ),
    ] {
        let refusal = uaa.verify(&token).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Invalid(_)), "{why}");
        assert_eq!(refusal.to_string(), want, "{why}");
    }
    let config = server.config();
    drop(server);
    let uaa = Uaa::new(&config, &Calls::default()).unwrap();
    let token = Pair::new(1).token("key-1", &issuer);
    let refusal = uaa.verify(&token).await.unwrap_err();
    assert_eq!(refusal, Refusal::Unavailable(Unavailable));
}

#[tokio::test]
async fn the_platforms_tokens_are_recognised_unverified() {
    let server = platform().await;
    let mut config = server.config();
    let by_default = Uaa::new(&config, &Calls::default()).unwrap();
    config.issuer = "https://uaa.example/oauth/token".into();
    let configured = Uaa::new(&config, &Calls::default()).unwrap();
    // Signed with a key that nobody knows: it could be one of before a rotation.
    for (issuer, ours, configured_ours) in [
        (format!("{}/oauth/token", server.url), true, false),
        ("https://uaa.example/oauth/token".into(), false, true),
        ("https://login.app.example".into(), false, false),
    ] {
        let token = Pair::new(2).token("old", &issuer);
        assert_eq!(by_default.issued(&token), ours, "{issuer}");
        assert_eq!(configured.issued(&token), configured_ours, "{issuer}");
    }
    assert!(!by_default.issued("opaque"));
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let good = UaaConfig {
        url: "https://uaa.sys.example".into(),
        audiences: vec!["cloud_controller".into()],
        cloud_controller: "https://api.sys.example".into(),
        ..UaaConfig::default()
    };
    let with = |change: fn(&mut UaaConfig)| {
        let mut config = good.clone();
        change(&mut config);
        config
    };
    for (config, want) in [
        (good.clone(), ""),
        (
            with(|config| config.url = "http://127.0.0.1:8080/uaa/".into()),
            "",
        ),
        (with(|config| config.audiences.clear()), "audience"),
        (
            with(|config| config.url.clear()),
            "the URL of UAA cannot be read",
        ),
        (
            with(|config| config.url = "uaa.sys.example".into()),
            "the URL of UAA cannot be read",
        ),
        (
            with(|config| config.url = "ftp://uaa.sys.example".into()),
            "must begin with `https://`",
        ),
        (
            with(|config| config.url = "https://uaa.sys.example?a=b".into()),
            "end with its path",
        ),
        (
            with(|config| config.cloud_controller = "https://admin:hunter2@api.sys.example".into()),
            "the URL of Cloud Controller must have no login in it",
        ),
        (
            with(|config| config.cloud_controller = "https://admin:hunter2@api:x".into()),
            "the URL of Cloud Controller cannot be read",
        ),
        (
            with(|config| config.ca_certs = "no PEM".into()),
            "no certificate found",
        ),
    ] {
        match Uaa::new(&config, &Calls::default()) {
            Ok(_) => assert_eq!(want, "", "{config:?}"),
            Err(error) => {
                assert_eq!(error.kind(), Kind::Configuration);
                let text = format!("{error}: {error:?}");
                assert!(!want.is_empty() && text.contains(want), "{text}");
                assert!(!text.contains("hunter2"), "{text}");
            }
        }
    }
}
