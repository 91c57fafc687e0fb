//! The plugin's settings: environment variables, since `docker plugin set` has no others.

use std::path::PathBuf;
use std::time::Duration;

use promfetch_core::config::environment;
use promfetch_core::config::kind::Kind;
use promfetch_core::config::problem::{Problems, Warning};
use promfetch_core::config::reader::Reader;
use promfetch_core::config::table::Fallback::{Empty, Value};
use promfetch_core::config::table::{Key, Table};
use promfetch_core::config::values::Values;
use tracing::level_filters::LevelFilter;

use crate::listen::{self, Address};

const PATH: Kind = Kind::Checked {
    what: "the path of a socket",
    check: |text| {
        if text.starts_with('/') && !text.ends_with('/') && !text.contains(':') {
            Ok(())
        } else {
            Err("expected the path of a socket, from `/` on, without `:`".into())
        }
    },
    shown: true,
};

const KEYS: &[Key] = &[
    Key {
        name: "listen",
        kind: listen::KIND,
        default: Value("127.0.0.1:9324"),
        unit: "",
        meaning: "Where the page is offered, at `/metrics`.",
        example: "0.0.0.0:9324",
    },
    Key {
        name: "host",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "The label `docker_host`; the name of the machine when it is empty.",
        example: "build-7",
    },
    Key {
        name: "timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_secs(60),
        },
        default: Value("5s"),
        unit: "",
        meaning: "Longest time for a page of the engine.",
        example: "2s",
    },
    Key {
        name: "log",
        kind: Kind::Choice(&["error", "warn", "info", "debug"]),
        default: Value("warn"),
        unit: "",
        meaning: "What is logged. dockerd writes all of it at its level `error`.",
        example: "info",
    },
    Key {
        name: "plugin_socket",
        kind: PATH,
        default: Value("/run/docker/plugins/promfetch.sock"),
        unit: "",
        meaning: "Where dockerd finds the plugin, in the plugin's own root folder.",
        example: "/run/docker/plugins/promfetch.sock",
    },
    Key {
        name: "metrics_socket",
        kind: PATH,
        default: Value("/run/docker/metrics.sock"),
        unit: "",
        meaning: "Where dockerd has its metrics, in the plugin's own root folder.",
        example: "/run/docker/metrics.sock",
    },
];

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) listen: Address,
    pub(super) host: String,
    pub(super) timeout: Duration,
    pub(super) log: LevelFilter,
    pub(super) plugin_socket: PathBuf,
    pub(super) metrics_socket: PathBuf,
}

impl Settings {
    /// Reads the variables that begin with `PROMFETCH_`.
    pub(super) fn load(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<Warning>), Problems> {
        let table = Table::new(&[KEYS]);
        let mut values = Values::new();
        let (mut warnings, mut problems) = environment::apply(&mut values, &table, variables);
        let reader = Reader::new(&table, &values);
        let at = reader.root();
        let host = at.text("host");
        let listen = Address::parse(&at.text("listen"));
        let settings = Self {
            host: if host.is_empty() { machine() } else { host },
            timeout: at.duration("timeout"),
            log: at.text("log").parse().unwrap_or(LevelFilter::WARN),
            plugin_socket: at.text("plugin_socket").into(),
            metrics_socket: at.text("metrics_socket").into(),
            // What cannot be read has its problem from the key.
            listen: listen.unwrap_or_else(|_| Address::Unix(PathBuf::new())),
        };
        match reader.finish() {
            Ok(more) => warnings.extend(more),
            Err(more) => problems.extend(more.iter().cloned()),
        }
        let warnings = Problems::or_warnings(problems, warnings)?;
        Ok((settings, warnings))
    }
}

/// The name of the machine, as the kernel has it; with the host's network it is the host's.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables = variables
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Settings::load(variables)
            .map(|(settings, _)| settings)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_settings() {
        let settings = load(&[("PATH", "/bin"), ("PROMFETCH_HOST", "")]).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:9324");
        assert_eq!(settings.host, machine(), "an empty one counts as none");
        assert_eq!(settings.timeout, Duration::from_secs(5));
        let settings = load(&[
            ("PROMFETCH_LISTEN", "unix:///run/docker/promfetch.sock"),
            ("PROMFETCH_HOST", "h"),
            ("PROMFETCH_LOG", "debug"),
        ])
        .unwrap();
        assert_eq!((&*settings.host, settings.log), ("h", LevelFilter::DEBUG));
        for (name, text, told) in [
            ("PROMFETCH_LISTEN", "9324", "`127.0.0.1:9100`"),
            ("PROMFETCH_TIMEOUT", "0", "duration"),
            ("PROMFETCH_LOG", "loud", "`warn`"),
            ("PROMFETCH_METRICS_SOCKET", "metrics.sock", "from `/` on"),
        ] {
            let error = load(&[(name, text)]).unwrap_err();
            assert!(error.contains(told) && error.contains(name), "{error}");
        }
    }
}
