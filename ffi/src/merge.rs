//! Many pages to one, without I/O and without threads: for programs that scrape by themselves.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use bytes::Bytes;
use promfetch_core::config::{self, LabelConflict, scalars};
use promfetch_core::exposition::media::{self, Accepted};
use promfetch_core::exposition::{Dialect, Format, Limits, Page, ScanError, ScanErrorKind};
use promfetch_core::labels;
use promfetch_core::merge::{self, Input, Options};

use crate::code::{PROMFETCH_INVALID_ARGUMENT, PROMFETCH_OK, PROMFETCH_PARSE, PROMFETCH_TOO_LARGE};
use crate::error::Error;
use crate::exposition::{Exposition, Report};
use crate::guard;
use crate::labels::Labels;
use crate::options::unknown_key;
use crate::stream::{Families, Stream};
use crate::text::{bytes, free, handle_mut, lossy, string};

const KEYS: [&str; 5] = [
    "format",
    "accept",
    "label_conflict",
    "max_samples",
    "max_line",
];

/// Formats that a merge writes, in the order in which a wildcard of an `Accept` header takes them.
const FORMATS: [Format; 3] = [Format::Text, Format::OpenMetrics, Format::Protobuf];

/// Tells that borrowed bytes are not needed any more. It may be called from any thread that frees or adds.
///
/// user: as given to `promfetch_merge_add_borrowed`.
pub type Release = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// Pages to merge.
#[derive(Debug)]
pub struct Merge {
    format: Format,
    /// An `Accept` header, which counts more.
    accept: Option<Accepted>,
    label_conflict: LabelConflict,
    limits: Limits,
    inputs: Vec<Input>,
    failures: Vec<Error>,
    /// How many pages were added, also those that were refused.
    added: usize,
}

impl Default for Merge {
    fn default() -> Self {
        let config = config::Merge::default();
        Self {
            format: Format::Text,
            accept: None,
            label_conflict: config.label_conflict,
            limits: Limits {
                max_samples: config.max_samples,
                max_line: config.max_line,
            },
            inputs: Vec::new(),
            failures: Vec::new(),
            added: 0,
        }
    }
}

impl Merge {
    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let wrong = |what: &str| {
            Error::new(
                PROMFETCH_INVALID_ARGUMENT,
                format!("`{key}` must be {what}"),
            )
        };
        if self.added > 0 {
            return Err(Error::new(
                PROMFETCH_INVALID_ARGUMENT,
                format!("`{key}` must be set before the first page is added"),
            ));
        }
        let size = || {
            scalars::size(value)
                .ok()
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0)
                .ok_or_else(|| wrong("a number such as `100000` or `1Mi`"))
        };
        match key {
            "format" => {
                self.format = Format::from_word(value)
                    .ok_or_else(|| wrong("`text`, `openmetrics` or `protobuf`"))?;
            }
            "accept" => self.accept = Some(media::accepted(Some(value), &FORMATS)),
            "label_conflict" => {
                self.label_conflict = match value {
                    "export" => LabelConflict::Export,
                    "drop" => LabelConflict::Drop,
                    _ => return Err(wrong("`export` or `drop`")),
                }
            }
            "max_samples" => self.limits.max_samples = size()?,
            "max_line" => self.limits.max_line = size()?,
            _ => return Err(unknown_key("merge", key, &KEYS)),
        }
        Ok(())
    }

    fn add(&mut self, labels: Option<&Labels>, content_type: Option<&str>, body: Bytes) -> u32 {
        let place = self.added;
        self.added += 1;
        let format = match content_type {
            None => Some(media::of_content(&body)),
            Some(content_type) => media::of_content_type(Some(content_type)),
        };
        let Some(format) = format else {
            let content_type = content_type.unwrap_or_default().escape_debug();
            let message = format!("page {place}: `{content_type}` is no format of metrics");
            return self.refuse(PROMFETCH_PARSE, message);
        };
        // Pages of one app are alike: along the one before, a scan is twice as fast.
        let like = self.inputs.last().map(|input| &*input.page);
        match Page::scan_like(body, format, &self.limits, like) {
            Ok(page) => {
                self.inputs.push(Input {
                    labels: labels.map_or_else(labels::Labels::new, |labels| labels.0.clone()),
                    page: Arc::new(page),
                });
                PROMFETCH_OK
            }
            Err(error) => self.refuse(code(&error), format!("page {place}: {error}")),
        }
    }

    /// Keeps a failure for the result, and gives its code to the caller.
    fn refuse(&mut self, code: u32, message: String) -> u32 {
        self.failures.push(Error::new(code, message));
        code
    }

    /// Takes all pages out and plans their merge.
    fn take(&mut self) -> (merge::Merged, Report) {
        let mut failures = std::mem::take(&mut self.failures);
        let inputs = std::mem::take(&mut self.inputs);
        self.added = 0;
        let formats: Vec<Format> = inputs.iter().map(|input| input.page.format()).collect();
        let dialect = match &self.accept {
            None => Dialect::plain(self.format),
            Some(accepted) => accepted.choose(formats),
        };
        let mut fitting = Vec::with_capacity(inputs.len());
        for mut input in inputs {
            if !input.page.fits(dialect) {
                match input.page.convert(dialect, &self.limits) {
                    Ok(page) => input.page = Arc::new(page),
                    Err(error) => {
                        let format = dialect.format;
                        failures.push(Error::new(
                            code(&error),
                            format!("a page written as {format}: {error}"),
                        ));
                        continue;
                    }
                }
            }
            fitting.push(input);
        }
        let options = Options {
            format: dialect.format,
            label_conflict: self.label_conflict,
        };
        let up = fitting.len();
        let merged = merge::merge(fitting, None, &options);
        (merged, Report::new(dialect, up, failures))
    }
}

