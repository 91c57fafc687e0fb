//! From texts to the typed settings, with the rules that tie several keys together.

mod targets;

use std::time::Duration;

use rustls::RootCertStore;

pub(super) use self::targets::Reading;
use super::problem::{Problems, Warning};
use super::reader::{At, Reader};
use super::values::Values;
use super::{
    CallMetrics, Config, Discovery, ExternalExporter, Fetch, Gorouter, LabelConflict, Merge, Nats,
    Secret, keys,
};
use crate::exposition::Format;
use crate::labels::{Labels, check_further};
use crate::policy::AddressPolicy;
use crate::template::Template;
use crate::tls;

/// Idle connections without a limit of the user's: more than a process can have.
const UNLIMITED: usize = 1_000_000;

impl Config {
    /// The settings that these values make, by the keys of this crate alone.
    ///
    /// # Errors
    /// All problems with the values.
    pub fn from_values(values: &Values) -> Result<(Self, Vec<Warning>), Problems> {
        let table = keys::table();
        let reader = Reader::new(&table, values);
        let config = Self::read(&reader.root());
        Ok((config, reader.finish()?))
    }

    /// Reads the settings from the top of a configuration. Problems stay in the reader: what this returns
    /// may be used only when there is none.
    pub fn read(root: &At<'_>) -> Self {
        let nats = root.section("nats");
        let ping_interval = root.duration("nats_client_ping_interval");
        Self {
            nats: root
                .is_given("nats")
                .then(|| read_nats(&nats, ping_interval)),
            gorouters: root
                .sections("gorouters")
                .iter()
                .map(read_gorouter)
                .collect(),
            targets: targets::read_all(root),
            external_exporters: read_exporters(root),
            discovery: read_discovery(root),
            fetch: read_fetch(root),
            merge: read_merge(root),
            call_metrics: match root.text("call_metrics").as_str() {
                "ecs" => CallMetrics::Ecs,
                _ => CallMetrics::Own,
            },
        }
    }

    /// Whether anything tells of app instances. External exporters do not: they are asked about apps that are known.
    pub fn has_source(&self) -> bool {
        self.nats.is_some() || !self.gorouters.is_empty() || !self.targets.is_empty()
    }
}

fn read_nats(at: &At<'_>, ping_interval: Duration) -> Nats {
    let mut hosts: Vec<(String, u16)> = at
        .sections("hosts")
        .iter()
        .map(|host| (without_brackets(host.text("hostname")), host.number("port")))
        .collect();
    if hosts.is_empty() {
        hosts = Nats::default().hosts;
    }
    let tls_enabled = at.boolean("tls_enabled");
    let ca_certs = at.text("ca_certs");
    let (mut cert_chain, mut private_key) = (at.text("cert_chain"), at.secret("private_key"));
    if tls_enabled {
        check_issuers(at, "ca_certs", &ca_certs);
        check_identity(at, &cert_chain, &private_key);
    } else {
        (cert_chain, private_key) = Default::default();
    }
    Nats {
        hosts,
        user: at.text("user"),
        pass: at.secret("pass"),
        tls_enabled,
        ca_certs,
        cert_chain,
        private_key,
        ping_interval,
    }
}

fn read_gorouter(at: &At<'_>) -> Gorouter {
    Gorouter {
        host: without_brackets(at.text("host")),
        port: at.number("port"),
        user: at.text("user"),
        pass: at.secret("pass"),
    }
}

fn read_exporters(root: &At<'_>) -> Vec<ExternalExporter> {
    let mut exporters: Vec<ExternalExporter> = Vec::new();
    for at in root.sections("external_exporters") {
        let host = at.text("host");
        let mut metrics_path = at.text("metrics_path");
        if !metrics_path.starts_with('/') {
            metrics_path.insert(0, '/');
        }
        let given = at
            .text_if_any("name")
            .unwrap_or_else(|| format!("{host}{metrics_path}"));
        let params = at.entries("params").into_iter().map(|(name, values)| {
            // What cannot be parsed has its problem already.
            let templates = values
                .whole_texts()
                .iter()
                .filter_map(|text| Template::parse(text).ok())
                .collect();
            (name, templates)
        });
        exporters.push(ExternalExporter {
            name: unused_name(&given, &exporters),
            metrics_path,
            tls: at.text("scheme") == "https",
            params: params.collect(),
            host,
        });
        if let Some(exporter) = exporters.last().filter(|exporter| exporter.name != given) {
            at.note(format!(
                "an earlier exporter has the same name: this one is called `{}`",
                exporter.name
            ));
        }
    }
    exporters
}

/// Two exporters of one name would give equal series: the later ones get a number.
fn unused_name(name: &str, exporters: &[ExternalExporter]) -> String {
    let is_used = |name: &str| exporters.iter().any(|exporter| exporter.name == name);
    let mut free = name.to_owned();
    let mut number = 1;
    while is_used(&free) {
        number += 1;
        free = format!("{name}#{number}");
    }
    free
}

fn read_discovery(root: &At<'_>) -> Discovery {
    let policy = AddressPolicy {
        allow: root.networks("targets_allow"),
        deny: root.networks("targets_deny"),
    };
    if policy.allow.iter().any(|network| network.prefix_len() == 0) {
        root.section("targets_allow")
            .warn("allows every address, those of this machine and of the cloud's metadata service included");
    }
    Discovery {
        start_response_delay: root.duration("start_response_delay_interval"),
        stale_threshold: root.duration("droplet_stale_threshold"),
        poll_interval: root.duration("gorouter_poll_interval"),
        policy,
    }
}

