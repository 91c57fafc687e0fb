//! The boundary: every call of the library that can fail goes through here.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::{PROMFETCH_OK, PROMFETCH_PANIC, PROMFETCH_WRONG_THREAD};
use crate::error::Error;

/// The caller's `promfetch_error **`.
pub(crate) type Slot = *mut *mut Error;

thread_local! {
    /// Whether this thread is inside a callback of the program, called by the library.
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs a callback of the program. Calls of the library that come from it are refused: one that waits would wait
/// for the thread that it is on.
pub(crate) fn in_callback(callback: impl FnOnce()) {
    let before = IN_CALLBACK.replace(true);
    callback();
    IN_CALLBACK.set(before);
}

/// Whether the thread is inside a callback. Also while it ends, when nobody knows any more.
pub(crate) fn is_in_callback() -> bool {
    IN_CALLBACK.try_with(Cell::get).unwrap_or(true)
}

/// A call that gives a code.
///
/// # Safety
/// `err` is NULL, or points to NULL or an error of this library, and nobody else uses it meanwhile.
pub(crate) unsafe fn code(err: Slot, body: impl FnOnce() -> Result<(), Error>) -> u32 {
    // SAFETY: as this function's.
    match unsafe { attempt(err, body) } {
        Ok(()) => PROMFETCH_OK,
        Err(code) => code,
    }
}

/// A call that gives a handle, or NULL.
///
/// # Safety
/// As [`code`].
pub(crate) unsafe fn handle<T>(err: Slot, body: impl FnOnce() -> Result<T, Error>) -> *mut T {
    // SAFETY: as this function's.
    match unsafe { attempt(err, body) } {
        Ok(value) => Box::into_raw(Box::new(value)),
        Err(_) => std::ptr::null_mut(),
    }
}

/// Runs the body unless an error is there already, and leaves its error in the slot.
///
/// # Safety
/// As [`code`].
pub(crate) unsafe fn attempt<T>(
    err: Slot,
    body: impl FnOnce() -> Result<T, Error>,
) -> Result<T, u32> {
    // SAFETY: the caller says that the slot is NULL or holds NULL or an error.
    if let Some(sticky) = unsafe { err.as_ref().and_then(|error| error.as_ref()) } {
        return Err(sticky.code());
    }
    let result = if is_in_callback() {
        Err(Error::new(
            PROMFETCH_WRONG_THREAD,
            "a log callback must not call the library: hand the message to another thread",
        ))
    } else {
        // A panic leaves the handles of the call in an unknown state; the header allows only to free them then.
        catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(panicked(&*panic)))
    };
    result.map_err(|error| {
        let code = error.code();
        if !err.is_null() {
            // SAFETY: it is not NULL, and the caller says that it may be written.
            unsafe { err.write(Box::into_raw(Box::new(error))) };
        }
        code
    })
}

/// Does something that cannot fail, such as freeing, and keeps a panic from the caller all the same.
pub(crate) fn quietly(body: impl FnOnce()) {
    // The hook has printed it already, and there is nobody to tell.
    drop(catch_unwind(AssertUnwindSafe(body)));
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(
        PROMFETCH_PANIC,
        format!("a fault of libpromfetch, please report it: {text}"),
    )
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::code::PROMFETCH_NOT_FOUND;
    use crate::error::{promfetch_error_code, promfetch_error_free};

    fn failing() -> Result<(), Error> {
        Err(Error::new(PROMFETCH_NOT_FOUND, "nothing there"))
    }

    #[test]
    fn the_first_error_stays_and_later_calls_do_nothing() {
        let mut error = null_mut();
        let mut runs = 0;
        for _ in 0..100 {
            // SAFETY: the slot is a local variable.
            let code = unsafe {
                code(&raw mut error, || {
                    runs += 1;
                    failing()
                })
            };
            assert_eq!(code, PROMFETCH_NOT_FOUND);
        }
        assert_eq!(runs, 1, "the others did nothing");
        // SAFETY: the slot holds an error of ours.
        unsafe { promfetch_error_free(error) };
    }

    #[test]
    fn without_a_slot_there_is_the_code_alone() {
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(code(null_mut(), failing), PROMFETCH_NOT_FOUND);
            assert_eq!(code(null_mut(), || Ok(())), PROMFETCH_OK);
            assert!(handle::<u8>(null_mut(), || Err(Error::new(1, "x"))).is_null());
        }
    }

    #[test]
    fn panics_become_errors() {
        for payload in ["static", "formatted"] {
            let mut error = null_mut();
            // SAFETY: the slot is a local variable, and holds an error of ours afterwards.
            unsafe {
                let made = handle::<u8>(&raw mut error, || match payload {
                    "static" => panic!("static"),
                    other => panic!("{other} message"),
                });
                assert!(made.is_null());
                assert_eq!(promfetch_error_code(error), PROMFETCH_PANIC);
                assert!((*error).message().contains(payload));
                promfetch_error_free(error);
            }
        }
    }

    #[test]
    fn a_callback_cannot_call_the_library() {
        in_callback(|| {
            // SAFETY: NULL is allowed.
            let code = unsafe { code(null_mut(), || Ok(())) };
            assert_eq!(code, PROMFETCH_WRONG_THREAD);
        });
        assert!(!is_in_callback());
    }
}
