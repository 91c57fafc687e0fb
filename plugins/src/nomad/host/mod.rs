//! Runs others' plugins of Nomad's autoscaler (APM), and serves what they answer to configured queries as gauges, on a
//! Unix socket that promfetch fetches like any other target.
//!
//! [`settings`] reads what to run; each plugin has a task that starts it, asks it and starts it again ([`supervise`],
//! [`apm`]); what they answer stands in [`board`], of which every page is made.

mod apm;
mod backoff;
mod board;
mod settings;
mod supervise;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::board::Board;
use self::settings::{Listen, Settings};
use super::PROGRAM;
use super::go_plugin::client::Tied;
use crate::unix::Socket;
use crate::{gauges, process};

/// The exit code for a command line or a configuration that cannot be used.
const USAGE: u8 = 64;
/// The mode of the socket: whoever fetches it is in the group of this process.
const MODE: u32 = 0o660;
/// How long open requests may take at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// The command line of `promfetch-nomad-apm host`.
#[derive(Debug, clap::Args)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Configuration file, in YAML; docs/nomad-apm-host.md describes its keys.
    #[arg(short, long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Only say what is wrong with the configuration.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    inner: Option<Inner>,
}

#[derive(Debug, clap::Subcommand)]
enum Inner {
    /// What each plugin is started through.
    #[command(hide = true)]
    BecomePlugin(Tied),
}

/// The sub-command `host`, to its end.
pub fn run(arguments: &Arguments) -> ExitCode {
    if let Some(Inner::BecomePlugin(tied)) = &arguments.inner {
        return tied.run();
    }
    let settings = match settings::load(arguments.config.as_deref()) {
        Ok((settings, warnings)) => {
            process::log(settings.level);
            process::tell(&warnings);
            settings
        }
        Err(problems) => {
            let _ = writeln!(io::stderr(), "{problems}");
            return ExitCode::from(USAGE);
        }
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    // One thread: plugins are tied to the one that has started them, and there is little to do.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(serve(settings)),
        Err(error) => Err(error),
    };
    process::ended(PROGRAM, result)
}

async fn serve(settings: Settings) -> io::Result<()> {
    let shutdown = process::ended_by_signals()?;
    let board = Arc::new(Board::new(&settings));
    let router = Router::new()
        .route("/metrics", get(page))
        .with_state(Arc::clone(&board));
    let settings = Arc::new(settings);
    // Before any plugin runs: a second host would start them all once more.
    let mut server = JoinSet::new();
    server.spawn(listen(&settings.listen, router, shutdown.clone()).await?);
    let mut plugins = JoinSet::new();
    for index in 0..settings.plugins.len() {
        plugins.spawn(supervise::run(
            Arc::clone(&settings),
            index,
            Arc::clone(&board),
            shutdown.clone(),
        ));
    }
    let result = tokio::select! {
        Some(ended) = server.join_next() => ended.map_err(io::Error::other).flatten(),
        // They end with `shutdown` alone.
        Some(ended) = plugins.join_next() => ended.map_err(|error| bug(&error)),
        () = shutdown.cancelled() => Ok(()),
    };
    shutdown.cancel();
    let plugins = async {
        while let Some(ended) = plugins.join_next().await {
            if let Err(error) = ended {
                tracing::error!("{}", bug(&error));
            }
        }
    };
    // What still reads the page then is cut off.
    let _ = tokio::join!(plugins, timeout(DRAIN, server.join_next()));
    result
}

fn bug(error: &dyn Display) -> io::Error {
    io::Error::other(format!(
        "what watches a plugin has failed, please report this as a bug: {error}"
    ))
}

/// Binds, and gives what answers until `shutdown`.
async fn listen(
    listen: &Listen,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<std::pin::Pin<Box<dyn Future<Output = io::Result<()>> + Send>>> {
    match listen {
        Listen::Socket(path) => {
            let socket = Socket::bind(path, MODE).await?;
            tracing::info!("listening on unix://{}:/metrics", path.display());
            Ok(Box::pin(socket.serve(router, shutdown)))
        }
        Listen::Address(address) => {
            let listener = TcpListener::bind(address)
                .await
                .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
            tracing::info!("listening on http://{}/metrics", listener.local_addr()?);
            let server =
                axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
            Ok(Box::pin(async move { server.await }))
        }
    }
}

async fn page(State(board): State<Arc<Board>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, gauges::CONTENT_TYPE)],
        board.page(Instant::now()),
    )
}
