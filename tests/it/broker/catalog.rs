use std::collections::HashSet;

use promfetch_tests::Broker;
use promfetch_tests::database::Kind;
use promfetch_tests::osb::{Call, PLAN, SERVICE};
use serde_json::{Value, json};

async fn offering() -> Value {
    let broker = Broker::start().await;
    let answer = broker.get("/v2/catalog").await;
    assert_eq!(answer.status, 200, "item 12");
    let services = answer.json["services"]
        .as_array()
        .expect("item 12: an array");
    assert_eq!(services.len(), 1, "CC refuses an empty catalog");
    services[0].clone()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    let text = value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {value}"));
    assert!(!text.trim().is_empty(), "{name} is not blank");
    assert_eq!(text.trim(), text, "CC strips {name}");
    text
}

/// Items 12, 13 and 42, and the Cloud Controller's validators (section 2.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_offering_has_what_it_must_have() {
    let service = offering().await;
    assert_eq!(text(&service, "id"), SERVICE);
    let name = text(&service, "name");
    let is_friendly = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    assert!(name.chars().all(is_friendly), "CLI-friendly: {name}");
    assert!(text(&service, "description").len() <= 10_000);
    assert_eq!(service["bindable"], true, "item 38");
    assert!(
        service.get("requires").is_none(),
        "nothing is required of a platform"
    );
    let tags = service["tags"].as_array().expect("tags");
    let length: usize = tags.iter().filter_map(Value::as_str).map(str::len).sum();
    assert!(tags.iter().all(Value::is_string) && length < 2048);
    // Item 15.
    for flag in [
        "instances_retrievable",
        "bindings_retrievable",
        "allow_context_updates",
    ] {
        assert_eq!(service[flag], true, "{flag}");
    }
    assert_eq!(service["plan_updateable"], false, "there is one plan");
    // Item 17: declaring it would oblige.
    assert!(!service.to_string().contains("maintenance_info"));
}

/// Item 14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_says_outright_what_has_a_default() {
    let service = offering().await;
    let plans = service["plans"].as_array().expect("plans");
    assert_eq!(plans.len(), 1, "at least one");
    let plan = &plans[0];
    assert_eq!(text(plan, "id"), PLAN);
    text(plan, "name");
    text(plan, "description");
    for (flag, wanted, why) in [
        ("free", true, "as by default"),
        ("bindable", true, "Korifi reads absent as false"),
        ("plan_updateable", false, "there is no other plan"),
        ("binding_rotatable", true, "item 28"),
    ] {
        assert_eq!(plan[flag], wanted, "{flag}: {why}");
    }
    let ids: HashSet<_> = [&service["id"], &plan["id"]].into_iter().collect();
    assert_eq!(ids.len(), 2, "globally unique");
}

/// Item 47: profile.md, Cloud Foundry metadata.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_are_those_of_the_cloud_foundry_profile() {
    let service = offering().await;
    let metadata = &service["metadata"];
    for name in [
        "displayName",
        "longDescription",
        "providerDisplayName",
        "documentationUrl",
    ] {
        text(metadata, name);
    }
    assert_eq!(
        metadata["documentationUrl"], "https://promfetch.example/doc",
        "below `base_url`, and not promfetcher's `http://localhost:8085/doc`"
    );
    assert_eq!(
        metadata["shareable"], false,
        "a boolean, decided on purpose"
    );
    let metadata = &service["plans"][0]["metadata"];
    text(metadata, "displayName");
    assert!(
        metadata["bullets"]
            .as_array()
            .is_some_and(|all| all.iter().all(Value::is_string))
    );
}

/// Item 16, section 2.2: draft-04, no external references, at most 64 kB, no empty `required`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_are_draft_04_and_refuse_typos() {
    let service = offering().await;
    let schemas = &service["plans"][0]["schemas"];
    for pointer in [
        "/service_instance/create/parameters",
        "/service_instance/update/parameters",
        "/service_binding/create/parameters",
    ] {
        let schema = schemas
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(
            schema["$schema"], "http://json-schema.org/draft-04/schema#",
            "{pointer}"
        );
        assert_eq!(
            schema["additionalProperties"], false,
            "{pointer}: typos are refused"
        );
        assert!(schema.to_string().len() <= 64_000, "{pointer}");
        assert!(!schema.to_string().contains("$ref"), "{pointer}");
        check_draft_04(schema);
    }
    let properties = &schemas["service_binding"]["create"]["parameters"]["properties"];
    let mut names: Vec<_> = properties.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["authorization", "endpoint", "headers", "process", "timeout"]
    );
}

/// In draft-04 `required` is a list that is not empty, and `exclusiveMinimum` a boolean.
fn check_draft_04(schema: &Value) {
    if let Some(required) = schema.get("required") {
        let is_list = required.as_array().is_some_and(|names| !names.is_empty());
        // A property of that name would be an object.
        assert!(is_list || required.is_object(), "{schema}");
    }
    for word in [
        "const",
        "if",
        "contains",
        "propertyNames",
        "examples",
        "$id",
    ] {
        assert!(schema.get(word).is_none(), "`{word}` came later: {schema}");
    }
    match schema {
        Value::Object(members) => members.values().for_each(check_draft_04),
        Value::Array(list) => list.iter().for_each(check_draft_04),
        _ => {}
    }
}

/// Item 13: ids do not change between reads. Item 18: ETag and If-None-Match.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_has_an_etag_and_stays_the_same() {
    let broker = Broker::start().await;
    let first = broker.get("/v2/catalog").await;
    let etag = first.header("etag").to_owned();
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() > 10,
        "{etag}"
    );
    let again = broker.get("/v2/catalog").await;
    assert_eq!((&again.json, again.header("etag")), (&first.json, &*etag));
    for (match_, status, why) in [
        (etag.clone(), 304, "known"),
        (format!("\"other\", {etag}"), 304, "one of several"),
        (format!("W/{etag}"), 304, "compared weakly"),
        ("*".to_owned(), 304, "any"),
        ("\"other\"".to_owned(), 200, "another one"),
        (String::new(), 200, "none"),
    ] {
        let call = Call::new("GET", "/v2/catalog").header("if-none-match", &match_);
        let answer = broker.send(call).await;
        assert_eq!(answer.status, status, "{match_}: {why}");
        assert_eq!(answer.header("etag"), etag, "{why}");
    }
    let head = broker.send(Call::new("HEAD", "/v2/catalog")).await;
    assert_eq!((head.status, head.header("etag")), (200, &*etag));
}

/// Section 5, flaw 17: two installations must not share "globally unique" ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_installation_must_bring_its_own_ids() {
    let none = json!({"broker": {"broker_service_id": null, "broker_plan_id": null}});
    let broker = Broker::start_with(Kind::Sqlite, none).await;
    let answer = broker.get("/v2/catalog").await;
    assert_eq!(answer.status, 503);
    broker.promfetch.logged("broker.broker_service_id").await;
}

/// Item 13: the name is the operator's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_the_offering_is_the_operators() {
    let named = json!({"broker": {"service_name": "app-metrics"}});
    let broker = Broker::start_with(Kind::Sqlite, named).await;
    let catalog = broker.get("/v2/catalog").await.json;
    assert_eq!(catalog["services"][0]["name"], "app-metrics");
}
