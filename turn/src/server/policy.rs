//! Which peers may be reached: nothing inside, unless the operator names it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Network;

/// Which addresses may be peers.
///
/// What is asked in order: the addresses that were denied, those that were allowed, the server's own, and then whatever is
/// not on the public internet: unspecified, loopback, private, shared (RFC 6598), link-local (the metadata services of
/// clouds live there), multicast, broadcast, reserved, benchmarking, unique local and site-local addresses. An
/// IPv6 address that carries an IPv4 one (NAT64, 6to4, Teredo, ISATAP) is what it carries as well; the IPv4-mapped and
/// IPv4-compatible forms are never peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerPolicy {
    /// May be reached although the lists of the default say no, even when they are the server's own.
    pub allow: Vec<Network>,
    /// May never be reached.
    pub deny: Vec<Network>,
}

/// What is denied by default (RFC 6890 and its registries).
const SPECIAL_V4: &[Network] = &[
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(10, 0, 0, 0, 8),
    Network::v4(100, 64, 0, 0, 10),
    Network::v4(127, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 0, 0, 0, 24),
    Network::v4(192, 88, 99, 0, 24),
    Network::v4(192, 168, 0, 0, 16),
    Network::v4(198, 18, 0, 0, 15),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(240, 0, 0, 0, 4),
];

const SPECIAL_V6: &[Network] = &[
    // Unspecified, loopback, IPv4-compatible.
    Network::v6(0, 96),
    // IPv4-mapped, and IPv4-translated (RFC 2765).
    Network::v6(0xffff_0000_0000, 96),
    Network::v6(0xffff_0000_0000_0000, 96),
    // NAT64 within a site (RFC 8215): where the IPv4 address stands in it depends on the site.
    Network::v6(0x0064_ff9b_0001 << 80, 48),
    // Discard-only (RFC 6666).
    Network::v6(0x0100 << 112, 64),
    // Unique local, link-local, site-local, multicast.
    Network::v6(0xfc00 << 112, 7),
    Network::v6(0xfe80 << 112, 10),
    Network::v6(0xfec0 << 112, 10),
    Network::v6(0xff00 << 112, 8),
];

const NAT64: Network = Network::v6(0x0064_ff9b << 96, 96);
const SIX_TO_FOUR: Network = Network::v6(0x2002 << 112, 16);
const TEREDO: Network = Network::v6(0x2001_0000 << 96, 32);

impl PeerPolicy {
    /// What the lists say; `None` when neither names the address.
    pub(super) fn listed(&self, address: IpAddr) -> Option<bool> {
        let forms = forms(address);
        let names = |list: &[Network]| {
            list.iter()
                .any(|network| forms.iter().flatten().any(|form| network.contains(*form)))
        };
        if names(&self.deny) {
            return Some(false);
        }
        // Only the address itself: whoever allows 10.0.0.0/8 has not allowed it through a translator.
        self.allow
            .iter()
            .any(|network| network.contains(address))
            .then_some(true)
    }

    /// Whether the default denies an address.
    pub(super) fn is_special(address: IpAddr) -> bool {
        forms(address).into_iter().flatten().any(|form| {
            let list = match form {
                IpAddr::V4(_) => SPECIAL_V4,
                IpAddr::V6(_) => SPECIAL_V6,
            };
            list.iter().any(|network| network.contains(form))
        })
    }
}

/// An address and the IPv4 addresses that it carries.
pub(super) fn forms(address: IpAddr) -> [Option<IpAddr>; 3] {
    let IpAddr::V6(ip) = address else {
        return [Some(address), None, None];
    };
    let [first, second] = carried(ip);
    [Some(address), first.map(IpAddr::V4), second.map(IpAddr::V4)]
}

/// The IPv4 addresses in an IPv6 address: two in a Teredo address, its server's and its client's.
fn carried(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let bits = ip.to_bits();
    let at = |shift: u32| {
        let [.., b0, b1, b2, b3] = (bits >> shift).to_be_bytes();
        Ipv4Addr::new(b0, b1, b2, b3)
    };
    let address = IpAddr::V6(ip);
    // ::a.b.c.d, ::ffff:a.b.c.d and ::ffff:0:a.b.c.d.
    let is_dressed = matches!(bits >> 32, 0 | 0xffff | 0xffff_0000);
    // ISATAP (RFC 5214 §6.1): an interface identifier of 0:5efe or 200:5efe and the IPv4 address.
    let is_isatap = matches!((bits >> 32) & 0xffff_ffff, 0x0000_5efe | 0x0200_5efe);
    if is_dressed || is_isatap || NAT64.contains(address) {
        [Some(at(0)), None]
    } else if SIX_TO_FOUR.contains(address) {
        [Some(at(80)), None]
    } else if TEREDO.contains(address) {
        let client = Ipv4Addr::from_bits(!at(0).to_bits());
        [Some(at(64)), Some(client)]
    } else {
        [None, None]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_public_internet_is_allowed_and_nothing_else() {
        for public in [
            "8.8.8.8",
            "192.0.2.10",
            "203.0.113.7",
            "2001:4860:4860::8888",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "172.32.0.1",
            "100.128.0.1",
        ] {
            assert!(!PeerPolicy::is_special(ip(public)), "{public}");
        }
        for special in [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            // Teredo: the server is 10.0.0.1; the client is 127.0.0.1, inverted.
            "2001:0:a00:1::f7f7:f7f7",
            "2001:0:808:808::80ff:fffe",
            "fe80::5efe:10.0.0.1",
            "2001:db8::200:5efe:7f00:1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(PeerPolicy::is_special(ip(special)), "{special}");
        }
    }

    #[test]
    fn what_is_denied_stays_denied_and_an_allowance_is_literal() {
        let policy = PeerPolicy {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            deny: vec![
                "10.1.0.0/16".parse().unwrap(),
                "8.8.8.0/24".parse().unwrap(),
            ],
        };
        assert_eq!(policy.listed(ip("10.0.0.1")), Some(true));
        assert_eq!(policy.listed(ip("10.1.0.1")), Some(false));
        assert_eq!(policy.listed(ip("9.9.9.9")), None);
        assert_eq!(policy.listed(ip("64:ff9b::808:808")), Some(false));
        assert_eq!(policy.listed(ip("64:ff9b::a00:1")), None);
    }
}
