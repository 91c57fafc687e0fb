//! What went wrong, as a handle.

use std::ffi::c_char;

use promfetch_core::config::problem::{Problem, Problems};

use crate::code::{
    PROMFETCH_GONE, PROMFETCH_INVALID_OPTION, PROMFETCH_NOT_READY, PROMFETCH_OK,
    PROMFETCH_OVERLOADED, PROMFETCH_REFUSED, PROMFETCH_SKIPPED, PROMFETCH_STATUS_5XX,
    PROMFETCH_TIMEOUT, PROMFETCH_UNAVAILABLE, of_kind,
};
use crate::text::{Terminated, free, nothing};

/// An error: a code for programs and a sentence for people.
#[derive(Debug)]
pub struct Error {
    code: u32,
    message: Terminated,
    /// Which target it is about; empty when it is about none.
    target: Terminated,
}

impl Error {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Terminated::new(message.into()),
            target: Terminated::new([]),
        }
    }

    /// The same error, of this target.
    pub(crate) fn of_target(self, target: &str) -> Self {
        Self {
            target: Terminated::new(target),
            ..self
        }
    }

    pub(crate) fn code(&self) -> u32 {
        self.code
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> String {
        String::from_utf8_lossy(self.message.as_bytes()).into_owned()
    }
}

impl From<promfetch_core::Error> for Error {
    fn from(error: promfetch_core::Error) -> Self {
        Self::new(of_kind(error.kind()), error.to_string())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(PROMFETCH_INVALID_OPTION, problem.to_string())
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::new(PROMFETCH_INVALID_OPTION, problems.to_string())
    }
}

/// The code of an error.
///
/// error: may be NULL, which gives `PROMFETCH_OK`.
/// Returns: one of the codes above. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_error_code(error: *const Error) -> u32 {
    // SAFETY: as the header says of handles.
    unsafe { error.as_ref() }.map_or(PROMFETCH_OK, Error::code)
}

/// What went wrong, as a sentence for people, without secrets. It may have several lines, one for each problem.
///
/// error: may be NULL, which gives "".
/// Returns: borrowed from error, UTF-8, ended by NUL. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_error_message(error: *const Error) -> *const c_char {
    let len = std::ptr::null_mut();
    // SAFETY: as the header says of handles; a length of NULL is allowed.
    unsafe {
        error
            .as_ref()
            .map_or_else(|| nothing(len), |error| error.message.give(len))
    }
}

/// Which target the error is about, of the failures of an exposition or a stream: the `host:port` or the socket of an instance, or the
/// name of an external exporter.
///
/// error: may be NULL. Returns: borrowed from error, ended by NUL; "" when it is about no single target.
/// Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_error_target(error: *const Error) -> *const c_char {
    let len = std::ptr::null_mut();
    // SAFETY: as the header says of handles; a length of NULL is allowed.
    unsafe {
        error
            .as_ref()
            .map_or_else(|| nothing(len), |error| error.target.give(len))
    }
}

/// Whether the same call may succeed a little later.
///
/// error: may be NULL, which gives 0.
/// Returns: 1 if so, else 0. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_error_is_transient(error: *const Error) -> u32 {
    let transient = [
        PROMFETCH_NOT_READY,
        PROMFETCH_UNAVAILABLE,
        PROMFETCH_TIMEOUT,
        PROMFETCH_REFUSED,
        PROMFETCH_GONE,
        PROMFETCH_STATUS_5XX,
        PROMFETCH_SKIPPED,
        PROMFETCH_OVERLOADED,
    ];
    // SAFETY: as the header says of handles.
    unsafe { error.as_ref() }.map_or(0, |error| u32::from(transient.contains(&error.code)))
}

/// Frees an error. Set the variable to NULL afterwards, or the next call sees it.
///
/// error: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_error_free(error: *mut Error) {
    // SAFETY: as the header says of handles.
    unsafe { free(error) };
}
