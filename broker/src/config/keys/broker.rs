//! Keys of the service broker and of its database.

use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Computed, Empty, Value};
use promfetch_core::config::table::Key;

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "broker.broker_service_id",
        kind: Kind::Text,
        default: Computed("none, or promfetcher's on its database"),
        unit: "",
        meaning: "Id of the service offering in the marketplace, unique in the world (`uuidgen` makes one). On a database of promfetcher's: its own default, if none is given.",
        example: "75bcebab-cc25-4ef6-89dc-a91b953919f1",
    },
    Key {
        name: "broker.broker_plan_id",
        kind: Kind::Text,
        default: Computed("none, or promfetcher's on its database"),
        unit: "",
        meaning: "Id of its plan.",
        example: "e2900be3-709b-419e-b63b-de3aabcd9e15",
    },
    Key {
        name: "broker.user",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Login of the Cloud Controller at the service broker. Without login the broker is off; promfetcher's default (`user` with `password`) and a pair of equal words count as none.",
        example: "cloud-controller",
    },
    Key {
        name: "broker.pass",
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "Its password.",
        example: "secret",
    },
    Key {
        name: "broker.previous_user",
        kind: Kind::Text,
        default: Computed("`broker.user`"),
        unit: "",
        meaning: "A second login that is valid too, while the Cloud Controller is told the new one.",
        example: "cloud-controller",
    },
    Key {
        name: "broker.previous_pass",
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "Its password; without one there is no second login.",
        example: "secret",
    },
    Key {
        name: "broker.service_name",
        kind: Kind::Checked {
            what: "letters, digits, dots and hyphens",
            check: super::super::checks::service_name,
            shown: true,
        },
        default: Computed("`promfetch`, or `promfetcher` on a database of promfetcher's"),
        unit: "",
        meaning: "Name of the service offering, as `cf marketplace` shows it.",
        example: "app-metrics",
    },
    Key {
        name: "broker.secret_key",
        kind: Kind::Checked {
            what: "at least 16 characters, secret",
            check: super::super::checks::secret_key,
            shown: false,
        },
        default: Empty,
        unit: "",
        meaning: "From it come the passwords of bindings, the key under which secrets of bindings are stored, and that of people's sessions. The same on all processes (`openssl rand -base64 32` makes one). Without it bindings get no passwords and may hold no secrets, and each process has sessions of its own.",
        example: "k4v0XrVh3q2mD8sJ0tYw9bN1cLzQeA6u",
    },
    Key {
        name: "broker.previous_secret_key",
        kind: Kind::Checked {
            what: "at least 16 characters, secret",
            check: super::super::checks::secret_key,
            shown: false,
        },
        default: Empty,
        unit: "",
        meaning: "Another key that is good as well, for the time of a change: passwords made with it are valid, and secrets stored under it are stored anew under `secret_key`.",
        example: "u6AeQzLc1Nb9wYt0Js8Dm2q3hVrX0v4k",
    },
    Key {
        name: "broker.take_over",
        kind: Kind::Bool,
        default: Computed("whether promfetcher's table is in the database at the first start"),
        unit: "",
        meaning: "Whether this installation takes over from promfetcher: its bindings are adopted, and service instances that only the Cloud Controller knows are accepted when they are first used.",
        example: "true",
    },
    Key {
        name: "broker.write_back",
        kind: Kind::Bool,
        default: Value("true"),
        unit: "",
        meaning: "Whether promfetcher's table is kept up to date where it was taken over, so that the way back stays open.",
        example: "false",
    },
    Key {
        name: "db_conn",
        kind: Kind::Checked {
            what: "a database URL: `mysql://`, `mariadb://`, `postgres://` or `sqlite:///`, secret",
            check: super::super::checks::database,
            shown: false,
        },
        default: Computed("`sqlite:///promfetch.db` where the broker is on"),
        unit: "",
        meaning: "Where bindings are kept. The slash that begins a path of SQLite is cut, as promfetcher does: `sqlite:///x.db` is in the working directory, `sqlite:////var/x.db` is not. TLS is set by parameters, see broker.md.",
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
