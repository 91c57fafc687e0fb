//! The document of several installations: whole, without ends that lead nowhere.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::config::Config;
use crate::config::access::{Mode, UaaConfig};
use crate::router;

fn document(mode: Mode, has_uaa: bool) -> Value {
    let mut config = Config::default();
    config.access.mode = mode;
    config.access.uaa = has_uaa.then(UaaConfig::default);
    config.base_url = "https://promfetch.example/below".into();
    serde_json::to_value(document::of(&router::all_described(), &config)).unwrap()
}

/// Every value of this key, wherever it stands.
fn all<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key));
            members.values().for_each(|member| all(member, key, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

/// The operations with their paths.
fn operations(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| (path, &item["get"]))
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document(Mode::Protected, true);
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 100, "{references:?}");
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["servers"][0]["url"],
        "https://promfetch.example/below"
    );
}

#[test]
fn operations_have_names_of_their_own_and_say_what_they_are() {
    let document = document(Mode::Open, false);
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .map(Value::to_string)
        .collect();
    for (path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].to_string()), "{path}");
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{path}");
        assert!(tags.contains(&operation["tags"][0].to_string()), "{path}");
        assert!(operation["responses"].get("200").is_some(), "{path}");
        assert!(operation["responses"].get("500").is_some(), "{path}");
        // What stands in braces is a parameter, and the other way round.
        let in_path: BTreeSet<_> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let described: BTreeSet<_> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(in_path, described, "{path}");
        for parameter in &parameters {
            assert!(
                !parameter["description"]
                    .as_str()
                    .unwrap_or_default()
                    .is_empty(),
                "{path}: {parameter}"
            );
            assert_eq!(
                parameter["required"],
                parameter["in"] == "path",
                "{path}: {parameter}"
            );
        }
    }
}

#[test]
fn a_login_is_asked_for_where_it_is_needed() {
    for (mode, has_uaa, reader, why) in [
        (Mode::Open, true, r#"[{}]"#, "nobody is asked"),
        (Mode::Audit, true, r#"[{}]"#, "nobody is refused"),
        (
            Mode::Protected,
            false,
            r#"[{"basic":[]}]"#,
            "no tokens are taken",
        ),
        (
            Mode::Protected,
            true,
            r#"[{"basic":[]},{"bearer":[]}]"#,
            "either of both",
        ),
    ] {
        let document = document(mode, has_uaa);
        let platform = if mode == Mode::Protected {
            r#"[{"basic":[]}]"#
        } else {
            "[{}]"
        };
        for (path, want) in [
            ("/v1/sd", reader),
            ("/v1/apps/{selector}/metrics", reader),
            ("/metrics", platform),
            ("/routes", r#"[{"basic":[]}]"#),
            ("/health", "[]"),
        ] {
            let got = &document["paths"][path]["get"]["security"];
            assert_eq!(got.to_string(), want, "{mode:?} {path}: {why}");
        }
    }
}

#[test]
fn what_is_answered_is_described_by_its_type() {
    let document = document(Mode::Open, false);
    let schemas = &document["components"]["schemas"];
    for (schema, property, kind) in [
        ("Problem", "status", "\"integer\""),
        ("Instances", "instances", "\"array\""),
        ("InstanceStatus", "route_age_seconds", "\"number\""),
        ("LastOutcome", "http_status", "[\"integer\",\"null\"]"),
        ("TargetGroup", "labels", "\"object\""),
        ("RouteEntry", "source", "\"array\""),
    ] {
        let got = &schemas[schema]["properties"][property]["type"];
        assert_eq!(got.to_string(), kind, "{schema}: {}", schemas[schema]);
    }
    let needed = schemas["InstanceStatus"]["required"].to_string();
    for (property, want) in [
        ("address", true),
        ("last", false),
        ("isolation_segment", false),
    ] {
        assert_eq!(
            needed.contains(&format!("\"{property}\"")),
            want,
            "{property}: {needed}"
        );
    }
}
