//! What a client does for a selector or a request: the way in, for all calls that ask or look up.

use std::ffi::c_char;

use crate::client::Client;
use crate::error::Error;
use crate::guard;
use crate::request::Request;
use crate::running::Running;
use crate::text::{handle, string};

/// A call for the instances of a selector, that gives a handle.
///
/// # Safety
/// As the header says of handles and strings.
pub(crate) unsafe fn by_selector<T>(
    client: *const Client,
    selector: *const c_char,
    err: *mut *mut Error,
    work: impl FnOnce(&Running, &Request) -> Result<T, Error>,
) -> *mut T {
    // SAFETY: as this function's.
    unsafe {
        guard::handle(err, || {
            let running = handle("client", client)?.enter()?;
            work(&running, &Request::new(string("selector", selector)?)?)
        })
    }
}

/// The same as a request says.
///
/// # Safety
/// As the header says of handles.
pub(crate) unsafe fn by_request<T>(
    client: *const Client,
    request: *const Request,
    err: *mut *mut Error,
    work: impl FnOnce(&Running, &Request) -> Result<T, Error>,
) -> *mut T {
    // SAFETY: as this function's.
    unsafe {
        guard::handle(err, || {
            let running = handle("client", client)?.enter()?;
            work(&running, handle("request", request)?)
        })
    }
}
