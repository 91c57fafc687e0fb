//! The plugin's side: a gRPC server on a Unix socket, with what go-plugin asks of each plugin.

use std::io::{self, Write};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;

use super::handshake::Environment;
use super::proto::plugin::Empty;
use super::proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use super::socket::Place;

/// The name by which a host asks for health: its Ping.
const HEALTH_NAME: &str = "plugin";
/// How long calls may go on after the end has come. A host kills after 2 s.
const GRACE: Duration = Duration::from_millis(500);
/// The pause after a connection that could not be accepted: most likely there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens, tells the host on stdout, and serves until `shutdown` or until the host calls Shutdown, which cancels
/// `shutdown`. The socket is gone afterwards. go-plugin's stdio and broker are not offered: hosts go on without.
///
/// # Errors
/// When there is no socket, or the host does not hear of it.
pub async fn serve(
    environment: &Environment,
    services: Routes,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let temporary = std::env::temp_dir();
    let below = environment.folder.as_deref().unwrap_or(&temporary);
    let group = environment.group.as_deref();
    let place = Place::make(below, group)?;
    let listener = place.bind(group)?;

    let (health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status(HEALTH_NAME, ServingStatus::Serving)
        .await;
    let controller = GrpcControllerServer::new(Controller(shutdown.clone()));
    let router = Server::builder().add_routes(
        services
            .add_service(health_service)
            .add_service(controller)
            .prepare(),
    );

    // The host may connect as soon as it has read the line: the socket listens by now.
    let mut stdout = io::stdout();
    writeln!(stdout, "{}", environment.line(&place.path()))?;
    stdout.flush()?;
    if environment.asks_for_multiplexing {
        tracing::warn!(
            "the host asks for gRPC broker multiplexing, which this plugin does not have"
        );
    }

    let server = router
        .serve_with_incoming_shutdown(connections(listener), shutdown.clone().cancelled_owned());
    tokio::select! {
        ended = server => ended.map_err(io::Error::other),
        () = async {
            shutdown.cancelled().await;
            sleep(GRACE).await;
        } => Ok(()),
    }
}

/// Connections as they come. A failure to accept one ends nothing.
fn connections(listener: UnixListener) -> impl Stream<Item = io::Result<UnixStream>> {
    stream::unfold(listener, async |listener| {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => return Some((Ok(connection), listener)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}

/// The host ends the plugin by this service.
#[derive(Debug)]
struct Controller(CancellationToken);

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host ends this plugin");
        self.0.cancel();
        Ok(Response::new(Empty {}))
    }
}
