//! The instances of an app, without asking them.

use std::ffi::c_char;

use promfetch_core::client::Bound;
use promfetch_core::fetch::Target;

use crate::asking::{by_request, by_selector};
use crate::client::Client;
use crate::error::Error;
use crate::request::Request;
use crate::running::Running;
use crate::text::{Terminated, Text, free, put, string};

/// Instances with their labels.
#[derive(Debug)]
pub struct Targets(Vec<Vec<(Terminated, Terminated)>>);

impl Targets {
    fn label(&self, target: usize, label: usize) -> Option<&(Terminated, Terminated)> {
        self.0.get(target)?.get(label)
    }
}

fn discover(running: &Running, request: &Request) -> Result<Targets, Error> {
    running.scoped(|| {
        let located = request.locate(running)?;
        let targets = running
            .client()
            .targets(located, request.metric_path(), &Bound::default());
        Ok(Targets(
            targets.iter().map(|target| labels(target)).collect(),
        ))
    })
}

/// The labels of an instance's samples, and those that Prometheus' service discovery has for a target.
fn labels(target: &Target) -> Vec<(Terminated, Terminated)> {
    let scheme = match target.transport.tls {
        Some(_) => "https",
        None => "http",
    };
    let address = target.address.to_string();
    let mut labels: Vec<(&str, &str)> = target.labels.iter().collect();
    labels.extend([
        ("__address__", &*address),
        ("__scheme__", scheme),
        ("__metrics_path__", &target.path_and_query),
        ("__meta_promfetch_host", &target.host),
    ]);
    if let Some(located) = &target.instance {
        labels.extend([
            ("__meta_promfetch_instance_guid", &*located.instance.guid),
            (
                "__meta_promfetch_process_type",
                &*located.instance.app.process_type,
            ),
        ]);
    }
    labels
        .into_iter()
        .map(|(name, value)| (Terminated::new(name), Terminated::new(value)))
        .collect()
}

fn instances(running: &Running, request: &Request) -> Result<Text, Error> {
    running.scoped(|| {
        let located = request.locate(running)?;
        let statuses =
            running
                .client()
                .instances(&located, request.metric_path(), &Bound::default());
        let json = serde_json::to_vec(&statuses).unwrap_or_default();
        Ok(Text(Terminated::new(json)))
    })
}

/// The instances of an app, by index, without asking them.
///
/// client: not NULL. selector: as for `promfetch_request_new`.
/// Returns: targets that you own, or NULL. Errors: `NOT_FOUND`, `NOT_READY`, `FORKED`, `INVALID_ARGUMENT`.
/// Thread: concurrently.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_discover(
    client: *const Client,
    selector: *const c_char,
    err: *mut *mut Error,
) -> *mut Targets {
    // SAFETY: as the header says of handles and strings.
    unsafe { by_selector(client, selector, err, discover) }
}

/// The instances that a request would ask.
///
/// client, request: not NULL. Of the request count `process_type`, `instance` and `metric_path`.
/// Returns: targets that you own, or NULL. Errors: as `promfetch_discover`, `AMBIGUOUS` and `CANCELLED`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_discover_request(
    client: *const Client,
    request: *const Request,
    err: *mut *mut Error,
) -> *mut Targets {
    // SAFETY: as the header says of handles.
    unsafe { by_request(client, request, err, discover) }
}

/// How many targets there are.
///
/// targets: may be NULL, which gives 0. Returns: the number. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_count(targets: *const Targets) -> usize {
    // SAFETY: as the header says of handles.
    unsafe { targets.as_ref() }.map_or(0, |targets| targets.0.len())
}

/// The value of a target's label: one of those that its samples get, or `__address__`, `__scheme__`, `__metrics_path__`,
/// `__meta_promfetch_host` (the Host it is asked under), `__meta_promfetch_instance_guid`, `__meta_promfetch_process_type`.
///
/// targets: may be NULL. index: of the target, from 0. name: of the label; not NULL.
/// len: gets the number of bytes; may be NULL.
/// Returns: borrowed from targets, ended by NUL; NULL when there is no such label. Thread: concurrently.
///
/// # Safety
/// As the header says of handles, strings and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_label(
    targets: *const Targets,
    index: usize,
    name: *const c_char,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says of handles, strings and lengths.
    unsafe {
        put(len, 0);
        let (Some(targets), Ok(name)) = (targets.as_ref(), string("name", name)) else {
            return std::ptr::null();
        };
        let label = targets.0.get(index).and_then(|labels| {
            labels
                .iter()
                .find(|(known, _)| known.as_bytes() == name.as_bytes())
        });
        label.map_or(std::ptr::null(), |(_, value)| value.give(len))
    }
}

/// How many labels a target has.
///
/// targets: may be NULL, which gives 0. index: of the target, from 0. Returns: the number. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_label_count(
    targets: *const Targets,
    index: usize,
) -> usize {
    // SAFETY: as the header says of handles.
    let labels = unsafe { targets.as_ref() }.and_then(|targets| targets.0.get(index));
    labels.map_or(0, Vec::len)
}

/// The name of a target's label.
///
/// targets: may be NULL. index: of the target, from 0. label: of the label, from 0. len: gets the number of bytes; may be NULL.
/// Returns: borrowed from targets, ended by NUL; NULL when there is none. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_label_name(
    targets: *const Targets,
    index: usize,
    label: usize,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        put(len, 0);
        let label = targets
            .as_ref()
            .and_then(|targets| targets.label(index, label));
        label.map_or(std::ptr::null(), |(name, _)| name.give(len))
    }
}

/// The value of a target's label, by its place.
///
/// targets: may be NULL. index: of the target, from 0. label: of the label, from 0. len: gets the number of bytes; may be NULL.
/// Returns: borrowed from targets, ended by NUL; NULL when there is none. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_label_value(
    targets: *const Targets,
    index: usize,
    label: usize,
    len: *mut usize,
) -> *const c_char {
    // SAFETY: as the header says of handles and lengths.
    unsafe {
        put(len, 0);
        let label = targets
            .as_ref()
            .and_then(|targets| targets.label(index, label));
        label.map_or(std::ptr::null(), |(_, value)| value.give(len))
    }
}

/// Frees targets.
///
/// targets: may be NULL. Thread: alone.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_targets_free(targets: *mut Targets) {
    // SAFETY: as the header says of handles.
    unsafe { free(targets) };
}

/// What is known of the instances of an app without asking them, as JSON: a list with address, path, status, and how
/// each answered last.
///
/// client: not NULL. selector: as for `promfetch_request_new`.
/// Returns: a text that you own, or NULL. Errors: as `promfetch_discover`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles and strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_instances(
    client: *const Client,
    selector: *const c_char,
    err: *mut *mut Error,
) -> *mut Text {
    // SAFETY: as the header says of handles and strings.
    unsafe { by_selector(client, selector, err, instances) }
}

/// The same of the instances that a request would ask.
///
/// client, request: not NULL. Of the request count `process_type`, `instance` and `metric_path`.
/// Returns: a text that you own, or NULL. Errors: as `promfetch_discover_request`. Thread: concurrently.
///
/// # Safety
/// As the header says of handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn promfetch_instances_request(
    client: *const Client,
    request: *const Request,
    err: *mut *mut Error,
) -> *mut Text {
    // SAFETY: as the header says of handles.
    unsafe { by_request(client, request, err, instances) }
}
