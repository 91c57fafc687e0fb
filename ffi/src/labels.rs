//! Labels by name and value, for pages that the program adds itself.

use std::ffi::c_char;

use promfetch_core::labels::{self, check_added};

use crate::code::PROMFETCH_INVALID_ARGUMENT;
use crate::error::Error;
use crate::guard;
use crate::text::{free, handle_mut, string};

/// Labels in the order in which they are written.
#[derive(Debug, Default)]
pub struct Labels(pub(crate) labels::Labels);

/// New labels: none.
///
/// Returns: labels that you own. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_labels_new() -> *mut Labels {
    Box::into_raw(Box::default())
}

/// Adds a label at the end; one of the same name gets the new value in its old place.
///
/// labels: not NULL. name: letters, digits and `_`, no digit in front, no `__` in front, not `le` or `quantile`.
/// value: any text; it is escaped when it is written.
/// Returns: a code. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_labels_set(
    labels: *mut Labels,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let labels = handle_mut("labels", labels)?;
            let (name, value) = (string("name", name)?, string("value", value)?);
            check_added(name).map_err(|why| {
                Error::new(
                    PROMFETCH_INVALID_ARGUMENT,
                    format!("the label `{name}` {why}"),
                )
            })?;
            labels.0.push(name.to_owned(), value);
            Ok(())
        })
    }
}

/// Frees labels. Pages that were added with them keep theirs.
///
/// labels: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_labels_free(labels: *mut Labels) {
    // SAFETY: as the header says of handles.
    unsafe { free(labels) };
}
