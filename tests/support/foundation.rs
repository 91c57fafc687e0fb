//! A platform whose promfetch has a service broker, and the calls that the Cloud Controller makes there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::App;
use crate::database::{Database, Kind};
use crate::http::{self, Response};
pub use crate::osb::basic;
use crate::platform::Platform;
use crate::promfetch::Promfetch;
use crate::wait::eventually;

/// Ids of the one service in the catalog.
pub const SERVICE: &str = "5c1e4f0a-1f0e-4f4f-9d0b-3a6f6f1f0c11";
pub const PLAN: &str = "0b9a3a38-6f6d-4d1d-8a43-6a7f1c1d2e22";
/// The Cloud Controller's login.
pub const USER: &str = "cloud-controller";
pub const PASSWORD: &str = "the-brokers-pa55word";
/// What the passwords of bindings are derived from.
pub const SECRET_KEY: &str = "5f0c7e0a9b1d4c3e8f7a6b5c4d3e2f10";
/// An operator, with the cheapest hash that is allowed.
pub const OPERATOR: &str = "jane";
pub const OPERATOR_PASSWORD: &str = "correct horse";
const OPERATOR_HASH: &str = "$argon2id$v=19$m=7168,t=5,p=1$c29tZXNhbHRzb21lc2FsdA$Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM";

/// The operator's `Authorization`.
pub fn operator() -> String {
    basic(OPERATOR, OPERATOR_PASSWORD)
}

/// The keys of a promfetch with a broker on this database, an operator, and whatever else is given.
///
/// # Panics
/// When `keys` is no object.
pub fn keys(database: &str, keys: Value) -> Value {
    let mut all = json!({
        "db_conn": database,
        "base_url": "https://promfetch.test",
        "broker": {
            "user": USER,
            "pass": PASSWORD,
            "broker_service_id": SERVICE,
            "broker_plan_id": PLAN,
            "secret_key": SECRET_KEY,
        },
        "operators": [{"name": OPERATOR, "password_hash": OPERATOR_HASH}],
    });
    let (Some(into), Value::Object(keys)) = (all.as_object_mut(), keys) else {
        panic!("keys and values are expected")
    };
    into.extend(keys);
    all
}

/// A platform with a promfetch whose bindings are in a SQLite file.
#[derive(Debug)]
pub struct Foundation {
    pub platform: Platform,
    pub database: Database,
}

impl Foundation {
    /// With these keys over those of [`keys`].
    pub async fn start(keys: Value) -> Self {
        let database = Database::start(Kind::Sqlite).await;
        let keys = self::keys(&database.url, keys);
        let mut platform = Platform::start_with(keys).await;
        platform.login = operator();
        Self { platform, database }
    }

    /// The Cloud Controller's side of the broker.
    pub fn cloud(&self) -> Cloud {
        Cloud::of(&self.platform.promfetch)
    }
}

/// The credentials of a binding.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The whole answer.
    pub all: Value,
    pub user: String,
    pub password: String,
}

impl Credentials {
    fn read(answer: &Value) -> Self {
        let all = answer["credentials"].clone();
        let text = |name: &str| all[name].as_str().unwrap_or_default().to_owned();
        Self {
            user: text("username"),
            password: text("password"),
            all,
        }
    }

    /// As `Authorization`.
    pub fn login(&self) -> String {
        basic(&self.user, &self.password)
    }
}

/// The Cloud Controller, as one promfetch sees it.
#[derive(Clone, Debug)]
pub struct Cloud {
    broker: String,
    login: String,
}

impl Cloud {
    pub fn of(promfetch: &Promfetch) -> Self {
        Self {
            broker: format!("{}/broker/v2", promfetch.api),
            login: basic(USER, PASSWORD),
        }
    }

