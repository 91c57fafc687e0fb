use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::access::testing::Pair;

const ISSUER: &str = "https://uaa.sys.example/oauth/token";
/// Signed with key 1 by `openssl dgst -sha256 -sign`; it ends at second 1000.
const BY_OPENSSL: &str = "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogImtleS0xIiwgInR5cCI6ICJKV1QifQ.eyJpc3MiOiAiaHR0cHM6Ly91YWEuc3lzLmV4YW1wbGUvb2F1dGgvdG9rZW4iLCAiYXVkIjogWyJjbG91ZF9jb250cm9sbGVyIl0sICJleHAiOiAxMDAwLCAidXNlcl9uYW1lIjogImphbmUifQ.S8-YS87ty5cU69PPnUWRu8kMniNVeqsimXZIEOWmawH6-1h-b_pEN1xtz7a8-RpC2IDdUX-xZ-c2wZriZKRHrnw49Em1wNxnIhARNqasSVDgNVRlsnCCxzPJdamlGzYLtBeXPLqxW56JzuD_L7s9aFlj8kvd8V-KNwU3xMSm_YJYQPbLZX_IBCPhs6Fz3VMpLBLvig4DrSVmNzE603OHa0ZqFZejTpJfVyHEX9K4JczH0zP8-0pnNjE8WJZZEL-0u3g85BGeLHQkU7cjWRP2uvS-0tYn8MemSqH8FTpaG6Kibcm38P8SThsUgKHOUluaEnWvAr-Ff0NF_qqOMGxQkQ";
/// The modulus of key 1, as openssl prints it.
const MODULUS_BY_OPENSSL: &str = "3gHF8TaJ-6Le7et9yORoK2a_x_ziU4weyULtnSx4va29krwYRNAnVI3NjClrBS98vbn-E0lBq8daDVLk1mdP8LoklxTTx6_hmMj2cEto9F4M8PE13VBdnpNeO78s4Xj66vIktgktqtO8tMXnTJFF1WyxWxNF3CTmwcZHtxNtWTHAXSaiSuB8gJjcyCEXG2NvwPmzqgarJU6MUpAkwZkHY7AoUspE8xIGPBdzZdAw6GHv2gtEi5cc9nIWDoDaszqMDBVvpOcULlTKOmE2wHTxURB43ps_jaj-AWdhuj3ZtwCSU7H1hbPxOL-_EWa-Maf1vD2_alAHWX_7XMVCMsj_vw";

fn key(pair: &Pair) -> Key {
    let (n, e) = pair.components();
    Key::new(&n, &e).unwrap()
}

/// The holder's name, or why the token does not count at second `now`.
fn verify(token: &str, key: &Key, now: u64) -> Result<String, &'static str> {
    let expected = Expected {
        issuer: ISSUER,
        audiences: &["promfetch".into(), "cloud_controller".into()],
        now: Duration::from_secs(now),
    };
    Unverified::parse(token)
        .and_then(|token| token.verify(key, &expected))
        .map(|holder| holder.name)
        .map_err(|invalid| invalid.0)
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "key-1", "typ": "JWT"})
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": ["cloud_controller"], "exp": 1000, "user_name": "jane"})
}

/// The object with these members changed; null takes one away.
fn with(mut object: Value, changes: Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object.to_string()
}

#[test]
fn a_token_signed_by_openssl_counts() {
    let key = Key::new(MODULUS_BY_OPENSSL, "AQAB").unwrap();
    let token = Unverified::parse(BY_OPENSSL).unwrap();
    assert_eq!(token.key_id(), "key-1");
    assert_eq!(verify(BY_OPENSSL, &key, 999).as_deref(), Ok("jane"));
    assert_eq!(verify(BY_OPENSSL, &key, 1000), Err("has expired"));
    assert_eq!(
        key,
        self::key(&Pair::new(1)),
        "UAA's zero in front is taken off"
    );
}

