//! A merged page family by family: the page is never in memory as a whole.

use std::ffi::c_char;

use promfetch_core::client::PageBody;
use promfetch_core::merge::Merged;

use crate::asking::by_request;
use crate::client::Client;
use crate::error::Error;
use crate::exposition::Report;
use crate::guard;
use crate::process::{Process, free_here};
use crate::request::Request;
use crate::text::{Terminated, handle_mut, put};

#[derive(Debug)]
pub(crate) enum Families {
    Fetched(PageBody),
    Merged(Merged),
}

/// A page under way. It holds the instances' pages until it is freed, and they count against `max_inflight`.
#[derive(Debug)]
pub struct Stream {
    /// The process that made it: others may hold locks that a fork has copied.
    process: Process,
    families: Families,
    report: Report,
    /// The family that was given out last.
    family: Terminated,
}

impl Stream {
    pub(crate) fn new(families: Families, report: Report) -> Self {
        Self {
            process: Process::this(),
            families,
            report,
            family: Terminated::new([]),
        }
    }

    fn next(&mut self) -> Option<&Terminated> {
        let family = match &mut self.families {
            Families::Fetched(page) => page.next_family(),
            Families::Merged(page) => page.next_family(),
        };
        self.family = Terminated::new(family?);
        Some(&self.family)
    }
}

/// Asks the instances as a request says, for a page that is read family by family. Waits until all have answered or
/// the time is up; after that the stream waits for nothing.
///
/// client, request: not NULL; neither is needed for the stream afterwards.
/// Returns: a stream that you own, or NULL. Errors: as `promfetch_fetch_request`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_open(
    client: *const Client,
    request: *const Request,
    err: *mut *mut Error,
) -> *mut Stream {
    // SAFETY: as the header says of handles.
    unsafe {
        by_request(client, request, err, |running, request| {
            let (answer, report) = request.ask(running)?;
            Ok(Stream::new(Families::Fetched(answer.page), report))
        })
    }
}

/// The next family: its HELP and TYPE and all its samples. The last piece of an OpenMetrics page is its `# EOF`. All
/// pieces one after the other are the page.
///
/// stream: not NULL. len: gets the number of bytes, 0 at the end; may be NULL.
/// Returns: borrowed until the next call with the stream, ended by NUL; NULL at the end, where *err is not set, or on failure.
/// Errors: `FORKED`, `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_next(
    stream: *mut Stream,
    len: *mut usize,
    err: *mut *mut Error,
) -> *const c_char {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        put(len, 0);
        let family = guard::attempt(err, || {
            let stream = handle_mut("stream", stream)?;
            stream.process.check()?;
            Ok(stream.next())
        });
        match family {
            Ok(Some(family)) => family.give(len),
            Ok(None) | Err(_) => std::ptr::null(),
        }
    }
}

/// The `Content-Type` of the page.
///
/// stream: may be NULL, which gives "". Returns: borrowed from stream, ended by NUL. Thread: concurrently, but not with `promfetch_stream_next`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_content_type(stream: *const Stream) -> *const c_char {
    // SAFETY: as the header says of handles.
    unsafe { stream.as_ref() }.map_or(c"".as_ptr(), |stream| stream.report.content_type())
}

/// How many instances are in the page.
///
/// stream: may be NULL, which gives 0. Returns: the number. Thread: concurrently, but not with `promfetch_stream_next`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_up_count(stream: *const Stream) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { stream.as_ref() }.map_or(0, |stream| stream.report.up())
}

/// How many instances and external exporters failed.
///
/// stream: may be NULL, which gives 0. Returns: the number. Thread: concurrently, but not with `promfetch_stream_next`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_failure_count(stream: *const Stream) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { stream.as_ref() }.map_or(0, |stream| stream.report.failures().len())
}

/// Why one of them failed; the message names it.
///
/// stream: may be NULL. index: from 0, below the count.
/// Returns: borrowed from stream: do not free it; NULL when there is none. Thread: concurrently, but not with
/// `promfetch_stream_next`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_failure(
    stream: *const Stream,
    index: usize,
) -> *const Error {
    // SAFETY: as the header says of handles.
    unsafe { stream.as_ref() }.map_or(std::ptr::null(), |stream| stream.report.failure(index))
}

/// Frees a stream, also before its end.
///
/// stream: may be NULL; of one made before a fork nothing is freed. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_stream_free(stream: *mut Stream) {
    // SAFETY: as the header says of handles.
    unsafe { free_here(stream, |stream| stream.process) };
}
