//! `db_conn`: which database, where, and with which login.
//!
//! promfetcher's BOSH release puts passwords into the URL as they are, so this is no parser of URLs: everything up to
//! the last `@` is the login, whatever it holds. A `?` or `@` in what follows has to be written `%3F` or `%40`.
//! Nothing of the text is ever quoted in errors: a forgotten `@` would turn the password into a host.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::error::{Error, Kind};

/// A database, ready to be opened.
pub(crate) enum Target {
    Sqlite(PathBuf),
    Mysql(Box<MySqlConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl fmt::Debug for Target {
    /// By hand: sqlx's options show passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "Sqlite",
            Self::Mysql(_) => "Mysql",
            Self::Postgres(_) => "Postgres",
        })
    }
}

impl Target {
    /// Reads `db_conn`. No I/O: certificates are read when a connection is opened.
    pub(crate) fn parse(conn: &str) -> Result<Self, Error> {
        let (scheme, rest) = conn
            .split_once("://")
            .ok_or_else(|| wrong("has no scheme such as `mysql://`"))?;
        match scheme {
            "sqlite" => sqlite(rest),
            "mysql" | "mariadb" => mysql(&Url::parse(rest)?),
            "postgres" | "postgresql" => postgres(&Url::parse(rest)?),
            _ => Err(wrong(
                "does not begin with `mysql://`, `mariadb://`, `postgres://` or `sqlite:///`",
            )),
        }
    }
}

fn wrong(what: &str) -> Error {
    Error::new(Kind::Configuration, format_args!("`db_conn` {what}"))
}

/// promfetcher cuts one slash: `sqlite:///x.db` is `x.db` in the working directory, `sqlite:////var/x.db` is not.
fn sqlite(rest: &str) -> Result<Target, Error> {
    let file = rest.strip_prefix('/').ok_or_else(|| {
        wrong("needs three slashes after `sqlite:`, and four before a path from the root")
    })?;
    if file.is_empty() || file.ends_with('/') {
        return Err(wrong("names no file after `sqlite:///`"));
    }
    if file.contains(['?', '#', '\0']) {
        return Err(wrong("has parameters, which SQLite does not take here"));
    }
    Ok(Target::Sqlite(file.into()))
}

/// The parts of a URL, decoded.
struct Url {
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: Option<u16>,
    database: String,
    parameters: Vec<(String, String)>,
}

impl Url {
    fn parse(rest: &str) -> Result<Self, Error> {
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let (user, password) = match login {
            None => (None, None),
            Some(login) => {
                let written_raw = !is_encoded(login);
                let (user, password) = match login.split_once(':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (login, None),
                };
                let read = |text: &str| {
                    let decoded = percent_decode_str(text).decode_utf8().ok();
                    match decoded {
                        Some(decoded) if !written_raw => decoded.into_owned(),
                        _ => text.to_owned(),
                    }
                };
                (Some(read(user)), password.map(read))
            }
        };
        let (place, query) = place.split_once('?').unwrap_or((place, ""));
        let (address, database) = place
            .split_once('/')
            .ok_or_else(|| wrong("names no database: it ends with `/` and the database's name"))?;
        if database.is_empty() {
            return Err(wrong("names no database after the last `/`"));
        }
        let (host, port) = address_parts(address)?;
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair
                .split_once('=')
                .ok_or_else(|| wrong("has a parameter without `=`"))?;
            parameters.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self {
            user,
            password,
            host: decoded(host)?,
            port,
            database: decoded(database)?,
            parameters,
        })
    }
}

/// Whether a login is percent-encoded: it holds only what may stand in that part of a URL, as Go's `net/url` sees it,
/// and every `%` begins an escape. A password that holds, say, `#` was put there as it is, and so was its `%41`.
fn is_encoded(login: &str) -> bool {
    let bytes = login.as_bytes();
    bytes.iter().enumerate().all(|(position, byte)| match byte {
        b'%' => bytes
            .get(position + 1..position + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        b'-' | b'.' | b'_' | b':' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*'
        | b'+' | b',' | b';' | b'=' | b'@' => true,
        byte => byte.is_ascii_alphanumeric(),
    })
}

fn decoded(text: &str) -> Result<String, Error> {
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| wrong("holds percent-encoded bytes that are no UTF-8"))
}

