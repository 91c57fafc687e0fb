//! Which library this is.

use std::ffi::c_char;

/// The ABI that this header describes. The library's own is `promfetch_abi_version()`.
pub const PROMFETCH_ABI_VERSION: u32 = 1;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The version of the library, such as "0.1.0".
///
/// Returns: a static string. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// The ABI of the library, which is the number in its soname: compare it with `PROMFETCH_ABI_VERSION` after `dlopen`.
///
/// Returns: the number. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_abi_version() -> u32 {
    PROMFETCH_ABI_VERSION
}
