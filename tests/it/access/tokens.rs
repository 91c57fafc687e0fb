use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use promfetch_tests::{Uaa, eventually};
use serde_json::{Value, json};

use super::Town;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is later than 1970").as_secs()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// The parts of a token, put together in other ways.
struct Parts(Vec<String>);

impl Parts {
    fn of(token: &str) -> Self {
        Self(token.split('.').map(str::to_owned).collect())
    }

    fn json(&self, at: usize) -> Value {
        let text = URL_SAFE_NO_PAD.decode(&self.0[at]).expect("base64url");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// With this member changed in header (0) or claims (1), and this signature.
    fn with(&self, at: usize, name: &str, value: impl Into<Value>, signature: &str) -> String {
        let mut parts = self.0.clone();
        let mut json = self.json(at);
        json[name] = value.into();
        parts[at] = URL_SAFE_NO_PAD.encode(json.to_string());
        signature.clone_into(&mut parts[2]);
        parts.join(".")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_see_what_the_cloud_controller_shows_them() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    uaa.permit("alice", &town.shop.app.guid, true);
    uaa.permit("alice", &town.other.app.guid, true);
    uaa.permit("bob", &town.till.app.guid, true);
    let (alice, bob) = (bearer(&uaa.token("alice")), bearer(&uaa.token("bob")));
    assert_eq!(town.statuses(&alice).await, [200, 404, 200]);
    assert_eq!(town.statuses(&bob).await, [404, 200, 404]);
    assert_eq!(town.status("/", &alice).await, 200);
    for path in ["/metrics", "/routes"] {
        assert_eq!(
            town.status(path, &alice).await,
            403,
            "{path} is for operators"
        );
    }
    assert_eq!(town.status("/nothing", &alice).await, 404);

    // The answers are kept: the Cloud Controller is not asked at every scrape.
    let asked = uaa.app_requests();
    for _ in 0..20 {
        assert_eq!(town.statuses(&alice).await, [200, 404, 200]);
    }
    assert!(
        uaa.app_requests() - asked < 20,
        "{}",
        uaa.app_requests() - asked
    );
    // Who has no token is told that one would do.
    let answer = town.ask("GET", "/", "").await;
    let asked_for: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(asked_for.len(), 2, "{asked_for:?}");
    let log = town.foundation.platform.promfetch.log();
    assert!(!log.contains(&alice[20..60]) && !log.contains(&alice[alice.len() - 40..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_that_do_not_count() {
    let uaa = Uaa::start().await;
    let stranger = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    uaa.permit("alice", &town.shop.app.guid, true);
    let good = uaa.token("alice");
    assert_eq!(town.status(&path, &bearer(&good)).await, 200);
    let parts = Parts::of(&good);
    let signature = parts.0[2].as_str();
    let with = |changes: Value| uaa.token_with("alice", changes);
    for (token, why) in [
        (with(json!({"exp": now() - 1})), "it has ended"),
        (with(json!({"exp": null})), "without an end"),
        (with(json!({"exp": "never"})), "an end that is no number"),
        (with(json!({"nbf": now() + 600})), "not yet"),
        (with(json!({"iat": now() + 600})), "from the future"),
        (
            with(json!({"iss": "https://uaa.evil.test/oauth/token"})),
            "another issuer",
        ),
        (
            with(json!({"iss": format!("{}/", uaa.issuer())})),
            "nearly the issuer",
        ),
        (with(json!({"iss": null})), "no issuer"),
        (with(json!({"aud": ["billing"]})), "for somebody else"),
        (
            with(json!({"aud": "cloud_controller.read"})),
            "nearly for us",
        ),
        (with(json!({"aud": []})), "for nobody"),
        (with(json!({"aud": null})), "no audience"),
        (
            uaa.forged("alice"),
            "signed by a thief under the right key's name",
        ),
        (stranger.token("alice"), "another UAA's"),
        (parts.with(0, "alg", "none", ""), "not signed"),
        (
            parts.with(0, "alg", "none", signature),
            "not signed, it says",
        ),
        (
            parts.with(0, "alg", "HS256", signature),
            "another algorithm",
        ),
        (parts.with(0, "alg", "RS512", signature), "another hash"),
        (parts.with(0, "kid", "key-99", signature), "an unknown key"),
        (parts.with(0, "kid", Value::Null, signature), "no key"),
        (
            parts.with(0, "crit", json!(["b64"]), signature),
            "what must be understood",
        ),
        (
            parts.with(1, "user_name", "admin", signature),
            "another user under the signature",
        ),
        (parts.with(1, "exp", now() + 99_999, signature), "prolonged"),
        (format!("{}.{}.", parts.0[0], parts.0[1]), "no signature"),
        (format!("{}.{}", parts.0[0], parts.0[1]), "two parts"),
        (format!("{good}.x"), "four parts"),
        (format!("{good}="), "padded"),
        (good[..good.len() - 4].to_owned(), "cut short"),
        ("opaque".to_owned(), "opaque"),
        ("..".to_owned(), "nothing but dots"),
        (format!("{}.{}", "a".repeat(20_000), &good), "too long"),
    ] {
        let answer = town.ask("GET", &path, &bearer(&token)).await;
        assert_eq!(answer.status, 401, "{why}: {}", answer.text());
        let told = answer.text().to_lowercase();
        assert!(
            !told.contains("alice") && !told.contains("issuer"),
            "{why}: {told}"
        );
    }
    // Made-up keys do not make promfetch a weapon against UAA.
    for number in 0..50 {
        let token = parts.with(0, "kid", format!("key-{number}-{number}"), signature);
        assert_eq!(town.status(&path, &bearer(&token)).await, 401);
    }
    assert!(uaa.key_requests() < 20, "{}", uaa.key_requests());
    for login in [
        format!("Bearer  {good}"),
        format!("bearer {good}"),
        format!("BEARER {good}"),
    ] {
        assert_eq!(town.status(&path, &login).await, 200, "blanks and case");
    }
    assert_eq!(town.status(&path, &format!("Basic {good}")).await, 401);
    assert!(
        town.shop.instances[0]
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_empty())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_change_and_old_ones_go() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    uaa.permit("alice", &town.shop.app.guid, true);
    let old = bearer(&uaa.token("alice"));
    assert_eq!(town.status(&path, &old).await, 200);
    uaa.rotate();
    let new = bearer(&uaa.token("alice"));
    // Keys are fetched again for one that is not known, but not at every try.
    eventually("the new key is known", async || {
        (town.status(&path, &new).await == 200).then_some(())
    })
    .await;
    assert_eq!(town.status(&path, &old).await, 200, "both are published");
    assert!(uaa.key_requests() < 10, "{}", uaa.key_requests());
    // The next key comes without the old ones, as when one was stolen.
    uaa.rotate();
    uaa.withdraw_old_keys();
    let newest = bearer(&uaa.token("alice"));
    eventually("the newest key is known", async || {
        (town.status(&path, &newest).await == 200).then_some(())
    })
    .await;
    assert_eq!(town.status(&path, &old).await, 401, "withdrawn");
    assert_eq!(town.status(&path, &new).await, 401, "withdrawn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_allowed_ends_with_the_token() {
    let uaa = Uaa::start().await;
    let town = Town::start_with("protected", json!({"uaa": uaa.config()})).await;
    let path = town.shop.app.path("metrics");
    uaa.permit("alice", &town.shop.app.guid, true);
    let token = bearer(&uaa.token_with("alice", json!({"exp": now() + 15})));
    assert_eq!(town.status(&path, &token).await, 200);
    eventually("the token ends", async || {
        (town.status(&path, &token).await == 401).then_some(())
    })
    .await;
    // What one user may is not what another one may, nor does another token of the same user inherit a refusal.
    assert_eq!(town.status(&path, &bearer(&uaa.token("bob"))).await, 404);
    let alice = uaa.token("alice");
    uaa.revoke(&alice);
    assert_eq!(
        town.status(&path, &bearer(&alice)).await,
        404,
        "revoked before it was used"
    );
    assert_eq!(town.status(&path, &bearer(&uaa.token("alice"))).await, 200);
}
