use std::fmt;

/// A transmission sequence number as it stands on the wire (RFC 9260 §3.3.1).
///
/// Numbers of this kind wrap, so they have no total order (RFC 1982 §3) and deliberately no `Ord`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tsn(u32);

impl Tsn {
    /// Makes a number.
    pub const fn new(tsn: u32) -> Self {
        Self(tsn)
    }

    /// The number on the wire.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number `count` places later.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// Whether this number comes before another one, on the shorter way round.
    pub const fn precedes(self, other: Self) -> bool {
        self.distance_from(other) < 0
    }

    /// Whether this number comes after another one, on the shorter way round.
    pub const fn follows(self, other: Self) -> bool {
        self.distance_from(other) > 0
    }

    /// How many places this number lies after another one; negative when it lies before.
    pub const fn distance_from(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

impl fmt::Debug for Tsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tsn({})", self.0)
    }
}

/// A stream sequence number as it stands on the wire (RFC 9260 §3.3.1). It wraps and has no `Ord`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ssn(u16);

impl Ssn {
    /// Makes a number.
    pub const fn new(ssn: u16) -> Self {
        Self(ssn)
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How many places this number lies after another one; negative when it lies before.
    pub const fn distance_from(self, other: Self) -> i16 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// A message identifier as it stands on the wire of an association with I-DATA (RFC 8260 §2.1). It wraps and has no `Ord`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mid(u32);

impl Mid {
    /// Makes a number.
    pub const fn new(mid: u32) -> Self {
        Self(mid)
    }

    /// The number on the wire.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// How many places this number lies after another one; negative when it lies before.
    pub const fn distance_from(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// The number `count` places later.
    #[must_use]
    pub const fn plus(self, count: u32) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// The number of the same message where DATA chunks carry it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is the number on the wire"
    )]
    pub(crate) const fn ssn(self) -> Ssn {
        Ssn(self.0 as u16)
    }
}

/// A TSN counted on from the first one without wrapping, so that it can be compared and subtracted.
///
/// The machines keep these; the low 32 bits are the TSN on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Unwrapped(u64);

impl Unwrapped {
    /// Before everything.
    pub(crate) const ZERO: Self = Self(0);

    /// The place of an association's first TSN. The offset leaves room for numbers before it.
    pub(crate) const fn first(tsn: Tsn) -> Self {
        Self((1 << 32) + tsn.0 as u64)
    }

    /// The place nearest to this one that has the number `tsn`.
    pub(crate) const fn near(self, tsn: Tsn) -> Self {
        Self(
            self.0
                .saturating_add_signed(tsn.distance_from(self.wrap()) as i64),
        )
    }

    /// The number on the wire.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low 32 bits are the number on the wire"
    )]
    pub(crate) const fn wrap(self) -> Tsn {
        Tsn(self.0 as u32)
    }

    /// The place `count` later.
    pub(crate) const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The place before this one.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// How many places this one lies after another; 0 when it lies before.
    pub(crate) const fn since(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_after_the_wrap_follows_one_before_it() {
        let before = Tsn::new(0xffff_fff0);
        let after = Tsn::new(5);
        assert!(after.follows(before) && before.precedes(after));
        assert_eq!(after.distance_from(before), 21);
        assert_eq!(before.plus(21), after);
    }

    #[test]
    fn unwrapping_goes_the_shorter_way() {
        let first = Unwrapped::first(Tsn::new(0xffff_fff0));
        let later = first.near(Tsn::new(5));
        assert_eq!(later.since(first), 21);
        assert_eq!(later.wrap(), Tsn::new(5));
        assert_eq!(later.near(Tsn::new(0xffff_fff0)), first);
        let earlier = first.near(Tsn::new(0xffff_ffef));
        assert_eq!(first.since(earlier), 1);
    }

    #[test]
    fn message_identifiers_wrap() {
        assert_eq!(Mid::new(u32::MAX).next(), Mid::new(0));
        assert_eq!(Mid::new(1).distance_from(Mid::new(u32::MAX)), 2);
        assert_eq!(Mid::new(0x0002_ffff).ssn(), Ssn::new(0xffff));
    }

    #[test]
    fn stream_sequence_numbers_wrap() {
        assert_eq!(Ssn::new(0xffff).next(), Ssn::new(0));
        assert_eq!(Ssn::new(2).distance_from(Ssn::new(0xffff)), 3);
    }
}
