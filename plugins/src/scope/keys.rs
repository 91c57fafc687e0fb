//! The keys of `promfetch-scope`, beside those of its source of apps.

use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Empty, Required, Value};
use promfetch_core::config::table::Key;

use super::{id, report};
use crate::listen;

/// A name of Scope's: letters, digits and a few signs.
const NAME: Kind = Kind::Checked {
    what: "1 to 100 letters, digits, `_`, `-` and `.`",
    check: |text| {
        let is_name = (1..=100).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if is_name {
            Ok(())
        } else {
            Err("expected 1 to 100 letters, digits, `_`, `-` and `.`".into())
        }
    },
    shown: true,
};

const NUMBER: Kind = Kind::Checked {
    what: "a number",
    check: |text| report::number(text).map(drop),
    shown: true,
};

/// Scope shows what came within its window of 15 s.
const UP_TO_WINDOW: Kind = Kind::Duration {
    min: Duration::from_secs(1),
    max: Duration::from_secs(15),
};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "report.socket",
        kind: Kind::Checked {
            what: "the path of a socket, whose name without its extension is letters and digits, with single `-` between",
            check: id::check_socket,
            shown: true,
        },
        default: Value("/var/run/scope/plugins/promfetch.sock"),
        unit: "",
        meaning: "Where Scope's probe finds this plugin. The name of the file is the plugin's id.",
        example: "/var/run/scope/plugins/promfetch/promfetch.sock",
    },
    Key {
        name: "report.interval",
        kind: UP_TO_WINDOW,
        default: Value("5s"),
        unit: "",
        meaning: "Time between two pages of an app. Scope forgets what is older than 15 s.",
        example: "2s",
    },
    Key {
        name: "report.apps[]",
        kind: Kind::Checked {
            what: "`org/space/app`, an app GUID or a route's host",
            check: report::check_app,
            shown: true,
        },
        default: Empty,
        unit: "",
        meaning: "Apps to show: `org/space/app`, GUIDs or hosts of routes. Without them, and without `organizations` and `spaces`, all.",
        example: "acme/prod/shop",
    },
    Key {
        name: "report.organizations[]",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Names or GUIDs of organizations, whose apps are shown.",
        example: "acme",
    },
    Key {
        name: "report.spaces[]",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Names or GUIDs of spaces, whose apps are shown. With `organizations`, an app has to fit both.",
        example: "prod",
    },
    Key {
        name: "report.max_apps",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: Value("200"),
        unit: "apps",
        meaning: "Most apps that are shown; those beyond, by their GUIDs, are not.",
        example: "50",
    },
    Key {
        name: "report.max_instances",
        kind: Kind::Integer {
            min: 1,
            max: 50_000,
        },
        default: Value("2000"),
        unit: "instances",
        meaning: "Most instances that are shown.",
        example: "500",
    },
    Key {
        name: "report.hosts[].address",
        kind: Kind::Text,
        default: Required,
        unit: "",
        meaning: "Address of a machine with instances, without a port, as it stands in the label `instance`.",
        example: "10.0.1.4",
    },
    Key {
        name: "report.hosts[].name",
        kind: NAME,
        default: Required,
        unit: "",
        meaning: "The name of its host in Scope, whose instances are shown as its children.",
        example: "cell-1",
    },
    Key {
        name: "report.metrics[].id",
        kind: NAME,
        default: Required,
        unit: "",
        meaning: "The metric's id in Scope.",
        example: "http_requests",
    },
    Key {
        name: "report.metrics[].label",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "What people read; the id when it is empty.",
        example: "Requests/s",
    },
    Key {
        name: "report.metrics[].series",
        kind: Kind::Checked {
            what: "a metric's name, with matchers if wanted, as in PromQL",
            check: report::check_series,
            shown: true,
        },
        default: Required,
        unit: "",
        meaning: "Which series of an instance count.",
        example: "http_requests_total{code=~\"5..\"}",
    },
    Key {
        name: "report.metrics[].aggregate",
        kind: Kind::Choice(&["sum", "avg", "min", "max"]),
        default: Value("sum"),
        unit: "",
        meaning: "How the series of one instance become one value.",
        example: "max",
    },
    Key {
        name: "report.metrics[].rate",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "Whether the series are counters, of which the increase a second is shown. A counter that is lower than before has begun anew.",
        example: "true",
    },
    Key {
        name: "report.metrics[].format",
        kind: Kind::Choice(&["plain", "filesize", "integer", "percent"]),
        default: Value("plain"),
        unit: "",
        meaning: "How Scope writes the value. `filesize` is of bytes, `percent` of 0 to 100.",
        example: "filesize",
    },
    Key {
        name: "report.metrics[].priority",
        kind: NUMBER,
        default: Value("10"),
        unit: "",
        meaning: "The place among a node's metrics: CPU has 1, memory 2; lower comes first.",
        example: "0.5",
    },
    Key {
        name: "report.metrics[].max",
        kind: NUMBER,
        default: Empty,
        unit: "",
        meaning: "The value at which Scope shows a node as full. Without it 100 for `percent`, else the highest value so far.",
        example: "1000",
    },
    Key {
        name: "watch.root",
        kind: Kind::Text,
        default: Value("/var/run/scope/plugins"),
        unit: "",
        meaning: "The folder with the sockets of plugins, below which all are found.",
        example: "/run/scope-plugins",
    },
    Key {
        name: "watch.interval",
        kind: UP_TO_WINDOW,
        default: Value("5s"),
        unit: "",
        meaning: "Time between two looks into the folder, at which all plugins are asked.",
        example: "1s",
    },
    Key {
        name: "watch.listen",
        kind: listen::KIND,
        default: Value("unix:///run/promfetch/scope.sock"),
        unit: "",
        meaning: "Where the page with the plugins' metrics is offered, at `/metrics`.",
        example: "127.0.0.1:9108",
    },
];
