//! The codes of errors: which there are, what they are called, and which belongs to which failure inside.

use std::ffi::{CStr, c_char};

use promfetch_core::Kind;
use promfetch_core::failure::Reason;

/// No error.
pub const PROMFETCH_OK: u32 = 0;
/// An argument is NULL, no UTF-8, or malformed: the message names it.
pub const PROMFETCH_INVALID_ARGUMENT: u32 = 1;
/// No option or key has this name; the message names the nearest.
pub const PROMFETCH_UNKNOWN_OPTION: u32 = 2;
/// The value of an option cannot be used.
pub const PROMFETCH_INVALID_OPTION: u32 = 3;
/// Called from a log callback.
pub const PROMFETCH_WRONG_THREAD: u32 = 4;
/// The client was made before a fork, in another process.
pub const PROMFETCH_FORKED: u32 = 5;
/// No app fits the selector, or no instance the index.
pub const PROMFETCH_NOT_FOUND: u32 = 100;
/// The routing table is not complete yet; worth trying again.
pub const PROMFETCH_NOT_READY: u32 = 101;
/// Several instances have the index that was asked for.
pub const PROMFETCH_AMBIGUOUS: u32 = 102;
/// A server of the platform cannot be reached; worth trying again.
pub const PROMFETCH_UNAVAILABLE: u32 = 103;
/// No complete answer in time.
pub const PROMFETCH_TIMEOUT: u32 = 200;
/// The request was cancelled, or its client freed.
pub const PROMFETCH_CANCELLED: u32 = 201;
/// The connection was refused, or closed before any answer.
pub const PROMFETCH_REFUSED: u32 = 202;
/// No TLS connection: untrusted, or the client certificate was refused.
pub const PROMFETCH_TLS: u32 = 203;
/// The certificate is another instance's: the address has changed hands.
pub const PROMFETCH_GONE: u32 = 204;
/// The instance answered 4xx.
pub const PROMFETCH_STATUS_4XX: u32 = 205;
/// The instance answered 5xx.
pub const PROMFETCH_STATUS_5XX: u32 = 206;
/// A body, a line or a number of samples is over its limit.
pub const PROMFETCH_TOO_LARGE: u32 = 207;
/// Too many redirects, or one that leads elsewhere.
pub const PROMFETCH_REDIRECT: u32 = 208;
/// What came is not HTTP, or a body that cannot be read.
pub const PROMFETCH_PROTOCOL: u32 = 209;
/// Not tried: the instance refused a moment ago, or no time was left.
pub const PROMFETCH_SKIPPED: u32 = 210;
/// The bytes of all pages under way are over `max_inflight`; worth trying again.
pub const PROMFETCH_OVERLOADED: u32 = 211;
/// A page does not follow its format.
pub const PROMFETCH_PARSE: u32 = 300;
/// A fault of the library. Only `_free` may follow on the handles of the call.
pub const PROMFETCH_PANIC: u32 = 900;

const NAMES: [(u32, &CStr); 25] = [
    (PROMFETCH_OK, c"OK"),
    (PROMFETCH_INVALID_ARGUMENT, c"INVALID_ARGUMENT"),
    (PROMFETCH_UNKNOWN_OPTION, c"UNKNOWN_OPTION"),
    (PROMFETCH_INVALID_OPTION, c"INVALID_OPTION"),
    (PROMFETCH_WRONG_THREAD, c"WRONG_THREAD"),
    (PROMFETCH_FORKED, c"FORKED"),
    (PROMFETCH_NOT_FOUND, c"NOT_FOUND"),
    (PROMFETCH_NOT_READY, c"NOT_READY"),
    (PROMFETCH_AMBIGUOUS, c"AMBIGUOUS"),
    (PROMFETCH_UNAVAILABLE, c"UNAVAILABLE"),
    (PROMFETCH_TIMEOUT, c"TIMEOUT"),
    (PROMFETCH_CANCELLED, c"CANCELLED"),
    (PROMFETCH_REFUSED, c"REFUSED"),
    (PROMFETCH_TLS, c"TLS"),
    (PROMFETCH_GONE, c"GONE"),
    (PROMFETCH_STATUS_4XX, c"STATUS_4XX"),
    (PROMFETCH_STATUS_5XX, c"STATUS_5XX"),
    (PROMFETCH_TOO_LARGE, c"TOO_LARGE"),
    (PROMFETCH_REDIRECT, c"REDIRECT"),
    (PROMFETCH_PROTOCOL, c"PROTOCOL"),
    (PROMFETCH_SKIPPED, c"SKIPPED"),
    (PROMFETCH_OVERLOADED, c"OVERLOADED"),
    (PROMFETCH_PARSE, c"PARSE"),
    (PROMFETCH_PANIC, c"PANIC"),
    (u32::MAX, c"UNKNOWN"),
];

/// The name of a code, such as "NOT_FOUND": the constant without its prefix.
///
/// Returns: a static string; "UNKNOWN" for a number that is no code of this library. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_code_name(code: u32) -> *const c_char {
    let known = NAMES.iter().find(|(known, _)| *known == code);
    known.map_or(c"UNKNOWN", |(_, name)| *name).as_ptr()
}

/// The code of an error of the whole call.
pub(crate) fn of_kind(kind: Kind) -> u32 {
    match kind {
        Kind::InvalidArgument => PROMFETCH_INVALID_ARGUMENT,
        Kind::Configuration => PROMFETCH_INVALID_OPTION,
        Kind::NotFound => PROMFETCH_NOT_FOUND,
        Kind::NotReady => PROMFETCH_NOT_READY,
        Kind::Ambiguous => PROMFETCH_AMBIGUOUS,
        Kind::NoEndpoint => PROMFETCH_STATUS_4XX,
        Kind::Overloaded => PROMFETCH_OVERLOADED,
        Kind::Parse => PROMFETCH_PARSE,
        // The kinds may become more; what is new has to do with servers.
        _ => PROMFETCH_UNAVAILABLE,
    }
}

/// The code of one instance's failure.
pub(crate) fn of_reason(reason: Reason) -> u32 {
    match reason {
        Reason::Timeout => PROMFETCH_TIMEOUT,
        Reason::Refused => PROMFETCH_REFUSED,
        Reason::Tls => PROMFETCH_TLS,
        Reason::Gone => PROMFETCH_GONE,
        Reason::Status4xx => PROMFETCH_STATUS_4XX,
        Reason::Status5xx => PROMFETCH_STATUS_5XX,
        Reason::Parse => PROMFETCH_PARSE,
        Reason::TooLarge => PROMFETCH_TOO_LARGE,
        Reason::Redirect => PROMFETCH_REDIRECT,
        Reason::Protocol => PROMFETCH_PROTOCOL,
        Reason::Skipped => PROMFETCH_SKIPPED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_with_a_name() {
        let mut codes: Vec<u32> = Reason::all().map(of_reason).collect();
        for code in &codes {
            assert!(NAMES.iter().any(|(known, _)| known == code), "{code}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::all().count());
    }

    #[test]
    fn names_are_in_order_and_unknown_codes_have_one_too() {
        assert!(NAMES.is_sorted_by_key(|(code, _)| *code));
        for (code, want) in [
            (0, c"OK"),
            (204, c"GONE"),
            (212, c"UNKNOWN"),
            (u32::MAX, c"UNKNOWN"),
        ] {
            // SAFETY: the names are static.
            let name = unsafe { CStr::from_ptr(promfetch_code_name(code)) };
            assert_eq!(name, want, "{code}");
        }
    }
}
