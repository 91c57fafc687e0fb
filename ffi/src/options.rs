//! How a client is set up: the keys of the configuration as texts.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use promfetch_core::config::path::Path;
use promfetch_core::config::problem::{Problem, Problems, Warning};
use promfetch_core::config::table::Shape;
use promfetch_core::config::values::Values;
use promfetch_core::config::{Config, environment, keys};

use crate::code::{PROMFETCH_INVALID_ARGUMENT, PROMFETCH_UNKNOWN_OPTION};
use crate::error::Error;
use crate::guard;
use crate::log::{Finalizer, Log, Logger, level};
use crate::text::{free, handle_mut, string};

/// The set-up of a client.
#[derive(Clone, Debug, Default)]
pub struct Options {
    values: Values,
    /// What the environment has that no key is called: of the service, or misspelt.
    unknown: Vec<Warning>,
    log: Option<Arc<Logger>>,
}

impl Options {
    /// What the environment says, as for a client without options.
    pub(crate) fn from_environment() -> Result<Self, Error> {
        let mut options = Self::default();
        options.add_environment()?;
        Ok(options)
    }

    /// The settings, with what there is to say about them.
    pub(crate) fn read(&self) -> Result<(Config, Vec<Warning>), Error> {
        let (config, warnings) = Config::from_values(&self.values)?;
        Ok((config, warnings))
    }

    /// What the environment has that is no key of the library.
    pub(crate) fn unknown(&self) -> &[Warning] {
        &self.unknown
    }

    pub(crate) fn log(&self) -> Option<&Arc<Logger>> {
        self.log.as_ref()
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let table = keys::table();
        self.values.set(&table, key, value).map_err(|problem| {
            if matches!(table.shape(&Path::parse(key)), Shape::Unknown) {
                Error::new(PROMFETCH_UNKNOWN_OPTION, problem.to_string())
            } else {
                problem.into()
            }
        })
    }

    fn add_environment(&mut self) -> Result<(), Error> {
        // A variable that is no UTF-8 is none of ours.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut values = self.values.clone();
        let (unknown, problems) = environment::apply(&mut values, &keys::table(), variables);
        let unknown = Problems::or_warnings(problems, unknown)?;
        self.values = values;
        self.unknown = unknown;
        Ok(())
    }
}

/// New options: every key has its default.
///
/// Returns: options that you own. Thread: any.
#[unsafe(no_mangle)]
pub extern "C" fn promfetch_options_new() -> *mut Options {
    Box::into_raw(Box::default())
}

/// Sets a key of docs/configuration.md that has to do with finding, asking or merging, such as `fetch_timeout` to `10s`.
///
/// options: not NULL.
/// key: dotted, such as `nats.user` or `gorouters[0].host`.
/// value: as in the configuration file; a list or a section may be given as a whole, as JSON; an empty text takes the
/// value away. Whether a value can be used is seen when the client is made.
/// Returns: a code. Errors: `UNKNOWN_OPTION` (the message names the nearest key), `INVALID_OPTION`, `INVALID_ARGUMENT`.
/// Thread: one at a time.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_options_set(
    options: *mut Options,
    key: *const c_char,
    value: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let options = handle_mut("options", options)?;
            options.set(string("key", key)?, string("value", value)?)
        })
    }
}

/// Adds what the environment says: `PROMFETCH_` and a key in upper case with two underscores for each dot, such as
/// `PROMFETCH_GOROUTERS__0__HOST`. Other names are left alone, also those that only the service knows.
///
/// options: not NULL. Returns: a code. Errors: `INVALID_OPTION`, `INVALID_ARGUMENT`.
/// Thread: one at a time, and no thread may change the environment meanwhile.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_options_environment(
    options: *mut Options,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles.
    unsafe { guard::code(err, || handle_mut("options", options)?.add_environment()) }
}

/// Sends the log of all clients that are made with these options to a callback. Without one nothing is logged.
///
/// options: not NULL.
/// level: the least important that is told: 1 error, 2 warning, 3 info, 4 debug, 5 trace.
/// log: not NULL. user: given to `log` and `finalizer` as it is; may be NULL.
/// finalizer: called once, as soon as nothing can call `log` any more: when the options and all clients made with them
/// are freed, when another callback takes this one's place, or when this call fails. May be NULL.
/// Returns: a code. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles, and `log` and `finalizer` can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_options_log(
    options: *mut Options,
    level: u32,
    log: Log,
    user: *mut c_void,
    finalizer: Finalizer,
    err: *mut *mut Error,
) -> u32 {
    unsafe extern "C" fn nowhere(_: *mut c_void, _: u32, _: *const c_char, _: usize) {}

    let known = self::level(level);
    // Made first, so that the finalizer is called whatever goes wrong.
    let logger = Logger::new(
        known.unwrap_or(tracing::Level::ERROR),
        log.unwrap_or(nowhere),
        user,
        finalizer,
    );
    // SAFETY: as the header says of handles.
    unsafe {
        guard::code(err, || {
            let wrong = |message: String| Err(Error::new(PROMFETCH_INVALID_ARGUMENT, message));
            if log.is_none() {
                return wrong("`log` is NULL".into());
            }
            if known.is_none() {
                return wrong(format!(
                    "`level` is {level}: 1 is error, 2 warning, 3 info, 4 debug, 5 trace"
                ));
            }
            handle_mut("options", options)?.log = Some(logger);
            Ok(())
        })
    }
}

/// Frees options. Clients that were made with them stay.
///
/// options: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_options_free(options: *mut Options) {
    // SAFETY: as the header says of handles.
    unsafe { free(options) };
}

/// A problem of a key that is not one of the table.
pub(crate) fn unknown_key(what: &str, key: &str, known: &[&str]) -> Error {
    let shown = Problem::new(key, "", None).key;
    Error::new(
        PROMFETCH_UNKNOWN_OPTION,
        format!(
            "a {what} has no key `{shown}`; there are: {}",
            known.join(", ")
        ),
    )
}
