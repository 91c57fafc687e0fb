//! Call metrics for the program's own calls.

use std::ffi::c_char;

use promfetch_core::calls::Guard;

use crate::client::Client;
use crate::error::Error;
use crate::guard;
use crate::process::{Process, free_here};
use crate::text::{handle, string};

/// A call of the program under way.
#[derive(Debug)]
pub struct Call {
    process: Process,
    #[expect(dead_code, reason = "the call ends when it is dropped")]
    guard: Guard,
}

/// Starts a call of the program's own, to be seen in `promfetch_client_metrics`: `promfetch_calls_started_total{api,call}`,
/// `promfetch_calls_in_flight`, `promfetch_call_duration_seconds` and `promfetch_call_last_duration_seconds`; with the option
/// `call_metrics` = `ecs` under the names of the ECS agent. A call that is not ended within 2 minutes is lost: it is no
/// longer in flight, and gets no duration.
///
/// client: not NULL. api, call: the kind of API and the name of the call, 1 to 128 bytes; at most 1,000 pairs.
/// Returns: a call, which `promfetch_call_end` ends and frees, or NULL. Errors: `INVALID_ARGUMENT`, `FORKED`.
/// Thread: concurrently.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_call_start(
    client: *const Client,
    api: *const c_char,
    call: *const c_char,
    err: *mut *mut Error,
) -> *mut Call {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::handle(err, || {
            let running = handle("client", client)?.enter()?;
            let calls = running.client().calls();
            let call = calls.own_call(string("api", api)?, string("call", call)?)?;
            Ok(Call {
                process: Process::this(),
                guard: call.start(),
            })
        })
    }
}

/// Counts a call of the program's own that has no duration: one more of `promfetch_calls_started_total{api,call}`, and
/// nothing else.
///
/// client: not NULL. api, call: as for `promfetch_call_start`.
/// Returns: a code. Errors: `INVALID_ARGUMENT`, `FORKED`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_call_increment(
    client: *const Client,
    api: *const c_char,
    call: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let running = handle("client", client)?.enter()?;
            let calls = running.client().calls();
            calls
                .own_call(string("api", api)?, string("call", call)?)?
                .increment();
            Ok(())
        })
    }
}

/// Ends a call and frees it. The client may be freed before.
///
/// call: may be NULL; one started before a fork is left alone. Thread: alone; another one than it was started in is fine.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_call_end(call: *mut Call) {
    // SAFETY: as the header says of handles.
    unsafe { free_here(call, |call| call.process) };
}
