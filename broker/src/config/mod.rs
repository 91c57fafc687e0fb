//! The configuration of the service: promfetcher's file as it is, the environment over it, defaults below.

pub mod access;
pub(crate) mod address;
pub mod broker;
mod checks;
pub mod docs;
pub mod keys;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use promfetch_core::config::path::Path as KeyPath;
use promfetch_core::config::problem::Origin;
pub use promfetch_core::config::problem::{Problem, Problems, Severity, Warning};
use promfetch_core::config::read::check_identity;
use promfetch_core::config::reader::{At, Reader};
use promfetch_core::config::values::Values;
use promfetch_core::config::yaml;
use promfetch_core::config::{Nats, Secret, environment};

pub use access::Access;
pub use broker::{Broker, Store};

/// Everything that the service needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Discovery, fetch and merge.
    pub core: promfetch_core::config::Config,
    /// Port of the API; 0 is any free one.
    pub port: u16,
    /// Port of `/health` and `/ready`; 0 is any free one.
    pub health_check_port: u16,
    /// Where the call metrics are served alone; port 0 is any free one.
    pub call_metrics_address: Option<SocketAddr>,
    /// Certificate of the API; `None`: it speaks plain HTTP.
    pub tls: Option<TlsPem>,
    /// Where users reach the API; no slash at its end.
    pub base_url: String,
    pub logging: Logging,
    /// How long an app without instances stays a target; zero: not at all.
    pub sd_keep: Duration,
    /// How long to serve on after SIGUSR1.
    pub drain_wait: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Paths that callers may ask for; `*` stands for any characters. Empty: any path.
    pub metric_path_allow: Vec<String>,
    /// The number of this process among several.
    pub index: u64,
    pub access: Access,
    pub broker: Broker,
    pub store: Store,
    /// A database that ends with the process, in place of `store`. For the demo; no key leads here.
    pub store_in_memory: bool,
}

/// `tls_pem`: the API's certificate. Certificate and key are known to belong together.
#[derive(Clone, Debug)]
pub struct TlsPem {
    pub cert_chain: String,
    pub private_key: Secret,
}

/// `logging`.
#[derive(Clone, Debug)]
pub struct Logging {
    /// One of promfetcher's names, in lower case.
    pub level: String,
    pub no_color: bool,
    pub in_json: bool,
}

impl Default for Config {
    /// What an empty configuration gives: NATS on this machine, all else by default.
    fn default() -> Self {
        let core = promfetch_core::config::Config {
            nats: Some(Nats::default()),
            ..Default::default()
        };
        Self {
            core,
            port: 8085,
            health_check_port: 8080,
            call_metrics_address: None,
            tls: None,
            base_url: "http://localhost:8085".into(),
            logging: Logging {
                level: "info".into(),
                no_color: false,
                in_json: false,
            },
            sd_keep: Duration::from_secs(3600),
            drain_wait: Duration::from_secs(20),
            trusted_proxies: Vec::new(),
            metric_path_allow: Vec::new(),
            index: 0,
            access: Access::default(),
            broker: Broker {
                service_name: String::new(),
                service_id: String::new(),
                plan_id: String::new(),
                login: broker::Login {
                    user: String::new(),
                    pass: Secret::default(),
                },
                previous_login: broker::Login {
                    user: String::new(),
                    pass: Secret::default(),
                },
                secret_key: Secret::default(),
                previous_secret_key: Secret::default(),
                take_over: None,
                write_back: true,
            },
            store: Store {
                conn: Secret::default(),
                max_idle: 5,
                max_open: 10,
                max_life: Duration::from_secs(3600),
            },
            store_in_memory: false,
        }
    }
}

