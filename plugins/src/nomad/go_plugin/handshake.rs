//! What host and plugin tell each other before gRPC begins: environment variables, and one line on stdout.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The environment variable by which a plugin knows that a host of its kind has started it.
pub const COOKIE_NAME: &str = "NOMAD_AUTOSCALER_PLUGIN_MAGIC_COOKIE";
/// Its value. It is no secret: it keeps people from starting plugins by hand and waiting.
pub const COOKIE: &str = "e082fa04d587a6525d683666fa253d6afda00f20c122c54a80a3ed57fec99ff3";
/// The version of go-plugin's handshake.
pub const CORE_VERSION: u32 = 1;
/// The version of the autoscaler's plugin API.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a host has put into the environment of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Where the socket is to be, instead of the system's folder for temporary files.
    pub folder: Option<PathBuf>,
    /// The group that may use the socket, by name or number.
    pub group: Option<String>,
    /// Whether the host knows of several brokers over one connection, and so expects one more field in the line.
    pub asks_for_multiplexing: bool,
}

/// Why a program does not go on as a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No host has started it.
    NoHost,
    /// The host wants mutual TLS.
    AutoMtls,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => {
                "this program is a plugin of Nomad's autoscaler and not meant to be started by hand: put it into the agent's `plugin_dir` and name it as `driver` of an `apm` block (`--help` says more)"
            }
            Self::AutoMtls => {
                "the host asks for AutoMTLS (PLUGIN_CLIENT_CERT), which is not supported: switch it off in the host; the socket is open to its own user only"
            }
        })
    }
}

impl Environment {
    /// Reads what the host has set; `get` gives a variable's value.
    ///
    /// # Errors
    /// When no host has started this process, or the host wants what a plugin of ours cannot do.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, Refused> {
        let given = |name: &str| get(name).filter(|value| !value.is_empty());
        if get(COOKIE_NAME).is_none_or(|cookie| cookie != COOKIE) {
            return Err(Refused::NoHost);
        }
        if given("PLUGIN_CLIENT_CERT").is_some() {
            return Err(Refused::AutoMtls);
        }
        Ok(Self {
            folder: given("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            group: given("PLUGIN_UNIX_SOCKET_GROUP")
                .map(|group| group.to_string_lossy().into_owned()),
            asks_for_multiplexing: given("PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }

    /// The line that tells the host where the plugin listens.
    pub fn line(&self, socket: &Path) -> String {
        let socket = socket.display();
        let mut line = format!("{CORE_VERSION}|{PROTOCOL_VERSION}|unix|{socket}|grpc|");
        // Only hosts that ask expect the field; others take it for a part of the certificate before it.
        if self.asks_for_multiplexing {
            line.push_str("|false");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, Refused> {
        Environment::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cookie_decides() {
        assert_eq!(read(&[]), Err(Refused::NoHost), "started by hand");
        assert_eq!(
            read(&[(COOKIE_NAME, "other")]),
            Err(Refused::NoHost),
            "another kind of host"
        );
        let plain = read(&[(COOKIE_NAME, COOKIE), ("PLUGIN_MIN_PORT", "10000")]).unwrap();
        assert_eq!((&plain.folder, &plain.group), (&None, &None));
        assert_eq!(
            plain.line(Path::new("/tmp/a/plugin.sock")),
            "1|1|unix|/tmp/a/plugin.sock|grpc|"
        );
    }

    #[test]
    fn what_hosts_may_ask_for() {
        let cookie = (COOKIE_NAME, COOKIE);
        assert_eq!(
            read(&[
                cookie,
                ("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----")
            ]),
            Err(Refused::AutoMtls)
        );
        assert!(
            read(&[cookie, ("PLUGIN_CLIENT_CERT", "")]).is_ok(),
            "empty is not set"
        );
        let environment = read(&[
            cookie,
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/nomad"),
            ("PLUGIN_UNIX_SOCKET_GROUP", "nomad"),
            ("PLUGIN_MULTIPLEX_GRPC", "true"),
        ])
        .unwrap();
        assert_eq!(environment.folder.as_deref(), Some(Path::new("/run/nomad")));
        assert_eq!(environment.group.as_deref(), Some("nomad"));
        assert_eq!(
            environment.line(Path::new("/run/nomad/x")),
            "1|1|unix|/run/nomad/x|grpc||false",
            "there is no broker whose connections could share one"
        );
    }
}
