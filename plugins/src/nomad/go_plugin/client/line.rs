//! The one line by which a plugin says where it listens: `1|1|unix|/path/to.sock|grpc|`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::text::shown;
use crate::nomad::go_plugin::handshake::{CORE_VERSION, PROTOCOL_VERSION};

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// go-plugin takes shorter texts in the field of the certificate for something else.
const SHORTEST_CERTIFICATE: usize = 51;

/// Reads the line.
///
/// # Errors
/// A clause that says what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Address, String> {
    let fields: Vec<&str> = line.trim().split('|').collect();
    let [core, version, network, address, rest @ ..] = fields.as_slice() else {
        return Err(format!(
            "its first line says nothing of where it listens, so it is no plugin for go-plugin: {}",
            shown(line)
        ));
    };
    if core.parse() != Ok(CORE_VERSION) {
        return Err(format!(
            "it speaks version {} of go-plugin's handshake, not {CORE_VERSION}",
            shown(core)
        ));
    }
    if version.parse() != Ok(PROTOCOL_VERSION) {
        return Err(format!(
            "it speaks version {} of the autoscaler's plugin API, not {PROTOCOL_VERSION}",
            shown(version)
        ));
    }
    let mut rest = rest.iter().copied();
    // Old plugins leave the field out, and mean Go's own RPC.
    let protocol = rest.next().unwrap_or("netrpc");
    if protocol != "grpc" {
        return Err(format!(
            "it speaks {}, and plugins of the autoscaler speak grpc alone",
            shown(protocol)
        ));
    }
    if rest.next().unwrap_or_default().len() >= SHORTEST_CERTIFICATE {
        return Err("it wants AutoMTLS, which nobody has asked it for".into());
    }
    match *network {
        "unix" if address.starts_with('/') => Ok(Address::Unix(address.into())),
        "unix" => Err(format!(
            "it listens on the socket {}, which is no absolute path",
            shown(address)
        )),
        // There is neither TLS nor a login on the way.
        "tcp" => match address.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Address::Tcp(address)),
            _ => Err(format!(
                "it listens on {}, and only a Unix socket or an address such as 127.0.0.1:10000 is spoken with",
                shown(address)
            )),
        },
        other => Err(format!("it listens on a network {}", shown(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let unix = |path: &str| Address::Unix(path.into());
        let tcp = |address: &str| Address::Tcp(address.parse().unwrap());
        let certificate = "M".repeat(51);
        for (line, address, why) in [
            (
                "1|1|unix|/tmp/plugin1|grpc|",
                unix("/tmp/plugin1"),
                "as Go's plugins write it",
            ),
            (
                "1|1|unix|/tmp/plugin1|grpc",
                unix("/tmp/plugin1"),
                "before there were certificates",
            ),
            (
                "1|1|unix|/tmp/a|grpc||true",
                unix("/tmp/a"),
                "with the field for multiplexing",
            ),
            (
                "1|1|unix|/tmp/a|grpc|true",
                unix("/tmp/a"),
                "too short for a certificate",
            ),
            (
                " 1|1|tcp|127.0.0.1:10000|grpc|\r",
                tcp("127.0.0.1:10000"),
                "TCP, and blanks around",
            ),
            ("1|1|tcp|[::1]:10000|grpc|", tcp("[::1]:10000"), "IPv6"),
        ] {
            assert_eq!(parse(line), Ok(address), "{why}");
        }
        for (line, told, why) in [
            (String::new(), "says nothing", "an empty line"),
            ("starting up …".into(), "`starting up …`", "a line of a log"),
            ("1|1|unix".into(), "says nothing", "cut short"),
            (
                "x|1|unix|/a|grpc|".into(),
                "version `x` of go-plugin's handshake",
                "no number",
            ),
            (
                "2|1|unix|/a|grpc|".into(),
                "version `2` of go-plugin's handshake",
                "the future",
            ),
            (
                "1|2|unix|/a|grpc|".into(),
                "version `2` of the autoscaler's",
                "another API",
            ),
            (
                "1|1|unix|/a".into(),
                "`netrpc`",
                "without the protocol it is Go's RPC",
            ),
            ("1|1|unix|/a|netrpc|".into(), "`netrpc`", "Go's RPC"),
            (
                "1|1|unix|a.sock|grpc|".into(),
                "no absolute path",
                "relative to nobody knows what",
            ),
            (
                "1|1|tcp|10.0.0.1:80|grpc|".into(),
                "`10.0.0.1:80`",
                "another machine",
            ),
            (
                "1|1|tcp|0.0.0.0:80|grpc|".into(),
                "`0.0.0.0:80`",
                "no address to dial",
            ),
            (
                "1|1|tcp|localhost:80|grpc|".into(),
                "`localhost:80`",
                "a name may be any machine",
            ),
            ("1|1|vsock|3:80|grpc|".into(), "`vsock`", "another network"),
            (
                format!("1|1|unix|/a|grpc|{certificate}"),
                "AutoMTLS",
                "a certificate",
            ),
            (
                format!("1|1|unix|/a|{}|", "x".repeat(5000)),
                "x…`",
                "a long field is cut",
            ),
        ] {
            let error = parse(&line).expect_err(why);
            assert!(error.contains(told), "{why}: {error}");
            assert!(error.len() < 300, "{why}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics(line in "[01|unixtcp/a.: ]{0,60}") {
            let _ = parse(&line);
        }
    }
}
