//! MAPPED-ADDRESS and XOR-MAPPED-ADDRESS (RFC 8489 §14.1, §14.2).
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0 0 0 0 0 0 0|    Family     |         X-Port                |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                X-Address (4 or 16 bytes)                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::TransactionId;
use crate::header::COOKIE;

const FAMILY_V4: u8 = 0x01;
const FAMILY_V6: u8 = 0x02;

/// Reads a MAPPED-ADDRESS or one of its kind, which is not masked.
pub(crate) fn decode(value: &[u8]) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk::<4>()?;
    let ip = match family {
        FAMILY_V4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        FAMILY_V6 => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([p0, p1])))
}

/// Writes the value of a MAPPED-ADDRESS or one of its kind.
pub(crate) fn encode(address: SocketAddr) -> Vec<u8> {
    let family = match address {
        SocketAddr::V4(_) => FAMILY_V4,
        SocketAddr::V6(_) => FAMILY_V6,
    };
    let mut value = vec![0, family];
    value.extend_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => value.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => value.extend_from_slice(&ip.octets()),
    }
    value
}

/// Reads an XOR-MAPPED-ADDRESS; `None` when the family is unknown or the length is not the family's.
pub(crate) fn decode_xor(value: &[u8], id: &TransactionId) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk::<4>()?;
    let [c0, c1, ..] = COOKIE;
    let port = u16::from_be_bytes([p0 ^ c0, p1 ^ c1]);
    let ip = match family {
        FAMILY_V4 => {
            let address: [u8; 4] = address.try_into().ok()?;
            IpAddr::V4(Ipv4Addr::from_bits(
                u32::from_be_bytes(address) ^ u32::from_be_bytes(COOKIE),
            ))
        }
        FAMILY_V6 => {
            let address: [u8; 16] = address.try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from_bits(
                u128::from_be_bytes(address) ^ mask_v6(id),
            ))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Writes the value into the front of a buffer and says how long it is.
pub(crate) fn encode_xor(address: SocketAddr, id: &TransactionId) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    let [c0, c1, ..] = COOKIE;
    let [p0, p1] = address.port().to_be_bytes();
    let (head, tail) = value.split_at_mut(4);
    let length = match address.ip() {
        IpAddr::V4(ip) => {
            head.copy_from_slice(&[0, FAMILY_V4, p0 ^ c0, p1 ^ c1]);
            let bits = ip.to_bits() ^ u32::from_be_bytes(COOKIE);
            tail.iter_mut()
                .zip(bits.to_be_bytes())
                .for_each(|(to, from)| *to = from);
            8
        }
        IpAddr::V6(ip) => {
            head.copy_from_slice(&[0, FAMILY_V6, p0 ^ c0, p1 ^ c1]);
            tail.copy_from_slice(&(ip.to_bits() ^ mask_v6(id)).to_be_bytes());
            20
        }
    };
    (value, length)
}

/// The cookie and the transaction id, joined.
fn mask_v6(id: &TransactionId) -> u128 {
    COOKIE
        .iter()
        .chain(id.bytes())
        .fold(0, |mask, &byte| (mask << 8) | u128::from(byte))
}
