//! Texts that have a form: hosts, addresses, paths, names. Each check says what is allowed, without the value.

use rustls_pki_types::ServerName;

use crate::address::{Address, is_socket};
use crate::metric_path::check_metric_path;
use crate::template::Template;

/// A host name or IP address, without scheme and port. IPv6 addresses may stand in brackets.
pub fn host(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return Err("expected a host without a scheme".into());
    }
    if text.contains('/') || text.contains('@') {
        return Err("expected a host only, without path and login".into());
    }
    if is_ip(text) {
        return Ok(());
    }
    if text.contains(':') {
        return Err("expected a host without a port".into());
    }
    if is_name(text) {
        Ok(())
    } else {
        Err("expected a host name or an IP address".into())
    }
}

/// `host:port`; IPv6 addresses stand in brackets.
pub fn address(text: &str) -> Result<(), String> {
    let form = || {
        "expected an address `host:port`, such as `10.0.1.7:8080` or `[2001:db8::7]:8080`"
            .to_owned()
    };
    let (name, port) = text.rsplit_once(':').ok_or_else(form)?;
    let bare_ipv6 = name.contains(':') && !name.starts_with('[');
    if bare_ipv6 || host(name).is_err() || !is_port(port) {
        Err(form())
    } else {
        Ok(())
    }
}

/// Where a target listens: `host:port`, or a Unix socket.
pub fn target_address(text: &str) -> Result<(), String> {
    if is_socket(text) {
        Address::of_target(text).map(drop)
    } else {
        address(text)
    }
}

/// `host` or `host:port`.
pub fn host_with_optional_port(text: &str) -> Result<(), String> {
    if host(text).is_ok() || address(text).is_ok() {
        return Ok(());
    }
    match host(text) {
        Err(reason) if text.contains("://") || text.contains('/') => Err(reason),
        _ => Err("expected a host, or `host:port`".into()),
    }
}

/// A name that a certificate can be checked against.
pub fn server_name(text: &str) -> Result<(), String> {
    ServerName::try_from(text)
        .map(|_| ())
        .map_err(|_| "expected a DNS name or an IP address, as it stands in the certificate".into())
}

/// The path of a URL. A missing slash in front is added where it is used, as Go does.
pub fn url_path(text: &str) -> Result<(), String> {
    if text.contains(['?', '#']) {
        return Err("expected a path without parameters; they belong into `params`".into());
    }
    if text
        .chars()
        .any(|character| character.is_control() || character == ' ')
    {
        return Err("expected a path without spaces and control characters".into());
    }
    Ok(())
}

/// A route of an app: host, and optionally a path.
pub fn route(text: &str) -> Result<(), String> {
    if text.contains("://") {
        return Err("expected a route without a scheme, such as `app.example.org/path`".into());
    }
    let name = text.split('/').next().unwrap_or_default();
    if is_name(name.strip_prefix("*.").unwrap_or(name))
        && !text
            .chars()
            .any(|character| character.is_control() || " ?#".contains(character))
    {
        Ok(())
    } else {
        Err("expected a route such as `app.example.org` or `app.example.org/path`".into())
    }
}

/// A path that may be asked of an instance.
pub fn metric_path(text: &str) -> Result<(), String> {
    check_metric_path(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// A text with fields of the app's tags.
pub fn template(text: &str) -> Result<(), String> {
    Template::parse(text).map(|_| ())
}

fn is_ip(text: &str) -> bool {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(inside) => inside.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.parse::<std::net::IpAddr>().is_ok(),
    }
}

/// Letters of other scripts are let through: what cannot be resolved is reported when it is dialled.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "-_.".contains(character))
        && text.split('.').enumerate().all(|(position, label)| {
            !label.is_empty() || (position > 0 && text.ends_with('.') && !text.ends_with(".."))
        })
        && !text.starts_with('.')
}

