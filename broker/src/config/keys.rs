//! The service's own keys, on top of core's.

use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Computed, Empty, Value};
use promfetch_core::config::table::{Key, Table};

/// A port to listen on; 0 is any free one.
const LISTEN: Kind = Kind::Integer { min: 0, max: 65535 };

/// The table of all keys: core's, then the service's.
pub fn table() -> Table {
    promfetch_core::config::keys::table().with(KEYS)
}

/// The keys, in the order of the documentation.
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
        name: "access",
        kind: Kind::Choice(&["open"]),
        default: Value("open"),
        unit: "",
        meaning: "Who may read metrics. This version has no access control yet: whoever reaches the port reads everything, and other values are refused.",
        example: "open",
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
    Key {
        name: "broker.broker_service_id",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Id of the service offering in the marketplace. This version of promfetch has no service broker yet: it reads and checks this section and the keys of the database, and does nothing with them.",
        example: "75bcebab-cc25-4ef6-89dc-a91b953919f1",
    },
    Key {
        name: "broker.broker_plan_id",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Id of its plan.",
        example: "e2900be3-709b-419e-b63b-de3aabcd9e15",
    },
    Key {
        name: "broker.user",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Login of the Cloud Controller at the service broker. promfetcher's default `user` is not taken over.",
        example: "cloud-controller",
    },
    Key {
        name: "broker.pass",
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "Its password. promfetcher's default `password` is not taken over.",
        example: "secret",
    },
    Key {
        name: "db_conn",
        kind: Kind::Checked {
            what: "a database URL: `mysql://`, `mariadb://`, `postgres://` or `sqlite:///`, secret",
            check: super::checks::database,
            shown: false,
        },
        default: Empty,
        unit: "",
        meaning: "Where bindings are kept. The slash that begins a path of SQLite is cut, as promfetcher does: `sqlite:///x.db` is in the working directory, `sqlite:////var/x.db` is not.",
        example: "mysql://promfetch:secret@sql-db.service.cf.internal:3306/promfetch",
    },
    Key {
        name: "sql_cnx_max_idle",
        kind: Kind::Count { max: 10_000 },
        default: Value("5"),
        unit: "connections",
        meaning: "Idle connections to the database.",
        example: "10",
    },
    Key {
        name: "sql_cnx_max_open",
        kind: Kind::Count { max: 10_000 },
        default: Value("10"),
        unit: "connections",
        meaning: "Connections to the database; 0 is no limit of promfetch's.",
        example: "20",
    },
    Key {
        name: "sql_cnx_max_life",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(30 * 24 * 3600),
        },
        default: Value("1h"),
        unit: "",
        meaning: "Age at which a connection to the database is replaced; 0 is never.",
        example: "30m",
    },
    Key {
        name: "not_exit_when_conn_failed",
        kind: Kind::Bool,
        default: Empty,
        unit: "",
        meaning: "Without effect: promfetcher ends when its database is away, promfetch never does.",
        example: "true",
    },
];
