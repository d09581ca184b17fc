//! Addresses that the world sees in place of ours, told by whoever runs the host.

use std::net::{IpAddr, SocketAddr};

/// A rule for a NAT that maps one address to one, as in front of a cloud host or a container: the host candidates that
/// it applies to are signalled with another address. Packets leave from the real one as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRewrite {
    /// Which local addresses: those whose first `prefix` bits are those of `network`. `None` means all of the family
    /// of `external`.
    pub local: Option<(IpAddr, u8)>,
    /// The address to signal.
    pub external: IpAddr,
    /// The port to signal, where the NAT maps ports too. `None` means the local one.
    pub port: Option<u16>,
    /// Whether the real address is signalled as well.
    pub mode: RewriteMode,
}

/// What becomes of the candidate that a rule applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RewriteMode {
    /// It is not signalled under its real address.
    #[default]
    Replace,
    /// It is signalled under both addresses: for peers on the same network.
    Append,
}

impl AddressRewrite {
    /// All local addresses of the family appear as this one.
    pub const fn to(external: IpAddr) -> Self {
        Self {
            local: None,
            external,
            port: None,
            mode: RewriteMode::Replace,
        }
    }

    fn applies_to(&self, base: IpAddr) -> bool {
        if base.is_ipv4() != self.external.is_ipv4() {
            return false;
        }
        let Some((network, prefix)) = self.local else {
            return true;
        };
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let mask = u128::MAX
            .checked_shl(128_u32.saturating_sub(u32::from(prefix)))
            .unwrap_or(0);
        base.is_ipv4() == network.is_ipv4() && (bits(base) ^ bits(network)) & mask == 0
    }
}

/// Under which addresses a host candidate is signalled: the first are those of the rules.
pub(crate) fn shown(rules: &[AddressRewrite], base: SocketAddr) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    let mut keeps_own = true;
    for rule in rules.iter().filter(|rule| rule.applies_to(base.ip())) {
        keeps_own &= rule.mode == RewriteMode::Append;
        let port = rule.port.unwrap_or_else(|| base.port());
        addresses.push(SocketAddr::new(rule.external, port));
    }
    if keeps_own {
        addresses.push(base);
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(local: Option<(&str, u8)>, external: &str, mode: RewriteMode) -> AddressRewrite {
        AddressRewrite {
            local: local.map(|(network, prefix)| (network.parse().unwrap(), prefix)),
            mode,
            ..AddressRewrite::to(external.parse().unwrap())
        }
    }

    /// I-33
    #[test]
    fn a_rule_replaces_or_joins_the_addresses_of_its_network_and_family_only() {
        let base: SocketAddr = "10.1.2.3:7000".parse().unwrap();
        let six: SocketAddr = "[2001:db8::5]:7000".parse().unwrap();
        let all = rule(None, "203.0.113.9", RewriteMode::Replace);
        assert_eq!(shown(&[all], base), ["203.0.113.9:7000".parse().unwrap()]);
        assert_eq!(shown(&[all], six), [six]);
        let near = rule(Some(("10.1.0.0", 16)), "203.0.113.8", RewriteMode::Append);
        assert_eq!(
            shown(&[near], base),
            ["203.0.113.8:7000".parse().unwrap(), base]
        );
        let far = rule(Some(("10.2.0.0", 16)), "203.0.113.8", RewriteMode::Replace);
        assert_eq!(shown(&[far], base), [base]);
        let everything = rule(Some(("10.2.0.0", 0)), "203.0.113.8", RewriteMode::Replace);
        assert_eq!(shown(&[everything], base).len(), 1);
        let six_rule = rule(
            Some(("2001:db8::", 32)),
            "2001:db8:1::1",
            RewriteMode::Replace,
        );
        assert_eq!(
            shown(&[six_rule], six),
            ["[2001:db8:1::1]:7000".parse().unwrap()]
        );
    }

    #[test]
    fn a_rule_may_name_another_port() {
        let mut all = AddressRewrite::to("203.0.113.9".parse().unwrap());
        all.port = Some(443);
        let base = "10.1.2.3:7000".parse().unwrap();
        assert_eq!(shown(&[all], base), ["203.0.113.9:443".parse().unwrap()]);
    }
}
