//! How pages are checked and merged.

use crate::config::kind::Kind;
use crate::config::table::Fallback::{Empty, Value};
use crate::config::table::Key;

/// The keys, in the order of the documentation.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "formats[]",
        kind: Kind::Choice(&["text", "openmetrics", "protobuf"]),
        default: Empty,
        unit: "",
        meaning: "Formats that callers are offered, best first. Whoever takes anything, such as curl, gets the first, but never protobuf. None given: all, text first. What becomes of a page in another format: docs/formats.md.",
        example: "text",
    },
    Key {
        name: "extra_labels.<name>",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "A label for every sample, after the nine of the instance.",
        example: "eu-1",
    },
    Key {
        name: "label_conflict",
        kind: Kind::Choice(&["export", "drop"]),
        default: Value("export"),
        unit: "",
        meaning: "A sample's own label that has the name of an added one: `export` renames it to `exported_<name>`, as Prometheus does; `drop` leaves it out, as promfetcher does.",
        example: "drop",
    },
    Key {
        name: "max_samples",
        kind: Kind::Integer {
            min: 1,
            max: 100_000_000,
        },
        default: Value("2000000"),
        unit: "samples",
        meaning: "Samples of one instance: short lines cost more than their bytes.",
        example: "500000",
    },
    Key {
        name: "max_line",
        kind: Kind::Size {
            min: 256,
            max: 64 << 20,
        },
        default: Value("1MiB"),
        unit: "bytes",
        meaning: "One line of an instance's page: whoever reads the merged page has to hold it.",
        example: "64KiB",
    },
    Key {
        name: "call_metrics",
        kind: Kind::Choice(&["own", "ecs"]),
        default: Value("own"),
        unit: "",
        meaning: "Names of the metrics about promfetch's own calls: `own` is `promfetch_call…`, `ecs` is `AgentMetrics_…`, exactly as the ECS agent has them: docs/ecs-call-metrics.md.",
        example: "ecs",
    },
];