fn code(error: &ScanError) -> u32 {
    match error.kind {
        ScanErrorKind::Syntax => PROMFETCH_PARSE,
        ScanErrorKind::TooLarge => PROMFETCH_TOO_LARGE,
    }
}

/// Bytes of the program, with what it wants to be told when they are not needed any more.
struct Borrowed {
    data: *const c_char,
    len: usize,
    release: Release,
    user: *mut c_void,
}

// SAFETY: the header says that the bytes stay as they are until `release`, which is called from the thread that frees.
unsafe impl Send for Borrowed {}
// SAFETY: as above; nothing writes to the bytes.
unsafe impl Sync for Borrowed {}

impl AsRef<[u8]> for Borrowed {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the header says that the bytes are there until `release`.
        unsafe { bytes("data", self.data, self.len) }.unwrap_or_default()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the program gave it for this call, with this argument.
            guard::in_callback(|| unsafe { release(self.user) });
        }
    }
}

/// A new merge, of no page yet. It has no threads and does no I/O.
///
/// Returns: a merge that you own. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_merge_new() -> *mut Merge {
    Box::into_raw(Box::default())
}

/// Says how to merge, before the first page is added. The keys:
///
/// - `format`: `text` (the default), `openmetrics` or `protobuf`. `accept`: what an `Accept` header says; it counts more.
/// - `label_conflict`: a sample's own label with the name of an added one: `export` (the default) renames it to
///   `exported_<name>`, `drop` leaves it out.
/// - `max_samples`, `max_line`: samples of one page and bytes of one line; 2,000,000 and 1 MiB by default.
///
/// merge, key, value: not NULL. Returns: a code. Errors: `UNKNOWN_OPTION`, `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_set(
    merge: *mut Merge,
    key: *const c_char,
    value: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let merge = handle_mut("merge", merge)?;
            merge.set(string("key", key)?, string("value", value)?)
        })
    }
}

