//! The documentation of the configuration, made from the table of keys: `docs/configuration.md`, and a page of `/doc`.

use std::fmt::Write;

use promfetch_core::config::table::{Fallback, Key};

/// What stands at the top of the file.
const HEAD: &str = "\
# Configuration

This page is made from the table of keys in the program: change it there, then run `make docs`.

";

/// What stands above the table.
pub(crate) const RULES: &str = "\
`promfetch serve -c FILE` reads a YAML file. A configuration file of promfetcher works as it is. All problems are
reported at once, each with its key and its place, and promfetch ends with exit code 64 before it opens a port.
Keys that promfetch does not know are reported with the nearest one that it does, and ignored; those of the top that
begin with `x-` are yours, for anchors.
`promfetch check-config -c FILE` does only that.

**Environment.** Every key can be set by an environment variable, which wins over the file: `PROMFETCH_` and the key in
upper case, with two underscores between levels. Elements of lists are counted from 0; a list or a section can also
be given as a whole, as JSON; a list of single values also with commas. Keys of your own, such as labels, become lower
case in this form; JSON keeps them as they are:

    PROMFETCH_NATS__USER=nats
    PROMFETCH_NATS__HOSTS__0__HOSTNAME=10.0.16.4
    PROMFETCH_NATS__HOSTS='[{\"hostname\": \"10.0.16.4\", \"port\": 4222}]'
    PROMFETCH_TARGETS_ALLOW=10.0.0.0/8,127.0.0.1
    PROMFETCH_EXTRA_LABELS='{\"foundation\": \"eu-1\"}'

**Values.** A key without a value counts as absent, and so does an empty text.
Durations are those of Go: `20s`, `1h30m`, `1.5h`, `300ms`; a number without a unit counts nanoseconds.
Sizes are bytes, or have a suffix: `KiB`, `MiB`, `GiB`. Truth values may be `yes`, `no`, `on`, `off` too.
A whole number with a leading zero is octal, as in Go's YAML. Certificates and keys are PEM texts, not names of files.
In the table, `[]` is an element of a list and `<name>` a key of your own.

**Unix sockets.** The address of a target may be a Unix socket of this machine: `unix://`, then its absolute path, as in
`unix:///run/docker/metrics.sock`. Where its metrics have a path of their own, that stands behind another colon:
`unix:///run/docker/metrics.sock:/metrics`. `targets[].path` wins over it, and a warning says so. The path of a socket has
107 bytes at most, no colon, no blanks, and no `.` or `..` segments; nothing in it is decoded. promfetch needs write
permission for the socket and search permission for its folders. It asks with `Host: localhost`, and without TLS, which
cannot be set; all else is as for other targets: labels, limits, deadlines, reasons, `http2`. Its label `instance` is the
URL without the metrics path. In addresses of the API, where no slash can stand, it is written with colons:
`/instances/unix::run:docker:metrics.sock/metrics`. Who takes a socket's name is asked from then on, also while the one
before still runs. Only this configuration, and programs that set targets by the library, can name a socket: routes,
exporters and bindings cannot. Callers may ask it for other paths by `metric_path`, as long as `metric_path_allow` does not
forbid that: so name sockets that are made for metrics, and not those by which a service is controlled.

";

/// The whole file.
pub fn markdown() -> String {
    [HEAD, RULES, &table()].concat()
}

/// The table of keys.
pub(crate) fn table() -> String {
    let mut page = String::new();
    page.push_str("| key | value | default | meaning | example |\n|---|---|---|---|---|\n");
    for key in super::keys::table().keys() {
        let cells = [
            format!("`{}`", key.name),
            value(key),
            default(key),
            key.meaning.to_owned(),
            format!("`{}`", key.example),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page
}

fn value(key: &Key) -> String {
    let what = key.kind.describe();
    if key.unit.is_empty() {
        what
    } else {
        format!("{what} ({})", key.unit)
    }
}

fn default(key: &Key) -> String {
    match key.default {
        Fallback::Value(text) => format!("`{text}`"),
        Fallback::Empty => "none".into(),
        Fallback::Required => "required".into(),
        Fallback::Computed(how) => how.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_page_is_that_of_the_table() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, markdown()).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            written == markdown(),
            "docs/configuration.md differs from the table of keys: run `make docs`"
        );
    }

    #[test]
    fn every_row_is_complete() {
        for line in markdown().lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split(" | ").collect();
            assert_eq!(cells.len(), 5, "{line}");
            assert!(
                cells
                    .iter()
                    .all(|cell| !cell.trim_matches(['|', ' ', '`']).is_empty()),
                "{line}"
            );
        }
    }
}
