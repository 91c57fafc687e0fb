//! What the programs have in common: how they end, and their log.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use promfetch_core::config::problem::Warning;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What every program does before anything else.
pub fn prepare() {
    // reqwest asks for the process' default provider; two of them, or none, would panic at the first connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// What is logged: promfetch's own parts from this level on, libraries what goes wrong in them.
pub fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("promfetch_core", level)
        .with_target("promfetch_plugins", level)
}

/// Logs to stderr, a line an event.
pub fn log(level: LevelFilter) {
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter(level)))
        .try_init();
}

/// Writes to the log what the configuration's reader has noticed.
pub fn tell(warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Cancelled by SIGTERM and SIGINT. Must be called inside a tokio runtime.
///
/// # Errors
/// What the system says.
pub fn ended_by_signals() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let token = token.clone();
        tokio::spawn(async move {
            signals.recv().await;
            token.cancel();
        });
    }
    Ok(token)
}

/// The exit code of a program, whose error goes to stderr with its name in front: 1 if it failed, else 0.
pub fn ended<E: Display>(program: &str, result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
