use std::time::{SystemTime, UNIX_EPOCH};

use promfetch_tests::foundation::{self, OPERATOR, OPERATOR_PASSWORD, basic, operator};
use promfetch_tests::{Promfetch, Uaa, config, eventually};
use serde_json::{Value, json};

use super::Browser;
use crate::access::Town;

/// A hash with which no password of these tests fits.
const OTHER_HASH: &str =
    "$argon2id$v=19$m=7168,t=5,p=1$b3RoZXJzYWx0b3RoZXI$Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM";

/// A promfetch with the operator, with these keys of its broker's and others.
async fn process(broker: Value, keys: Value) -> Promfetch {
    let operators = foundation::keys("", json!({}))["operators"].clone();
    let mut all = json!({
        "base_url": "https://promfetch.test",
        "access": "protected",
        "targets": [config::target(["o", "s", "a"], 0, ([127, 0, 0, 1], 1).into())],
        "operators": operators,
        "broker": broker,
    });
    let members = all.as_object_mut().expect("an object");
    members.extend(keys.as_object().expect("an object").clone());
    Promfetch::start(&config::with(all)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_with_one_key_share_sessions() {
    let (key, new) = ("the key of these tests", "the next key of these tests");
    let none = json!({});
    let first = process(json!({"secret_key": key}), none.clone()).await;
    let mut browser = Browser::new(&first);
    browser.sign_in_as_operator().await;
    for (broker, keys, want, why) in [
        (
            json!({"secret_key": key}),
            none.clone(),
            true,
            "the same key",
        ),
        (
            json!({"secret_key": new, "previous_secret_key": key}),
            none.clone(),
            true,
            "while the key is changed",
        ),
        (
            json!({"secret_key": new}),
            none.clone(),
            false,
            "another key",
        ),
        (json!({}), none.clone(), false, "no key"),
        (
            json!({"secret_key": key}),
            json!({"operators": [{"name": OPERATOR, "password_hash": OTHER_HASH}]}),
            false,
            "the operator has another password",
        ),
        (
            json!({"secret_key": key}),
            json!({"operators": [{"name": "bob", "password_hash": OTHER_HASH}]}),
            false,
            "the operator is gone",
        ),
        (
            json!({"secret_key": key}),
            json!({"base_url": "http://promfetch.test"}),
            false,
            "an address whose cookie has another name",
        ),
    ] {
        let process = process(broker, keys).await;
        let mut elsewhere = browser.clone();
        elsewhere.api.clone_from(&process.api);
        assert_eq!(elsewhere.is_operator().await, want, "{why}");
    }
    // Without a key, each process has its own until it ends.
    let (one, other) = (
        process(none.clone(), none.clone()).await,
        process(none.clone(), none).await,
    );
    let mut browser = Browser::new(&one);
    browser.sign_in_as_operator().await;
    assert!(browser.is_operator().await);
    browser.api.clone_from(&other.api);
    assert!(!browser.is_operator().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_session_counts_as_no_login() {
    let process = process(json!({"secret_key": "the key of these tests"}), json!({})).await;
    let mut browser = Browser::new(&process);
    browser.sign_in_as_operator().await;
    let good = browser.cookies["__Host-promfetch"].clone();
    let ask = async |cookies: &[&str], login: &str| {
        let mut headers: Vec<_> = cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
        if !login.is_empty() {
            headers.push(("authorization", login));
        }
        process.get_with("/routes", &headers).await.status
    };
    let named = |value: &str| format!("__Host-promfetch={value}");
    let (own, wrong) = (operator(), basic(OPERATOR, "wrong"));
    let half = good.len() / 2;
    let changed = format!("{}A{}", &good[..half], &good[half + 1..]);
    for (cookies, login, status, why) in [
        (vec![named(&good)], "", 200, "as it was given"),
        (
            vec!["a=b".into(), named(&good), "c=d".into()],
            "",
            200,
            "among others, on several lines",
        ),
        (vec![named(&good)], &*own, 200, "with the same login"),
        (vec![named(&good)], &wrong, 401, "the header wins"),
        (vec![named(&good)], "nonsense", 401, "the header wins"),
        (vec![named("garbage")], &own, 200, "the header wins"),
        (vec![named("")], "", 401, "empty"),
        (vec![named("garbage")], "", 401, "garbage"),
        (
            vec![named(&operator())],
            "",
            401,
            "a login that is not sealed",
        ),
        (vec![named(&good[..half])], "", 401, "cut short"),
        (vec![named(&changed)], "", 401, "changed"),
        (vec![named(&"x".repeat(8000))], "", 401, "very long"),
        (
            vec![named(&good), named(&good)],
            "",
            401,
            "two, though the same",
        ),
        (
            vec![format!("{}; {}", named(&good), named("garbage"))],
            "",
            401,
            "two on one line",
        ),
        (
            vec![format!("promfetch-session={good}")],
            "",
            401,
            "under the name of an address that is not encrypted",
        ),
        (
            vec![format!("__Host-promfetch-sign-in={good}")],
            "",
            401,
            "moved to the other cookie",
        ),
    ] {
        let cookies: Vec<_> = cookies.iter().map(String::as_str).collect();
        assert_eq!(ask(&cookies, login).await, status, "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_below_a_prefix_and_without_encryption() {
    for (host, prefix, want) in [
        (
            "https://promfetch.test",
            "/metrics",
            &["promfetch-session=", "; Path=/metrics;", "; Secure"][..],
        ),
        (
            "http://promfetch.test",
            "",
            &["promfetch-session=", "; Path=/;"],
        ),
    ] {
        let keys = json!({"base_url": format!("{host}{prefix}")});
        let process = process(json!({}), keys).await;
        let mut browser = Browser::at(&process, host, prefix);
        let answer = browser
            .sign_in(OPERATOR, OPERATOR_PASSWORD, "/platform?a=b")
            .await;
        assert_eq!(browser.led("/sign-in", &answer), "/platform?a=b");
        let cookie = answer.header("set-cookie");
        for part in want {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        let is_secure = host.starts_with("https");
        assert_eq!(cookie.contains("Secure"), is_secure, "{cookie}");
        assert!(browser.is_operator().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_its_token() {
    let uaa = Uaa::start().await;
    let keys = json!({"uaa": uaa.config_with_client("https://promfetch.test", "")});
    let town = Town::start_with("protected", keys).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let end = since.expect("it is later than 1970").as_secs() + 4;
    uaa.codes_give(json!({"exp": end}));
    let mut browser = Browser::new(&town.foundation.platform.promfetch);
    let answer = browser.sign_in_at(&uaa, "alice", "/").await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let cookie = answer.headers.get_all("set-cookie").iter().next();
    let cookie = cookie.and_then(|cookie| cookie.to_str().ok());
    let age = cookie.and_then(|cookie| cookie.split("Max-Age=").nth(1));
    let age = age.and_then(|age| age.split(';').next());
    let age: u64 = age.and_then(|age| age.parse().ok()).expect("an age");
    assert!(age <= 4, "no longer than the token: {age}");
    // This browser keeps the cookie: promfetch decides.
    let path = town.shop.app.path("metrics");
    eventually("the session has ended", async || {
        (browser.clone().fetch(&path).await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apps_never_see_a_session() {
    for access in ["open", "audit", "protected"] {
        let town = Town::start(access).await;
        let mut browser = Browser::new(&town.foundation.platform.promfetch);
        browser.sign_in_as_operator().await;
        assert_eq!(browser.cookies.len(), 1);
        for end in ["metrics", "only-app-metrics", "instances/0/metrics"] {
            let answer = browser.fetch(&town.shop.app.path(end)).await;
            assert_eq!(answer.status, 200, "{access}: {end}");
        }
        let seen = town.shop.instances[0].seen();
        assert!(seen.len() >= 3, "{access}: {}", seen.len());
        for request in seen {
            assert_eq!(request.header("cookie"), "", "{access}");
            assert_eq!(request.header("authorization"), "", "{access}");
            let all = format!("{:?} {}", request.headers, request.path);
            assert!(
                !all.contains("promfetch-session") && !all.contains("v1:"),
                "{all}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audited_access_knows_sessions() {
    let town = Town::start("audit").await;
    let promfetch = &town.foundation.platform.promfetch;
    let mut browser = Browser::new(promfetch);
    browser.sign_in_as_operator().await;
    let path = town.shop.app.path("metrics");
    let refused = async || {
        let page = promfetch.page("/metrics").await;
        page.has("promfetch_access_would_be_refused_total")
    };
    assert_eq!(browser.fetch(&path).await.status, 200);
    assert!(!refused().await, "the operator would not be refused");
    assert_eq!(Browser::new(promfetch).fetch(&path).await.status, 200);
    assert!(refused().await, "nobody would be");
}