/// Host and port; a host with colons stands in brackets.
fn address_parts(address: &str) -> Result<(&str, Option<u16>), Error> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or_else(|| wrong("has a `[` before the host and no `]` after it"))?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(wrong("has something between `]` and the port")),
            }
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) => Some(
            u16::from_str(port)
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("has a port that is not a number from 1 to 65535. Is there an `@` before the host?"))?,
        ),
    };
    Ok((host, port))
}

fn mysql(url: &Url) -> Result<Target, Error> {
    let mut options = MySqlConnectOptions::new()
        .database(&url.database)
        .disable_statement_logging();
    let mut socket = false;
    let (mut mode, mut authority) = (None, false);
    for (name, value) in &url.parameters {
        options = match &**name {
            "ssl-mode" | "sslmode" => {
                mode = Some(MySqlSslMode::from_str(value).map_err(|_| {
                    wrong("has an `ssl-mode` other than DISABLED, PREFERRED, REQUIRED, VERIFY_CA and VERIFY_IDENTITY")
                })?);
                options
            }
            "ssl-ca" => {
                authority = true;
                options.ssl_ca(value)
            }
            "ssl-cert" => options.ssl_client_cert(value),
            "ssl-key" => options.ssl_client_key(value),
            "socket" => {
                socket = true;
                options.socket(value)
            }
            _ => {
                return Err(wrong(
                    "has a parameter that promfetch does not know for MySQL. It knows `ssl-mode`, `ssl-ca`, `ssl-cert`, `ssl-key` and `socket`",
                ));
            }
        };
    }
    if url.host.is_empty() && !socket {
        return Err(wrong("names no host"));
    }
    // As MySQL's own clients: who names an authority wants it asked.
    options = options.ssl_mode(mode.unwrap_or(if authority {
        MySqlSslMode::VerifyCa
    } else {
        MySqlSslMode::Preferred
    }));
    if !url.host.is_empty() {
        options = options.host(&url.host);
    }
    if let Some(port) = url.port {
        options = options.port(port);
    }
    if let Some(user) = &url.user {
        options = options.username(user);
    }
    if let Some(password) = &url.password {
        options = options.password(password);
    }
    Ok(Target::Mysql(Box::new(options)))
}

fn postgres(url: &Url) -> Result<Target, Error> {
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(if url.host.is_empty() {
            "localhost"
        } else {
            &url.host
        })
        .port(url.port.unwrap_or(5432))
        .database(&url.database)
        .application_name("promfetch")
        // A start parameter that PgBouncer refuses; no column of ours holds such numbers.
        .extra_float_digits(None)
        .disable_statement_logging();
    let (mut mode, mut authority) = (None, false);
    for (name, value) in &url.parameters {
        options = match &**name {
            "sslmode" | "ssl-mode" => {
                mode = Some(PgSslMode::from_str(value).map_err(|_| {
                    wrong("has an `sslmode` other than disable, allow, prefer, require, verify-ca and verify-full")
                })?);
                options
            }
            "sslrootcert" => {
                authority = true;
                options.ssl_root_cert(value)
            }
            "sslcert" => options.ssl_client_cert(value),
            "sslkey" => options.ssl_client_key(value),
            "host" => options.host(value),
            "application_name" => options.application_name(value),
            "search_path" => options.options([("search_path", value)]),
            // promfetcher's driver knows it; the limits here are promfetch's own.
            "connect_timeout" => options,
            _ => {
                return Err(wrong(
                    "has a parameter that promfetch does not know for PostgreSQL. It knows `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host`, `application_name` and `search_path`",
                ));
            }
        };
    }
    options = options.ssl_mode(mode.unwrap_or(if authority {
        PgSslMode::VerifyCa
    } else {
        PgSslMode::Prefer
    }));
    if let Some(user) = &url.user {
        options = options.username(user);
    }
    if let Some(password) = &url.password {
        options = options.password(password);
    }
    Ok(Target::Postgres(Box::new(options)))
}

#[cfg(test)]
mod tests;
