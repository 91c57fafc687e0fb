use serde_json::{Value, json};

use super::*;
use crate::access::testing::{Pair, Server, later};

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// A server with key 1, and the reader of its keys.
async fn fixture() -> (Server, Jwks) {
    let body = set(&[Pair::new(1).jwk("key-1")]);
    let server = Server::start(move |_| (200, body.clone())).await;
    let jwks = Jwks::new(&server.config(), &Calls::default()).unwrap();
    (server, jwks)
}

/// `known`, `unknown` or `unavailable`.
async fn ask(jwks: &Jwks, id: &str) -> &'static str {
    match jwks.key(id).await {
        Ok(Some(_)) => "known",
        Ok(None) => "unknown",
        Err(Unavailable) => "unavailable",
    }
}

/// Lets the server's task and the fetches go on until as many requests have come in.
async fn asked(server: &Server, count: usize) {
    while server.seen().len() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_ask() {
    let (server, jwks) = fixture().await;
    assert!(
        server.seen().is_empty(),
        "nothing is fetched before a token comes"
    );
    let found = futures_util::future::join_all((0..50).map(|_| ask(&jwks, "key-1"))).await;
    assert_eq!(found, ["known"; 50]);
    assert_eq!(ask(&jwks, "key-1").await, "known");
    assert_eq!(server.seen(), ["/token_keys"]);
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_every_ten_seconds_at_most() {
    let (server, jwks) = fixture().await;
    for _ in 0..20 {
        assert_eq!(ask(&jwks, "key-2").await, "unknown");
    }
    assert_eq!(server.seen().len(), 1);
    // The operator rotates keys.
    let rotated = set(&[Pair::new(1).jwk("key-1"), Pair::new(2).jwk("key-2")]);
    server.becomes(move |_| (200, rotated.clone()));
    assert_eq!(ask(&jwks, "key-2").await, "unknown");
    later(PAUSE).await;
    assert_eq!(ask(&jwks, "key-2").await, "known");
    assert_eq!(ask(&jwks, "key-1").await, "known");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn stale_keys_are_fetched_anew_and_withdrawn_ones_go() {
    let (server, jwks) = fixture().await;
    assert_eq!(ask(&jwks, "key-1").await, "known");
    let rotated = set(&[Pair::new(2).jwk("key-2")]);
    server.becomes(move |_| (200, rotated.clone()));
    later(STALE - Duration::from_secs(1)).await;
    assert_eq!(ask(&jwks, "key-1").await, "known");
    assert_eq!(server.seen().len(), 1, "not yet");
    later(Duration::from_secs(1)).await;
    assert_eq!(ask(&jwks, "key-1").await, "known", "nobody waits for it");
    asked(&server, 2).await;
    while ask(&jwks, "key-1").await == "known" {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&jwks, "key-2").await, "known");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn while_uaa_is_away_known_keys_count_for_a_day() {
    let (server, jwks) = fixture().await;
    server.becomes(|_| (503, "no route".into()));
    assert_eq!(ask(&jwks, "key-1").await, "unavailable");
    assert_eq!(ask(&jwks, "key-1").await, "unavailable");
    assert_eq!(server.seen().len(), 1, "failures are not repeated at once");
    let body = set(&[Pair::new(1).jwk("key-1")]);
    server.becomes(move |_| (200, body.clone()));
    later(PAUSE).await;
    assert_eq!(ask(&jwks, "key-1").await, "known");

    server.becomes(|_| (503, "no route".into()));
    later(DEAD - Duration::from_secs(1)).await;
    assert_eq!(ask(&jwks, "key-1").await, "known");
    assert_eq!(
        ask(&jwks, "key-2").await,
        "unavailable",
        "it could be a new one"
    );
    later(Duration::from_secs(1)).await;
    assert_eq!(ask(&jwks, "key-1").await, "unavailable");
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_end_the_fetch() {
    let (server, jwks) = fixture().await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let body = set(&[Pair::new(1).jwk("key-1")]);
    server.becomes_slow({
        let gate = Arc::clone(&gate);
        move |_| {
            let (gate, body) = (Arc::clone(&gate), body.clone());
            Box::pin(async move {
                let _ = gate.acquire().await;
                (200, body)
            })
        }
    });
    let mut hasty = Box::pin(ask(&jwks, "key-1"));
    assert!(futures_util::poll!(hasty.as_mut()).is_pending());
    asked(&server, 1).await;
    drop(hasty);
    gate.add_permits(1);
    assert_eq!(ask(&jwks, "key-1").await, "known");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn sets_as_uaa_and_others_write_them() {
    let good = Pair::new(1).jwk("key-1");
    let changed = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let without = |name: &str| {
        let mut jwk = good.clone();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    for (key, usable, why) in [
        (good.clone(), true, "UAA's"),
        (without("use"), true, "optional"),
        (without("alg"), true, "optional"),
        (without("value"), true, "UAA's own addition"),
        (changed("use", json!("enc")), false, "for encryption"),
        (
            changed("alg", json!("RS512")),
            false,
            "for another algorithm",
        ),
        (changed("kty", json!("EC")), false, "another kind"),
        (
            json!({"kty": "MAC", "alg": "HS256", "value": "tokenkey"}),
            false,
            "a secret",
        ),
        (without("kid"), false, "tokens could not name it"),
        (without("n"), false, "no modulus"),
        (changed("n", json!("AQAB")), false, "a short modulus"),
        (changed("e", json!(65537)), false, "not base64url"),
        (json!("key"), false, "no object"),
        (Value::Null, false, "nothing"),
    ] {
        let alone = read(set(std::slice::from_ref(&key)).as_bytes());
        assert_eq!(alone.is_ok(), usable, "{key}: {why}");
        let mut second = good.clone();
        second["kid"] = json!("second");
        let beside = read(set(&[key.clone(), second]).as_bytes()).unwrap();
        assert!(beside.contains_key("second"), "{key}: costs no other");
    }
    // Of two under one name, the first: no later entry replaces a key.
    let twice = read(set(&[good.clone(), Pair::new(2).jwk("key-1")]).as_bytes()).unwrap();
    let (n, e) = Pair::new(1).components();
    assert_eq!(twice["key-1"].as_ref(), &Key::new(&n, &e).unwrap());
    let many: Vec<_> = (0..100)
        .map(|number| changed("kid", json!(number.to_string())))
        .collect();
    assert_eq!(read(set(&many).as_bytes()).unwrap().len(), MAX_KEYS);
    for body in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        "<html>",
        r#"{"keys":["#,
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    let (server, jwks) = fixture().await;
    let long = " ".repeat(MAX_BODY) + &set(&[Pair::new(1).jwk("key-1")]);
    server.becomes(move |_| (200, long.clone()));
    assert_eq!(ask(&jwks, "key-1").await, "unavailable");
}