/// Checks a page wholly and adds it. One that is no valid exposition costs only itself: the call returns `PARSE` or
/// `TOO_LARGE`, *err is not set, and why is among the failures of the merge and of its result.
///
/// merge: not NULL. labels: added to all samples of the page, after their own; copied; NULL: none.
/// content_type: what the page came with, whatever it is; NULL: the format shows in the bytes.
/// data, len: the page, which is copied.
/// Returns: a code; `PARSE` and `TOO_LARGE` are of the page alone. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles, strings and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_add(
    merge: *mut Merge,
    labels: *const Labels,
    content_type: *const c_char,
    data: *const c_char,
    len: usize,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles, strings and lengths.
    unsafe {
        let added = guard::attempt(err, || {
            let merge = handle_mut("merge", merge)?;
            let body = Bytes::copy_from_slice(bytes("data", data, len)?);
            let content_type = lossy(content_type);
            Ok(merge.add(labels.as_ref(), content_type.as_deref(), body))
        });
        added.unwrap_or_else(|code| code)
    }
}

/// Checks a page and adds it, without copying it.
///
/// merge, labels, content_type: as for `promfetch_merge_add`.
/// data, len: the page, which must stay as it is until `release` is called.
/// release: called once when the page is not needed any more, also when the call fails; NULL: the page must stay until
/// a `promfetch_merge_finish` that succeeded, `promfetch_merge_free`, or the `_free` of the stream.
/// user: given to `release` as it is; may be NULL.
/// Returns: a code, as `promfetch_merge_add`. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles, strings and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_add_borrowed(
    merge: *mut Merge,
    labels: *const Labels,
    content_type: *const c_char,
    data: *const c_char,
    len: usize,
    release: Release,
    user: *mut c_void,
    err: *mut *mut Error,
) -> u32 {
    // Made first, so that it is released whatever goes wrong.
    let borrowed = Borrowed {
        data,
        len,
        release,
        user,
    };
    // SAFETY: as the header says of handles, strings and lengths.
    unsafe {
        let added = guard::attempt(err, || {
            let merge = handle_mut("merge", merge)?;
            bytes("data", data, len)?;
            let content_type = lossy(content_type);
            let body = Bytes::from_owner(borrowed);
            Ok(merge.add(labels.as_ref(), content_type.as_deref(), body))
        });
        added.unwrap_or_else(|code| code)
    }
}

/// How many pages were refused since the merge was made or last finished.
///
/// merge: may be NULL, which gives 0. Returns: the number. Thread: one at a time.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_failure_count(merge: *const Merge) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { merge.as_ref() }.map_or(0, |merge| merge.failures.len())
}

/// Why one of them was refused; the message says where in the page.
///
/// merge: may be NULL. index: from 0, below the count; the last is the latest.
/// Returns: borrowed from merge until the next call with it: do not free it; NULL when there is none. Thread: one at a time.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_failure(
    merge: *const Merge,
    index: usize,
) -> *const Error {
    // SAFETY: as the header says of handles.
    unsafe { merge.as_ref() }
        .and_then(|merge| merge.failures.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Merges what was added, family by family. The merge is empty afterwards, keeps its settings and can be used again.
///
/// merge: not NULL.
/// Returns: an exposition that you own, or NULL. Its failures are the pages that were refused. Errors: `INVALID_ARGUMENT`.
/// Thread: one at a time.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_finish(
    merge: *mut Merge,
    err: *mut *mut Error,
) -> *mut Exposition {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::handle(err, || {
            let (merged, report) = handle_mut("merge", merge)?.take();
            Ok(Exposition::new(merged.into_bytes(), report))
        })
    }
}

/// The same, for a page that is read family by family.
///
/// merge: not NULL; it is not needed for the stream afterwards.
/// Returns: a stream that you own, or NULL. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_stream(
    merge: *mut Merge,
    err: *mut *mut Error,
) -> *mut Stream {
    // SAFETY: as the header says of handles.
    unsafe {
        guard::handle(err, || {
            let (merged, report) = handle_mut("merge", merge)?.take();
            Ok(Stream::new(Families::Merged(merged), report))
        })
    }
}

/// Frees a merge with the pages in it.
///
/// merge: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_merge_free(merge: *mut Merge) {
    // SAFETY: as the header says of handles.
    unsafe { free(merge) };
}
