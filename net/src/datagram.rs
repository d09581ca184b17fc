use crate::Path;

/// The ECN codepoint of an IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]

pub enum Ecn {
    /// Not ECN-capable, 0b00.
    #[default]
    NotEct,
    /// ECN-capable, experimental (L4S), 0b01.
    Ect1,
    /// ECN-capable, 0b10.
    Ect0,
    /// Congestion was experienced, 0b11.
    Ce,
}

impl Ecn {
    /// The codepoint in the low two bits of a traffic-class byte.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            0b11 => Self::Ce,
            _ => Self::NotEct,
        }
    }

    /// The two bits as they stand in the header.
    pub const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0b00,
            Self::Ect1 => 0b01,
            Self::Ect0 => 0b10,
            Self::Ce => 0b11,
        }
    }
}

/// A DSCP value, 0 to 63 (RFC 2474 §3; which one for which medium: RFC 8837 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dscp(u8);

impl Dscp {
    /// Best effort.
    pub const DEFAULT: Self = Self(0);

    /// Makes a value from its six low bits; the two high ones are ignored.
    pub const fn new(value: u8) -> Self {
        Self(value & 0x3f)
    }

    /// The six bits.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// What `poll_transmit` says about the one datagram that it appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where it leaves from and goes to.
    pub path: Path,
    /// The ECN codepoint to set.
    pub ecn: Ecn,
    /// The DSCP to set, a hint.
    pub dscp: Dscp,
    /// It probes the path MTU: it must not be fragmented, and its loss says nothing about congestion.
    pub probe: bool,
}

impl Transmit {
    /// A plain datagram on a path: not ECN-capable, best effort, no probe.
    pub const fn new(path: Path) -> Self {
        Self {
            path,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            probe: false,
        }
    }
}

/// A datagram that arrived.
///
/// The bytes are mutable because DTLS and SRTP are opened in place; the buffer is the driver's and is used
/// again after the call, so a machine copies what outlives it.
#[derive(Debug)]
pub struct Datagram<'a> {
    /// Where it arrived and came from.
    pub path: Path,
    /// Its ECN codepoint.
    pub ecn: Ecn,
    /// The payload.
    pub bytes: &'a mut [u8],
}

impl<'a> Datagram<'a> {
    /// A datagram without an ECN mark.
    pub const fn new(path: Path, bytes: &'a mut [u8]) -> Self {
        Self {
            path,
            ecn: Ecn::NotEct,
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ecn_codepoint_survives_its_bits() {
        for bits in 0..=u8::MAX {
            assert_eq!(Ecn::from_bits(bits).bits(), bits & 0b11);
        }
    }

    #[test]
    fn a_dscp_has_six_bits() {
        assert_eq!(Dscp::new(0xff).get(), 0x3f);
    }
}
