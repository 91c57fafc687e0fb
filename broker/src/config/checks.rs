//! Texts of the service's keys that have a form. Each check says what is allowed, without the value.

use std::net::{Ipv4Addr, SocketAddr};

use crate::store::db_conn::Target;

/// Schemes of databases, with what has to follow.
const DATABASES: [&str; 5] = [
    "mysql://",
    "mariadb://",
    "postgres://",
    "postgresql://",
    "sqlite:///",
];

/// Where to listen: an IP address with a port, or a port behind a colon.
pub(super) fn listen_address(text: &str) -> Result<(), String> {
    read_listen_address(text).map(drop).ok_or_else(|| {
        "expected an address such as `127.0.0.1:51680` or `[::1]:51680`, or `:51680` for all interfaces"
            .into()
    })
}

/// Such an address. A port alone means all interfaces.
pub(super) fn read_listen_address(text: &str) -> Option<SocketAddr> {
    let on_all = || {
        let port = text.strip_prefix(':')?.parse::<u16>().ok()?;
        Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
    };
    text.parse().ok().or_else(on_all)
}

/// The public address: scheme, host, and perhaps a port and a path.
pub(super) fn base_url(text: &str) -> Result<(), String> {
    let form = "expected a URL such as `https://promfetch.example.org`";
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .ok_or(form)?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err(format!("{form}, without a login: it is shown to users"));
    }
    if rest.contains(['?', '#'])
        || rest
            .chars()
            .any(|character| character.is_control() || character == ' ')
    {
        return Err(format!("{form}, without parameters and spaces"));
    }
    promfetch_core::config::checks::host_with_optional_port(host).map_err(|_| form.to_owned())
}

/// A path in which `*` stands for any characters.
pub(super) fn path_pattern(text: &str) -> Result<(), String> {
    if !text.starts_with(['/', '*'])
        || text.contains(['?', '#'])
        || text
            .chars()
            .any(|character| character.is_control() || character == ' ')
    {
        return Err("expected a path such as `/actuator/*`, without parameters and spaces".into());
    }
    Ok(())
}

/// A database URL, which the store reads by rules of its own: promfetcher's BOSH release puts passwords in as they are,
/// and not all of those can stand in a URL.
pub(super) fn database(text: &str) -> Result<(), String> {
    if text.starts_with("sqlite:") && !text.starts_with("sqlite:///") {
        return Err("expected three slashes after `sqlite:` and the name of a file, such as `sqlite:////var/lib/promfetch.db`".into());
    }
    match DATABASES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) if !rest.is_empty() => Target::parse(text).map(drop).map_err(|error| {
            let reason = error.to_string();
            reason.trim_start_matches("`db_conn` ").to_owned()
        }),
        _ => Err("expected a database URL that begins with `mysql://`, `mariadb://`, `postgres://` or `sqlite:///`".into()),
    }
}

/// The name of a service offering: "CLI-friendly" (Open Service Broker API, Service Offering Object).
pub(super) fn service_name(text: &str) -> Result<(), String> {
    let is_friendly = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if (1..=255).contains(&text.len()) && text.bytes().all(is_friendly) {
        Ok(())
    } else {
        Err("expected letters, digits, dots and hyphens, such as `app-metrics`".into())
    }
}

/// A key that nobody guesses. Its form is free: what is derived from it is hashed.
pub(super) fn secret_key(text: &str) -> Result<(), String> {
    if text.chars().count() < 16 {
        return Err("expected at least 16 characters; `openssl rand -base64 32` makes some".into());
    }
    Ok(())
}

/// A line of `promfetch hash-password`.
pub(super) fn password_hash(text: &str) -> Result<(), String> {
    crate::access::password::check_hash(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Result<(), String>;

    #[test]
    fn what_is_allowed() {
        for (check, texts) in [
            (
                base_url as Check,
                &[
                    "http://localhost:8085",
                    "https://promfetch.example.org/",
                    "https://a.b/c/",
                    "http://[::1]:80",
                ][..],
            ),
            (
                listen_address,
                &[":51680", "127.0.0.1:51680", "[::1]:51680", ":0"],
            ),
            (path_pattern, &["/metrics", "/actuator/*", "*", "/a/*/b*"]),
            (
                database,
                &[
                    "mysql://u:p@h:3306/db",
                    "mariadb://h/db",
                    "postgres://u:p#w@h/db",
                    "postgresql://h/d",
                    "sqlite:///x.db",
                    "sqlite:////var/x.db",
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
        let url = "expected a URL such as `https://promfetch.example.org`";
        let path = "expected a path such as `/actuator/*`, without parameters and spaces";
        let scheme = "expected a database URL that begins with `mysql://`, `mariadb://`, `postgres://` or `sqlite:///`";
        let slashes = "expected three slashes after `sqlite:` and the name of a file, such as `sqlite:////var/lib/promfetch.db`";
        let listen = "expected an address such as `127.0.0.1:51680` or `[::1]:51680`, or `:51680` for all interfaces";
        for (check, text, message, why) in [
            (
                base_url as Check,
                "promfetch.example.org",
                url.to_owned(),
                "no scheme",
            ),
            (base_url, "ftp://a", url.to_owned(), "another scheme"),
            (base_url, "https://", url.to_owned(), "no host"),
            (base_url, "https://a:b", url.to_owned(), "no port"),
            (
                base_url,
                "https://u:p@a",
                format!("{url}, without a login: it is shown to users"),
                "a login",
            ),
            (
                base_url,
                "https://a?b",
                format!("{url}, without parameters and spaces"),
                "parameters",
            ),
            (listen_address, "51680", listen.to_owned(), "no colon"),
            (listen_address, ":", listen.to_owned(), "no port"),
            (listen_address, ":70000", listen.to_owned(), "no such port"),
            (listen_address, "localhost:1", listen.to_owned(), "a name"),
            (listen_address, "::1:x", listen.to_owned(), "no number"),
            (path_pattern, "metrics", path.to_owned(), "no slash"),
            (path_pattern, "/metrics?a=*", path.to_owned(), "parameters"),
            (path_pattern, "", path.to_owned(), "empty"),
            (
                database,
                "oracle://h/db",
                scheme.to_owned(),
                "a database nobody has",
            ),
            (database, "mysql://", scheme.to_owned(), "nothing behind"),
            (database, "u:p@h/db", scheme.to_owned(), "no scheme"),
            (
                database,
                "sqlite://x.db",
                slashes.to_owned(),
                "sqlx opens a database without a name for it",
            ),
            (database, "sqlite:x.db", slashes.to_owned(), "no slashes"),
        ] {
            assert_eq!(check(text), Err(message), "{text}: {why}");
        }
    }
}
