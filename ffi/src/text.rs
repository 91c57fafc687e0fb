//! Pointers to values and back. Nothing else reads what a pointer of the caller points to.
//!
//! No check can tell a wild pointer from a good one: NULL, lengths and UTF-8 are checked, the rest is the contract.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};

use crate::code::PROMFETCH_INVALID_ARGUMENT;
use crate::error::Error;
use crate::guard;

/// Bytes with a NUL behind them: what getters give out.
#[derive(Debug)]
pub(crate) struct Terminated(Vec<u8>);

impl Terminated {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        let mut bytes = bytes.into();
        bytes.push(0);
        Self(bytes)
    }

    /// The pointer; the length goes to `len` unless that is NULL.
    ///
    /// # Safety
    /// `len` is NULL or may be written.
    pub(crate) unsafe fn give(&self, len: *mut usize) -> *const c_char {
        // SAFETY: as this function's.
        unsafe { put(len, self.as_bytes().len()) };
        self.0.as_ptr().cast()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.split_last().map_or(&[], |(_, bytes)| bytes)
    }
}

/// What a getter answers for a NULL handle: an empty string.
///
/// # Safety
/// `len` is NULL or may be written.
pub(crate) unsafe fn nothing(len: *mut usize) -> *const c_char {
    // SAFETY: as this function's.
    unsafe { put(len, 0) };
    c"".as_ptr()
}

/// # Safety
/// `len` is NULL or may be written.
pub(crate) unsafe fn put(len: *mut usize, value: usize) {
    if !len.is_null() {
        // SAFETY: it is not NULL, and the caller says that it may be written.
        unsafe { len.write(value) };
    }
}

fn invalid(message: String) -> Error {
    Error::new(PROMFETCH_INVALID_ARGUMENT, message)
}

/// A text argument.
///
/// # Safety
/// NULL, or ended by NUL and unchanged for the call.
pub(crate) unsafe fn string<'a>(name: &str, text: *const c_char) -> Result<&'a str, Error> {
    if text.is_null() {
        return Err(invalid(format!("`{name}` is NULL")));
    }
    // SAFETY: it is not NULL, and the caller says that it ends with NUL.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|error| {
        let at = error.valid_up_to();
        invalid(format!("`{name}` is no UTF-8 at byte {at}"))
    })
}

/// A text that comes from elsewhere and may be left out: what is no UTF-8 in it is replaced.
///
/// # Safety
/// As [`string`].
pub(crate) unsafe fn lossy<'a>(text: *const c_char) -> Option<Cow<'a, str>> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it is not NULL, and the caller says that it ends with NUL.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

/// A body argument.
///
/// # Safety
/// `data` has `len` bytes that stay as they are for as long as the result is used.
pub(crate) unsafe fn bytes<'a>(
    name: &str,
    data: *const c_char,
    len: usize,
) -> Result<&'a [u8], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(invalid(format!(
            "`{name}` is NULL, but its length is {len}"
        )));
    }
    if isize::try_from(len).is_err() {
        return Err(invalid(format!(
            "the length of `{name}` is {len}: no object is that large, was it negative?"
        )));
    }
    // SAFETY: not NULL, no larger than an object can be, and the caller says that the bytes are there.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// A handle that the call reads.
///
/// # Safety
/// NULL, or a handle of this type that is not freed and that nobody changes meanwhile.
pub(crate) unsafe fn handle<'a, T>(name: &str, handle: *const T) -> Result<&'a T, Error> {
    // SAFETY: as this function's.
    unsafe { handle.as_ref() }.ok_or_else(|| invalid(format!("`{name}` is NULL")))
}

/// A handle that the call changes.
///
/// # Safety
/// As [`handle`], and nobody else uses it meanwhile.
pub(crate) unsafe fn handle_mut<'a, T>(name: &str, handle: *mut T) -> Result<&'a mut T, Error> {
    // SAFETY: as this function's.
    unsafe { handle.as_mut() }.ok_or_else(|| invalid(format!("`{name}` is NULL")))
}

/// Frees a handle.
///
/// # Safety
/// NULL, or made by this library and not freed yet.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: handles are boxes, and this one is given back.
        let handle = unsafe { Box::from_raw(handle) };
        guard::quietly(|| drop(handle));
    }
}

/// A JSON text.
#[derive(Debug)]
pub struct Text(pub(crate) Terminated);

/// The bytes of a text: JSON in UTF-8.
///
/// text: may be NULL, which gives "". len: gets the number of bytes; may be NULL.
/// Returns: borrowed from text, ended by NUL. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_text_data(text: *const Text, len: *mut usize) -> *const c_char {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        text.as_ref()
            .map_or_else(|| nothing(len), |text| text.0.give(len))
    }
}

/// Frees a text.
///
/// text: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_text_free(text: *mut Text) {
    // SAFETY: as the header says of handles.
    unsafe { free(text) };
}
