//! What the autoscaler's agent hands over as `config`: texts by key.

use std::collections::HashMap;
use std::time::Duration;

use promfetch_core::config::kind::Kind;
use promfetch_core::config::path::Path as KeyPath;
use promfetch_core::config::problem::Warning;
use promfetch_core::config::reader::At;
use promfetch_core::config::table::Fallback::{Empty, Value};
use promfetch_core::config::table::{Key, Shape, Table};
use promfetch_core::selector::Selector;

use crate::{settings, source};

/// Keys that the agent adds to every plugin's configuration begin so.
const OF_THE_AGENT: &str = "nomad_";

/// The plugin's own keys, beside those of its source and of the core.
pub const KEYS: &[Key] = &[
    Key {
        name: "app",
        kind: Kind::Checked {
            what: "`org/space/app`, an app GUID or a route's host",
            check: check_app,
            shown: true,
        },
        default: Empty,
        unit: "",
        meaning: "The app of queries that name none.",
        example: "acme/prod/web",
    },
    Key {
        name: "organization",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Name of the organization where a query names an app but no organization, no space's GUID and no app's GUID.",
        example: "acme",
    },
    Key {
        name: "space",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Name of the space where a query names an app but no space and no app's GUID. Goes with `organization`.",
        example: "prod",
    },
    Key {
        name: "step",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_secs(60),
        },
        default: Value("5s"),
        unit: "",
        meaning: "How often each app that queries ask for is fetched, and the distance of the samples of an answer.",
        example: "1s",
    },
    Key {
        name: "retention",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_secs(48 * 60 * 60),
        },
        default: Value("2h"),
        unit: "",
        meaning: "How far back queries may reach: the window of the policy and the range in the query together. Only what queries need is kept.",
        example: "30m",
    },
    Key {
        name: "idle",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_secs(48 * 60 * 60),
        },
        default: Value("1h"),
        unit: "",
        meaning: "How long an app is fetched after the last query that asked for it. Longer than the time between two evaluations of a policy, cooldown included.",
        example: "15m",
    },
];

/// How the plugin answers, and from where.
#[derive(Clone, Debug)]
pub struct Settings {
    pub source: source::Settings,
    pub app: Option<Selector>,
    pub organization: String,
    pub space: String,
    pub step: Duration,
    pub retention: Duration,
    pub idle: Duration,
}

impl Settings {
    fn read(root: &At<'_>) -> Self {
        let source = source::Settings::read(root);
        let (organization, space) = (root.text("organization"), root.text("space"));
        if organization.is_empty() && !space.is_empty() {
            root.section("space").problem(
                "goes with `organization`: spaces of several organizations may have one name",
            );
        }
        Self {
            source,
            app: Selector::parse(&root.text("app")).ok(),
            organization,
            space,
            step: root.duration("step"),
            retention: root.duration("retention"),
            idle: root.duration("idle"),
        }
    }
}

/// All keys that the agent's `config` may have.
pub fn table() -> Table {
    settings::table(KEYS)
}

/// Reads what the agent hands over. Keys that nobody knows are no problem: the agent adds its own. They are named
/// beside problems all the same, as a mistyped key may explain one.
///
/// # Errors
/// All problems, one a line.
pub fn read(config: HashMap<String, String>) -> Result<(Settings, Vec<String>), String> {
    let table = table();
    // In one order, whatever the map's.
    let mut config: Vec<(String, String)> = config.into_iter().collect();
    config.sort_unstable();
    let mut notes = Vec::new();
    config.retain(|(key, _)| {
        let path = KeyPath::parse(key);
        let is_known = !matches!(table.shape(&path), Shape::Unknown) && !path.segments().is_empty();
        if !is_known && !key.starts_with(OF_THE_AGENT) {
            notes.push(ignored(&table, &path));
        }
        is_known
    });
    match settings::load(&table, None, config, Settings::read) {
        Ok((settings, warnings)) => {
            notes.extend(warnings.iter().map(Warning::to_string));
            Ok((settings, notes))
        }
        Err(problems) => {
            let mut text = problems.to_string();
            for note in notes {
                text.push_str("\nwarning: ");
                text.push_str(&note);
            }
            Err(text)
        }
    }
}

fn ignored(table: &Table, path: &KeyPath) -> String {
    match table.nearest(path) {
        Some(near) => format!("`{path}` is no key of this plugin and ignored: `{near}` is one"),
        None => format!("`{path}` is no key of this plugin and ignored"),
    }
}

fn check_app(text: &str) -> Result<(), String> {
    Selector::parse(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(config: &[(&str, &str)]) -> Result<(Settings, Vec<String>), String> {
        read(
            config
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
        )
    }

    #[test]
    fn the_agents_own_keys_are_nothing_to_speak_of() {
        let (settings, notes) = of(&[
            ("endpoint", "http://promfetch:8085"),
            ("nomad_address", "http://127.0.0.1:4646"),
            ("nomad_config_inherit", "false"),
        ])
        .unwrap();
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(settings.step, Duration::from_secs(5));
        assert_eq!(settings.app, None);
    }

    #[test]
    fn own_discovery_is_configured_by_dotted_keys() {
        let (settings, notes) = of(&[
            (
                "targets",
                r#"[{"organization":"o","space":"s","app":"a","address":"127.0.0.1:1"}]"#,
            ),
            ("nats.hosts[0].hostname", "nats.example.org"),
            ("app", "acme/prod/web%2Fx"),
            ("organization", "acme"),
            ("space", "prod"),
        ])
        .unwrap();
        assert_eq!(notes, Vec::<String>::new());
        let Some(Selector::Name { app, .. }) = settings.app else {
            panic!("{:?}", settings.app)
        };
        assert_eq!(&*app, "web/x");
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let endpoint = ("endpoint", "http://h");
        for (config, told, why) in [
            (
                &[("endpiont", "http://h")][..],
                &["`endpoint`: is missing", "`endpoint` is one"][..],
                "a mistyped key explains a missing one",
            ),
            (
                &[endpoint, ("step", "1"), ("retention", "soon")],
                &["step", "retention"],
                "all problems",
            ),
            (&[endpoint, ("step", "1ms")], &["step"], "too often"),
            (&[endpoint, ("app", "a/b")], &["2 parts"], "no app"),
            (
                &[endpoint, ("space", "s")],
                &["organization"],
                "half a scope",
            ),
        ] {
            let error = of(config).expect_err(why);
            for text in told {
                assert!(error.contains(text), "{why}: {error}");
            }
        }
        let (_, notes) = of(&[endpoint, ("usrename", "me"), ("", "x"), ("zzz", "1")]).unwrap();
        assert!(
            notes.iter().any(|note| note.contains("`username` is one")),
            "{notes:?}"
        );
        assert_eq!(notes.len(), 3, "{notes:?}");
    }
}
