//! What to ask for, and asking for it.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use promfetch_core::client::{
    Answer, Bound, Query, check_header, check_metric_path, pick_instance, scrape_timeout,
};
use promfetch_core::config::scalars;
use promfetch_core::discovery::Located;
use promfetch_core::exposition::media::{Accepted, accepted};
use promfetch_core::exposition::{Dialect, Format};
use promfetch_core::selector::Selector;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::code::PROMFETCH_INVALID_ARGUMENT;
use crate::error::Error;
use crate::exposition::Report;
use crate::failures;
use crate::guard;
use crate::options::unknown_key;
use crate::running::Running;
use crate::text::{free, handle_mut, string};

const KEYS: [&str; 11] = [
    "metric_path",
    "format",
    "accept",
    "timeout",
    "scrape_timeout",
    "process_type",
    "instance",
    "only_app_metrics",
    "authorization",
    "forwarded_for",
    "all_failed",
];

/// What to ask for. It can be used again.
#[derive(Clone, Debug)]
pub struct Request {
    selector: Selector,
    metric_path: Option<String>,
    format: Format,
    /// An `Accept` header, which counts more.
    accept: Option<Box<str>>,
    timeout: Duration,
    /// What the scraper waits, less the way back. The smaller of both counts.
    scrape_timeout: Duration,
    process_type: Option<String>,
    instance: Option<String>,
    only_app_metrics: bool,
    authorization: Option<HeaderValue>,
    forwarded_for: Option<String>,
    headers: HeaderMap,
    fails_without_instances: bool,
    cancelled: CancellationToken,
}

impl Request {
    pub(crate) fn new(selector: &str) -> Result<Self, Error> {
        // As in a URL's path, and a route with a path, which has no place there.
        let selector = Selector::parse(selector).or_else(|error| {
            let is_route = selector.contains('.') && !selector.contains("//");
            is_route
                .then(|| Selector::parse_decoded(selector, false).ok())
                .flatten()
                .ok_or(error)
        })?;
        Ok(Self {
            selector,
            metric_path: None,
            format: Format::Text,
            accept: None,
            timeout: Duration::MAX,
            scrape_timeout: Duration::MAX,
            process_type: None,
            instance: None,
            only_app_metrics: false,
            authorization: None,
            forwarded_for: None,
            headers: HeaderMap::new(),
            fails_without_instances: true,
            cancelled: CancellationToken::new(),
        })
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let wrong = |what: &str| {
            Error::new(
                PROMFETCH_INVALID_ARGUMENT,
                format!("`{key}` must be {what}"),
            )
        };
        match key {
            "metric_path" => self.metric_path = Some(check_metric_path(value)?),
            "format" => {
                self.format = Format::from_word(value)
                    .ok_or_else(|| wrong("`text`, `openmetrics` or `protobuf`"))?;
            }
            "accept" => self.accept = Some(value.into()),
            "timeout" => {
                self.timeout = scalars::duration(value)
                    .ok()
                    .filter(|timeout| !timeout.is_zero())
                    .ok_or_else(|| wrong("a duration such as `2s` or `500ms`"))?;
            }
            "scrape_timeout" => self.scrape_timeout = scrape_timeout(Some(value), Duration::MAX),
            "process_type" => self.process_type = Some(value.to_owned()),
            "instance" => self.instance = Some(value.to_owned()),
            "only_app_metrics" => {
                self.only_app_metrics =
                    scalars::boolean(value).map_err(|_| wrong("`true` or `false`"))?;
            }
            "authorization" => {
                let mut value = HeaderValue::from_str(value)
                    .map_err(|_| wrong("a header value such as `Bearer …`"))?;
                value.set_sensitive(true);
                self.authorization = Some(value);
            }
            "forwarded_for" => {
                HeaderValue::from_str(value).map_err(|_| wrong("a header value"))?;
                self.forwarded_for = Some(value.to_owned());
            }
            "all_failed" => {
                self.fails_without_instances = match value {
                    "error" => true,
                    "page" => false,
                    _ => return Err(wrong("`error` or `page`")),
                }
            }
            _ => return Err(unknown_key("request", key, &KEYS)),
        }
        Ok(())
    }

    /// The instances that are asked.
    pub(crate) fn locate(&self, running: &Running) -> Result<Vec<Located>, Error> {
        let process_type = self.process_type.as_deref();
        let client = running.client();
        let located = client.locate(&self.selector, process_type, &Bound::default())?;
        Ok(match &self.instance {
            None => located,
            Some(name) => pick_instance(located, name)?,
        })
    }

