//! The process that something was made in: after a fork its threads, and locks that they hold, are in the parent alone.

use crate::code::PROMFETCH_FORKED;
use crate::error::Error;
use crate::text::free;

/// The number of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(u32);

impl Process {
    /// The one that this runs in.
    pub(crate) fn this() -> Self {
        Self(std::process::id())
    }

    pub(crate) fn is_here(self) -> bool {
        self.0 == std::process::id()
    }

    /// Refuses what was made before a fork.
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.is_here() {
            return Ok(());
        }
        Err(Error::new(
            PROMFETCH_FORKED,
            "the client was made before a fork: make one in this process",
        ))
    }
}

/// Frees a handle, unless it was made in another process.
///
/// # Safety
/// As [`free`].
pub(crate) unsafe fn free_here<T>(handle: *mut T, made_in: impl FnOnce(&T) -> Process) {
    // SAFETY: as this function's.
    if unsafe { handle.as_ref() }.is_some_and(|handle| made_in(handle).is_here()) {
        // SAFETY: as this function's.
        unsafe { free(handle) };
    }
}
