//! What route-emitter does: a message for each route of each instance, at once and then as heartbeat.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::certs::Authority;
use crate::instance::Instance;
use crate::nats::{Nats, PASSWORD, USER};

/// Time between heartbeats: the platform takes 20 s, tests have no such patience.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// Registers instances and keeps them registered. Dropping it ends the heartbeats.
#[derive(Debug)]
pub struct Emitter {
    client: Client,
    /// Messages of all registered endpoints, repeated with each heartbeat.
    registered: Arc<Mutex<Vec<Value>>>,
    beating: JoinHandle<()>,
}

impl Emitter {
    /// Connects to the servers, and again whenever a server comes back.
    ///
    /// # Panics
    /// When none answers.
    pub async fn connect(servers: &[Nats], authority: Option<&Authority>) -> Self {
        let mut options = ConnectOptions::with_user_and_password(USER.into(), PASSWORD.into())
            .reconnect_delay_callback(|_| Duration::from_millis(100))
            .connection_timeout(Duration::from_secs(5));
        if let Some(authority) = authority {
            let identity = authority.issue(&["route-emitter"]);
            options = options
                .require_tls(true)
                .tls_client_config(authority.client(Some(&identity)));
        }
        let addresses: Vec<String> = servers
            .iter()
            .map(|server| format!("nats://{}:{}", server.host, server.port))
            .collect();
        let client = options
            .connect(addresses)
            .await
            .expect("the NATS server takes the emitter");
        let registered = Arc::default();
        let beating = tokio::spawn(beat(client.clone(), Arc::clone(&registered)));
        Self {
            client,
            registered,
            beating,
        }
    }

    /// Registers the instance under all routes of the app.
    pub async fn register(&self, app: &App, instance: &Instance) {
        for route in &app.routes {
            let mut message = message(app, instance, route);
            self.registered
                .lock()
                .expect("no panic while locked")
                .push(message.clone());
            // Only the first message of an endpoint carries this.
            message["endpoint_updated_at_ns"] = json!(1_700_000_000_000_000_000_i64);
            self.publish("router.register", &message).await;
        }
    }

    /// Takes back all routes of the instance, as at a stop or scale-down.
    pub async fn unregister(&self, app: &App, instance: &Instance) {
        self.forget(instance);
        for route in &app.routes {
            self.publish("router.unregister", &message(app, instance, route))
                .await;
        }
    }

    /// Sends no more heartbeats for the instance, as when its cell dies.
    pub fn forget(&self, instance: &Instance) {
        self.registered
            .lock()
            .expect("no panic while locked")
            .retain(|message| message["private_instance_id"] != instance.guid.as_str());
    }

    /// Sends any message.
    pub async fn publish(&self, subject: &str, message: &Value) {
        self.publish_raw(subject, message.to_string().into_bytes())
            .await;
    }

    /// Sends all these messages at once, so that they arrive in one piece.
    ///
    /// # Panics
    /// When the client is closed.
    pub async fn publish_together(
        &self,
        messages: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        for (subject, message) in messages {
            self.client
                .publish(subject, message.to_string().into())
                .await
                .expect("the client is open");
        }
        self.client.flush().await.expect("the server is there");
    }

    /// Sends any bytes.
    ///
    /// # Panics
    /// When the client is closed.
    pub async fn publish_raw(&self, subject: &str, payload: Vec<u8>) {
        self.client
            .publish(subject.to_owned(), payload.into())
            .await
            .expect("the client is open");
        // While no server is there, the message waits in the client.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.client.flush()).await;
    }

    /// Everything published on this subject from now on.
    ///
    /// # Panics
    /// When the client is closed.
    pub async fn listen(&self, subject: &str) -> async_nats::Subscriber {
        let subscriber = self
            .client
            .subscribe(subject.to_owned())
            .await
            .expect("the client is open");
        self.client.flush().await.expect("the server is there");
        subscriber
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

async fn beat(client: Client, registered: Arc<Mutex<Vec<Value>>>) {
    let mut ticks = interval(HEARTBEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let messages = registered.lock().expect("no panic while locked").clone();
        for message in messages {
            if client
                .publish("router.register", message.to_string().into())
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

/// The message of one route of an instance, as route-emitter writes it.
pub fn message(app: &App, instance: &Instance, route: &str) -> Value {
    let mut message = json!({
        "host": instance.address.ip().to_string(),
        "port": if instance.tls { 0 } else { instance.address.port() },
        "uris": [route],
        "app": app.guid,
        "private_instance_id": instance.guid,
        "private_instance_index": instance.index,
        "server_cert_domain_san": instance.guid,
        "tags": app.tags(&instance.index, &instance.guid),
        "availability_zone": "z1",
    });
    if instance.tls {
        message["tls_port"] = instance.address.port().into();
    }
    if let Some(protocol) = instance.protocol {
        message["protocol"] = protocol.into();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::behaviour::Behaviour;
    use crate::instance::Options;
    use crate::tools::repository;

    fn keys(value: &Value) -> BTreeSet<&str> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[tokio::test]
    async fn messages_have_the_fields_and_types_of_the_recorded_ones() {
        let app = App::new("acme", "prod", "shop");
        let authority = Authority::new("instances");
        let plain = Instance::start("0", Behaviour::page("")).await;
        let tls = Instance::start_with(
            "0",
            Behaviour::page(""),
            Options::mutual_tls(&authority, &app),
        )
        .await;
        for (file, instance) in [("02-http-app", plain), ("03-tls-app", tls)] {
            let path = repository()
                .join("tests/data/routes")
                .join(format!("{file}.messages.json"));
            let recorded: Value =
                serde_json::from_slice(&std::fs::read(path).expect("the file")).expect("JSON");
            let mut recorded = recorded["payloads"][0].clone();
            recorded
                .as_object_mut()
                .expect("an object")
                .remove("endpoint_updated_at_ns");
            let made = message(&app, &instance, "shop.apps.test");
            assert_eq!(keys(&made), keys(&recorded), "{file}");
            assert_eq!(keys(&made["tags"]), keys(&recorded["tags"]), "{file}");
            for (key, value) in recorded.as_object().expect("an object") {
                assert_eq!(
                    std::mem::discriminant(value),
                    std::mem::discriminant(&made[key]),
                    "{file}: {key}"
                );
            }
        }
    }
}
