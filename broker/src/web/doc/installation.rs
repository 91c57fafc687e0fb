//! What the documentation says of this installation: its address, its service, its limits.
//!
//! Whoever reaches the port can read it, whatever the access. So there is nothing here of who may read what, of
//! sources, or of apps.

use std::collections::BTreeMap;
use std::fmt::Write;

use promfetch_core::config::LabelConflict;
use promfetch_core::config::scalars::{duration_text, size_text};
use promfetch_core::exposition::Format;

use super::super::base::Base;
use super::super::template::{Names, visible};
use super::super::words::grouped;
use crate::api::sd::META;
use crate::bindings::parameters::BIND;
use crate::bindings::shape::Shape;
use crate::config::access::Mode;
use crate::config::broker::PLAN_NAME;
use crate::config::{Config, docs};

/// promfetch's own metrics, from what it registers: a test compares.
const OWN_METRICS: &str = include_str!("own_metrics.md");

/// Shipped jobs for Prometheus, without and with a login.
const MERGED: [&str; 2] = [
    include_str!("../../../../manifests/prometheus/merged.yml"),
    include_str!("../../../../manifests/prometheus/merged-with-login.yml"),
];
const INSTANCES: [&str; 2] = [
    include_str!("../../../../manifests/prometheus/instances.yml"),
    include_str!("../../../../manifests/prometheus/instances-with-login.yml"),
];
/// The address that stands in them.
const EXAMPLE_URL: &str = "https://promfetch.example.org";

/// What the Markdown may name.
pub(super) fn names(config: &Config, has_store: bool, taken_over: bool) -> Names {
    let needs_login = usize::from(config.access.mode == Mode::Protected);
    let pick = |jobs: [&'static str; 2]| jobs.get(needs_login).copied().unwrap_or_default();
    Names {
        values: values(config, taken_over),
        conditions: conditions(config, has_store),
        pieces: BTreeMap::from([
            ("bind-parameters", bind_parameters()),
            ("configuration-rules", docs::RULES.to_owned()),
            ("configuration-keys", docs::table()),
            ("own-metrics", OWN_METRICS.to_owned()),
            ("sd-labels", sd_labels()),
            ("job-merged", job(pick(MERGED))),
            ("job-instances", job(pick(INSTANCES))),
        ]),
    }
}

fn values(config: &Config, taken_over: bool) -> BTreeMap<&'static str, String> {
    let base = Base::of(config);
    let (fetch, merge) = (&config.core.fetch, &config.core.merge);
    let size = |bytes: usize| size_text(u64::try_from(bytes).unwrap_or(u64::MAX));
    let list = |texts: &mut dyn Iterator<Item = &str>| {
        let texts: Vec<String> = texts.map(visible).collect();
        texts.join(", ")
    };
    let formats = offered(config);
    BTreeMap::from([
        ("scheme", base.scheme),
        ("host", base.host),
        ("prefix", base.prefix),
        ("service", visible(config.broker.offering(taken_over))),
        ("plan", PLAN_NAME.to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("timeout", duration_text(fetch.timeout)),
        ("cache", duration_text(fetch.cache)),
        ("sd-keep", duration_text(config.sd_keep)),
        (
            "stale",
            duration_text(config.core.discovery.stale_threshold),
        ),
        (
            "delay",
            duration_text(config.core.discovery.start_response_delay),
        ),
        ("max-body", size(fetch.max_body)),
        ("max-body-bytes", fetch.max_body.to_string()),
        ("max-page", size(fetch.max_page)),
        ("max-line", size(merge.max_line)),
        ("max-samples", grouped(merge.max_samples)),
        ("formats", formats.join(", ")),
        (
            "paths",
            list(&mut config.metric_path_allow.iter().map(String::as_str)),
        ),
        (
            "extra-labels",
            list(&mut merge.extra_labels.iter().map(|(name, _)| name)),
        ),
        ("url", base.url),
    ])
}

/// A shipped job with this installation's address, without the lines that say where the file belongs.
fn job(file: &str) -> String {
    let lines: Vec<&str> = file
        .lines()
        .skip_while(|line| line.starts_with('#'))
        .collect();
    let text = lines.join("\n").replace(EXAMPLE_URL, "@url@");
    format!("```yaml\n{text}\n```\n")
}

/// The labels for relabelling.
fn sd_labels() -> String {
    let mut table = "| label | what it says |\n|---|---|\n".to_owned();
    for (name, meaning, only_of_instances) in META {
        let only = if only_of_instances {
            " (with `mode=instances`)"
        } else {
            ""
        };
        let _ = writeln!(table, "| `{name}` | {meaning}{only} |");
    }
    table
}

/// The formats that callers are offered, by name.
fn offered(config: &Config) -> Vec<&'static str> {
    let all = [Format::Text, Format::OpenMetrics, Format::Protobuf];
    let configured = &config.core.merge.formats;
    let offered = if configured.is_empty() {
        &all[..]
    } else {
        configured
    };
    offered
        .iter()
        .map(|format| match format {
            Format::Text => "text",
            Format::OpenMetrics => "OpenMetrics",
            _ => "protobuf",
        })
        .collect()
}

fn conditions(config: &Config, has_store: bool) -> BTreeMap<&'static str, bool> {
    let mode = config.access.mode;
    let formats = offered(config);
    BTreeMap::from([
        ("open", mode == Mode::Open),
        ("audited", mode == Mode::Audit),
        ("protected", mode == Mode::Protected),
        ("tokens", config.access.uaa.is_some()),
        (
            "platform-login",
            (config.access.uaa.as_ref()).is_some_and(|uaa| !uaa.client_id.is_empty()),
        ),
        ("broker", has_store && config.broker.logins().is_ok()),
        ("passwords", !config.broker.secret_key.0.is_empty()),
        ("local", config.base_url.contains("://localhost")),
        ("encrypted", config.base_url.starts_with("https://")),
        ("restricted", !config.metric_path_allow.is_empty()),
        ("labelled", !config.core.merge.extra_labels.is_empty()),
        ("exporters", !config.core.external_exporters.is_empty()),
        (
            "drops",
            config.core.merge.label_conflict == LabelConflict::Drop,
        ),
        ("cached", !config.core.fetch.cache.is_zero()),
        ("kept", !config.sd_keep.is_zero()),
        ("protobuf", formats.contains(&"protobuf")),
    ])
}

/// What a bind may say, from the description that also checks it.
fn bind_parameters() -> String {
    let mut table = "| parameter | what it says |\n|---|---|\n".to_owned();
    if let Shape::Object(members) = &BIND {
        for member in *members {
            let description = member.description.replace('|', "\\|");
            let _ = writeln!(table, "| `{}` | {description} |", member.name);
        }
    }
    table
}
