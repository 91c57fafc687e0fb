//! Every key of the table: its example, its default, the ways to set it.

use std::fmt::Write;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::path::Segment;
use promfetch_core::config::table::{Fallback, Key, Shape};

use super::*;

/// A path for the key's name: first elements, and `mine` for keys of the user's choice.
fn place(key: &Key) -> String {
    key.name.replace("[]", "[0]").replace("<name>", "mine")
}

/// A value other than the default.
fn value(key: &Key) -> &str {
    match key.kind {
        Kind::Certificates => CERTIFICATE,
        Kind::PrivateKey => PRIVATE_KEY,
        Kind::Bool if key.default == Fallback::Value("true") => "false",
        Kind::Bool => "true",
        _ => key.example,
    }
}

/// What has to stand beside a key for it to count.
fn companions(key: &Key) -> Vec<(String, String)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (prefix, switch) in [
        ("nats.", "nats.tls_enabled"),
        ("tls_pem.", "enable_ssl"),
        ("backends.", ""),
        ("targets[].", "tls"),
    ] {
        if key.name.starts_with(prefix) && matches!(key.kind, Kind::Certificates | Kind::PrivateKey)
        {
            all.push((switch, "true"));
            if !key.name.ends_with("ca_certs") {
                all.push(if key.name.ends_with("chain") {
                    ("private_key", PRIVATE_KEY)
                } else {
                    ("cert_chain", CERTIFICATE)
                });
            }
        }
    }
    if key.name == "enable_ssl" {
        all.extend([
            ("tls_pem.cert_chain", CERTIFICATE),
            ("tls_pem.private_key", PRIVATE_KEY),
        ]);
    }
    if key.name.starts_with("targets[].") {
        all.extend([
            ("organization", "o"),
            ("space", "s"),
            ("app", "a"),
            ("address", "h:1"),
        ]);
    }
    if key.name.starts_with("external_exporters[].") {
        all.push(("host", "h"));
    }
    if key.name.starts_with("operators[].") {
        all.extend([("name", "o"), ("password_hash", PASSWORD_HASH)]);
    }
    if key.name == "broker.previous_secret_key" {
        all.push(("secret_key", "another key that nobody knows"));
    }
    if key.name.starts_with("uaa.") {
        all.extend([("url", "https://u"), ("cloud_controller", "https://c")]);
        if key.name != "uaa.client_id" {
            all.push(("client_id", "promfetch"));
        }
    }
    let own = place(key);
    let section = |name: &str| match own.split_once("[0].").or_else(|| own.split_once('.')) {
        Some((first, _)) if own.contains("[0].") => format!("{first}[0].{name}"),
        Some((first, _)) => format!("{first}.{name}"),
        None => name.to_owned(),
    };
    all.into_iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, text)| {
            (
                if name.contains('.') || name == "enable_ssl" {
                    name.to_owned()
                } else {
                    section(name)
                },
                text.to_owned(),
            )
        })
        .filter(|(name, _)| *name != own)
        .collect()
}

/// Of `correct horse battery`.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$47o12Sgofz9OZX853R8uOg$Kibnl6bmumMrUOAo0QPlF7wNUtyan1WLOO04+AF8Xb0";

/// The values as a YAML file: JSON with all texts in quotes.
fn as_yaml(values: &[(String, String)]) -> String {
    fn put(into: &mut serde_json::Value, path: &[Segment], text: &str) {
        match path {
            [] => *into = text.into(),
            [Segment::Index(_), rest @ ..] => {
                if !into.is_array() {
                    *into = serde_json::json!([null]);
                }
                put(&mut into[0], rest, text);
            }
            [Segment::Key(key), rest @ ..] => put(&mut into[&**key], rest, text),
        }
    }
    let mut json = serde_json::json!({});
    for (name, text) in values {
        put(&mut json, KeyPath::parse(name).segments(), text);
    }
    json.to_string()
}

#[test]
fn every_key_is_read_from_file_environment_and_options_alike() {
    let summary = |(config, warnings): (Config, Vec<String>)| {
        let mut text = format!("{config:?}");
        for warning in warnings {
            let _ = write!(
                text,
                "\n{}",
                warning
                    .rsplit_once(" (")
                    .map_or(warning.as_str(), |(message, _)| message)
            );
        }
        text
    };
    for key in keys::table().keys() {
        let companions = companions(key);
        let mut all = companions.clone();
        all.push((place(key), value(key).to_owned()));
        let base = load(&as_yaml(&companions)).map(summary);
        let from_file = load(&as_yaml(&all)).map(summary);
        let variables: Vec<(String, String)> = all
            .iter()
            .map(|(name, text)| (KeyPath::parse(name).environment_name(), text.clone()))
            .collect();
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let from_environment = load_all("", &variables, &[]).map(summary);
        let options: Vec<(&str, &str)> = all
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let from_options = load_all("", &[], &options).map(summary);
        assert!(
            from_file.is_ok(),
            "{}: the example is not allowed: {from_file:?}",
            key.name
        );
        assert_eq!(from_environment, from_file, "{}", key.name);
        assert_eq!(from_options, from_file, "{}", key.name);
        assert_ne!(base, from_file, "{} changes nothing", key.name);
    }
}

#[test]
fn the_table_is_consistent() {
    let table = keys::table();
    let mut names: Vec<&str> = table.keys().map(|key| key.name).collect();
    for key in table.keys() {
        if let Fallback::Value(text) = key.default {
            assert!(
                key.kind.parse(text).is_ok(),
                "{}: the default is not allowed",
                key.name
            );
        }
        assert!(
            key.kind.parse(key.example).is_ok(),
            "{}: the example is not allowed",
            key.name
        );
        assert!(
            key.meaning.ends_with('.') && !key.meaning.contains('\n'),
            "{}: {}",
            key.name,
            key.meaning
        );
        assert!(
            matches!(table.shape(&KeyPath::parse(&place(key))), Shape::Leaf(found) if found.name == key.name),
            "{}",
            key.name
        );
        assert!(
            !key.kind.is_shown() || !key.name.contains("pass"),
            "{} may be a secret",
            key.name
        );
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
}
