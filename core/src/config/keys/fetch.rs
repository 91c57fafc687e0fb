//! How instances are asked. Each bound stands with its reason.

use std::time::Duration;

use super::{MANY, MINUTE, SECOND};
use crate::config::kind::Kind;
use crate::config::table::Fallback::{Empty, Value};
use crate::config::table::Key;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The keys, in the order of the documentation.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "ca_certs",
        kind: Kind::Certificates,
        default: Empty,
        unit: "",
        meaning: "Issuers of the instances' certificates, added to the system's.",
        example: "-----BEGIN CERTIFICATE-----…",
    },
    Key {
        name: "skip_ssl_validation",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "Takes any certificate of instances: whoever is in between can read and change everything. Warns at start.",
        example: "false",
    },
    Key {
        name: "backends.cert_chain",
        kind: Kind::Certificates,
        default: Empty,
        unit: "",
        meaning: "Client certificate for instances.",
        example: "-----BEGIN CERTIFICATE-----…",
    },
    Key {
        name: "backends.private_key",
        kind: Kind::PrivateKey,
        default: Empty,
        unit: "",
        meaning: "Its key.",
        example: "-----BEGIN PRIVATE KEY-----…",
    },
    Key {
        name: "backends.max_conns",
        kind: Kind::Count { max: MANY },
        default: Value("0"),
        unit: "connections",
        meaning: "Connections to one instance at once; 0 is no limit.",
        example: "500",
    },
    Key {
        name: "enable_http2",
        kind: Kind::Bool,
        default: Value("true"),
        unit: "",
        meaning: "Whether HTTP/2 is spoken with instances that are registered for it.",
        example: "false",
    },
    Key {
        name: "fetch_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_secs(600),
        },
        default: Value("30s"),
        unit: "",
        meaning: "Longest time for one page. A caller's `X-Prometheus-Scrape-Timeout-Seconds` shortens it.",
        example: "10s",
    },
    Key {
        name: "fetch_connect_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: MINUTE,
        },
        default: Value("5s"),
        unit: "",
        meaning: "Longest time to connect: an unreachable cell must not use up the page's time.",
        example: "2s",
    },
    Key {
        name: "fetch_cache",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: MINUTE,
        },
        default: Value("0s"),
        unit: "",
        meaning: "How long a page may answer equal requests again; 0 is never. For several Prometheus servers that scrape the same apps.",
        example: "5s",
    },
    Key {
        name: "max_fetches",
        kind: Kind::Integer {
            min: 1,
            max: 65_536,
        },
        default: Value("1024"),
        unit: "fetches",
        meaning: "Fetches at once, over all pages: each may need a descriptor. Under contention apps get equal shares.",
        example: "4096",
    },
    Key {
        name: "max_body",
        kind: Kind::Size {
            min: 1024,
            max: 2 * GIB,
        },
        default: Value("64MiB"),
        unit: "bytes",
        meaning: "One instance's page after decompression: an endless body or a gzip bomb costs no more.",
        example: "16MiB",
    },
    Key {
        name: "max_page",
        kind: Kind::Size {
            min: MIB,
            max: 1024 * GIB,
        },
        default: Value("1GiB"),
        unit: "bytes",
        meaning: "All inputs of one merged page.",
        example: "512MiB",
    },
    Key {
        name: "max_inflight",
        kind: Kind::Size {
            min: MIB,
            max: 1024 * GIB,
        },
        default: Value("1GiB"),
        unit: "bytes",
        meaning: "All inputs in the process: this bounds its memory. Beyond it, callers get 503 with Retry-After.",
        example: "2GiB",
    },
    Key {
        name: "disable_keep_alives",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "A new connection for every fetch. An explicit `true` is honoured; promfetcher's own default is true, and has no effect there.",
        example: "false",
    },
    Key {
        name: "pool_max_idle",
        kind: Kind::Integer { min: 0, max: MANY },
        default: Value("20000"),
        unit: "connections",
        meaning: "Idle connections in all. With fewer than there are instances, every scrape pays for new TLS handshakes.",
        example: "50000",
    },
    Key {
        name: "pool_idle_timeout",
        kind: Kind::Duration {
            min: SECOND,
            max: Duration::from_secs(3600),
        },
        default: Value("90s"),
        unit: "",
        meaning: "How long an idle connection is kept. Should be longer than the scrape interval.",
        example: "3m",
    },
    Key {
        name: "max_idle_conns_per_host",
        kind: Kind::Count { max: MANY },
        default: Value("2"),
        unit: "connections",
        meaning: "Idle connections to one instance; 0 is the default, as in Go.",
        example: "100",
    },
    Key {
        name: "max_idle_conns",
        kind: Kind::Count { max: MANY },
        default: Empty,
        unit: "connections",
        meaning: "promfetcher's key for `pool_max_idle`. It can raise that number but not lower it: its usual value of 100 defeats the pool.",
        example: "100",
    },
    Key {
        name: "idle_conn_timeout",
        kind: Kind::Seconds {
            max: 365 * 24 * 3600,
        },
        default: Empty,
        unit: "seconds",
        meaning: "promfetcher's key for `pool_idle_timeout`. It can raise that time but not lower it: its usual value of 30 is shorter than many scrape intervals.",
        example: "30",
    },
];
