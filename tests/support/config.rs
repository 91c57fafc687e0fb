//! promfetch's configuration for tests.

use serde_json::{Value, json};

/// What all tests need: dialling loopback addresses, and a short time to readiness.
pub fn base() -> Value {
    json!({
        "targets_allow": ["127.0.0.0/8"],
        "start_response_delay_interval": "300ms",
        "logging": {"level": "debug"},
    })
}

/// The base with these keys over it; `null` takes a key out.
///
/// # Panics
/// When `keys` is no object.
pub fn with(keys: Value) -> Value {
    let mut config = base();
    let into = config.as_object_mut().expect("an object");
    let Value::Object(keys) = keys else {
        panic!("keys and values are expected")
    };
    for (key, value) in keys {
        if value.is_null() {
            into.remove(&key);
        } else {
            into.insert(key, value);
        }
    }
    config
}

/// An entry of `targets`: an instance that promfetch knows without any registration.
pub fn target(names: [&str; 3], index: usize, address: std::net::SocketAddr) -> Value {
    let [organization, space, app] = names;
    json!({
        "organization": organization,
        "space": space,
        "app": app,
        "index": index.to_string(),
        "address": address.to_string(),
    })
}
