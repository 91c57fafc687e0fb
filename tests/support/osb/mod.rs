//! What platforms send to the service broker. Every answer of every test goes through [`rules::check`].

pub mod bodies;
pub mod call;
pub mod cloud_controller;
pub mod rules;

pub use bodies::{ABSENT, IDS, bind, binding, instance, provision, with};
pub use call::{Answer, Call, basic};
use serde_json::{Value, json};

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
        Self::at(&database.url, keys).await
    }

    /// On the database of this `db_conn`.
    pub async fn at(db_conn: &str, keys: Value) -> Self {
        Self {
            promfetch: Promfetch::start(&configuration(db_conn, keys)).await,
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
pub fn configuration(db_conn: &str, keys: Value) -> Value {
    // A source is needed to become ready, and this one needs nobody.
    let nobody = "127.0.0.1:9".parse().expect("an address");
    let target = config::target(["acme", "prod", "nobody"], 0, nobody);
    let mut config = config::with(json!({
        "targets": [target],
        "db_conn": db_conn,
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
