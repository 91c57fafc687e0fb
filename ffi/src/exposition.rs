//! A page in memory, and what there is to say about it.

use std::ffi::{CString, c_char};

use promfetch_core::exposition::Dialect;

use crate::error::Error;
use crate::text::{Terminated, free, nothing};

/// What there is to say about a page besides its bytes.
#[derive(Debug)]
pub(crate) struct Report {
    content_type: CString,
    up: usize,
    failures: Vec<Error>,
}

impl Report {
    pub(crate) fn new(dialect: Dialect, up: usize, failures: Vec<Error>) -> Self {
        let content_type = dialect.content_type();
        Self {
            // Header values have no NUL.
            content_type: CString::new(content_type.as_bytes()).unwrap_or_default(),
            up,
            failures,
        }
    }

    pub(crate) fn content_type(&self) -> *const c_char {
        self.content_type.as_ptr()
    }

    pub(crate) fn up(&self) -> usize {
        self.up
    }

    pub(crate) fn failures(&self) -> &[Error] {
        &self.failures
    }

    /// The failure at this place, or NULL.
    pub(crate) fn failure(&self, index: usize) -> *const Error {
        self.failures
            .get(index)
            .map_or(std::ptr::null(), std::ptr::from_ref)
    }
}

/// A merged page. It does not change.
#[derive(Debug)]
pub struct Exposition {
    data: Terminated,
    report: Report,
}

impl Exposition {
    pub(crate) fn new(data: impl Into<Vec<u8>>, report: Report) -> Self {
        Self {
            data: Terminated::new(data),
            report,
        }
    }
}

/// The bytes of the page.
///
/// exposition: may be NULL, which gives "". len: gets the number of bytes; may be NULL.
/// Returns: borrowed from exposition, ended by NUL. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_data(
    exposition: *const Exposition,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        exposition
            .as_ref()
            .map_or_else(|| nothing(len), |page| page.data.give(len))
    }
}

/// The `Content-Type` of the page, for those who pass it on.
///
/// exposition: may be NULL, which gives "".
/// Returns: borrowed from exposition, ended by NUL. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_content_type(
    exposition: *const Exposition,
) -> *const c_char {
    // SAFETY: as the header says of handles.
    unsafe { exposition.as_ref() }.map_or(c"".as_ptr(), |page| page.report.content_type())
}

/// How many instances are in the page; of `promfetch_merge_finish`, how many pages.
///
/// exposition: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_up_count(exposition: *const Exposition) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { exposition.as_ref() }.map_or(0, |page| page.report.up())
}

/// How many instances and external exporters are not in the page because they failed.
///
/// exposition: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_failure_count(
    exposition: *const Exposition,
) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { exposition.as_ref() }.map_or(0, |page| page.report.failures().len())
}

/// Why one of them failed; the message names it.
///
/// exposition: may be NULL. index: from 0, below the count.
/// Returns: borrowed from exposition: do not free it; NULL when there is none. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_failure(
    exposition: *const Exposition,
    index: usize,
) -> *const Error {
    // SAFETY: as the header says of handles.
    unsafe { exposition.as_ref() }.map_or(std::ptr::null(), |page| page.report.failure(index))
}

/// Frees an exposition.
///
/// exposition: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_exposition_free(exposition: *mut Exposition) {
    // SAFETY: as the header says of handles.
    unsafe { free(exposition) };
}
