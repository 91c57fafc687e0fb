//! The host's side of go-plugin: starts a plugin ([`Process`]), reads where it listens, and speaks with it over gRPC
//! ([`Connection`]).

mod line;
mod output;
mod process;
mod text;
mod tied;

use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use self::line::Address;
pub use self::process::{Launch, Process, Started};
pub use self::text::clean;
pub use self::tied::Tied;
use super::proto::plugin::Empty;
use super::proto::plugin::grpc_controller_client::GrpcControllerClient;

/// The name under which go-plugin's health service knows the plugin.
const HEALTH: &str = "plugin";
/// How long a plugin may take to accept a connection, and for each ping.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection to a plugin.
#[derive(Debug)]
pub struct Connection {
    channel: Channel,
    /// What reads the plugin's output.
    _stdio: JoinSet<()>,
}

impl Connection {
    /// Waits for the plugin's line, connects, and asks whether it is well.
    ///
    /// # Errors
    /// A clause that says what the plugin has done wrong.
    pub async fn open(started: Started, limit: Duration) -> Result<Self, String> {
        let line = match timeout(limit, started.line).await {
            Ok(Ok(line)) => line,
            // It has closed its stdout, and most likely ended: then that is told.
            Ok(Err(_)) => {
                tokio::time::sleep(ANSWER).await;
                return Err("it has closed its stdout without a word of where it listens".into());
            }
            Err(_) => {
                return Err(format!("it has not said within {limit:?} where it listens"));
            }
        };
        let address = line::parse(&line)?;
        let channel = timeout(ANSWER, connect(&address))
            .await
            .map_err(|_| format!("it does not accept a connection on {address:?}"))?
            .map_err(|error| {
                let cause = promfetch_core::error::chain(&error);
                format!(
                    "it does not listen where it says, on {address:?}: {}",
                    clean(&cause)
                )
            })?;
        let mut stdio = JoinSet::new();
        stdio.spawn(started.log.stdio(channel.clone()));
        let connection = Self {
            channel,
            _stdio: stdio,
        };
        connection.ping().await?;
        Ok(connection)
    }

    /// For the clients of further services.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Asks whether the plugin is well.
    ///
    /// # Errors
    /// A clause that says what it answered, or that it did not.
    pub async fn ping(&self) -> Result<(), String> {
        let request = HealthCheckRequest {
            service: HEALTH.into(),
        };
        let mut client = HealthClient::new(self.channel());
        match timeout(ANSWER, client.check(request)).await {
            Err(_) => Err(format!("it has not answered a ping within {ANSWER:?}")),
            Ok(Err(status)) => Err(format!(
                "it answers a ping with an error: {}",
                told(&status)
            )),
            Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Ok(()),
            Ok(Ok(answer)) => Err(format!(
                "it answers a ping that it is {}",
                answer.get_ref().status().as_str_name()
            )),
        }
    }

    /// Tells the plugin to end. It may be gone before it answers, and Go's plugins answer an error as they go.
    async fn shutdown(&self) {
        let mut client = GrpcControllerClient::new(self.channel());
        if let Err(status) = client.shutdown(Empty {}).await {
            tracing::debug!("a plugin that was told to end answered: {}", told(&status));
        }
    }
}

async fn connect(address: &Address) -> Result<Channel, tonic::transport::Error> {
    // No name is looked up, and plugins look at none.
    let endpoint = Endpoint::from_static("http://unused");
    match address.clone() {
        Address::Unix(path) => {
            let dial = tower::service_fn(move |_| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            endpoint.connect_with_connector(dial).await
        }
        Address::Tcp(address) => {
            let dial = tower::service_fn(move |_| async move {
                TcpStream::connect(address).await.map(TokioIo::new)
            });
            endpoint.connect_with_connector(dial).await
        }
    }
}

/// What a plugin answered in place of what was asked for. Go's plain errors have the code `Unknown`, which says nothing.
pub fn told(status: &Status) -> String {
    let mut text = clean(status.message());
    if text.is_empty() {
        text = "an error without a message".into();
    }
    if status.code() != Code::Unknown {
        text = format!("{text} ({:?})", status.code());
    }
    text
}
