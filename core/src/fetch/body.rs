//! The body of an answer: read within bounds, decompressed, and validated as a page.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::budget::{Account, Budgets};
use super::classify;
use super::decode::Encoding;
use super::inflate::too_large;
use super::metrics::Metrics;
use super::pool::Lease;
use crate::exposition::{Format, Limits, Page};
use crate::failure::{Failure, Reason};

/// Work on more bytes than this is done on a thread of its own: it would hold up other answers for too long.
pub(super) const LARGE: usize = 256 << 10;

/// The first allocation for a body trusts the announced length up to this size. It costs address space, not memory.
const TRUSTED_LENGTH: usize = 8 << 20;

/// What is read of a body that nobody wants, to save its connection, and for how long.
const DRAIN_BYTES: usize = 64 << 10;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Threads for large pages: as many as there are processors. More would only hold more memory at once.
pub(super) static WORKERS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));

/// The bounds of one body.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) max_body: usize,
    pub(super) scan: Limits,
}

/// A body as it was sent, counted.
#[derive(Debug)]
pub(super) struct Raw {
    body: Vec<u8>,
    account: Account,
}

/// Reads a body to its end. `received` shows how far it is.
///
/// # Errors
/// `too_large` as soon as the announced or received bytes are over a bound, `protocol` when the body breaks off.
pub(super) async fn read(
    body: &mut Incoming,
    bounds: &Bounds,
    budgets: Budgets,
    received: &AtomicUsize,
) -> Result<Raw, Failure> {
    let announced = body.size_hint().lower();
    if announced > bounds.max_body as u64 {
        return Err(too_large(bounds.max_body));
    }
    let mut raw = Raw {
        body: Vec::with_capacity((announced as usize).min(TRUSTED_LENGTH)),
        account: Account::new(budgets),
    };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| classify::body(&error, raw.body.len()))?;
        // Trailers say nothing that anyone here needs.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if raw.body.len() + data.len() > bounds.max_body {
            return Err(too_large(bounds.max_body));
        }
        raw.account.grow(data.len())?;
        raw.body.extend_from_slice(&data);
        received.store(raw.body.len(), Ordering::Relaxed);
    }
    Ok(raw)
}

/// Decompresses and validates a body, along a page like it if there is one: at once when it is small, else on a thread for such work.
///
/// # Errors
/// As [`Encoding::decode`] and [`Page::scan`].
pub(super) async fn check(
    raw: Raw,
    encoding: Encoding,
    format: Format,
    bounds: &Bounds,
    budgets: Budgets,
    metrics: &Arc<Metrics>,
    like: Option<Arc<Page>>,
) -> Result<Page, Failure> {
    metrics.received.inc_by(raw.body.len() as u64);
    metrics.nearness.body.see(raw.body.len());
    let announced = encoding.announced(&raw.body).unwrap_or(LARGE);
    // A compressed body may say less than it holds: what it can do inline is bounded by its own size.
    let is_small =
        announced <= LARGE && (encoding == Encoding::Identity || raw.body.len() <= LARGE / 8);
    let (bounds, metrics) = (bounds.clone(), Arc::clone(metrics));
    let work = move || {
        let page = validate(raw, encoding, format, &bounds, budgets, like.as_deref())?;
        metrics.decoded.inc_by(page.len() as u64);
        metrics.samples.inc_by(page.samples() as u64);
        metrics.nearness.body.see(page.len());
        metrics.nearness.samples.see(page.samples());
        Ok(page)
    };
    if is_small {
        return work();
    }
    // The semaphore is never closed.
    let worker = WORKERS.acquire().await.ok();
    let result = tokio::task::spawn_blocking(move || {
        let _worker = worker;
        work()
    });
    result.await.unwrap_or_else(|error| {
        Err(Failure::new(
            Reason::Protocol,
            format!("the page could not be checked: {error}"),
        ))
    })
}

fn validate(
    raw: Raw,
    encoding: Encoding,
    format: Format,
    bounds: &Bounds,
    budgets: Budgets,
    like: Option<&Page>,
) -> Result<Page, Failure> {
    let Raw {
        mut body,
        mut account,
    } = raw;
    if encoding != Encoding::Identity {
        let mut unpacked = Account::new(budgets);
        body = encoding.decode(&body, bounds.max_body, &mut unpacked)?;
        // The compressed body and its bytes of the budget go here.
        account = unpacked;
    }
    // Bodies without a length were gathered in steps, each twice as large.
    if body.capacity() / 4 > body.len() / 3 {
        body.shrink_to_fit();
    }
    let body = Bytes::from_owner(Owned::new(body, account));
    let looks_like_html = body.trim_ascii_start().starts_with(b"<");
    Page::scan_like(body, format, &bounds.scan, like).map_err(|error| {
        let mut failure = Failure::from(error);
        if looks_like_html {
            failure
                .detail
                .push_str(" (the page looks like HTML: perhaps a login or error page)");
        }
        failure
    })
}

/// A body and its share of the budgets. The bytes are given back when the last slice of the body is dropped,
/// wherever the page has gone by then.
pub(super) struct Owned<B> {
    body: B,
    _account: Account,
}

impl<B> Owned<B> {
    pub(super) fn new(body: B, account: Account) -> Self {
        Self {
            body,
            _account: account,
        }
    }
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Owned<B> {
    fn as_ref(&self) -> &[u8] {
        self.body.as_ref()
    }
}

/// Reads the rest of a body that nobody wants, so that its connection can be used again. A long or slow one is
/// not worth it: its connection closes.
pub(super) async fn drain(mut body: Incoming, lease: Lease) {
    let rest = async {
        let mut left = DRAIN_BYTES;
        while let Some(frame) = body.frame().await {
            let read = frame.ok()?.data_ref().map_or(0, Bytes::len);
            left = left.checked_sub(read)?;
        }
        Some(())
    };
    if let Ok(Some(())) = timeout(DRAIN_TIME, rest).await {
        lease.give_back();
    }
}
