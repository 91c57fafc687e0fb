//! How one app, or one instance, stands in the list.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use promfetch_core::instance::{App, Instance};
use promfetch_core::selector::is_guid;
use serde::Serialize;
use utoipa::ToSchema;

use super::apps::Listed;

/// One target, as Prometheus' `http_sd_configs` reads it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TargetGroup)]
pub(super) struct Group<'a> {
    /// Host and port of promfetch, by `base_url`.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 1)]
    targets: [&'a str; 1],
    /// How to scrape it (`__scheme__`, `__metrics_path__`, `__param_*`), an `instance` of its own, and what is known
    /// of it, for relabelling (`__meta_promfetch_*`).
    #[schema(value_type = BTreeMap<String, String>)]
    labels: BTreeMap<&'static str, Cow<'a, str>>,
}

/// All targets.
#[expect(
    dead_code,
    reason = "it stands for the list, which is written one by one"
)]
#[derive(ToSchema)]
pub(super) struct Targets(Vec<Group<'static>>);

/// Every label for relabelling: what it says, and whether only targets of instances have it.
pub(crate) const META: [(&str, &str, bool); 13] = [
    (ORGANIZATION_NAME, "name of the organization", false),
    (ORGANIZATION_ID, "its GUID", false),
    (SPACE_NAME, "name of the space", false),
    (SPACE_ID, "its GUID", false),
    (APP_NAME, "name of the app", false),
    (APP_ID, "its GUID", false),
    (PROCESS_TYPE, "type of the process, mostly `web`", false),
    (
        DEPARTED,
        "`true` where the last instance has left, else `false`",
        false,
    ),
    (INSTANCE_GUID, "the instance's GUID", true),
    (
        INSTANCE_INDEX,
        "its index: in a rolling deployment two instances have the same",
        true,
    ),
    (
        INSTANCE_ADDRESS,
        "host and port where promfetch asks it",
        true,
    ),
    (
        ISOLATION_SEGMENT,
        "isolation segment of the instance, where it has one",
        true,
    ),
    (
        AVAILABILITY_ZONE,
        "availability zone of the instance, where the platform tells it",
        true,
    ),
];

const ORGANIZATION_NAME: &str = "__meta_promfetch_organization_name";
const ORGANIZATION_ID: &str = "__meta_promfetch_organization_id";
const SPACE_NAME: &str = "__meta_promfetch_space_name";
const SPACE_ID: &str = "__meta_promfetch_space_id";
const APP_NAME: &str = "__meta_promfetch_app_name";
const APP_ID: &str = "__meta_promfetch_app_id";
const PROCESS_TYPE: &str = "__meta_promfetch_process_type";
const DEPARTED: &str = "__meta_promfetch_departed";
const INSTANCE_GUID: &str = "__meta_promfetch_instance_guid";
const INSTANCE_INDEX: &str = "__meta_promfetch_instance_index";
const INSTANCE_ADDRESS: &str = "__meta_promfetch_instance_address";
const ISOLATION_SEGMENT: &str = "__meta_promfetch_isolation_segment";
const AVAILABILITY_ZONE: &str = "__meta_promfetch_availability_zone";

/// `base_url` in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Base<'a> {
    scheme: &'a str,
    host: &'a str,
    /// Without a slash at its end, and decoded: Prometheus encodes the path of a target.
    prefix: Cow<'a, str>,
}

impl<'a> Base<'a> {
    pub(super) fn of(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (host, prefix) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        Self {
            scheme,
            host,
            prefix: percent_decode_str(prefix.trim_end_matches('/')).decode_utf8_lossy(),
        }
    }
}

/// The target of an app, or of one of its instances. `None`: no address leads there, which takes a GUID that is none,
/// and names that cannot stand in an address either.
///
/// `process_type`: what the caller has asked for. It is asked for in every scrape then, and `instance` has it, so that
/// the targets of several types can stand in one job.
pub(super) fn group<'a>(
    base: &Base<'a>,
    Listed { app, departed }: &'a Listed,
    instance: Option<&'a Instance>,
    process_type: Option<&'a str>,
) -> Option<Group<'a>> {
    let mut labels = BTreeMap::new();
    let mut path = format!("{}/v1/apps/", base.prefix);
    if is_guid(&app.app_id) {
        path.push_str(&app.app_id);
        path.push('/');
    } else {
        labels.insert("__param_app", selector(app)?.into());
    }
    let own = instance.map(Instance::name);
    if let Some(name) = &own {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]".contains(&byte);
        // A GUID that somebody has made up may hold anything, and no slash can stand there.
        if !name.bytes().all(is_plain) {
            return None;
        }
        path.extend(["instances/", name, "/"]);
    }
    path.push_str("metrics");
    let mut identity = own.unwrap_or_else(|| app.app_id.to_string());
    if let Some(process_type) = process_type {
        labels.insert("__param_process_type", process_type.into());
        if instance.is_none() {
            identity.extend(["/", process_type]);
        }
    }
    labels.extend([
        ("instance", identity.into()),
        ("__scheme__", base.scheme.into()),
        ("__metrics_path__", path.into()),
        (ORGANIZATION_NAME, (&*app.organization_name).into()),
        (ORGANIZATION_ID, (&*app.organization_id).into()),
        (SPACE_NAME, (&*app.space_name).into()),
        (SPACE_ID, (&*app.space_id).into()),
        (APP_NAME, (&*app.app_name).into()),
        (APP_ID, (&*app.app_id).into()),
        (PROCESS_TYPE, (&*app.process_type).into()),
        (DEPARTED, if *departed { "true" } else { "false" }.into()),
    ]);
    if let Some(instance) = instance {
        labels.extend([
            (INSTANCE_GUID, (&*instance.guid).into()),
            (INSTANCE_INDEX, (&*instance.index).into()),
            (INSTANCE_ADDRESS, instance.address.to_string().into()),
            (ISOLATION_SEGMENT, (&*instance.isolation_segment).into()),
            (AVAILABILITY_ZONE, (&*instance.availability_zone).into()),
        ]);
    }
    Some(Group {
        targets: [base.host],
        labels,
    })
}

/// The three names as `?app=` reads them, which knows no way to write a slash in a name.
fn selector(app: &App) -> Option<String> {
    let names = [&*app.organization_name, &*app.space_name, &*app.app_name];
    let is_clear = |name: &&str| !name.is_empty() && !name.contains('/') && name.trim() == *name;
    names.iter().all(is_clear).then(|| names.join("/"))
}

#[cfg(test)]
mod tests;
