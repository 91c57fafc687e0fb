//! The soname, so that programs keep the ABI they were linked with, and no unloading: threads and log callbacks may
//! still be on their way out of the library when `dlclose` returns.

/// The ABI that the soname names; a test holds it against `PROMFETCH_ABI_VERSION`.
const ABI: u32 = 1;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpromfetch.so.{ABI}");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
