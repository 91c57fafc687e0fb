//! Which addresses promfetch is willing to dial.
//!
//! Register messages on NATS are unauthenticated: whoever may publish could make promfetch ask any address
//! that it can reach. Addresses that no app instance has are refused unless the operator allows them.

use std::net::IpAddr;

use ipnet::IpNet;

/// The operator's `targets_allow` and `targets_deny`, over a built-in list of refused ranges.
///
/// The first list that names an address decides: deny, then allow, then the built-in ranges; all others may be dialled.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    pub allow: Vec<IpNet>,
    pub deny: Vec<IpNet>,
}

impl AddressPolicy {
    /// Whether this address may be dialled.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.deny.iter().any(|net| net.contains(&address)) {
            return false;
        }
        self.allow.iter().any(|net| net.contains(&address)) || !is_special(address)
    }

    /// Whether this host may be dialled as far as can be said without resolving it: names are checked when they are.
    pub fn allows_host(&self, host: &str) -> bool {
        host.parse().map_or(true, |address| self.allows(address))
    }
}

/// Loopback, link-local (the metadata service of most clouds lives there), multicast, broadcast and unspecified
/// addresses, and the metadata addresses that are none of these.
fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
                // metadata services of Alibaba Cloud and of Azure's platform
                || v4.octets() == [100, 100, 100, 200]
                || v4.octets() == [168, 63, 129, 16]
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.is_unicast_link_local()
                // AWS' metadata service over IPv6
                || v6.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_refused_unless_allowed() {
        let open = AddressPolicy::default();
        let configured = AddressPolicy {
            allow: vec!["127.0.0.0/8".parse().unwrap()],
            deny: vec![
                "10.9.0.0/16".parse().unwrap(),
                "127.6.6.6/32".parse().unwrap(),
            ],
        };
        for (address, by_default, with_lists) in [
            ("10.0.0.1", true, true),
            ("10.9.1.1", true, false),
            ("127.0.0.1", false, true),
            ("127.6.6.6", false, false),
            ("::ffff:127.0.0.1", false, true),
            ("169.254.169.254", false, false),
            ("100.100.100.200", false, false),
            ("168.63.129.16", false, false),
            ("224.0.0.1", false, false),
            ("0.0.0.0", false, false),
            ("255.255.255.255", false, false),
            ("::1", false, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
            ("ff02::1", false, false),
            ("2001:db8::1", true, true),
        ] {
            let ip = address.parse().unwrap();
            assert_eq!(open.allows(ip), by_default, "{address} by default");
            assert_eq!(configured.allows(ip), with_lists, "{address} with lists");
        }
        assert!(
            open.allows_host("cell-7.internal"),
            "a name is checked when it is resolved"
        );
        assert!(!open.allows_host("127.0.0.1"));
    }
}
