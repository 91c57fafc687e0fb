//! Where a program offers its page: a Unix socket or an address.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use promfetch_core::config::kind::Kind;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::unix::Socket;

/// The kind of a key with such an address.
pub const KIND: Kind = Kind::Checked {
    what: "`unix://` and a path, or `address:port`",
    check: |text| Address::parse(text).map(drop),
    shown: true,
};

/// Mode of the file of a Unix socket: the group may be given to whoever reads it.
const MODE: u32 = 0o660;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:///run/x.sock` or `127.0.0.1:9100`.
    ///
    /// # Errors
    /// A clause that says what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected `unix:///run/promfetch/x.sock` or `127.0.0.1:9100`";
        match text.strip_prefix("unix://") {
            Some(path) if path.starts_with('/') && !path.ends_with('/') => {
                Ok(Self::Unix(path.into()))
            }
            Some(_) => Err(format!("{expected}: the path must begin with `/`")),
            None => text.parse().map(Self::Tcp).map_err(|_| expected.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// A server that can be asked already, but does not answer yet.
#[derive(Debug)]
pub enum Listener {
    Unix(Socket),
    Tcp(TcpListener),
}

impl Listener {
    /// Listens there.
    ///
    /// # Errors
    /// What the system says; the message names the address.
    pub async fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Unix(path) => Socket::bind(path, MODE).await.map(Self::Unix),
            Address::Tcp(address) => match TcpListener::bind(address).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) => Err(io::Error::new(error.kind(), format!("{address}: {error}"))),
            },
        }
    }

    /// The address, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self, asked: &Address) -> io::Result<Address> {
        match self {
            Self::Unix(_) => Ok(asked.clone()),
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
        }
    }

    /// Answers until `shutdown`.
    ///
    /// # Errors
    /// None that a server goes on after.
    pub async fn serve(self, router: Router, shutdown: CancellationToken) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.serve(router, shutdown).await,
            Self::Tcp(listener) => {
                axum::serve(listener, router)
                    .with_graceful_shutdown(shutdown.cancelled_owned())
                    .await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sockets_or_ports() {
        for (text, read, why) in [
            ("unix:///run/x.sock", true, "a socket"),
            ("127.0.0.1:0", true, "any port"),
            ("[::1]:9100", true, "IPv6"),
            ("unix://x.sock", false, "relative"),
            ("unix:///run/", false, "a folder"),
            ("unix://", false, "no path"),
            ("localhost:9100", false, "a name may be several addresses"),
            (":9100", false, "no address"),
            ("", false, "nothing"),
        ] {
            let address = Address::parse(text);
            assert_eq!(address.is_ok(), read, "{why}: {address:?}");
            if let Ok(address) = address {
                assert_eq!(address.to_string(), text);
            }
        }
    }
}