fn is_port(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Result<(), String>;

    #[test]
    fn what_is_allowed() {
        for (check, texts) in [
            (
                host as Check,
                &[
                    "localhost",
                    "nats-0.internal",
                    "10.0.0.1",
                    "::1",
                    "[2001:db8::7]",
                    "q-s0.nats.cf.cf.bosh",
                    "a_b",
                    "fqdn.example.org.",
                    "bücher.example",
                ][..],
            ),
            (
                address,
                &[
                    "10.0.1.7:8080",
                    "[2001:db8::7]:8080",
                    "localhost:1",
                    "app.internal:65535",
                ],
            ),
            (
                target_address,
                &[
                    "10.0.1.7:8080",
                    "unix:8080",
                    "unix:///run/app.sock",
                    "unix:///run/app.sock:/metrics",
                ],
            ),
            (
                host_with_optional_port,
                &[
                    "exporter.example.org",
                    "exporter.example.org:9115",
                    "10.0.0.1:9115",
                    "::1",
                    "[::1]:9115",
                ],
            ),
            (
                server_name,
                &[
                    "f4b1ac9b-0000-4000-8000-6a1c9aa8a3f7",
                    "app.internal",
                    "10.0.0.1",
                ],
            ),
            (url_path, &["/metrics", "metrics", "/a/b%20c", ""]),
            (metric_path, &["/metrics", "metrics", "/m?a=b"]),
            (
                route,
                &[
                    "app.example.org",
                    "app.example.org/path",
                    "*.example.org",
                    "app.example.org/pfad/ü",
                ],
            ),
        ] {
            for text in texts {
                assert_eq!(check(text), Ok(()), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_and_what_is_said_about_it() {
        let form =
            "expected an address `host:port`, such as `10.0.1.7:8080` or `[2001:db8::7]:8080`";
        for (check, text, message) in [
            (
                host as Check,
                "nats://localhost",
                "expected a host without a scheme",
            ),
            (
                host,
                "localhost/x",
                "expected a host only, without path and login",
            ),
            (
                host,
                "user@localhost",
                "expected a host only, without path and login",
            ),
            (host, "localhost:4222", "expected a host without a port"),
            (host, "", "expected a host name or an IP address"),
            (host, "a b", "expected a host name or an IP address"),
            (
                host,
                ".example.org",
                "expected a host name or an IP address",
            ),
            (host, "a..b", "expected a host name or an IP address"),
            (host, "a\n", "expected a host name or an IP address"),
            (address, "10.0.1.7", form),
            (address, "10.0.1.7:0", form),
            (address, "10.0.1.7:65536", form),
            (address, "10.0.1.7:+80", form),
            (address, "2001:db8::7:8080", form),
            (address, ":8080", form),
            (address, "unix:///run/app.sock", form),
            (target_address, "10.0.1.7", form),
            (
                target_address,
                "unix://run/app.sock",
                "the path of the socket must be absolute, with three slashes: `unix:///run/app.sock`",
            ),
            (
                host_with_optional_port,
                "unix:///run/app.sock",
                "expected a host without a scheme",
            ),
            (
                host_with_optional_port,
                "http://exporter",
                "expected a host without a scheme",
            ),
            (
                host_with_optional_port,
                "exporter:port",
                "expected a host, or `host:port`",
            ),
            (
                server_name,
                "a b",
                "expected a DNS name or an IP address, as it stands in the certificate",
            ),
            (
                url_path,
                "/metrics?x=1",
                "expected a path without parameters; they belong into `params`",
            ),
            (
                url_path,
                "/a b",
                "expected a path without spaces and control characters",
            ),
            (
                metric_path,
                "/a/../b",
                "the metrics path must not have `.` or `..` as a segment: write an absolute path such as `/metrics`",
            ),
            (
                route,
                "https://app.example.org",
                "expected a route without a scheme, such as `app.example.org/path`",
            ),
            (
                route,
                "/path",
                "expected a route such as `app.example.org` or `app.example.org/path`",
            ),
        ] {
            assert_eq!(check(text), Err(message.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", odd in "[\\[\\]:./a-z0-9@]{0,30}") {
            for text in [&text, &odd] {
                for check in [host as Check, address, host_with_optional_port, server_name, url_path, metric_path, route] {
                    let _ = check(text);
                }
            }
        }
    }
}
