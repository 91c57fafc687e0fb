//! A gorouter as far as `/routes` goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::app::App;
use crate::behaviour::{Answer, Behaviour, Seen};
use crate::instance::Instance;

pub const USER: &str = "router-status";
pub const PASSWORD: &str = "pa55";

/// A router that serves a routing table over HTTP with basic authentication.
#[derive(Debug)]
pub struct Gorouter {
    server: Instance,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    routes: BTreeMap<String, Vec<Value>>,
    /// Answered in place of the table.
    instead: Option<Answer>,
}

impl Gorouter {
    /// A router with an empty table.
    pub async fn start() -> Self {
        let table: Arc<Mutex<Table>> = Arc::default();
        let behaviour = Behaviour::answering({
            let table = Arc::clone(&table);
            move |seen| answer(seen, &table.lock().expect("no panic while locked"))
        });
        Self {
            server: Instance::start("0", behaviour).await,
            table,
        }
    }

    /// Adds the instance under all routes of the app.
    pub fn add(&self, app: &App, instance: &Instance) {
        let mut table = self.table.lock().expect("no panic while locked");
        for route in &app.routes {
            table
                .routes
                .entry(route.clone())
                .or_default()
                .push(endpoint(app, instance));
        }
    }

    /// Serves exactly these routes from now on.
    ///
    /// # Panics
    /// When the text is no routing table.
    pub fn set(&self, routes: &str) {
        self.table.lock().expect("no panic while locked").routes =
            serde_json::from_str(routes).expect("a routing table");
    }

    /// Forgets everything, as after a restart, and gives the old table back.
    pub fn clear(&self) -> String {
        let routes = std::mem::take(&mut self.table.lock().expect("no panic while locked").routes);
        serde_json::to_string(&routes).expect("a routing table")
    }

    /// Gives this answer in place of the table, until told `None`.
    pub fn answers(&self, answer: Option<Answer>) {
        self.table.lock().expect("no panic while locked").instead = answer;
    }

    /// How often it was asked so far.
    pub fn polls(&self) -> u64 {
        self.server.requests()
    }

    /// Its entry in promfetch's configuration.
    pub fn config(&self) -> Value {
        json!({"host": self.server.address.ip().to_string(), "port": self.server.address.port(), "user": USER, "pass": PASSWORD})
    }
}

fn answer(seen: &Seen, table: &Table) -> Answer {
    if seen.path == "/health" {
        return Answer {
            status: 200,
            headers: Vec::new(),
            body: "ok\n".into(),
        };
    }
    // base64 of `router-status:pa55`
    if seen.header("authorization") != "Basic cm91dGVyLXN0YXR1czpwYTU1" {
        return Answer {
            status: 401,
            headers: vec![("www-authenticate", "Basic realm=\"gorouter\"".into())],
            body: "401 Unauthorized\n".into(),
        };
    }
    if let Some(instead) = &table.instead {
        return instead.clone();
    }
    match seen.path.as_str() {
        "/routes" => {
            let body = serde_json::to_string(&table.routes).expect("a routing table") + "\n";
            Answer {
                status: 200,
                headers: vec![
                    ("content-type", "application/json".into()),
                    ("connection", "close".into()),
                ],
                body: body.into(),
            }
        }
        _ => Answer::status(404),
    }
}

/// One element of a route's array.
pub fn endpoint(app: &App, instance: &Instance) -> Value {
    json!({
        "address": instance.address.to_string(),
        "availability_zone": "z1",
        "protocol": instance.protocol.unwrap_or("http1"),
        "tls": instance.tls,
        "ttl": 120,
        "tags": app.tags(&instance.index, &instance.guid),
        "private_instance_id": instance.guid,
        "server_cert_domain_san": instance.guid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn the_table_needs_a_login_and_looks_like_the_recorded_one() {
        let router = Gorouter::start().await;
        let app = App::new("acme", "prod", "shop");
        let instance = Instance::start("0", Behaviour::page("")).await;
        router.add(&app, &instance);
        let url = format!("http://{}/routes", router.server.address);
        assert_eq!(http::get(&url, &[]).await.status, 401);
        let answer = http::get(&url, &[("authorization", "Basic cm91dGVyLXN0YXR1czpwYTU1")]).await;
        let table: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let made = &table[&app.routes[0]][0];

        let recorded =
            std::fs::read(crate::tools::repository().join("tests/data/routes/02-http-app.json"))
                .expect("the file");
        let recorded: Value = serde_json::from_slice(&recorded).expect("JSON");
        let recorded = &recorded["shop.apps.lab.example"][0];
        for (key, value) in recorded.as_object().expect("an object") {
            assert_eq!(
                std::mem::discriminant(value),
                std::mem::discriminant(&made[key]),
                "{key}"
            );
        }
    }
}
