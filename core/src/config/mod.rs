//! The settings of discovery, fetch and merge, typed and with their defaults.
//!
//! A program may fill [`Config`] itself. One that is configured from outside puts texts into [`Values`](values::Values),
//! from a file, the [`environment`] or options, and has them read by the table of [`keys`]:
//!
//! ```
//! use promfetch_core::config::{Config, keys, values::Values};
//!
//! let mut values = Values::new();
//! values.set(&keys::table(), "nats.hosts[0].hostname", "10.0.16.4").unwrap();
//! values.set(&keys::table(), "fetch_timeout", "10s").unwrap();
//! let (config, warnings) = Config::from_values(&values).unwrap();
//! assert_eq!(config.nats.unwrap().hosts, [("10.0.16.4".to_owned(), 4222)]);
//! assert_eq!(config.fetch.timeout.as_secs(), 10);
//! assert!(warnings.is_empty());
//! ```

pub mod checks;
pub mod environment;
pub mod keys;
pub mod kind;
pub mod path;
pub mod problem;
pub mod read;
pub mod reader;
pub mod scalars;
pub mod table;
mod target;
pub mod values;
#[cfg(feature = "yaml")]
pub mod yaml;

use std::time::Duration;

pub(crate) use self::target::is_authorization;
pub use self::target::{FixedTarget, MAX_TARGETS, Preset, TARGET_TIMEOUT, targets_from_json};
use crate::labels::Labels;
use crate::policy::AddressPolicy;

/// Everything that [`Client`](crate::client::Client) needs to know. `Default` is usable: NATS on localhost is *not* in it.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub nats: Option<Nats>,
    pub gorouters: Vec<Gorouter>,
    pub targets: Vec<FixedTarget>,
    pub external_exporters: Vec<ExternalExporter>,
    pub discovery: Discovery,
    pub fetch: Fetch,
    pub merge: Merge,
    pub call_metrics: CallMetrics,
}

/// `call_metrics`: the names under which promfetch's own calls are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallMetrics {
    /// promfetch's own.
    #[default]
    Own,
    /// Those of the ECS agent.
    Ecs,
}

/// A password or key. It never shows in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "\"***\"" })
    }
}

/// `nats`: the message bus on which route-emitter registers app instances.
#[derive(Clone, Debug)]
pub struct Nats {
    /// Servers as (hostname, port); all are tried.
    pub hosts: Vec<(String, u16)>,
    pub user: String,
    pub pass: Secret,
    pub tls_enabled: bool,
    /// PEM texts; empty when absent.
    pub ca_certs: String,
    pub cert_chain: String,
    pub private_key: Secret,
    pub ping_interval: Duration,
}

impl Default for Nats {
    /// A server on this machine, without login and TLS.
    fn default() -> Self {
        Self {
            hosts: vec![("localhost".to_owned(), 4222)],
            user: String::new(),
            pass: Secret::default(),
            tls_enabled: false,
            ca_certs: String::new(),
            cert_chain: String::new(),
            private_key: Secret::default(),
            ping_interval: Duration::from_secs(20),
        }
    }
}

/// One entry of `gorouters`: a router whose `/routes` is polled.
#[derive(Clone, Debug)]
pub struct Gorouter {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub pass: Secret,
}

/// One entry of `external_exporters`: asked once for each app on the page, with parameters made from the app's tags.
#[derive(Clone, Debug)]
pub struct ExternalExporter {
    pub name: String,
    /// `host` or `host:port`.
    pub host: String,
    pub metrics_path: String,
    pub tls: bool,
    /// Parameters in order of their names; each has a list of templates.
    pub params: Vec<(String, Vec<crate::template::Template>)>,
}

/// How the routing table is kept.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// Ready only after this long: every emitter has sent a heartbeat by then (`start_response_delay_interval`).
    pub start_response_delay: Duration,
    /// An endpoint without heartbeat for this long is dropped (`droplet_stale_threshold`).
    pub stale_threshold: Duration,
    /// Time between polls of one gorouter.
    pub poll_interval: Duration,
    /// Which of an app's addresses may be dialled.
    pub policy: AddressPolicy,
}

impl Default for Discovery {
    fn default() -> Self {
        Self {
            start_response_delay: Duration::from_secs(20),
            stale_threshold: Duration::from_secs(120),
            poll_interval: Duration::from_secs(30),
            policy: AddressPolicy::default(),
        }
    }
}

/// How instances are asked. Each bound has its reason beside it in the key table.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub ca_certs: String,
    pub skip_ssl_validation: bool,
    /// Client certificate for instances (`backends`), PEM; empty when absent.
    pub cert_chain: String,
    pub private_key: Secret,
    /// Connections per instance at once; 0 = no limit.
    pub max_conns: usize,
    pub enable_http2: bool,
    /// Longest time for a whole page.
    pub timeout: Duration,
    pub connect_timeout: Duration,
    /// Fetches at once, over all pages.
    pub max_fetches: usize,
    /// Bytes of one instance's page after decompression.
    pub max_body: usize,
    /// Bytes of all inputs of one merged page.
    pub max_page: usize,
    /// Bytes of all inputs in the process.
    pub max_inflight: usize,
    pub keep_alive: bool,
    /// Idle connections in all, and per instance.
    pub pool_max_idle: usize,
    pub pool_max_idle_per_host: usize,
    pub pool_idle_timeout: Duration,
    /// How long a finished page may be served again to an equal request; zero: never.
    pub cache: Duration,
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            ca_certs: String::new(),
            skip_ssl_validation: false,
            cert_chain: String::new(),
            private_key: Secret::default(),
            max_conns: 0,
            enable_http2: true,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_fetches: 1024,
            max_body: 64 << 20,
            max_page: 1 << 30,
            max_inflight: 1 << 30,
            keep_alive: true,
            pool_max_idle: 20_000,
            pool_max_idle_per_host: 2,
            pool_idle_timeout: Duration::from_secs(90),
            cache: Duration::ZERO,
        }
    }
}

/// What to do with a sample's own label that has the name of an added one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelConflict {
    /// Rename it to `exported_<name>`, as Prometheus does.
    #[default]
    Export,
    /// Leave it out, as promfetcher does.
    Drop,
}

/// How pages are checked and merged.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Added to every sample after the nine labels, such as the foundation's name.
    pub extra_labels: Labels,
    pub label_conflict: LabelConflict,
    /// Samples of one instance.
    pub max_samples: usize,
    /// Bytes of one line of an instance's page.
    pub max_line: usize,
    /// Formats offered to callers, best first; empty: all.
    pub formats: Vec<crate::exposition::Format>,
}

impl Default for Merge {
    fn default() -> Self {
        Self {
            extra_labels: Labels::new(),
            label_conflict: LabelConflict::Export,
            max_samples: 2_000_000,
            max_line: 1 << 20,
            formats: Vec::new(),
        }
    }
}