    pub(crate) fn metric_path(&self) -> Option<&str> {
        self.metric_path.as_deref()
    }

    fn query(&self, offered: &[Format]) -> Query {
        Query {
            selector: self.selector.clone(),
            metric_path: self.metric_path.clone(),
            bound: Arc::default(),
            only_app_metrics: self.only_app_metrics,
            needs_endpoint: self.fails_without_instances,
            accepted: match &self.accept {
                None => Accepted::from(Dialect::plain(self.format)),
                Some(header) => accepted(Some(header), offered),
            },
            authorization: self.authorization.clone(),
            forwarded_for: self.forwarded_for.clone(),
            timeout: self.timeout.min(self.scrape_timeout),
            headers: self.headers.clone(),
        }
    }

    /// Asks the instances and waits until all have answered, or the time is up.
    pub(crate) fn ask(&self, client: &Client) -> Result<(Answer, Report), Error> {
        let running = client.enter()?;
        let query = self.query(&running.client().offered_formats());
        let answer = running.wait(&self.cancelled, async {
            let located = self.locate(&running)?;
            Ok(running.client().page(&query, located).await?)
        })?;
        let outcomes = answer.page.outcomes();
        if self.fails_without_instances && answer.up == 0 && !outcomes.is_empty() {
            return Err(failures::of_all(outcomes));
        }
        let failures = failures::of_each(outcomes);
        let report = Report::new(answer.dialect, answer.up, failures);
        Ok((answer, report))
    }
}

/// A new request for the instances of an app.
///
/// selector: `org/space/app` (each part percent-encoded, as in a URL), the app's GUID, or one of its routes.
/// Returns: a request that you own, or NULL. Errors: `INVALID_ARGUMENT`. Thread: any.
///
/// # Safety
/// As the header says of strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_request_new(
    selector: *const c_char,
    err: *mut *mut Error,
) -> *mut Request {
    // SAFETY: as the header says of strings.
    unsafe { guard::handle(err, || Request::new(string("selector", selector)?)) }
}

/// Says more about what is wanted. The keys:
///
/// - `metric_path`: another path than the target's own or `/metrics`.
/// - `format`: `text` (the default), `openmetrics` or `protobuf`. `accept`: what an `Accept` header says; it counts more.
/// - `timeout`: for the whole page, such as `2s`. `scrape_timeout`: the value of `X-Prometheus-Scrape-Timeout-Seconds`, from
///   which time for the way back is taken off; nonsense counts as absent. The smallest counts of both and the option `fetch_timeout`.
/// - `process_type`: another process than `web`. `instance`: only that one, by index or GUID.
/// - `only_app_metrics`: `true`: without external exporters and without health series (`promfetch_up` and others).
/// - `authorization`: a header for the app's instances. `forwarded_for`: `X-Forwarded-For` for them.
/// - `all_failed`: `error` (the default): when no instance gave metrics, the call fails; `page`: it gives the health series.
///
/// request: not NULL. key, value: not NULL. Returns: a code. Errors: `UNKNOWN_OPTION`, `INVALID_ARGUMENT`.
/// Thread: one at a time.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_request_set(
    request: *mut Request,
    key: *const c_char,
    value: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let request = handle_mut("request", request)?;
            request.set(string("key", key)?, string("value", value)?)
        })
    }
}

/// Adds a header for the app's instances, such as `X-Tenant`. It is not sent to external exporters and not along a
/// redirect. What a target has of its own wins.
///
/// request: not NULL. name, value: not NULL; not one that promfetch sets itself, nor `Host` and those of the connection.
/// Returns: a code. Errors: `INVALID_ARGUMENT`. Thread: one at a time.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_request_header(
    request: *mut Request,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut Error,
) -> u32 {
    // SAFETY: as the header says of handles and strings.
    unsafe {
        guard::code(err, || {
            let request = handle_mut("request", request)?;
            let (name, value) = check_header(string("name", name)?, string("value", value)?)?;
            request.headers.append(name, value);
            Ok(())
        })
    }
}

/// Cancels the calls under way with this request, and all later ones: they end with `CANCELLED`.
///
/// request: may be NULL. Thread: any, also while another thread waits in a call with it, but not after its `_free`.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_request_cancel(request: *const Request) {
    // SAFETY: as the header says of handles.
    if let Some(request) = unsafe { request.as_ref() } {
        guard::quietly(|| request.cancelled.cancel());
    }
}

/// Frees a request.
///
/// request: may be NULL. Thread: alone: no call with it may be under way.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_request_free(request: *mut Request) {
    // SAFETY: as the header says of handles.
    unsafe { free(request) };
}