    /// Any request, below `/broker/v2`.
    ///
    /// # Panics
    /// When there is no complete answer.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let url = format!("{}{path}", self.broker);
        let headers = [
            ("authorization", self.login.as_str()),
            ("x-broker-api-version", "2.17"),
            ("content-type", "application/json"),
        ];
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        http::send(method, &url, &headers, body.into(), None)
            .await
            .unwrap_or_else(|error| panic!("{method} {url}: {error}"))
    }

    /// `cf create-service`, in the space with this GUID.
    pub async fn try_provision(&self, instance: &str, space: &str) -> Response {
        let body = json!({
            "service_id": SERVICE,
            "plan_id": PLAN,
            "organization_guid": "an-organization",
            "space_guid": space,
            "context": {"platform": "cloudfoundry", "organization_guid": "an-organization", "space_guid": space},
        });
        let path = format!("/service_instances/{instance}?accepts_incomplete=true");
        self.send("PUT", &path, Some(body)).await
    }

    /// The same, which succeeds.
    ///
    /// # Panics
    /// When it does not.
    pub async fn provision(&self, instance: &str, space: &str) {
        let answer = self.try_provision(instance, space).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    /// `cf bind-service -c` of an app, or `cf create-service-key` without one.
    pub async fn try_bind(
        &self,
        instance: &str,
        binding: &str,
        app: Option<&str>,
        parameters: Value,
    ) -> Response {
        let mut body = json!({"service_id": SERVICE, "plan_id": PLAN, "parameters": parameters});
        if let Some(app) = app {
            body["app_guid"] = app.into();
            body["bind_resource"] = json!({ "app_guid": app });
        }
        self.send("PUT", &path(instance, binding), Some(body)).await
    }

    /// The same, which succeeds.
    ///
    /// # Panics
    /// When it does not.
    pub async fn bind(
        &self,
        instance: &str,
        binding: &str,
        app: Option<&App>,
        parameters: Value,
    ) -> Credentials {
        let app = app.map(|app| app.guid.as_str());
        let answer = self.try_bind(instance, binding, app, parameters).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Credentials::read(&json_of(&answer))
    }

    /// A new binding in place of another one, which stays until it is unbound.
    ///
    /// # Panics
    /// When it does not succeed.
    pub async fn rotate(&self, instance: &str, binding: &str, predecessor: &str) -> Credentials {
        let body = json!({"predecessor_binding_id": predecessor});
        let answer = self.send("PUT", &path(instance, binding), Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Credentials::read(&json_of(&answer))
    }

    /// What a binding's credentials are now.
    ///
    /// # Panics
    /// When there is no such binding.
    pub async fn credentials(&self, instance: &str, binding: &str) -> Credentials {
        let answer = self.send("GET", &path(instance, binding), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Credentials::read(&json_of(&answer))
    }

    pub async fn try_unbind(&self, instance: &str, binding: &str) -> Response {
        let ids = format!("?service_id={SERVICE}&plan_id={PLAN}");
        let path = path(instance, binding) + &ids;
        self.send("DELETE", &path, None).await
    }

    /// `cf unbind-service`, which succeeds.
    ///
    /// # Panics
    /// When it does not.
    pub async fn unbind(&self, instance: &str, binding: &str) {
        let answer = self.try_unbind(instance, binding).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Binds until it succeeds, as after an outage.
    pub async fn bind_once_possible(
        &self,
        instance: &str,
        binding: &str,
        app: &App,
        parameters: Value,
    ) {
        eventually("the broker binds", async || {
            let answer = self
                .try_bind(instance, binding, Some(&app.guid), parameters.clone())
                .await;
            let done = [200, 201].contains(&answer.status);
            if !done {
                // 422 is ConcurrencyError: what was cut off may still hold its lock.
                assert!([422, 503].contains(&answer.status), "{}", answer.text());
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            done.then_some(())
        })
        .await;
    }
}

fn path(instance: &str, binding: &str) -> String {
    format!("/service_instances/{instance}/service_bindings/{binding}")
}

/// The body of an answer.
///
/// # Panics
/// When it is no JSON.
pub fn json_of(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body)
        .unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}