#[test]
fn claims_decide_once_the_signature_is_right() {
    let pair = Pair::new(1);
    let key = key(&pair);
    for (changes, want, why) in [
        (json!({}), Ok("jane"), "as UAA makes it"),
        (
            json!({"iss": "https://uaa.sys.example/oauth/token/"}),
            Err("issuer"),
            "to the letter",
        ),
        (
            json!({"iss": "https://uaa.other.example/oauth/token"}),
            Err("issuer"),
            "another UAA",
        ),
        (json!({"iss": null}), Err("claims"), "no issuer"),
        (json!({"iss": [ISSUER]}), Err("claims"), "no text"),
        (
            json!({"aud": "cloud_controller"}),
            Ok("jane"),
            "one audience as text",
        ),
        (
            json!({"aud": ["a", "promfetch"]}),
            Ok("jane"),
            "one of several",
        ),
        (
            json!({"aud": ["uaa", "cloud_controller.read"]}),
            Err("audience"),
            "none of ours",
        ),
        (json!({"aud": []}), Err("audience"), "for nobody"),
        (json!({"aud": ""}), Err("audience"), "for no name"),
        (json!({"aud": null}), Err("claims"), "no audience"),
        (
            json!({"aud": ["cloud_controller", 7]}),
            Err("claims"),
            "not all texts",
        ),
        (json!({"exp": 901}), Ok("jane"), "the last second"),
        (json!({"exp": 900}), Err("expired"), "no leeway"),
        (json!({"exp": 900.5}), Ok("jane"), "fractions are allowed"),
        (json!({"exp": 1e300}), Ok("jane"), "never"),
        (json!({"exp": -1}), Err("expired"), "before 1970"),
        (json!({"exp": -1e300}), Err("expired"), "long before"),
        (json!({"exp": null}), Err("claims"), "required"),
        (json!({"exp": "1000"}), Err("claims"), "not a number"),
        (json!({"nbf": 960}), Ok("jane"), "clocks may differ"),
        (json!({"nbf": 961}), Err("not valid yet"), "but not more"),
        (json!({"iat": 960}), Ok("jane"), "clocks may differ"),
        (
            json!({"iat": 961}),
            Err("not valid yet"),
            "issued in the future",
        ),
        (json!({"nbf": 1e300}), Err("not valid yet"), "never"),
        (json!({"jti": "0c8f1b3d"}), Ok("jane"), "an access token"),
        (json!({"jti": "0c8f1b3d-r"}), Err("refresh"), "UAA's mark"),
        (
            json!({"user_name": null, "client_id": "cf"}),
            Ok("cf"),
            "a client",
        ),
        (json!({"user_name": null}), Ok(""), "nobody is named"),
        (json!({"user_name": 7}), Err("claims"), "not a name"),
        (
            json!({"unknown": {"exp": [1, {"iss": 7}]}}),
            Ok("jane"),
            "others do not matter",
        ),
    ] {
        let token = pair.sign(&header().to_string(), &with(claims(), changes.clone()));
        match (verify(&token, &key, 900), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{changes}: {why}"),
            (Err(got), Err(want)) => assert!(got.contains(want), "{changes}: {why}: {got}"),
            (got, _) => panic!("{changes}: {why}: {got:?}"),
        }
    }
}

