//! The keys of the configuration file.

use std::net::SocketAddr;
use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Computed, Empty, Required, Value};
use promfetch_core::config::table::Key;

const TENTH: Duration = Duration::from_millis(100);
const MINUTE: Duration = Duration::from_secs(60);
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
/// Longest path of a Unix socket on all systems, in bytes.
const MAX_SOCKET: usize = 103;

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "plugin_dir",
        kind: Kind::Text,
        default: Required,
        unit: "",
        meaning: "The folder with the plugins' programs, as in the agent's configuration.",
        example: "/opt/nomad-autoscaler/plugins",
    },
    Key {
        name: "plugins[].name",
        kind: Kind::Text,
        default: Required,
        unit: "",
        meaning: "A name for the plugin: the label `plugin` of what it answers.",
        example: "datadog-eu",
    },
    Key {
        name: "plugins[].driver",
        kind: Kind::Checked {
            what: "the name of a file",
            check: file_name,
            shown: true,
        },
        default: Computed("its `name`"),
        unit: "",
        meaning: "The plugin's program in `plugin_dir`. It must call itself so.",
        example: "datadog",
    },
    Key {
        name: "plugins[].args[]",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Arguments of the program.",
        example: "-verbose",
    },
    Key {
        name: "plugins[].config.<name>",
        // Most plugins get a login so.
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "What the plugin is configured with, as in the agent's `apm` block. Nothing is added to it.",
        example: "…",
    },
    Key {
        name: "queries[].name",
        kind: Kind::Text,
        default: Required,
        unit: "",
        meaning: "A name for the query: the label `query` of its value.",
        example: "queue_length",
    },
    Key {
        name: "queries[].plugin",
        kind: Kind::Text,
        default: Computed("the only plugin"),
        unit: "",
        meaning: "The name of the plugin that is asked.",
        example: "datadog-eu",
    },
    Key {
        name: "queries[].query",
        kind: Kind::Text,
        default: Required,
        unit: "",
        meaning: "The query in the plugin's own language, as in a check of a scaling policy.",
        example: "avg:queue.length{app:shop}",
    },
    Key {
        name: "queries[].window",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(7 * 24 * 3600),
        },
        default: Value("1m"),
        unit: "",
        meaning: "The time that is asked for; the last sample in it counts. `0s` is what a policy calls `instant`.",
        example: "5m",
    },
    Key {
        name: "queries[].offset",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_secs(7 * 24 * 3600),
        },
        default: Value("0s"),
        unit: "",
        meaning: "How long ago this time ends: for sources that are late.",
        example: "2m",
    },
    Key {
        name: "queries[].labels.<name>",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "A further label of the query's series.",
        example: "checkout",
    },
    Key {
        name: "tick",
        kind: Kind::Duration {
            min: TENTH,
            max: HOUR,
        },
        default: Value("10s"),
        unit: "",
        meaning: "How often all queries are asked.",
        example: "30s",
    },
    Key {
        name: "timeout",
        kind: Kind::Duration {
            min: TENTH,
            max: FIVE_MINUTES,
        },
        default: Value("10s"),
        unit: "",
        meaning: "How long the answer to a query may take.",
        example: "5s",
    },
    Key {
        name: "start_timeout",
        kind: Kind::Duration {
            min: TENTH,
            max: FIVE_MINUTES,
        },
        default: Value("1m"),
        unit: "",
        meaning: "How long a plugin may take until it says where it listens, and then to take its configuration.",
        example: "10s",
    },
    Key {
        name: "restart_after",
        kind: Kind::Duration {
            min: TENTH,
            max: MINUTE,
        },
        default: Value("1s"),
        unit: "",
        meaning: "After how long a plugin that has ended is started again. It doubles each time, up to a minute, until the plugin has run for a minute.",
        example: "5s",
    },
    Key {
        name: "socket",
        kind: Kind::Checked {
            what: "the absolute path of a Unix socket",
            check: socket,
            shown: true,
        },
        default: Value("/run/promfetch/apm.sock"),
        unit: "",
        meaning: "The Unix socket with the page, at `/metrics`. Its group may read it.",
        example: "/var/vcap/sys/run/promfetch/apm.sock",
    },
    Key {
        name: "address",
        kind: Kind::Checked {
            what: "an IP address and a port",
            check: address,
            shown: true,
        },
        default: Empty,
        unit: "",
        meaning: "An address for the page in place of `socket`. Whoever reaches it reads it.",
        example: "127.0.0.1:9273",
    },
    Key {
        name: "logging.level",
        kind: Kind::Choice(&["trace", "debug", "info", "warn", "error"]),
        default: Value("info"),
        unit: "",
        meaning: "From this level on, lines are logged, those of the plugins too.",
        example: "debug",
    },
];

/// The name of a file in a folder, and not the way to another.
pub(super) fn file_name(text: &str) -> Result<(), String> {
    if text.contains(['/', '\0']) || [".", ".."].contains(&text) || text.len() > 255 {
        return Err("expected the name of a file in `plugin_dir`, without a path".into());
    }
    Ok(())
}

fn socket(text: &str) -> Result<(), String> {
    if !text.starts_with('/') || text.contains('\0') {
        return Err("expected the absolute path of a Unix socket".into());
    }
    if text.len() > MAX_SOCKET {
        return Err(format!(
            "expected at most {MAX_SOCKET} bytes: systems take no longer path for a Unix socket"
        ));
    }
    Ok(())
}

fn address(text: &str) -> Result<(), String> {
    text.parse::<SocketAddr>().map(drop).map_err(|_| {
        "expected an IP address and a port, such as `127.0.0.1:9273` or `[::1]:9273`".into()
    })
}
