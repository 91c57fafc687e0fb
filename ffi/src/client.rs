//! A client: the routing table of a platform, and the way to its instances.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use promfetch_core::config::{Merge, targets_from_json};
use promfetch_core::exposition::{Dialect, Format, Limits, Page};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::code::{PROMFETCH_INVALID_ARGUMENT, PROMFETCH_NOT_READY, PROMFETCH_PARSE};
use crate::error::Error;
use crate::exposition::{Exposition, Report};
use crate::guard;
use crate::options::Options;
use crate::process::free_here;
use crate::running::Running;
use crate::text::{Terminated, Text, bytes, handle};

/// A client. Many threads may use it at once.
#[derive(Debug)]
pub struct Client(Arc<Running>);

impl Client {
    /// The client at work, which stays there for as long as this call takes, also when somebody frees the handle.
    pub(crate) fn enter(&self) -> Result<Arc<Running>, Error> {
        self.0.process().check()?;
        Ok(Arc::clone(&self.0))
    }
}

/// Makes a client and starts its sources: NATS, gorouters, fixed targets, in any mix. Servers that cannot be reached
/// are no error: the client goes on trying.
///
/// options: copied; NULL: as the environment says (see `promfetch_options_environment`).
/// Returns: a client that you own, or NULL. Errors: `INVALID_OPTION`, with all problems, one a line; `UNAVAILABLE` when
/// no thread can be started. Thread: any.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_new(
    options: *const Options,
    err: *mut *mut Error,
) -> *mut Client {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::handle(err, || {
            let running = match options.as_ref() {
                Some(options) => Running::start(options)?,
                None => Running::start(&Options::from_environment()?)?,
            };
            Ok(Client(Arc::new(running)))
        })
    }
}

/// Waits until all sources have been heard completely: until then apps may be missing. Fixed targets are there at once.
///
/// client: not NULL. timeout_ms: milliseconds; 0: only looks.
/// Returns: a code. Errors: `NOT_READY` after that time, with the state of each source; `CANCELLED`, `FORKED`,
/// `INVALID_ARGUMENT`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_wait_ready(
    client: *const Client,
    timeout_ms: u64,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::code(err, || {
            let running = handle("client", client)?.enter()?;
            let discovery = running.client().discovery();
            running.wait(&CancellationToken::new(), async {
                let patience = Duration::from_millis(timeout_ms);
                let waited = tokio::time::timeout(patience, discovery.wait_ready()).await;
                waited.map_err(|_| not_ready(&running))
            })
        })
    }
}

fn not_ready(running: &Running) -> Error {
    let readiness = running.client().discovery().readiness();
    let waiting = readiness.sources.iter().filter(|source| !source.ready);
    let sources: Vec<String> = waiting
        .map(|source| format!("{} {}: {}", source.kind, source.name, source.detail))
        .collect();
    Error::new(
        PROMFETCH_NOT_READY,
        format!(
            "the routing table is not complete yet ({})",
            sources.join("; ")
        ),
    )
}

/// Replaces all fixed targets while running, those of the options too: the list is taken whole or not at all. Targets that
/// are in both lists keep their connections. A page that is asked for in that moment may have targets of both.
///
/// client: not NULL.
/// json, len: a list of objects with the keys of `targets[]` of docs/configuration.md: `address` and `app` or `app_id`, and
/// perhaps `organization`, `space`, `index`, `routes`, `process_type`, `tls`, `server_name`, `http2`, `cert_chain`,
/// `private_key`, `path`, `headers`, `labels`, `timeout`, `preset`. An address may be that of a Unix socket. At most 100,000 targets in 64 MiB.
/// Returns: a code. Errors: `INVALID_OPTION`, which names the targets that are wrong; `FORKED`, `INVALID_ARGUMENT`.
/// Thread: concurrently; one list after the other.
///
/// # Safety
/// As the header says of handles and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_set_targets(
    client: *const Client,
    json: *const c_char,
    len: usize,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        guard::code(err, || {
            let running = handle("client", client)?.enter()?;
            let json = std::str::from_utf8(bytes("json", json, len)?).map_err(|error| {
                let at = error.valid_up_to();
                Error::new(
                    PROMFETCH_INVALID_ARGUMENT,
                    format!("`json` is no UTF-8 at byte {at}"),
                )
            })?;
            running.scoped(|| {
                let (targets, warnings) = targets_from_json(json)?;
                for warning in warnings {
                    tracing::warn!(target: "promfetch", "{warning}");
                }
                Ok(running.client().set_targets(targets)?)
            })
        })
    }
}

/// What the client knows, as JSON: `ready`, `sources` with their states, and `routes`, which is the routing table by
/// route, as promfetch's own `/routes` has it. Of a large platform this is large.
///
/// client: not NULL.
/// Returns: a text that you own, or NULL. Errors: `FORKED`, `INVALID_ARGUMENT`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_snapshot(
    client: *const Client,
    err: *mut *mut Error,
) -> *mut Text {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::handle(err, || {
            let running = handle("client", client)?.enter()?;
            let discovery = running.client().discovery();
            let readiness = discovery.readiness();
            let snapshot = json!({
                "ready": readiness.ready,
                "sources": readiness.sources,
                "routes": discovery.routes(),
            });
            Ok(Text(Terminated::new(snapshot.to_string())))
        })
    }
}

/// The client's own metrics: its calls and those of `promfetch_call_start`, its table, connections and pages.
///
/// client: not NULL.
/// Returns: an exposition that you own, in text 0.0.4, or NULL. Errors: `FORKED`, `INVALID_ARGUMENT`.
/// Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_metrics(
    client: *const Client,
    err: *mut *mut Error,
) -> *mut Exposition {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::handle(err, || {
            let running = handle("client", client)?.enter()?;
            let failed = |error: &dyn std::fmt::Display| {
                Error::new(
                    PROMFETCH_PARSE,
                    format!("the own metrics could not be written: {error}"),
                )
            };
            let mut page = String::new();
            encode(&mut page, running.registry()).map_err(|error| failed(&error))?;
            let defaults = Merge::default();
            let limits = Limits {
                max_samples: defaults.max_samples,
                max_line: defaults.max_line,
            };
            let dialect = Dialect::plain(Format::Text);
            let page = Page::scan(page.into(), Format::OpenMetrics, &limits)
                .and_then(|page| page.convert(dialect, &limits))
                .map_err(|error| failed(&error))?;
            let calls = running.client().calls().ecs(false).unwrap_or_default();
            let body = [page.body(), calls.as_bytes()].concat();
            Ok(Exposition::new(body, Report::new(dialect, 0, Vec::new())))
        })
    }
}

/// Ends the calls under way in other threads, and all later ones, with `CANCELLED`. So a program that has threads in calls
/// ends: it closes the client, waits for its threads, and frees the client.
///
/// client: may be NULL. Thread: any, but not during or after its `_free`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_close(client: *const Client) {
    // SAFETY: as the header says of handles.
    if let Some(client) = unsafe { client.as_ref() }
        && client.0.process().is_here()
    {
        guard::quietly(|| client.0.stop());
    }
}

/// Frees a client; what it has returned stays. Waits until its threads have ended, two seconds at most. From a log
/// callback it does not wait.
///
/// client: may be NULL; of a client made before a fork nothing is freed. Thread: alone; see `promfetch_client_close`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_client_free(client: *mut Client) {
    // SAFETY: as the header says of handles.
    unsafe {
        // For calls that are under way all the same.
        promfetch_client_close(client);
        free_here(client, |client| client.0.process());
    }
}