#[test]
fn headers_decide_before_the_signature() {
    let pair = Pair::new(1);
    let key = key(&pair);
    for (changes, want, why) in [
        (json!({}), "", "right"),
        (json!({"typ": null}), "", "not needed"),
        (
            json!({"jku": "https://evil.example", "jwk": {"kty": "RSA"}}),
            "",
            "keys are not taken from it",
        ),
        (json!({"alg": "none"}), "RS256", "not signed at all"),
        (
            json!({"alg": "HS256"}),
            "RS256",
            "signed with the public key as a secret",
        ),
        (json!({"alg": "RS512"}), "RS256", "another hash"),
        (json!({"alg": "PS256"}), "RS256", "another padding"),
        (json!({"alg": "rs256"}), "RS256", "case counts"),
        (json!({"alg": null}), "not a JSON", "required"),
        (json!({"alg": ["RS256"]}), "not a JSON", "not a text"),
        (json!({"kid": null}), "not a JSON", "required"),
        (json!({"kid": 1}), "not a JSON", "not a text"),
        (
            json!({"crit": ["b64"], "b64": false}),
            "critical",
            "what we do not know",
        ),
        (json!({"crit": []}), "critical", "empty, which is wrong too"),
    ] {
        let token = pair.sign(&with(header(), changes.clone()), &claims().to_string());
        let got = verify(&token, &key, 900).err().unwrap_or("");
        assert!(
            got.contains(want) && got.is_empty() == want.is_empty(),
            "{changes}: {why}: {got}"
        );
    }
    for (header, why) in [
        (
            r#"{"alg":"RS256","kid":"key-1","crit":null}"#,
            "null is there as well",
        ),
        (r#"{"alg":"none","alg":"RS256","kid":"key-1"}"#, "twice"),
        (r#"{"alg":"RS256","kid":"key-1","kid":"key-2"}"#, "twice"),
        (
            r#"{"alg":"RS256","\u0061lg":"none","kid":"key-1"}"#,
            "twice, once in disguise",
        ),
        (r#"["RS256","key-1"]"#, "a list"),
        (r#"{"alg":"RS256","kid":"key-1"} {}"#, "more behind it"),
        ("", "nothing"),
        ("RS256", "no JSON"),
    ] {
        let token = pair.sign(header, &claims().to_string());
        assert!(verify(&token, &key, 900).is_err(), "{header}: {why}");
    }
    for (claims, why) in [
        (
            claims().to_string().replace('{', r#"{"exp":9999,"#),
            "exp twice",
        ),
        (
            claims().to_string().replace('{', r#"{"\u0069ss":"x","#),
            "iss twice, once in disguise",
        ),
        (
            format!(r#"["{ISSUER}","cloud_controller",1000,null,null,null,"jane",null]"#),
            "a list",
        ),
        (claims().to_string() + "x", "more behind it"),
        ("[".repeat(5000), "depth"),
        (String::new(), "nothing"),
    ] {
        let token = pair.sign(&header().to_string(), &claims);
        assert!(
            verify(&token, &key, 900).unwrap_err().contains("claims"),
            "{why}"
        );
    }
}

#[test]
fn whatever_was_changed_is_noticed() {
    let key = key(&Pair::new(1));
    let (signed, signature) = BY_OPENSSL.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let forged = URL_SAFE_NO_PAD.encode(self::claims().to_string().replace("jane", "root"));
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"key-1"}"#);
    for (token, why) in [
        (format!("{header}.{forged}.{signature}"), "other claims"),
        (format!("{header}.{claims}."), "no signature"),
        (format!("{unsigned}.{claims}."), "none, and said so"),
        (
            format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
            "a shorter one",
        ),
        (format!("{header}.{claims}.AAAA{signature}"), "a longer one"),
        (
            format!("{header}.{claims}.{}", signature.replacen('S', "T", 1)),
            "another one",
        ),
        (format!("{header}.{claims}.{signature}=="), "padded"),
        (format!("{header}.{claims}=.{signature}"), "padded inside"),
        (format!("{header}.{claims}.{signature}."), "four parts"),
        (
            format!("{header}.{claims}.{claims}.{signature}"),
            "four parts, all full",
        ),
        (format!(" {BY_OPENSSL}"), "a blank"),
        (format!("{header}.{claims}"), "two parts"),
        (header.to_owned(), "one part"),
        (String::new(), "nothing"),
        ("..".into(), "nothing thrice"),
        (
            format!("{header}.{}.{signature}", "A".repeat(16 << 10)),
            "too long",
        ),
    ] {
        assert!(verify(&token, &key, 900).is_err(), "{why}");
    }
    let other = self::key(&Pair::new(2));
    assert_eq!(
        verify(BY_OPENSSL, &other, 900),
        Err("has a wrong signature")
    );
}

#[test]
fn keys_that_cannot_be_right_are_not_taken() {
    let zeros =
        |count: usize, number: &[u8]| URL_SAFE_NO_PAD.encode([&vec![0; count], number].concat());
    for (n, e, good, why) in [
        (MODULUS_BY_OPENSSL.to_owned(), "AQAB", true, "right"),
        (format!("{MODULUS_BY_OPENSSL}=="), "AQAB", true, "padded"),
        (zeros(5, &[255; 256]), "AAEAAQ", true, "zeros in front"),
        (zeros(0, &[255; 128]), "AQAB", false, "1024 bits"),
        (
            zeros(200, &[255; 128]),
            "AQAB",
            false,
            "1024 bits that look longer",
        ),
        (zeros(0, &[255; 1025]), "AQAB", false, "more than 8192 bits"),
        (zeros(256, &[]), "AQAB", false, "nothing but zeros"),
        (String::new(), "AQAB", false, "nothing"),
        (MODULUS_BY_OPENSSL.to_owned(), "", false, "no exponent"),
        (MODULUS_BY_OPENSSL.to_owned(), "AA", false, "zero"),
        (MODULUS_BY_OPENSSL.to_owned(), "!", false, "not base64"),
    ] {
        assert_eq!(Key::new(&n, e).is_some(), good, "{why}");
    }
    // ring looks at what is left: an exponent of 1 would make every text its own signature.
    let weak = Key::new(MODULUS_BY_OPENSSL, "AQ").unwrap();
    assert_eq!(verify(BY_OPENSSL, &weak, 900), Err("has a wrong signature"));
}

#[test]
fn the_issuer_is_seen_without_belief() {
    let pair = Pair::new(2);
    let of = |claims: &str| pair.sign("{}", claims);
    for (token, want, why) in [
        (BY_OPENSSL.to_owned(), Some(ISSUER), "a right one"),
        (of(r#"{"iss":"x"}"#), Some("x"), "any header, any signature"),
        (of(r#"{"iss":"x"}"#).replace('.', "!."), None, "not base64"),
        (of(r#"{"iss":7}"#), None, "no text"),
        (of("{}"), None, "none"),
        ("opaque-token".into(), None, "no JWT"),
        (String::new(), None, "nothing"),
    ] {
        assert_eq!(issuer_unverified(&token).as_deref(), want, "{why}");
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(token in "[.a-zA-Z0-9_=-]{0,60}", header in any::<String>(), claims in any::<String>()) {
        let key = Key::new(MODULUS_BY_OPENSSL, "AQAB").unwrap();
        let built = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".") + ".AAAA";
        for token in [token, built] {
            prop_assert!(verify(&token, &key, 0).is_err());
            let _ = issuer_unverified(&token);
        }
    }
}
