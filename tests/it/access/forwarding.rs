use std::time::{SystemTime, UNIX_EPOCH};

use promfetch_tests::foundation::{PASSWORD, SECRET_KEY, USER, basic, operator};
use promfetch_tests::foundation::{PLAN, SERVICE};
use promfetch_tests::{Behaviour, Instance, Uaa};
use serde_json::json;

use super::Town;

const APP: &str = "x-promfetch-app-authorization";

/// What reaches the instance of `shop` as `Authorization` when somebody asks with these headers; `None` when it was
/// not asked.
async fn forwarded(town: &Town, path: &str, headers: &[(&str, &str)]) -> Option<String> {
    let instance = &town.shop.instances[0];
    let before = instance.requests();
    town.ask_with("GET", path, headers).await;
    if instance.requests() == before {
        return None;
    }
    let seen = instance.last_seen();
    assert_eq!(seen.header(APP), "", "never under this name");
    let all: Vec<_> = seen
        .headers
        .get_all("authorization")
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    assert!(all.len() < 2, "{all:?}");
    Some(all.concat())
}

/// A town whose broker's login was changed lately, and where a binding has gone.
async fn town(access: &str, uaa: &Uaa) -> (Town, Vec<(String, &'static str)>) {
    let keys = json!({
        "uaa": uaa.config(),
        "broker": {
            "user": USER, "pass": PASSWORD, "previous_user": "cc-before", "previous_pass": "before-it",
            "broker_service_id": SERVICE, "broker_plan_id": PLAN, "secret_key": SECRET_KEY,
        },
    });
    let town = Town::start_with(access, keys).await;
    let cloud = town.foundation.cloud();
    let shop = Some(&town.shop.app);
    let binding = cloud.bind("prod-metrics", "b", shop, json!({})).await;
    let key = cloud.bind("prod-metrics", "key", None, json!({})).await;
    let gone = cloud.bind("prod-metrics", "gone", shop, json!({})).await;
    cloud.unbind("prod-metrics", "gone").await;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ended = since.expect("it is later than 1970").as_secs() - 60;
    let bearer = |token: String| format!("Bearer {token}");
    let operator = operator();
    let own = vec![
        (binding.login(), "a binding's"),
        (basic(&binding.user, "wrong"), "a binding's, wrong"),
        (key.login(), "a space's"),
        (gone.login(), "of a binding that is gone"),
        (operator.clone(), "an operator's"),
        (basic("jane", "wrong"), "an operator's, wrong"),
        (basic(USER, PASSWORD), "the broker's"),
        (basic(USER, "wrong"), "the broker's, wrong"),
        (basic("cc-before", "before-it"), "the broker's before"),
        (bearer(uaa.token("alice")), "a token"),
        (
            bearer(uaa.token_with("alice", json!({"exp": ended}))),
            "a token that has ended",
        ),
        (
            bearer(uaa.token_with("alice", json!({"aud": ["other"]}))),
            "a token for others",
        ),
        (bearer(uaa.forged("alice")), "a forged token"),
        (
            operator.replace("Basic ", "bAsIc   "),
            "an operator's, written otherwise",
        ),
        (
            operator.trim_end_matches('=').to_owned(),
            "an operator's, without padding",
        ),
        (
            basic("jane", "correct horse\t"),
            "an operator's, with a tab",
        ),
        (
            bearer(uaa.token_with("alice", json!({"scope": "x".repeat(20_000)}))),
            "a long token",
        ),
        (bearer(uaa.token("alice") + "=?"), "a token, badly written"),
    ];
    (town, own)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_open_and_audit_mode_only_the_apps_logins_reach_it() {
    let uaa = Uaa::start().await;
    let stranger = Uaa::start().await;
    for mode in ["open", "audit"] {
        let (town, own) = town(mode, &uaa).await;
        for path in [
            town.shop.app.path("metrics"),
            town.shop.app.path("instances/0/metrics"),
        ] {
            for (login, why) in [
                (basic("app", "login"), "the app's"),
                (basic("user", "password"), "the app's, as many are"),
                (basic("b-0123", "x"), "nearly a binding's name"),
                (
                    format!("Bearer {}", stranger.token("alice")),
                    "another UAA's token",
                ),
                ("Bearer opaque".into(), "an opaque token"),
                ("Digest username=\"jane\"".into(), "another scheme"),
                ("nonsense".into(), "no scheme"),
            ] {
                let got = forwarded(&town, &path, &[("authorization", &login)]).await;
                assert_eq!(got.as_deref(), Some(login.as_str()), "{mode}: {why}");
                let both = [("authorization", operator()), (APP, login.clone())];
                let both = both.each_ref().map(|(name, value)| (*name, value.as_str()));
                let got = forwarded(&town, &path, &both).await;
                assert_eq!(got.as_deref(), Some(login.as_str()), "{mode}: {why}, apart");
                let both = [("authorization", "Basic YTpi"), (APP, &login)];
                let got = forwarded(&town, &path, &both).await;
                assert_eq!(
                    got.as_deref(),
                    Some(login.as_str()),
                    "{mode}: {why}, and another"
                );
            }
        }
        let path = town.shop.app.path("metrics");
        for (login, why) in &own {
            let got = forwarded(&town, &path, &[("authorization", login)]).await;
            assert_eq!(got.as_deref(), Some(""), "{mode}: {why}");
            let got = forwarded(&town, &path, &[(APP, login)]).await;
            assert_eq!(
                got.as_deref(),
                Some(""),
                "{mode}: {why}, as if it were the app's"
            );
        }
        for name in ["authorization", APP] {
            let two = [(name, "Basic YTpi"), (name, own[0].0.as_str())];
            let got = forwarded(&town, &path, &two).await;
            assert_eq!(got.as_deref(), Some(""), "{mode}: two of {name}");
        }
        assert_eq!(
            forwarded(&town, &path, &[]).await.as_deref(),
            Some(""),
            "{mode}: none"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_protected_mode_the_apps_login_travels_apart() {
    let uaa = Uaa::start().await;
    let (town, own) = town("protected", &uaa).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    let path = town.shop.app.path("metrics");
    let token = format!("Bearer {}", uaa.token("alice"));
    for login in [&own[0].0, &own[2].0, &operator(), &token] {
        let got = forwarded(&town, &path, &[("authorization", login)]).await;
        assert_eq!(got.as_deref(), Some(""));
        for apps in ["Basic YTpi", "Bearer opaque", "Digest x"] {
            let both = [("authorization", login.as_str()), (APP, apps)];
            assert_eq!(forwarded(&town, &path, &both).await.as_deref(), Some(apps));
        }
        for (apps, why) in &own {
            let both = [("authorization", login.as_str()), (APP, apps)];
            let got = forwarded(&town, &path, &both).await;
            assert_eq!(got.as_deref(), Some(""), "{why}");
        }
    }
    for headers in [
        &[("authorization", "Basic YTpi")][..],
        &[(APP, "Basic YTpi")],
        &[(APP, own[0].0.as_str())],
        &[("authorization", "Bearer x"), (APP, own[0].0.as_str())],
    ] {
        assert_eq!(
            forwarded(&town, &path, headers).await,
            None,
            "it lets nobody in"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_exporters_get_no_login_at_all() {
    let exporter = Instance::start("0", Behaviour::page("of_exporter 1\n")).await;
    let exporters = json!([{"name": "outside", "host": exporter.address.to_string()}]);
    for mode in ["open", "audit", "protected"] {
        let town = Town::start_with(mode, json!({"external_exporters": exporters})).await;
        let cloud = town.foundation.cloud();
        let bound = json!({
            "authorization": {"type": "bearer", "token": "bound-token"},
            "headers": {"X-Tenant": "blue"},
        });
        cloud
            .bind("prod-metrics", "b", Some(&town.shop.app), bound)
            .await;
        let before = exporter.requests();
        for headers in [
            &[("authorization", operator())][..],
            &[
                ("authorization", operator()),
                (APP, "Basic YTpi".to_owned()),
            ],
            &[
                ("authorization", operator()),
                ("x-tenant", "red".to_owned()),
            ],
        ] {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            for pushed in [&town.shop, &town.till] {
                let answer = town
                    .ask_with("GET", &pushed.app.path("metrics"), &headers)
                    .await;
                assert!(answer.text().contains("of_exporter{"), "{}", answer.text());
            }
        }
        assert_eq!(exporter.requests() - before, 6);
        for seen in exporter.seen() {
            for name in ["authorization", APP, "x-tenant"] {
                assert_eq!(seen.header(name), "", "{mode}: {name}");
            }
        }
    }
}