impl Config {
    /// Reads the configuration from a file, if there is one, and the environment over it. Of the environment only
    /// variables that begin with `PROMFETCH_` count.
    ///
    /// # Errors
    /// All problems of all sources.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<Warning>), Problems> {
        Self::load_with(file, environment, [])
    }

    /// As [`load`](Self::load), with options over the environment: dotted keys with their values.
    ///
    /// # Errors
    /// All problems of all sources.
    pub fn load_with<'o>(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        options: impl IntoIterator<Item = (&'o str, &'o str)>,
    ) -> Result<(Self, Vec<Warning>), Problems> {
        let table = keys::table();
        let mut values = Values::new();
        let mut problems = Vec::new();
        if let Some(file) = file {
            problems.extend(yaml::load(file, &mut values).err());
        }
        let (mut warnings, wrong) = environment::apply(&mut values, &table, environment);
        problems.extend(wrong);
        for (key, text) in options {
            problems.extend(
                values
                    .put(
                        &table,
                        &KeyPath::parse(key),
                        text,
                        Origin::Option(key.into()),
                    )
                    .err(),
            );
        }
        let reader = Reader::new(&table, &values);
        let config = Self::read(&reader.root());
        match reader.finish() {
            Ok(more) => warnings.extend(more),
            Err(more) => {
                problems.extend(more.iter().cloned());
                warnings.extend_from_slice(more.warnings());
            }
        }
        let warnings = Problems::or_warnings(problems, warnings)?;
        Ok((config, warnings))
    }

    /// Reads the settings from the top of a configuration. Problems stay in the reader.
    fn read(root: &At<'_>) -> Self {
        let mut core = promfetch_core::config::Config::read(root);
        if !core.has_source() {
            // As promfetcher: a configuration without any source means NATS on this machine.
            core.nats = Some(Nats {
                ping_interval: root.duration("nats_client_ping_interval"),
                ..Nats::default()
            });
        }
        let port = root.number("port");
        let health_check_port = root.number("health_check_port");
        if port == health_check_port && port != 0 {
            root.section("health_check_port")
                .problem("expected another port than that of the API (`port`)");
        }
        let call_metrics_address = root
            .text_if_any("call_metrics_address")
            .and_then(|text| checks::read_listen_address(&text));
        if let Some(address) = call_metrics_address
            && [port, health_check_port].contains(&address.port())
            && address.port() != 0
        {
            root.section("call_metrics_address").problem(
                "expected another port than those of the API (`port`) and of its health (`health_check_port`)",
            );
        }
        let tls = read_tls(root);
        let broker = broker::read_broker(root);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base_url = root
            .text_if_any("base_url")
            .unwrap_or_else(|| format!("{scheme}://localhost:{port}"));
        if root.is_given("not_exit_when_conn_failed") {
            let _ = root.boolean("not_exit_when_conn_failed");
            root.section("not_exit_when_conn_failed")
                .note("has no effect: promfetch serves metrics also while its database is away");
        }
        Self {
            core,
            port,
            health_check_port,
            call_metrics_address,
            tls,
            base_url: base_url.trim_end_matches('/').to_owned(),
            logging: read_logging(&root.section("logging")),
            sd_keep: root.duration("sd_keep"),
            drain_wait: root.duration("drain_wait"),
            trusted_proxies: root.networks("trusted_proxies"),
            metric_path_allow: root.texts("metric_path_allow"),
            index: root.number("index"),
            access: access::read(root, &broker),
            broker,
            store: broker::read_store(root),
            store_in_memory: false,
        }
    }
}

fn read_tls(root: &At<'_>) -> Option<TlsPem> {
    let at = root.section("tls_pem");
    let pem = TlsPem {
        cert_chain: at.text("cert_chain"),
        private_key: at.secret("private_key"),
    };
    if !root.boolean("enable_ssl") {
        if root.is_given("tls_pem") {
            at.note("is not used, as `enable_ssl` is false");
        }
        return None;
    }
    if !root.is_given("tls_pem") {
        at.problem("is required when `enable_ssl` is true");
    }
    check_identity(&at, &pem.cert_chain, &pem.private_key);
    Some(pem)
}

fn read_logging(at: &At<'_>) -> Logging {
    Logging {
        level: at.text("level"),
        no_color: at.boolean("no_color"),
        in_json: at.boolean("in_json"),
    }
}

#[cfg(test)]
mod tests;
