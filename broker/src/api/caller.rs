//! Who calls: the connection's peer, or whom a trusted proxy names in `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::accept;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Longest chain of proxies that is passed on, in bytes. Ten hops of IPv6 fit twice.
const MAX_CHAIN: usize = 1024;

/// The other end of the connection, set by the server on every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The addresses of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Who is asking: the last address that is no trusted proxy.
    pub(crate) address: IpAddr,
    /// What instances get as `X-Forwarded-For`.
    pub(crate) forwarded_for: String,
}

impl Caller {
    /// Only a trusted proxy is believed: anybody else could write any address into the header.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        let trusted = |address: IpAddr| trusted_proxies.iter().any(|net| net.contains(&address));
        let alone = Self {
            address: peer,
            forwarded_for: peer.to_string(),
        };
        if !trusted(peer) {
            return alone;
        }
        let Some(chain) = accept::joined(headers, X_FORWARDED_FOR)
            .filter(|chain| !chain.trim().is_empty() && chain.len() <= MAX_CHAIN)
        else {
            return alone;
        };
        let mut address = peer;
        for hop in chain.rsplit(',') {
            // Beyond something unreadable nothing can be believed.
            let Ok(hop) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            address = hop.to_canonical();
            if !trusted(address) {
                break;
            }
        }
        Self {
            address,
            forwarded_for: format!("{}, {peer}", chain.trim()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> = vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ];
        for (peer, header, address, forwarded, why) in [
            ("192.0.2.1", None, "192.0.2.1", "192.0.2.1", "no proxy"),
            (
                "192.0.2.1",
                Some("198.51.100.7"),
                "192.0.2.1",
                "192.0.2.1",
                "anybody can write a header",
            ),
            (
                "10.0.0.1",
                None,
                "10.0.0.1",
                "10.0.0.1",
                "a proxy that says nothing",
            ),
            (
                "10.0.0.1",
                Some("198.51.100.7"),
                "198.51.100.7",
                "198.51.100.7, 10.0.0.1",
                "behind one proxy",
            ),
            (
                "10.0.0.1",
                Some("6.6.6.6, 198.51.100.7, 10.9.9.9"),
                "198.51.100.7",
                "6.6.6.6, 198.51.100.7, 10.9.9.9, 10.0.0.1",
                "behind two: the left end may be invented",
            ),
            (
                "10.0.0.1",
                Some("unknown"),
                "10.0.0.1",
                "unknown, 10.0.0.1",
                "unreadable",
            ),
            (
                "10.0.0.1",
                Some("10.1.1.1, 10.2.2.2"),
                "10.1.1.1",
                "10.1.1.1, 10.2.2.2, 10.0.0.1",
                "all of them proxies: the first one",
            ),
            ("10.0.0.1", Some("  "), "10.0.0.1", "10.0.0.1", "empty"),
            (
                "::ffff:10.0.0.1",
                Some("198.51.100.7"),
                "198.51.100.7",
                "198.51.100.7, 10.0.0.1",
                "IPv4 on an IPv6 socket",
            ),
            (
                "2001:db8::1",
                Some("2001:db9::2"),
                "2001:db9::2",
                "2001:db9::2, 2001:db8::1",
                "IPv6",
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(X_FORWARDED_FOR, header.parse().unwrap());
            }
            let got = Caller::of(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(
                (got.address.to_string().as_str(), got.forwarded_for.as_str()),
                (address, forwarded),
                "{why}"
            );
        }
    }

    #[test]
    fn an_endless_chain_is_dropped() {
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, "1.1.1.1,".repeat(200).parse().unwrap());
        let got = Caller::of(
            "10.0.0.1".parse().unwrap(),
            &headers,
            &["10.0.0.0/8".parse().unwrap()],
        );
        assert_eq!(got.forwarded_for, "10.0.0.1");
    }
}
