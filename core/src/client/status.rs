//! What is known of one instance without asking it.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::way::{PathSource, Way};
use crate::discovery::Located;
use crate::fetch::LastOutcome;

/// An instance in the table, with how it answered last: "why is my app not there?"
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InstanceStatus {
    pub app_id: String,
    pub organization_name: String,
    pub space_name: String,
    pub app_name: String,
    pub process_type: String,
    pub index: String,
    pub instance_guid: String,
    /// What names it below `/instances/`: [`Instance::name`](crate::instance::Instance::name).
    #[serde(skip)]
    pub name: String,
    /// `host:port` that is dialled, or the Unix socket: `unix:///run/app.sock`.
    pub address: String,
    pub tls: bool,
    /// The Host that the instance is asked under.
    pub host: String,
    /// The path that the next page asks for.
    pub path: String,
    /// Why: `default`, `target` (a fixed target's own), `query` (the caller's `metric_path`) or `binding` (what the app's developers have bound).
    pub path_source: PathSource,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub isolation_segment: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub availability_zone: String,
    /// Seconds since a source last said that the instance is there.
    pub route_age_seconds: f64,
    /// `up`, `down`, or `unknown` when nobody has asked it lately.
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// How an instance answered last.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = LastOutcome))]
pub struct Last {
    pub seconds_ago: f64,
    pub path: String,
    /// The HTTP status, if there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    pub duration_seconds: f64,
    pub body_bytes: usize,
    pub samples: usize,
    /// One of the reasons of `promfetcher_scrape_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl InstanceStatus {
    pub(super) fn of(located: &Located, way: &Way<'_>, last: Option<LastOutcome>) -> Self {
        let instance = &*located.instance;
        Self {
            app_id: instance.app.app_id.to_string(),
            organization_name: instance.app.organization_name.to_string(),
            space_name: instance.app.space_name.to_string(),
            app_name: instance.app.app_name.to_string(),
            process_type: instance.app.process_type.to_string(),
            index: instance.index.to_string(),
            instance_guid: instance.guid.to_string(),
            name: instance.name(),
            address: instance.address.to_string(),
            tls: instance.transport.tls.is_some(),
            host: located.host.to_string(),
            path: way.path.to_owned(),
            path_source: way.source,
            isolation_segment: instance.isolation_segment.to_string(),
            availability_zone: instance.availability_zone.to_string(),
            route_age_seconds: seconds(located.age),
            status: match &last {
                None => "unknown",
                Some(last) if last.failure.is_none() => "up",
                Some(_) => "down",
            },
            last: last.map(Last::from),
        }
    }
}

impl From<LastOutcome> for Last {
    fn from(last: LastOutcome) -> Self {
        Self {
            seconds_ago: seconds(
                SystemTime::now()
                    .duration_since(last.at)
                    .unwrap_or_default(),
            ),
            path: last.path.into(),
            http_status: last.status,
            duration_seconds: last.duration.as_secs_f64(),
            body_bytes: last.body_bytes,
            samples: last.samples,
            error: last.failure.as_ref().map(|failure| failure.reason.as_str()),
            detail: last.failure.map(|failure| failure.detail),
        }
    }
}

/// Seconds with three decimals, for people.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
