//! What went wrong, as a handle.

use std::ffi::c_char;

use promfetch_core::config::problem::{Problem, Problems};
use promfetch_core::failure::Failure;

use crate::code::{
    PROMFETCH_INVALID_OPTION, PROMFETCH_NOT_READY, PROMFETCH_OK, PROMFETCH_OVERLOADED,
    PROMFETCH_UNAVAILABLE, of_kind, of_reason,
};
use crate::text::{Terminated, free, nothing};

/// An error: a code for programs and a sentence for people.
#[derive(Debug)]
pub struct Error {
    code: u32,
    message: Terminated,
}

impl Error {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Terminated::new(message.into()),
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

impl From<&Failure> for Error {
    fn from(failure: &Failure) -> Self {
        Self::new(of_reason(failure.reason), failure.to_string())
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
