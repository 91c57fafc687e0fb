//! The page of an app in one call.

use std::ffi::c_char;

use crate::asking::{by_request, by_selector};
use crate::client::Client;
use crate::error::Error;
use crate::exposition::Exposition;
use crate::request::Request;
use crate::running::Running;

fn fetch(running: &Running, request: &Request) -> Result<Exposition, Error> {
    let (answer, report) = request.ask(running)?;
    Ok(Exposition::new(answer.page.into_bytes(), report))
}

/// Asks all instances of an app and merges their pages. Waits until all have answered or the time is up.
///
/// client: not NULL. selector: as for `promfetch_request_new`.
/// Returns: an exposition that you own, or NULL. Some instances may have failed.
/// Errors: `NOT_FOUND`, `NOT_READY`, `CANCELLED`, `OVERLOADED`, `FORKED`, `INVALID_ARGUMENT`; the commonest reason when all
/// instances failed. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_fetch(
    client: *const Client,
    selector: *const c_char,
    err: *mut *mut Error,
) -> *mut Exposition {
    // SAFETY: as the header says of handles and strings.
    unsafe { by_selector(client, selector, err, fetch) }
}

/// Asks the instances as a request says, and merges their pages.
///
/// client, request: not NULL.
/// Returns: an exposition that you own, or NULL. Some instances may have failed.
/// Errors: as `promfetch_fetch`, and `AMBIGUOUS`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_fetch_request(
    client: *const Client,
    request: *const Request,
    err: *mut *mut Error,
) -> *mut Exposition {
    // SAFETY: as the header says of handles.
    unsafe { by_request(client, request, err, fetch) }
}
