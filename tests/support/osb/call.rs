//! Requests and their answers.

use ::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use uuid::Uuid;

use super::{IDENTITY, PASSWORD, USER, VERSION};

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Below `/broker`.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Call {
    /// With a login, version 2.17 and a fresh identity.
    pub fn new(method: &str, path: &str) -> Self {
        let headers = [
            ("Authorization", basic(USER, PASSWORD)),
            (VERSION, "2.17".to_owned()),
            (IDENTITY, Uuid::new_v4().to_string()),
        ];
        Self {
            method: method.into(),
            path: path.into(),
            headers: headers.map(|(name, value)| (name.into(), value)).into(),
            body: Bytes::new(),
        }
    }

    /// With a body of JSON and its type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json")
            .body(body.to_string())
    }

    /// With any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// With this header in place of others of the name.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        let mut call = self.without(name);
        call.headers.push((name.into(), value.into()));
        call
    }

    /// Without this header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// The value of a header.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A checked answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// The body: an object, or null where the answer has none.
    pub json: Value,
    pub headers: HeaderMap,
}

impl Answer {
    /// The sentence for the user of `cf`, empty when there is none.
    pub fn description(&self) -> &str {
        self.json["description"].as_str().unwrap_or_default()
    }

    /// The value of a header, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// The value of `Authorization` for this login.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
