//! Real NATS servers.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certs::{Authority, Identity};
use crate::net::{free_address, free_port};
use crate::process::Process;
use crate::tools;

/// The login that all servers of the tests ask for.
pub const USER: &str = "nats";
pub const PASSWORD: &str = "s3cret: \"quoted\"";

/// One running server. Its port stays the same over [`restart`](Nats::restart).
#[derive(Debug)]
pub struct Nats {
    process: Process,
    pub host: String,
    pub port: u16,
    cluster: u16,
    folder: TempDir,
    /// What clients need to get in, when the server wants TLS.
    pub tls: Option<Tls>,
}

/// The client's side of the TLS of a server.
#[derive(Clone, Debug)]
pub struct Tls {
    pub ca: String,
    pub certificate: String,
    pub key: String,
}

impl Nats {
    /// A plain server with user and password.
    pub async fn start() -> Self {
        Self::launch(None, &[]).await
    }

    /// A server as cf-deployment runs it: user, password and client certificate.
    pub async fn start_tls(authority: &Authority) -> Self {
        Self::launch(Some(authority), &[]).await
    }

    /// Three servers that know each other.
    pub async fn cluster() -> Vec<Self> {
        let mut servers: Vec<Self> = Vec::new();
        for _ in 0..3 {
            let routes: Vec<_> = servers
                .iter()
                .map(|other| format!("nats-route://{}:{}", other.host, other.cluster))
                .collect();
            servers.push(Self::launch(None, &routes).await);
        }
        for server in &mut servers {
            // Each logs a line for each of the two others.
            server
                .process
                .printed("both routes", |log| {
                    (log.matches("Route connection created").count() >= 2).then_some(())
                })
                .await;
        }
        servers
    }

    async fn launch(authority: Option<&Authority>, routes: &[String]) -> Self {
        let client = free_address();
        // The kernel may offer the same one twice, as nobody listens yet.
        let cluster = std::iter::repeat_with(|| free_port(client.ip()))
            .find(|cluster| cluster.port() != client.port())
            .expect("there are many ports");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = json!({
            "host": client.ip().to_string(),
            "port": client.port(),
            "authorization": {"user": USER, "password": PASSWORD},
            "cluster": {"name": "tests", "host": cluster.ip().to_string(), "port": cluster.port(), "advertise": cluster.to_string(), "routes": routes},
        });
        let tls = authority.map(|authority| {
            let write = |name: &str, text: &str| -> PathBuf {
                let path = folder.path().join(name);
                std::fs::write(&path, text).expect("a temporary file");
                path
            };
            let server: Identity =
                authority.issue(&[&client.ip().to_string(), "nats.service.cf.internal"]);
            config["tls"] = json!({
                "ca_file": write("ca.pem", &authority.pem()),
                "cert_file": write("server.pem", &server.certificate_pem),
                "key_file": write("server.key", &server.key_pem),
                "verify": true,
            });
            let identity = authority.issue(&["nats.client.cf.internal"]);
            Tls {
                ca: authority.pem(),
                certificate: identity.certificate_pem,
                key: identity.key_pem,
            }
        });
        std::fs::write(folder.path().join("nats.conf"), config.to_string())
            .expect("a temporary file");
        let process = start(&folder).await;
        Self {
            process,
            host: client.ip().to_string(),
            port: client.port(),
            cluster: cluster.port(),
            folder,
            tls,
        }
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = start(&self.folder).await;
    }

    /// The `nats` section of promfetch's configuration for these servers.
    ///
    /// # Panics
    /// Without a server.
    pub fn config(servers: &[Self]) -> Value {
        let hosts: Vec<_> = servers
            .iter()
            .map(|server| json!({"hostname": server.host, "port": server.port}))
            .collect();
        let mut config = json!({"hosts": hosts, "user": USER, "pass": PASSWORD});
        if let Some(tls) = &servers.first().expect("a server").tls {
            config["tls_enabled"] = true.into();
            config["ca_certs"] = tls.ca.as_str().into();
            config["cert_chain"] = tls.certificate.as_str().into();
            config["private_key"] = tls.key.as_str().into();
        }
        config
    }
}

async fn start(folder: &TempDir) -> Process {
    let mut process = Process::start(
        &tools::find("nats-server"),
        &["-c".into(), folder.path().join("nats.conf")],
        |_| (),
    );
    process
        .printed("that it is ready", |log| {
            log.contains("Server is ready").then_some(())
        })
        .await;
    process
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::emitter::Emitter;

    #[tokio::test]
    async fn messages_pass_over_tls_with_client_certificates() {
        let authority = Authority::new("nats");
        let servers = [Nats::start_tls(&authority).await];
        let emitter = Emitter::connect(&servers, Some(&authority)).await;
        let mut heard = emitter.listen("a.subject").await;
        emitter.publish("a.subject", &json!({"x": 1})).await;
        assert_eq!(heard.next().await.expect("a message").payload, r#"{"x":1}"#);
    }

    #[tokio::test]
    async fn messages_pass_through_a_cluster_and_after_a_restart() {
        let mut servers = Nats::cluster().await;
        let (first, last) = (
            Emitter::connect(&servers[..1], None).await,
            Emitter::connect(&servers[2..], None).await,
        );
        let mut heard = last.listen("a.subject").await;
        // Interest travels between the servers in its own time.
        crate::eventually("a message arrives", async || {
            first.publish("a.subject", &json!(1)).await;
            tokio::time::timeout(std::time::Duration::from_millis(200), heard.next())
                .await
                .ok()
        })
        .await;
        servers[2].restart().await;
        crate::eventually("a message arrives after the restart", async || {
            first.publish("a.subject", &json!(2)).await;
            let message = tokio::time::timeout(std::time::Duration::from_millis(200), heard.next())
                .await
                .ok()??;
            (message.payload == "2").then_some(())
        })
        .await;
    }
}
