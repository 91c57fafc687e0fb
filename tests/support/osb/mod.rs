//! What platforms send to the service broker. Every answer of every test goes through [`rules::check`].

pub mod cloud_controller;
pub mod rules;

use ::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::encode;
use crate::config;
use crate::database::{Database, Kind};
use crate::http;
use crate::promfetch::Promfetch;
use crate::wait::eventually;

/// The platform's login at the broker.
pub const USER: &str = "cloud-controller";
pub const PASSWORD: &str = "pässwörd: of the platform";
/// Ids of the catalog.
pub const SERVICE: &str = "7e1c7a56-5d0f-4a07-9d0c-6a8d7a9f3e11";
pub const PLAN: &str = "0c3c8c53-0c5f-4c1e-8a5e-1f5f0a0f4b22";
/// The version header.
pub const VERSION: &str = "X-Broker-API-Version";
/// The header that is echoed.
pub const IDENTITY: &str = "X-Broker-API-Request-Identity";

/// A running promfetch with its broker on, and its database.
#[derive(Debug)]
pub struct Broker {
    pub promfetch: Promfetch,
    /// `None` when the test holds it.
    pub database: Option<Database>,
}

impl Broker {
    /// On SQLite.
    pub async fn start() -> Self {
        Self::start_on(Kind::Sqlite).await
    }

    /// On a new database of this kind.
    pub async fn start_on(kind: Kind) -> Self {
        Self::start_with(kind, json!({})).await
    }

    /// The same with these keys over the configuration of tests.
    pub async fn start_with(kind: Kind, keys: Value) -> Self {
        let database = Database::start(kind).await;
        let mut broker = Self::beside(&database, keys).await;
        broker.database = Some(database);
        broker
    }

    /// On a database that others use too.
    pub async fn beside(database: &Database, keys: Value) -> Self {
        Self {
            promfetch: Promfetch::start(&configuration(database, keys)).await,
            database: None,
        }
    }

    /// The database.
    ///
    /// # Panics
    /// When the test holds it.
    pub fn database(&self) -> &Database {
        self.database.as_ref().expect("a database of its own")
    }

    /// Sends this, and checks what every answer has to keep to.
    ///
    /// # Panics
    /// When there is no complete answer, or a wrong one.
    pub async fn send(&self, call: Call) -> Answer {
        let url = format!("{}/broker{}", self.promfetch.api, call.path);
        let headers: Vec<_> = call
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let sent = http::send(&call.method, &url, &headers, call.body.clone(), None).await;
        let response =
            sent.unwrap_or_else(|error| panic!("{call:?}: {error}\n{}", self.promfetch.log()));
        rules::check(&call, response)
    }

    /// `GET` below `/broker`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Call::new("GET", path)).await
    }

    /// `PUT` with a body of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Call::new("PUT", path).json(&body)).await
    }

    /// `PATCH` with a body of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Call::new("PATCH", path).json(&body)).await
    }

    /// `DELETE` with the ids of the catalog.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Call::new("DELETE", &format!("{path}{IDS}")))
            .await
    }

    /// Provisions an instance of this id.
    pub async fn provision(&self, id: &str) -> Answer {
        self.put(&instance(id), provision()).await
    }

    /// Binds an app.
    pub async fn bind(&self, id: &str, binding_id: &str, app: &str, parameters: Value) -> Answer {
        let body = with(bind(app), json!({"parameters": parameters}));
        self.put(&binding(id, binding_id), body).await
    }

    /// What is stored, as `promfetch bindings` lists it.
    ///
    /// # Panics
    /// When the command fails.
    pub async fn stored(&self) -> Vec<Value> {
        let file = self.promfetch.folder.path().join("promfetch.yml");
        let file = file.display().to_string();
        let finished = crate::promfetch::command(&["bindings", "--json", "-c", &file]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
    }

    /// How many bindings are in memory, as the health port says once they have been read.
    ///
    /// # Panics
    /// When it says nothing of them.
    pub async fn held(&self) -> usize {
        let url = format!("{}/health", self.promfetch.health);
        eventually("the bindings have been read", async || {
            let health: Value =
                serde_json::from_slice(&http::get(&url, &[]).await.body).expect("JSON");
            let sources = health["sources"].as_array().expect("sources");
            let source = sources.iter().find(|source| source["kind"] == "bindings");
            let detail = source.expect("bindings")["detail"].as_str()?;
            detail.strip_suffix(" bindings")?.parse().ok()
        })
        .await
    }
}

/// The configuration of a promfetch with its broker on.
pub fn configuration(database: &Database, keys: Value) -> Value {
    // A source is needed to become ready, and this one needs nobody.
    let nobody = "127.0.0.1:9".parse().expect("an address");
    let target = config::target(["acme", "prod", "nobody"], 0, nobody);
    let mut config = config::with(json!({
        "targets": [target],
        "db_conn": database.url,
        "base_url": "https://promfetch.example",
        "broker": {
            "user": USER,
            "pass": PASSWORD,
            "broker_service_id": SERVICE,
            "broker_plan_id": PLAN,
            "secret_key": "a key that is only good for tests",
        },
    }));
    for (key, value) in keys.as_object().expect("keys and values are expected") {
        match (config.get_mut(key), value) {
            // Of the broker's own keys some are changed and the others stay; `null` takes one out.
            (Some(Value::Object(section)), Value::Object(changed)) => {
                for (key, value) in changed {
                    if value.is_null() {
                        section.remove(key);
                    } else {
                        section.insert(key.clone(), value.clone());
                    }
                }
            }
            _ => config[key] = value.clone(),
        }
    }
    config
}

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

/// The query of deletions.
pub const IDS: &str =
    "?service_id=7e1c7a56-5d0f-4a07-9d0c-6a8d7a9f3e11&plan_id=0c3c8c53-0c5f-4c1e-8a5e-1f5f0a0f4b22";

/// The path of an instance of any id.
pub fn instance(id: &str) -> String {
    format!("/v2/service_instances/{}", encode(id))
}

/// The path of a binding of any id.
pub fn binding(id: &str, binding_id: &str) -> String {
    format!("{}/service_bindings/{}", instance(id), encode(binding_id))
}

/// The least that provisions.
pub fn provision() -> Value {
    json!({
        "service_id": SERVICE,
        "plan_id": PLAN,
        "organization_guid": "org-guid-here",
        "space_guid": "space-guid-here",
    })
}

/// The least that binds an app.
pub fn bind(app: &str) -> Value {
    json!({"service_id": SERVICE, "plan_id": PLAN, "bind_resource": {"app_guid": app}})
}

/// An object with these members over it; [`ABSENT`] takes one out.
///
/// # Panics
/// When one is no object.
#[must_use]
pub fn with(mut object: Value, members: Value) -> Value {
    let into = object.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value == ABSENT {
            into.remove(name);
        } else {
            into.insert(name.clone(), value.clone());
        }
    }
    object
}

/// Stands for a member that is not there, since null is a value.
pub const ABSENT: &str = "(absent)";
