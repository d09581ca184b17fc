use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A range of addresses that begin with the same bits: `192.0.2.0/24`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// What stands before the slash is not an address.
    #[error("not an address")]
    Address,
    /// What stands behind the slash is not a number of bits that an address of that family has.
    #[error("not a prefix length of that family")]
    Prefix,
    /// There are bits set behind the prefix: most likely one of the two is wrong.
    #[error("the address has bits beyond the prefix")]
    HostBits,
}

impl Network {
    /// The range of the addresses whose first `prefix` bits are those of `first`.
    pub fn new(first: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let network = Self { first, prefix };
        if prefix > width(first) {
            return Err(NetworkError::Prefix);
        }
        if bits(first) & !mask(first, prefix) & mask(first, width(first)) != 0 {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }

    /// A range that is known to be one.
    pub(crate) const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self {
            first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            prefix,
        }
    }

    pub(crate) const fn v6(first: u128, prefix: u8) -> Self {
        Self {
            first: IpAddr::V6(Ipv6Addr::from_bits(first)),
            prefix,
        }
    }

    /// Whether an address lies in the range; one of the other family never does.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4()
            && (bits(self.first) ^ bits(address)) & mask(self.first, self.prefix) == 0
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address at the top of 128 bits.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// As many ones at the top of 128 bits as the prefix has.
fn mask(family: IpAddr, prefix: u8) -> u128 {
    let prefix = u32::from(prefix.min(width(family)));
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self {
            first: address,
            prefix: width(address),
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = first.parse().map_err(|_| NetworkError::Address)?;
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| NetworkError::Prefix)?,
            None => width(first),
        };
        Self::new(first, prefix)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        let network: Network = "192.168.4.0/22".parse().unwrap();
        assert!(network.contains("192.168.7.255".parse().unwrap()));
        assert!(!network.contains("192.168.8.0".parse().unwrap()));
        assert!(!network.contains("::ffff:192.168.4.1".parse().unwrap()));
        let all: Network = "::/0".parse().unwrap();
        assert!(all.contains("ff02::1".parse().unwrap()));
        assert!(!all.contains("10.0.0.1".parse().unwrap()));
        let one: Network = "2001:db8::7".parse().unwrap();
        assert!(one.contains("2001:db8::7".parse().unwrap()));
        assert!(!one.contains("2001:db8::8".parse().unwrap()));
        assert_eq!(network.to_string(), "192.168.4.0/22");
    }

    #[test]
    fn text_that_is_no_network_is_an_error_that_says_why() {
        let parse = |text: &str| text.parse::<Network>();
        assert_eq!(parse("ten"), Err(NetworkError::Address));
        assert_eq!(parse("10.0.0.0/33"), Err(NetworkError::Prefix));
        assert_eq!(parse("10.0.0.0/"), Err(NetworkError::Prefix));
        assert_eq!(parse("10.0.0.1/8"), Err(NetworkError::HostBits));
        assert_eq!(parse("::1/127"), Err(NetworkError::HostBits));
    }
}
