use std::fmt;

/// The synchronization source: names one stream within a session (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(u32);

impl Ssrc {
    /// Makes an SSRC from its number.
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for Ssrc {
    fn from(value: u32) -> Self {
        Self(value)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The payload type of a packet, 0 to 127 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(u8);

impl PayloadType {
    /// Makes a payload type; `None` above 127.
    pub const fn new(value: u8) -> Option<Self> {
        if value < 128 { Some(Self(value)) } else { None }
    }

    /// The payload type in the low seven bits of the second header octet.
    pub(crate) const fn from_header(octet: u8) -> Self {
        Self(octet & 0x7f)
    }

    /// The number, 0 to 127.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether a packet of this type would be taken for RTCP on a multiplexed port: 64 to 95 (RFC 5761 §4).
    pub const fn conflicts_with_rtcp(self) -> bool {
        matches!(self.0, 64..=95)
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A sequence number, modulo 2¹⁶ (RFC 3550 §5.1).
///
/// Order on a circle is not total, so there is no `Ord`: ask whether one number
/// [`precedes`](Self::precedes) or [`follows`](Self::follows) another. Two numbers exactly half the circle
/// apart (32,768) do neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SequenceNumber(u16);

impl SequenceNumber {
    /// Makes a sequence number.
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The number `count` places further on.
    #[must_use]
    pub const fn plus(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// The number `count` places back.
    #[must_use]
    pub const fn minus(self, count: u16) -> Self {
        Self(self.0.wrapping_sub(count))
    }

    /// How many steps forward lead from `earlier` to this number, 0 to 65,535.
    pub const fn distance_from(self, earlier: Self) -> u16 {
        self.0.wrapping_sub(earlier.0)
    }

    /// Whether this number lies less than half the circle before `other`.
    pub const fn precedes(self, other: Self) -> bool {
        let distance = other.distance_from(self);
        distance != 0 && distance < 0x8000
    }

    /// Whether this number lies less than half the circle after `other`.
    pub const fn follows(self, other: Self) -> bool {
        other.precedes(self)
    }
}

impl From<u16> for SequenceNumber {
    fn from(value: u16) -> Self {
        Self(value)
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_wraps_and_is_undecided_at_half_the_circle() {
        let at = SequenceNumber::new;
        assert!(at(65_535).precedes(at(0)));
        assert!(at(0).follows(at(65_535)));
        assert!(at(0).precedes(at(0x7fff)));
        assert!(!at(0).precedes(at(0x8000)));
        assert!(!at(0).follows(at(0x8000)));
        assert!(!at(7).precedes(at(7)));
        assert_eq!(at(1).distance_from(at(65_535)), 2);
        assert_eq!(at(0).minus(1), at(65_535));
    }

    #[test]
    fn payload_types_stop_at_127() {
        assert_eq!(PayloadType::new(127).map(PayloadType::get), Some(127));
        assert_eq!(PayloadType::new(128), None);
        assert!(PayloadType::new(72).is_some_and(PayloadType::conflicts_with_rtcp));
        assert!(!PayloadType::new(96).is_some_and(PayloadType::conflicts_with_rtcp));
    }
}