fn read_fetch(root: &At<'_>) -> Fetch {
    let backends = root.section("backends");
    let ca_certs = root.text("ca_certs");
    check_issuers(root, "ca_certs", &ca_certs);
    let (cert_chain, private_key) = (backends.text("cert_chain"), backends.secret("private_key"));
    check_identity(&backends, &cert_chain, &private_key);
    let skip_ssl_validation = root.boolean("skip_ssl_validation");
    if skip_ssl_validation {
        root.section("skip_ssl_validation").warn(
            "certificates of instances are not checked: whoever is in between can read and change everything",
        );
    }
    let max_page = root.number("max_page");
    let max_inflight = root.number("max_inflight");
    if max_page > max_inflight && (root.is_given("max_page") || root.is_given("max_inflight")) {
        root.section("max_page")
            .warn("is larger than `max_inflight`, which is reached first");
    }
    Fetch {
        ca_certs,
        skip_ssl_validation,
        cert_chain,
        private_key,
        max_conns: backends.number("max_conns"),
        enable_http2: root.boolean("enable_http2"),
        timeout: root.duration("fetch_timeout"),
        connect_timeout: root.duration("fetch_connect_timeout"),
        max_fetches: root.number("max_fetches"),
        max_body: root.number("max_body"),
        max_page,
        max_inflight,
        keep_alive: !root.boolean("disable_keep_alives"),
        pool_max_idle: read_max_idle(root),
        pool_max_idle_per_host: match root.number("max_idle_conns_per_host") {
            0 => Fetch::default().pool_max_idle_per_host,
            number => number,
        },
        pool_idle_timeout: read_idle_timeout(root),
        cache: root.duration("fetch_cache"),
    }
}

/// promfetcher's `max_idle_conns` raises `pool_max_idle`, but never lowers it: its usual 100, taken literally, closes
/// nearly every connection between two scrapes. There it had no effect at all, as each scrape made a new pool.
fn read_max_idle(root: &At<'_>) -> usize {
    let own = root.number("pool_max_idle");
    let Some(old) = root.number_if_any("max_idle_conns") else {
        return own;
    };
    let old = if old == 0 { UNLIMITED } else { old };
    if root.is_given("pool_max_idle") {
        root.section("max_idle_conns")
            .note("has no effect beside `pool_max_idle`");
        return own;
    }
    if old < own {
        root.section("max_idle_conns").note(format!(
            "does not lower the pool of {own} connections; `pool_max_idle` does"
        ));
    }
    own.max(old)
}

/// promfetcher's `idle_conn_timeout` in the same way.
fn read_idle_timeout(root: &At<'_>) -> Duration {
    let own = root.duration("pool_idle_timeout");
    let Some(old) = root.duration_if_any("idle_conn_timeout") else {
        return own;
    };
    // In Go, zero is no limit; an hour is as good, and lets connections of instances that left go.
    let old = if old.is_zero() {
        Duration::from_secs(3600)
    } else {
        old
    };
    if root.is_given("pool_idle_timeout") {
        root.section("idle_conn_timeout")
            .note("has no effect beside `pool_idle_timeout`");
        return own;
    }
    if old < own {
        let own = super::scalars::duration_text(own);
        root.section("idle_conn_timeout").note(format!(
            "does not shorten the {own} of idle connections; `pool_idle_timeout` does"
        ));
    }
    own.max(old)
}

fn read_merge(root: &At<'_>) -> Merge {
    let mut formats = Vec::new();
    // Other words were complained of where the key was checked.
    for format in root
        .texts("formats")
        .iter()
        .filter_map(|word| Format::from_word(word))
    {
        if !formats.contains(&format) {
            formats.push(format);
        }
    }
    let labels = root.section("extra_labels");
    let mut extra_labels = Labels::new();
    for (name, at) in root.entries("extra_labels") {
        match check_further(&name) {
            Ok(()) => {
                if let Some(value) = labels.text_if_any(&name) {
                    extra_labels.push(name, value);
                }
            }
            Err(reason) => at.problem(reason),
        }
    }
    Merge {
        extra_labels,
        label_conflict: match root.text("label_conflict").as_str() {
            "drop" => LabelConflict::Drop,
            _ => LabelConflict::Export,
        },
        max_samples: root.number("max_samples"),
        max_line: root.number("max_line"),
        formats,
    }
}

/// Notes a problem when the bundle cannot be used.
fn check_issuers(at: &At<'_>, key: &str, bundle: &str) {
    match tls::add_issuers(&mut RootCertStore::empty(), bundle) {
        Ok(unusable) => unusable
            .into_iter()
            .for_each(|reason| at.section(key).warn(reason)),
        Err(error) => at.section(key).problem(error.to_string()),
    }
}

/// Notes a problem when a certificate stands without its key, or they do not belong together. Reads no keys:
/// `at` is the section with `cert_chain` and `private_key`. Both empty is no problem.
pub fn check_identity(at: &At<'_>, cert_chain: &str, private_key: &Secret) {
    match (
        cert_chain.trim().is_empty(),
        private_key.0.trim().is_empty(),
    ) {
        (true, true) => {}
        (true, false) => at
            .section("cert_chain")
            .problem("is required when `private_key` is given"),
        (false, true) => at
            .section("private_key")
            .problem("is required when `cert_chain` is given"),
        (false, false) => {
            if let Err(error) = tls::certificates(cert_chain) {
                at.section("cert_chain").problem(error.to_string());
            } else if let Err(error) = tls::identity(cert_chain, &private_key.0) {
                at.section("private_key").problem(error.to_string());
            }
        }
    }
}

/// IPv6 addresses may be written with the brackets that they have in URLs.
fn without_brackets(host: String) -> String {
    match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(inside) => inside.to_owned(),
        None => host,
    }
}

#[cfg(test)]
mod tests;
