//! Where an instance listens: host and port, or a Unix socket that the operator has named.

use std::fmt;

use crate::metric_path::check_metric_path;

/// What stands in front of a socket's path. It is read in lower case only.
const SCHEME: &str = "unix://";
/// Longest path of a socket, in bytes: `sun_path` has 108, of which one is the NUL at the end.
const MAX_SOCKET: usize = 107;

/// Where an instance listens.
///
/// Sockets come from the operator's own configuration alone, by [`Address::of_target`]: what the platform, an app or
/// an exporter says is read by [`Address::parse`], which knows none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// The host may be a name; an IPv6 address stands without brackets.
    Tcp { host: Box<str>, port: u16 },
    /// The absolute path of a socket on this machine.
    Unix(Box<str>),
}

impl Address {
    pub fn tcp(host: impl Into<Box<str>>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }

    /// Reads `host:port`, split at the last colon, as gorouter glues it (IPv6 without brackets; with them is fine too).
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host);
        (!host.is_empty()).then(|| Some(Self::tcp(host, port.parse().ok()?)))?
    }

    /// Reads what the operator has written for a target: `host:port`, or `unix:///run/app.sock` with a metrics path
    /// behind another colon, which is given beside the address.
    ///
    /// # Errors
    /// What is wrong with it, as a clause without the value.
    pub fn of_target(text: &str) -> Result<(Self, Option<String>), String> {
        if is_socket(text) {
            return socket(text);
        }
        Self::parse(text)
            .filter(|address| address.port() != Some(0))
            .map(|address| (address, None))
            .ok_or_else(|| "the address must be `host:port` or `unix:///run/app.sock`".to_owned())
    }

    /// The host to be found in a certificate; `localhost` for a socket, which is also its `Host` in a request.
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Unix(_) => "localhost",
        }
    }

    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } => Some(*port),
            Self::Unix(_) => None,
        }
    }

    pub fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// The address as one segment of a URL's path: Prometheus cannot write an encoded slash there. No path of a socket
    /// holds a colon, so no two addresses become the same.
    pub fn segment(&self) -> String {
        match self {
            Self::Tcp { .. } => self.to_string(),
            Self::Unix(path) => format!("unix:{}", path.replace('/', ":")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{SCHEME}{path}"),
        }
    }
}

/// Whether the text wants to be a socket, rightly or not.
pub(crate) fn is_socket(text: &str) -> bool {
    // `unix:8080` is a host of that name.
    let rest = text
        .get(..5)
        .filter(|start| start.eq_ignore_ascii_case("unix:"));
    text.starts_with('/')
        || rest.is_some() && !text.bytes().skip(5).all(|byte| byte.is_ascii_digit())
}

/// Reads the URL of a socket.
fn socket(text: &str) -> Result<(Address, Option<String>), String> {
    let Some(rest) = text.strip_prefix(SCHEME) else {
        return Err(
            "a Unix socket is written `unix:///run/app.sock`: `unix://`, then its absolute path"
                .into(),
        );
    };
    let (path, metrics) = match rest.split_once(':') {
        Some((path, metrics)) => (path, Some(metrics)),
        None => (rest, None),
    };
    if !path.starts_with('/') {
        return Err(
            "the path of the socket must be absolute, with three slashes: `unix:///run/app.sock`"
                .into(),
        );
    }
    if path.len() > MAX_SOCKET {
        return Err(format!(
            "the path of the socket has {} bytes; the system takes at most {MAX_SOCKET}: a symbolic link can be shorter",
            path.len()
        ));
    }
    if path.contains('\0') {
        return Err(
            "the path of the socket holds a NUL: abstract sockets have no path and cannot be asked"
                .into(),
        );
    }
    if path.contains(['%', '?', '#']) {
        return Err("the path of the socket holds `%`, `?` or `#`: nothing is decoded there, and the metrics path stands \
            behind a colon, as in `unix:///run/app.sock:/metrics`".into());
    }
    if path
        .chars()
        .any(|character| character.is_control() || character.is_whitespace())
    {
        return Err("the path of the socket holds a blank or a control character".into());
    }
    if path
        .split('/')
        .skip(1)
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return Err("the path of the socket must have no `.`, `..` or empty segments, and no slash at its end".into());
    }
    let metrics = metrics
        .map(|metrics| {
            if !metrics.starts_with('/') {
                return Err("behind the colon stands the metrics path, as in `unix:///run/app.sock:/metrics`; the path \
                    of a socket cannot hold a colon".to_owned());
            }
            check_metric_path(metrics).map_err(|error| error.to_string())
        })
        .transpose()?;
    Ok((Address::Unix(path.into()), metrics))
}

#[cfg(test)]
mod tests;
