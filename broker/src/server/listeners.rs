//! The two ports, that of the call metrics where they have one, and the TLS identity of the first.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use tokio::net::TcpListener;

use super::tls::Tls;
use crate::config::Config;

/// Open ports. Taken before anything else starts, so that a port in use is the first thing one learns.
#[derive(Debug)]
pub struct Listeners {
    pub api: TcpListener,
    pub health: TcpListener,
    /// For the call metrics alone, when they have an address of their own.
    pub calls: Option<TcpListener>,
    /// Set when the API speaks HTTPS.
    pub tls: Option<Tls>,
}

/// Why the ports are not open.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// `tls_pem` cannot be used: the configuration is wrong.
    #[error("`tls_pem`: {0}")]
    Tls(promfetch_core::Error),
    /// The address of the call metrics is taken, not allowed or not of this machine.
    #[error(
        "`call_metrics_address`: {address} cannot be opened: {source}; choose another address (port 0 = any free one), or leave the key out"
    )]
    Calls {
        address: SocketAddr,
        source: io::Error,
    },
    /// The port is taken or not allowed.
    #[error("{what} port {port} cannot be opened: {source}{hint}", hint = hint(source, option))]
    Port {
        what: &'static str,
        port: u16,
        option: &'static str,
        source: io::Error,
    },
}

/// What to do about the commonest reason.
fn hint(error: &io::Error, option: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("; choose another with `{option} PORT` (0 = any free one)")
        }
        io::ErrorKind::PermissionDenied => {
            format!("; ports below 1024 need a privilege: choose another with `{option} PORT`")
        }
        _ => String::new(),
    }
}

impl Listeners {
    /// Opens the ports of the configuration, those of API and health on this address; 0 is any free port. With a `file`, its `tls_pem` is
    /// read again when the file changes and on SIGHUP.
    ///
    /// # Errors
    /// See [`BindError`]. The certificate is looked at before a port opens.
    pub async fn bind(
        config: &Config,
        address: IpAddr,
        file: Option<PathBuf>,
    ) -> Result<Self, BindError> {
        let tls = config
            .tls
            .as_ref()
            .map(|pem| Tls::new(pem, file))
            .transpose()
            .map_err(BindError::Tls)?;
        let bind = |what, port, option| async move {
            TcpListener::bind((address, port))
                .await
                .map_err(|source| BindError::Port {
                    what,
                    port,
                    option,
                    source,
                })
        };
        let calls = match config.call_metrics_address {
            None => None,
            Some(address) => {
                let listener = TcpListener::bind(address).await;
                Some(listener.map_err(|source| BindError::Calls { address, source })?)
            }
        };
        Ok(Self {
            calls,
            api: bind("the API", config.port, "--port").await?,
            health: bind("the health", config.health_check_port, "--health-port").await?,
            tls,
        })
    }

    /// Where a caller on this machine finds the API: `http://127.0.0.1:8085`.
    ///
    /// # Errors
    /// When the system does not know the listener's address.
    pub fn api_url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(local_url(scheme, self.api.local_addr()?))
    }

    /// Where a caller on this machine finds the call metrics' own page, if there is one.
    ///
    /// # Errors
    /// When the system does not know the listener's address.
    pub fn calls_url(&self) -> io::Result<Option<String>> {
        let address = self
            .calls
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()?;
        Ok(address.map(|address| local_url("http", address) + "/metrics"))
    }

    /// Where a caller on this machine finds the health page's port.
    ///
    /// # Errors
    /// When the system does not know the listener's address.
    pub fn health_url(&self) -> io::Result<String> {
        Ok(local_url("http", self.health.local_addr()?))
    }
}

fn local_url(scheme: &str, mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from([127, 0, 0, 1]));
    }
    format!("{scheme}://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_says_which_option_helps() {
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let free = Config {
            port: 0,
            health_check_port: 0,
            ..Config::default()
        };
        let first = Listeners::bind(&free, loopback, None).await.unwrap();
        let port = first.api.local_addr().unwrap().port();
        assert_eq!(first.api_url().unwrap(), format!("http://127.0.0.1:{port}"));
        let address = first.api.local_addr().unwrap();
        let taken = Config {
            call_metrics_address: Some(address),
            ..free.clone()
        };
        let text = Listeners::bind(&taken, loopback, None)
            .await
            .unwrap_err()
            .to_string();
        let want = format!("`call_metrics_address`: {address} cannot be opened: ");
        assert!(text.starts_with(&want), "{text}");
        assert_eq!(first.calls_url().unwrap(), None);
        for (config, want) in [
            (
                Config {
                    port,
                    ..free.clone()
                },
                format!("the API port {port} cannot be opened: "),
            ),
            (
                Config {
                    health_check_port: port,
                    ..free.clone()
                },
                format!("the health port {port} cannot be opened: "),
            ),
        ] {
            let text = Listeners::bind(&config, loopback, None)
                .await
                .unwrap_err()
                .to_string();
            assert!(text.starts_with(&want), "{text}");
            assert!(text.ends_with("port PORT` (0 = any free one)"), "{text}");
        }
    }

    #[test]
    fn urls_can_be_called_from_this_machine() {
        assert_eq!(
            local_url("https", "0.0.0.0:8085".parse().unwrap()),
            "https://127.0.0.1:8085"
        );
        assert_eq!(
            local_url("http", "[2001:db8::1]:80".parse().unwrap()),
            "http://[2001:db8::1]:80"
        );
    }
}
