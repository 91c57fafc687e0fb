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

use crate::code::{PROMFETCH_CANCELLED, PROMFETCH_INVALID_ARGUMENT};
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

/// Headers of the caller in one request.
const MAX_HEADERS: usize = 32;

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
        Ok(Self {
            selector: read_selector(selector)?,
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
        if value.is_empty() {
            return self.reset(key);
        }
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

    /// An empty value takes away what was set.
    fn reset(&mut self, key: &str) -> Result<(), Error> {
        match key {
            "metric_path" => self.metric_path = None,
            "format" => self.format = Format::Text,
            "accept" => self.accept = None,
            "timeout" => self.timeout = Duration::MAX,
            "scrape_timeout" => self.scrape_timeout = Duration::MAX,
            "process_type" => self.process_type = None,
            "instance" => self.instance = None,
            "only_app_metrics" => self.only_app_metrics = false,
            "authorization" => self.authorization = None,
            "forwarded_for" => self.forwarded_for = None,
            "all_failed" => self.fails_without_instances = true,
            _ => return Err(unknown_key("request", key, &KEYS)),
        }
        Ok(())
    }

    /// The instances that are asked.
    pub(crate) fn locate(&self, running: &Running) -> Result<Vec<Located>, Error> {
        if self.cancelled.is_cancelled() {
            return Err(Error::new(PROMFETCH_CANCELLED, "the request was cancelled"));
        }
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
    pub(crate) fn ask(&self, running: &Running) -> Result<(Answer, Report), Error> {
        let query = self.query(&running.client().offered_formats());
        let answer = running.wait(&self.cancelled, async {
            let located = self.locate(running)?;
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

/// Reads a selector as in a URL's path; `//` or a scheme in front makes it a route, which may have a path.
fn read_selector(text: &str) -> Result<Selector, Error> {
    let route = match text.strip_prefix("//") {
        Some(route) => Some(route),
        None => text.contains("://").then_some(text),
    };
    if let Some(route) = route {
        return Ok(Selector::parse_decoded(route, false)?);
    }
    Selector::parse(text).or_else(|error| {
        // `host/path` is no name of an app: it has two parts. Neither is what has more than three.
        let route = text
            .contains('.')
            .then(|| Selector::parse_decoded(text, false).ok());
        route.flatten().ok_or_else(|| {
            Error::new(
                PROMFETCH_INVALID_ARGUMENT,
                format!("{error}; a route with a path is `//host/path`"),
            )
        })
    })
}

/// A new request for the instances of an app.
///
/// selector: `org/space/app` (each part percent-encoded, as in a URL), the app's GUID, or one of its routes: its host, or
/// `//host/path`.
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
/// request: not NULL. key, value: not NULL; an empty value takes away what was set. Returns: a code. Errors: `UNKNOWN_OPTION`, `INVALID_ARGUMENT`.
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
/// redirect. What a target has of its own wins. At most 32.
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
            if request.headers.len() >= MAX_HEADERS {
                return Err(Error::new(
                    PROMFETCH_INVALID_ARGUMENT,
                    format!("a request has at most {MAX_HEADERS} headers of the caller"),
                ));
            }
            request.headers.append(name, value);
            Ok(())
        })
    }
}

/// Cancels the calls under way with this request, and all later ones: they end with `CANCELLED`.
///
/// request: may be NULL. Thread: any, also while another thread waits in a call with it, but not during `_set` and
/// `_header`, nor after its `_free`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_names_guids_and_routes() {
        let name = |app: &str| Selector::Name {
            organization: "org".into(),
            space: "space".into(),
            app: app.into(),
        };
        let route = |text: &str| Selector::Route(text.into());
        for (text, want, why) in [
            ("org/space/app", Some(name("app")), "three parts"),
            (
                "org/space/a%2Fb",
                Some(name("a/b")),
                "decoded once, after splitting",
            ),
            (
                "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42",
                Some(Selector::Guid(
                    "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42".into(),
                )),
                "a GUID",
            ),
            (
                "shop",
                Some(route("shop")),
                "a word that a target has as its route",
            ),
            (
                "shop.example.org",
                Some(route("shop.example.org")),
                "a host",
            ),
            (
                "shop.example.org/cart",
                Some(route("shop.example.org/cart")),
                "two parts are no name",
            ),
            (
                "//shop.example.org/cart/v2",
                Some(route("shop.example.org/cart/v2")),
                "a route, whatever its path",
            ),
            (
                "https://shop.example.org/cart/v2",
                Some(route("https://shop.example.org/cart/v2")),
                "as a browser has it",
            ),
            ("one/two", None, "neither"),
            ("//", None, "nothing behind"),
            ("", None, "nothing"),
        ] {
            assert_eq!(read_selector(text).ok(), want, "{text}: {why}");
        }
        let said = read_selector("one/two").unwrap_err().message();
        assert!(said.contains("//host/path"), "{said}");
    }

    #[test]
    fn what_was_set_can_be_taken_away() {
        let mut request = Request::new("org/space/app").unwrap();
        let fresh = format!("{request:?}");
        let values = [
            "/x",
            "protobuf",
            "text/plain",
            "2s",
            "10",
            "worker",
            "0",
            "true",
            "Bearer x",
            "10.0.0.1",
            "page",
        ];
        for (key, value) in KEYS.iter().zip(values) {
            request.set(key, value).unwrap();
        }
        assert_ne!(format!("{request:?}"), fresh);
        for key in KEYS {
            request.set(key, "").unwrap();
        }
        assert_eq!(format!("{request:?}"), fresh);
        assert!(request.set("nothing", "").is_err(), "not even then");
    }

    #[test]
    fn the_smaller_time_counts() {
        let mut request = Request::new("org/space/app").unwrap();
        request.set("timeout", "5s").unwrap();
        for (scraper, want) in [("10", 5.0), ("3", 2.5), ("nonsense", 5.0)] {
            request.set("scrape_timeout", scraper).unwrap();
            assert_eq!(request.query(&[]).timeout.as_secs_f64(), want, "{scraper}");
        }
    }
}
