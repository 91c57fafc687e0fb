//! The catalog, by what the Cloud Controller rejects in one.

use axum::body::to_bytes;
use axum::http::header::IF_NONE_MATCH;
use promfetch_core::config::Secret;

use super::*;
use crate::config::broker::Login;

fn config(name: &str, service_id: &str, plan_id: &str) -> Broker {
    let nobody = Login {
        user: String::new(),
        pass: Secret::default(),
    };
    Broker {
        service_name: name.into(),
        service_id: service_id.into(),
        plan_id: plan_id.into(),
        login: nobody.clone(),
        previous_login: nobody,
        secret_key: Secret::default(),
        previous_secret_key: Secret::default(),
        take_over: None,
        write_back: true,
    }
}

fn catalog(config: &Broker, taken_over: bool) -> Result<Catalog, String> {
    Catalog::new(config, "https://promfetch.example", taken_over)
}

#[test]
fn a_fresh_installation_needs_its_own_ids_and_a_taken_over_one_has_promfetchers() {
    let (name, service_id, plan_id) = PROMFETCHERS;
    for (given, taken_over, want, why) in [
        (
            ("", "s", "p"),
            false,
            Some(("promfetch", "s", "p")),
            "its own",
        ),
        (
            ("m", "s", "p"),
            false,
            Some(("m", "s", "p")),
            "its own name",
        ),
        (("", "", "p"), false, None, "no service id"),
        (("", "s", ""), false, None, "no plan id"),
        (
            ("", "", ""),
            true,
            Some((name, service_id, plan_id)),
            "promfetcher's defaults",
        ),
        (
            ("", "s", "p"),
            true,
            Some((name, "s", "p")),
            "promfetcher's own ids",
        ),
        (("m", "s", "p"), true, Some(("m", "s", "p")), "another name"),
    ] {
        let got = catalog(&config(given.0, given.1, given.2), taken_over);
        let got = got.as_ref().ok().map(|catalog| {
            let service = &catalog.body["services"][0];
            assert_eq!(service["id"], catalog.service_id.as_str());
            assert_eq!(service["plans"][0]["id"], catalog.plan_id.as_str());
            (
                service["name"].as_str().unwrap_or_default(),
                catalog.service_id.as_str(),
                catalog.plan_id.as_str(),
            )
        });
        assert_eq!(got, want, "{why}");
    }
    let problem = catalog(&config("", "", "p"), false).unwrap_err();
    assert!(
        problem.contains("`broker.broker_service_id` is not set"),
        "{problem}"
    );
    assert!(
        problem.contains(service_id),
        "the way out for a taken-over one: {problem}"
    );
}

#[test]
fn schemas_are_draft_04_and_within_64_kb() {
    let catalog = catalog(&config("", "s", "p"), false).unwrap();
    let schemas = &catalog.body["services"][0]["plans"][0]["schemas"];
    for pointer in [
        "/service_instance/create/parameters",
        "/service_instance/update/parameters",
        "/service_binding/create/parameters",
    ] {
        let schema = schemas.pointer(pointer).expect(pointer);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
        assert!(schema.to_string().len() < 65_536, "{pointer}");
        assert!(
            !schema.to_string().contains("$ref"),
            "no references, so no external ones"
        );
        assert_eq!(schema["additionalProperties"], false, "a typo is refused");
        assert!(jsonschema::meta::is_valid(schema), "{pointer}: {schema}");
    }
}

#[test]
fn nothing_in_the_catalog_is_null_blank_or_too_long() {
    fn walk(at: &str, value: &Value) {
        match value {
            Value::Null => panic!("{at} is null"),
            Value::String(text) => assert!(!text.trim().is_empty() && text.len() <= 10_000, "{at}"),
            Value::Array(all) => all.iter().for_each(|value| walk(at, value)),
            Value::Object(all) => all
                .iter()
                .for_each(|(name, value)| walk(&format!("{at}.{name}"), value)),
            _ => {}
        }
    }
    let catalog = catalog(&config("", "s", "p"), false).unwrap();
    walk("catalog", &catalog.body);
    let service = &catalog.body["services"][0];
    for (flag, want) in [
        ("bindable", true),
        ("instances_retrievable", true),
        ("bindings_retrievable", true),
        ("allow_context_updates", true),
        ("plan_updateable", false),
    ] {
        assert_eq!(service[flag], want, "{flag}");
    }
    for flag in ["free", "bindable", "binding_rotatable"] {
        assert_eq!(service["plans"][0][flag], true, "{flag} is said outright");
    }
    assert!(
        service.get("requires").is_none(),
        "null or unknown ones end in an error"
    );
}

#[tokio::test]
async fn who_has_the_catalog_already_gets_304() {
    let catalog = catalog(&config("", "s", "p"), false).unwrap();
    let etag = catalog.etag.to_str().unwrap().to_owned();
    for (header, status, why) in [
        (None, 200, "nothing known"),
        (Some(etag.clone()), 304, "the same"),
        (Some("\"old\"".to_owned()), 200, "another one"),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(header) = &header {
            headers.insert(IF_NONE_MATCH, header.parse().unwrap());
        }
        let response = catalog.answer(&headers);
        assert_eq!(response.status().as_u16(), status, "{why}");
        assert_eq!(response.headers()[ETAG], catalog.etag, "{why}");
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        assert_eq!(body.is_empty(), status == 304, "{why}");
    }
    let other = self::catalog(&config("", "s", "q"), false).unwrap();
    assert_ne!(other.etag, catalog.etag, "another catalog, another tag");
}
