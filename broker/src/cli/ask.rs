//! What commands share that ask the configuration's sources: a client of their own, waited for until it knows the
//! platform, and what is bound.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use promfetch_core::client::{Bound, Client};
use promfetch_core::discovery::Readiness;
use promfetch_core::selector::Selector;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Failure, logging, progress};
use crate::bindings::{self, held::Vault};
use crate::config::{Config, Logging};
use crate::service;
use crate::store::Binding;
use crate::store::db_conn::Target;

/// A client whose routing table is complete. Dropping it ends its sources.
pub(super) struct Discovered {
    pub(super) client: Client,
    _sources: DropGuard,
}

impl Discovered {
    /// Starts the configured sources and waits for them, at most `wait`.
    pub(super) async fn start(config: &Config, wait: Duration) -> Result<Self, Failure> {
        let sources = CancellationToken::new();
        let client = Client::start(
            config.core.clone(),
            &mut Registry::default(),
            sources.clone(),
        )?;
        let _sources = sources.drop_guard();
        let ready = tokio::time::timeout(wait, client.discovery().wait_ready());
        if progress::wait("waiting for the routing table", ready)
            .await
            .is_err()
        {
            return Err(Failure::failed(not_ready(
                &client.discovery().readiness(),
                wait,
            )));
        }
        Ok(Self { client, _sources })
    }
}

/// The bindings in the configured database, of which there must be one.
pub(super) async fn bindings(config: &Config) -> Result<(Vec<Binding>, Vault), Failure> {
    // A command that only looks must not make the service's file, with an owner of its own.
    let settings = service::store_settings(config);
    if let Some(Ok(Target::Sqlite(file))) = settings.map(|all| Target::parse(&all.conn.0))
        && !file.exists()
    {
        return Err(Failure::failed(format!(
            "the database {} is not there; `promfetch serve` makes it",
            file.display()
        )));
    }
    let Some(store) = service::open_store(config)? else {
        return Err(Failure::usage(
            "no database is configured: set `db_conn`, or a login for the broker",
        ));
    };
    let rows = store.bindings().await;
    store.close().await;
    let vault = Vault::new(service::keyring(&config.broker));
    Ok((rows.map_err(Failure::failed)?, vault))
}

/// A selector as on a URL's path, and also a route with a path, which has no place there.
pub(super) fn selector(text: &str) -> Result<Selector, promfetch_core::Error> {
    Selector::parse(text).or_else(|error| {
        if text.contains('.') {
            Selector::parse_decoded(text, false)
        } else {
            Err(error)
        }
    })
}

/// What apps have bound, where a database is configured. Whoever names a path wants that one.
pub(super) async fn bound(config: &Config, has_path: bool) -> Result<Arc<Bound>, Failure> {
    if has_path || service::store_settings(config).is_none() {
        return Ok(Arc::default());
    }
    let (rows, vault) = bindings(config).await.map_err(|failure| {
        Failure::failed(format!(
            "{}\nthe path that the app has bound is not known: name one with `--metric-path`",
            failure.message
        ))
    })?;
    Ok(Arc::new(bindings::bound(&rows, &vault)))
}

/// Which source is missing, since that is the one to look at.
fn not_ready(readiness: &Readiness, wait: Duration) -> String {
    let mut text = format!(
        "the routing table was not complete after {} s",
        wait.as_secs()
    );
    for source in readiness.sources.iter().filter(|source| !source.ready) {
        let detail = if source.detail.is_empty() {
            "no answer yet"
        } else {
            &source.detail
        };
        text.push_str(&format!(
            "\nsource `{}` {}: {detail}",
            source.kind, source.name
        ));
    }
    text
}

/// A command's log: only what goes wrong, unless more is wanted.
pub(super) fn log(config: &Config, verbose: bool) {
    let level = if verbose {
        config.logging.level.clone()
    } else {
        "error".into()
    };
    logging::init(&Logging {
        level,
        ..config.logging.clone()
    });
}

/// Reads a positive number of seconds, at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds above 0 and up to 86400 is expected".into()),
    }
}

#[cfg(test)]
mod tests {
    use promfetch_core::discovery::SourceState;

    use super::*;

    #[test]
    fn seconds_are_positive_and_bounded() {
        for (text, want) in [
            ("2", Some(2.0)),
            ("0.5", Some(0.5)),
            ("0", None),
            ("-1", None),
            ("NaN", None),
            ("1e9", None),
            ("x", None),
        ] {
            assert_eq!(
                seconds(text).ok().map(|time| time.as_secs_f64()),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn selectors_of_the_command_line() {
        for (text, want) in [
            ("o/s/a", Some("o/s/a")),
            ("o/s/a%2Fb", Some("o/s/a%2Fb")),
            ("shop.example.org", Some("shop.example.org")),
            ("shop.example.org/cart", Some("shop.example.org/cart")),
            (
                "https://shop.example.org/a/b",
                Some("https://shop.example.org/a/b"),
            ),
            ("o/s", None),
            ("", None),
        ] {
            assert_eq!(
                selector(text)
                    .ok()
                    .map(|selector| selector.to_string())
                    .as_deref(),
                want,
                "{text}"
            );
        }
    }

    #[test]
    fn the_source_that_is_missing_is_named() {
        let source = |name: &str, ready, detail: &str| SourceState {
            kind: "gorouter",
            name: name.into(),
            connected: ready,
            ready,
            detail: detail.into(),
            last_message_age: None,
        };
        let sources = vec![
            source("a:80", true, ""),
            source("b:80", false, "connection refused"),
            source("c:80", false, ""),
        ];
        assert_eq!(
            not_ready(
                &Readiness {
                    ready: false,
                    sources
                },
                Duration::from_secs(60)
            ),
            "the routing table was not complete after 60 s\nsource `gorouter` b:80: connection refused\nsource `gorouter` c:80: no answer yet"
        );
    }
}
