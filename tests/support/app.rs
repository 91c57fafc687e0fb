//! An app as the Cloud Controller describes it: the tags of its instances.

use serde_json::{Map, Value};
use uuid::Uuid;

/// An app with its place on the platform. Every app made has GUIDs of its own.
#[derive(Clone, Debug)]
pub struct App {
    pub guid: String,
    pub organization: String,
    pub organization_guid: String,
    pub space: String,
    pub space_guid: String,
    pub name: String,
    pub process_guid: String,
    pub process_type: String,
    /// Routes as registered: host, or host and path.
    pub routes: Vec<String>,
}

impl App {
    /// An app with one route, which no other app has.
    pub fn new(organization: &str, space: &str, name: &str) -> Self {
        let guid = guid();
        let route = format!("app-{}.apps.test", &guid[..8]);
        Self {
            organization: organization.into(),
            organization_guid: self::guid(),
            space: space.into(),
            space_guid: self::guid(),
            name: name.into(),
            process_guid: guid.clone(),
            process_type: "web".into(),
            routes: vec![route],
            guid,
        }
    }

    #[must_use]
    pub fn routes(mut self, routes: &[&str]) -> Self {
        self.routes = routes.iter().map(|route| (*route).to_owned()).collect();
        self
    }

    /// Another process of the same app: of another type, or the new one of a rolling deployment.
    #[must_use]
    pub fn process(&self, process_type: &str) -> Self {
        Self {
            process_guid: guid(),
            process_type: process_type.into(),
            ..self.clone()
        }
    }

    /// The tags that route-emitter sends for an instance of this app.
    pub fn tags(&self, index: &str, instance_guid: &str) -> Map<String, Value> {
        [
            ("source_id", self.guid.as_str()),
            ("process_id", &self.process_guid),
            ("process_type", &self.process_type),
            ("process_instance_id", instance_guid),
            ("instance_id", index),
            ("organization_id", &self.organization_guid),
            ("space_id", &self.space_guid),
            ("app_id", &self.guid),
            ("organization_name", &self.organization),
            ("space_name", &self.space),
            ("app_name", &self.name),
            ("component", "route-emitter"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect()
    }

    /// `/v1/apps/{org}/{space}/{app}/` and then `end`, each name percent-encoded.
    pub fn path(&self, end: &str) -> String {
        format!(
            "/v1/apps/{}/{}/{}/{end}",
            encode(&self.organization),
            encode(&self.space),
            encode(&self.name)
        )
    }
}

/// A GUID as apps have.
pub fn guid() -> String {
    Uuid::new_v4().to_string()
}

/// A GUID as instances have: 8-4-4-4-4 hex digits.
pub fn instance_guid() -> String {
    guid()[..28].to_owned()
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
