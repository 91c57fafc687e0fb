//! The service's own keys, on top of core's.

mod access;
mod broker;

use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Computed, Empty, Value};
use promfetch_core::config::table::{Key, Table};

/// A port to listen on; 0 is any free one.
const LISTEN: Kind = Kind::Integer { min: 0, max: 65535 };

/// The table of all keys: core's, then the service's.
pub fn table() -> Table {
    promfetch_core::config::keys::table()
        .with(KEYS)
        .with(access::KEYS)
        .with(broker::KEYS)
}

/// Ports, addresses, logging: in the order of the documentation.
const KEYS: &[Key] = &[
    Key {
        name: "port",
        kind: LISTEN,
        default: Value("8085"),
        unit: "",
        meaning: "Port of the API; 0 is any free one.",
        example: "8443",
    },
    Key {
        name: "health_check_port",
        kind: LISTEN,
        default: Value("8080"),
        unit: "",
        meaning: "Port of `/health` and `/ready`; 0 is any free one.",
        example: "8081",
    },
    Key {
        name: "enable_ssl",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "Whether the API speaks HTTPS, with the certificate of `tls_pem`.",
        example: "true",
    },
    Key {
        name: "tls_pem.cert_chain",
        kind: Kind::Certificates,
        default: Empty,
        unit: "",
        meaning: "The API's certificate, with those between it and its issuer. Counts only with `enable_ssl`.",
        example: "-----BEGIN CERTIFICATE-----…",
    },
    Key {
        name: "tls_pem.private_key",
        kind: Kind::PrivateKey,
        default: Empty,
        unit: "",
        meaning: "Its key.",
        example: "-----BEGIN PRIVATE KEY-----…",
    },
    Key {
        name: "base_url",
        kind: Kind::Checked {
            what: "a URL with `http://` or `https://`",
            check: super::checks::base_url,
            // It might hold a login by mistake.
            shown: false,
        },
        default: Computed("`http://localhost` or `https://localhost` with `port`"),
        unit: "",
        meaning: "The address under which users reach the API. A slash at its end is cut.",
        example: "https://promfetch.example.org",
    },
    Key {
        name: "metric_path_allow[]",
        kind: Kind::Checked {
            what: "a path, `*` stands for any characters",
            check: super::checks::path_pattern,
            shown: true,
        },
        default: Empty,
        unit: "",
        meaning: "Paths that callers may ask instances for with `metric_path=`, besides `/metrics`. None given: any path.",
        example: "/actuator/*",
    },
    Key {
        name: "trusted_proxies[]",
        kind: Kind::Network,
        default: Empty,
        unit: "",
        meaning: "Proxies in front of the API whose `X-Forwarded-For` is believed.",
        example: "10.0.1.0/24",
    },
    Key {
        name: "sd_keep",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(24 * 3600),
        },
        default: Value("1h"),
        unit: "",
        meaning: "How long an app stays in the list of `/v1/sd` after its last instance has left, so that its `up` is 0 and somebody is told; 0 is not at all.",
        example: "15m",
    },
    Key {
        name: "drain_wait",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(3600),
        },
        default: Value("20s"),
        unit: "",
        meaning: "How long the API serves on after SIGUSR1, while the health port says 503, so that load balancers can look elsewhere.",
        example: "45s",
    },
    Key {
        name: "call_metrics_address",
        kind: Kind::Checked {
            what: "an IP address with a port, or a port behind a colon",
            check: super::checks::listen_address,
            shown: true,
        },
        default: Empty,
        unit: "",
        meaning: "An address of its own at which `/metrics` has the call metrics alone, for everybody who reaches it and without TLS. `:51680`, where the ECS agent has them, is on all interfaces; port 0 is any free one.",
        example: "127.0.0.1:51680",
    },
    Key {
        name: "logging.level",
        kind: Kind::Choice(&[
            "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic",
        ]),
        default: Value("info"),
        unit: "",
        meaning: "From this level on, lines are logged. `fatal` and `panic` are the same as `error`.",
        example: "debug",
    },
    Key {
        name: "logging.no_color",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "No colours, also on a terminal.",
        example: "true",
    },
    Key {
        name: "logging.in_json",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "One JSON object a line.",
        example: "true",
    },
    Key {
        name: "index",
        kind: Kind::Integer {
            min: 0,
            max: u64::MAX,
        },
        default: Value("0"),
        unit: "",
        meaning: "The number of this process among several.",
        example: "2",
    },
];
