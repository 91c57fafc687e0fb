//! The log: one line per event on stderr, as text or JSON.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Logging;

/// Starts logging. Later calls change nothing.
pub(super) fn init(logging: &Logging) {
    let colour = !logging.no_color
        && io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(colour);
    let lines = if logging.in_json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.boxed()
    };
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter(&logging.level)))
        .try_init();
}

/// promfetch's own parts at the configured level, libraries only with what goes wrong in them.
fn filter(level: &str) -> Targets {
    let level = level_of(level);
    let libraries = if level == LevelFilter::TRACE {
        LevelFilter::DEBUG
    } else {
        level.min(LevelFilter::WARN)
    };
    Targets::new()
        .with_default(libraries)
        .with_target("promfetch_core", level)
        .with_target("promfetch_broker", level)
}

/// promfetcher's names of levels. `fatal` and `panic` are more severe than anything that is logged here.
fn level_of(name: &str) -> LevelFilter {
    match name {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "warn" | "warning" => LevelFilter::WARN,
        "error" | "fatal" | "panic" => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_quiet_unless_everything_is_wanted() {
        for (level, target, shown, hidden) in [
            (
                "info",
                "promfetch_core::fetch",
                Level::INFO,
                Some(Level::DEBUG),
            ),
            ("info", "h2::codec", Level::WARN, Some(Level::INFO)),
            ("debug", "h2::codec", Level::WARN, Some(Level::INFO)),
            ("trace", "h2::codec", Level::DEBUG, Some(Level::TRACE)),
            ("error", "h2::codec", Level::ERROR, Some(Level::WARN)),
            ("fatal", "promfetch_broker", Level::ERROR, Some(Level::WARN)),
        ] {
            let filter = filter(level);
            assert!(
                filter.would_enable(target, &shown),
                "{level} {target} {shown}"
            );
            if let Some(hidden) = hidden {
                assert!(
                    !filter.would_enable(target, &hidden),
                    "{level} {target} {hidden}"
                );
            }
        }
    }
}
