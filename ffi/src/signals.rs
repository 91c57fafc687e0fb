//! Signals belong to the program around the library: none is handled on the library's threads.
//!
//! It matters most for SIGPIPE. A Rust program ignores it, a C program does not, and a TLS connection that the other
//! side has closed answers a write with it: on a thread that does not block it, that is the end of the process.

use std::mem::MaybeUninit;
use std::ptr::null;

/// What a thread does to itself; blocking them would hide a crash.
const OF_THE_THREAD: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
];

/// Blocks the signals on this thread, which is one of the library's.
pub(crate) fn leave_to_the_host() {
    set(libc::SIG_BLOCK, &others());
}

/// Does something that starts threads, which begin with what their maker blocks.
pub(crate) fn without_any<T>(body: impl FnOnce() -> T) -> T {
    let before = set(libc::SIG_BLOCK, &others());
    let result = body();
    set(libc::SIG_SETMASK, &before);
    result
}

fn others() -> libc::sigset_t {
    let mut signals = MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set, and the others change an initialised one.
    unsafe {
        libc::sigfillset(signals.as_mut_ptr());
        for signal in OF_THE_THREAD {
            libc::sigdelset(signals.as_mut_ptr(), signal);
        }
        signals.assume_init()
    }
}

/// Changes what the thread blocks, and gives what it has blocked before.
fn set(how: libc::c_int, signals: &libc::sigset_t) -> libc::sigset_t {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are there; should the call fail, the question without a change cannot.
    unsafe {
        if libc::pthread_sigmask(how, signals, before.as_mut_ptr()) != 0 {
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, null(), before.as_mut_ptr());
        }
        before.assume_init()
    }
}
