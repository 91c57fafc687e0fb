//! What the library tells the program's log: one callback a client, and no logger of the whole process.

use std::ffi::{c_char, c_void};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use crate::guard;
use crate::text::Terminated;

/// Takes a line of the log. It is called from the library's threads and from threads that call the library, several
/// at once. It may free handles, and must not call anything else of the library (`WRONG_THREAD`), wait for a lock that is
/// held around a call of the library, throw, or leave by `longjmp`.
///
/// user: as given to `promfetch_options_log`. level: 1 error, 2 warning, 3 info, 4 debug, 5 trace.
/// message: one line of UTF-8 without a line feed, ended by NUL, borrowed for the call. len: its bytes.
pub type Log =
    Option<unsafe extern "C" fn(user: *mut c_void, level: u32, message: *const c_char, len: usize)>;

/// Tells that nothing will use `user` any more: called once, from any thread. The rules of callbacks hold for it, too.
pub type Finalizer = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// The program's callback. It ends with the last of the options and clients that have it.
#[derive(Debug)]
pub(crate) struct Logger {
    level: Level,
    log: unsafe extern "C" fn(*mut c_void, u32, *const c_char, usize),
    user: *mut c_void,
    finalizer: Finalizer,
}

// SAFETY: the header says that the callback and the finalizer are called from any thread, several at once; the library
// does nothing else with `user`.
unsafe impl Send for Logger {}
// SAFETY: as above.
unsafe impl Sync for Logger {}

impl Logger {
    pub(crate) fn new(
        level: Level,
        log: unsafe extern "C" fn(*mut c_void, u32, *const c_char, usize),
        user: *mut c_void,
        finalizer: Finalizer,
    ) -> Arc<Self> {
        Arc::new(Self {
            level,
            log,
            user,
            finalizer,
        })
    }

    /// What the events of one client go to.
    pub(crate) fn dispatch(self: &Arc<Self>) -> Dispatch {
        Dispatch::new(Lines(Arc::clone(self)))
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        if let Some(finalizer) = self.finalizer {
            // SAFETY: the program gave it for this call, with this argument.
            guard::in_callback(|| unsafe { finalizer(self.user) });
        }
    }
}

/// The number of a level in C.
fn number(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

/// The level of a number in C.
pub(crate) fn level(number: u32) -> Option<Level> {
    Some(match number {
        1 => Level::ERROR,
        2 => Level::WARN,
        3 => Level::INFO,
        4 => Level::DEBUG,
        5 => Level::TRACE,
        _ => return None,
    })
}

/// Writes each event as a line.
#[derive(Debug)]
struct Lines(Arc<Logger>);

impl Subscriber for Lines {
    /// What the parts below say is interesting only where something is wrong.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = *metadata.level();
        level <= self.0.level
            && (level <= Level::WARN || metadata.target().starts_with("promfetch"))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        // A callback that makes the library log would go on for ever.
        if guard::is_in_callback() {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let text = line.message + &line.fields;
        // What instances and messages say must not reach a terminal as it is.
        let text = Terminated::new(text.replace(char::is_control, " "));
        let mut len = 0;
        let logger = &*self.0;
        guard::in_callback(|| {
            // SAFETY: the length is a local variable.
            let message = unsafe { text.give(&raw mut len) };
            // SAFETY: the program gave the callback for these arguments; the text lives until it returns.
            unsafe { (logger.log)(logger.user, number(*event.metadata().level()), message, len) };
        });
    }

    // Spans are not told.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    unsafe extern "C" fn note(user: *mut c_void, level: u32, message: *const c_char, len: usize) {
        // SAFETY: the test gives a mutex that outlives the logger.
        let lines = unsafe { &*user.cast::<Mutex<Vec<String>>>() };
        // SAFETY: the message has this length.
        let message = unsafe { std::slice::from_raw_parts(message.cast::<u8>(), len) };
        let line = format!("{level} {}", String::from_utf8_lossy(message));
        lines.lock().unwrap().push(line);
    }

    unsafe extern "C" fn end(user: *mut c_void) {
        // SAFETY: as in `note`.
        let lines = unsafe { &*user.cast::<Mutex<Vec<String>>>() };
        lines.lock().unwrap().push("end".into());
    }

    #[test]
    fn events_are_lines_by_level_and_the_end_is_told_once() {
        let lines = Mutex::new(Vec::<String>::new());
        let user = (&raw const lines).cast_mut().cast();
        let logger = Logger::new(Level::INFO, note, user, Some(end));
        let (one, other) = (logger.dispatch(), logger.dispatch());
        tracing::dispatcher::with_default(&one, || {
            tracing::info!(target: "promfetch_core", host = "a b", number = 3, "said\nthis");
            tracing::debug!(target: "promfetch_core", "too much");
            tracing::info!(target: "hyper", "of no interest");
            tracing::warn!(target: "hyper", "of interest");
        });
        drop((logger, one));
        assert!(
            !lines.lock().unwrap().contains(&"end".to_owned()),
            "one is left"
        );
        drop(other);
        assert_eq!(
            *lines.lock().unwrap(),
            ["3 said this host=a b number=3", "2 of interest", "end"]
        );
    }

    #[test]
    fn levels_have_numbers_from_1_to_5() {
        for code in 1..=5 {
            assert_eq!(level(code).map(number), Some(code));
        }
        assert_eq!((level(0), level(6)), (None, None));
    }
}
