//! How to reach the platform's NATS: for discovery, and for whoever embeds the library and needs a connection of its
//! own.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};

use crate::config;
use crate::error::{Error, Kind};
use crate::tls;

/// The servers of a configuration, and how to connect to them: with login and certificates, for ever.
#[derive(Debug)]
pub struct Servers {
    pub addresses: Vec<ServerAddr>,
    pub options: ConnectOptions,
}

/// Reads the servers of a configuration. Nothing is connected yet.
///
/// # Errors
/// [`Kind::Configuration`] when there is no server, or a certificate cannot be used.
pub fn servers(settings: &config::Nats) -> Result<Servers, Error> {
    if settings.hosts.is_empty() {
        return Err(Error::new(Kind::Configuration, "`nats.hosts` is empty"));
    }
    let addresses = settings
        .hosts
        .iter()
        .map(|(host, port)| server(host, *port))
        .collect::<Result<_, _>>()?;
    let mut options = ConnectOptions::new()
        .name("promfetch")
        .ping_interval(settings.ping_interval)
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_delay)
        // Discovered servers come as IP addresses, which their certificates do not name: only those listed are used.
        .ignore_discovered_servers();
    if !settings.user.is_empty() {
        options = options.user_and_password(settings.user.clone(), settings.pass.0.clone());
    }
    if settings.tls_enabled {
        let identity = (!settings.cert_chain.trim().is_empty())
            .then(|| tls::identity(&settings.cert_chain, &settings.private_key.0))
            .transpose()?;
        let tls = tls::client_config(
            tls::roots(&settings.ca_certs)?,
            false,
            identity.map(Arc::new),
        );
        options = options.require_tls(true).tls_client_config(tls);
    }
    Ok(Servers { addresses, options })
}

/// A server's address; IPv6 in brackets.
fn server(host: &str, port: u16) -> Result<ServerAddr, Error> {
    let url = if host.contains(':') && !host.starts_with('[') {
        format!("nats://[{host}]:{port}")
    } else {
        format!("nats://{host}:{port}")
    };
    url.parse().map_err(|error: std::io::Error| {
        Error::new(
            Kind::Configuration,
            format!("`nats.hosts`: `{host}` is not a host name"),
        )
        .caused_by(error)
    })
}

/// 0.1 s, doubling to 2 s, less up to half of it: processes that lost the same server do not come back as one.
pub(crate) fn reconnect_delay(attempts: usize) -> Duration {
    // Every state has keys of its own.
    delay(attempts, RandomState::new().hash_one(attempts))
}

fn delay(attempts: usize, random: u64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(5);
    let longest = Duration::from_millis(100 * (1 << doublings)).min(Duration::from_secs(2));
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits of randomness are plenty"
    )]
    let share = random as f64 / u64::MAX as f64;
    longest.mul_f64(1.0 - share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconnecting_slows_down_to_two_seconds_with_jitter() {
        for (attempts, shortest, longest) in [
            (0, 50, 100),
            (1, 50, 100),
            (2, 100, 200),
            (5, 800, 1600),
            (6, 1000, 2000),
            (1_000_000, 1000, 2000),
        ] {
            assert_eq!(
                delay(attempts, 0),
                Duration::from_millis(longest),
                "{attempts}"
            );
            assert_eq!(
                delay(attempts, u64::MAX),
                Duration::from_millis(shortest),
                "{attempts}"
            );
        }
    }

    #[test]
    fn servers_are_read_with_names_and_both_kinds_of_addresses() {
        for (host, want) in [
            ("nats.service.cf.internal", Some("nats.service.cf.internal")),
            ("10.0.0.1", Some("10.0.0.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("no host", None),
        ] {
            let server = server(host, 4224);
            assert_eq!(
                server.as_ref().ok().map(|server| server.host()),
                want,
                "{host}"
            );
        }
    }
}
