use std::fmt::Debug;

use crate::Resolution;
use crate::payload::{PayloadError, PayloadInfo};

/// What tells the codecs made of NAL units apart: their headers, and the forms of their packets.
pub(in crate::payload) trait Syntax {
    /// The header of a NAL unit.
    type Header: Copy + AsRef<[u8]> + Debug;

    /// The types of parameter sets, in the order they stand in front of a key frame. One of them is [`Self::SPS`].
    const PARAMETER_SETS: &'static [u8];

    /// The type of the parameter sets without which a key frame is worth nothing.
    const SPS: u8;

    /// Takes a payload apart.
    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Parsed<'a, Self::Header>, PayloadError>;

    /// Takes a unit from an aggregate; one that could not travel alone is refused.
    fn take_unit<'a>(
        &self,
        aggregate: &mut Aggregate<'a>,
    ) -> Result<Piece<'a, Self::Header>, PayloadError>;

    fn kind(header: Self::Header) -> u8;

    fn is_slice(header: Self::Header) -> bool;

    fn is_delimiter(header: Self::Header) -> bool;

    /// What a unit says about its access unit. `body` is what follows the header, or its beginning. `have_sps` tells
    /// whether a sequence parameter set is known: without one a key frame may have lost its own.
    fn info(header: Self::Header, body: &[u8], have_sps: bool) -> PayloadInfo;

    /// The id of a parameter set.
    fn set_id(header: Self::Header, body: &[u8]) -> Option<u32>;

    /// The size of the picture that a sequence parameter set tells, from what follows its header.
    fn resolution(body: &[u8]) -> Option<Resolution>;

    /// The header at the front of a unit, and what follows it.
    fn split(unit: &[u8]) -> Option<(Self::Header, &[u8])>;
}

/// A payload, taken apart.
pub(in crate::payload) enum Parsed<'a, H> {
    /// A whole unit.
    Unit(Piece<'a, H>),
    /// Several.
    Aggregate(Aggregate<'a>),
    /// A part of one. `header` is that of the whole.
    Fragment {
        piece: Piece<'a, H>,
        start: bool,
        end: bool,
    },
}

/// A unit, or a part of one, without its header.
#[derive(Clone, Copy)]
pub(in crate::payload) struct Piece<'a, H> {
    pub(in crate::payload) header: H,
    /// The decoding order number, where packets carry them.
    pub(in crate::payload) order: Option<u16>,
    pub(in crate::payload) body: &'a [u8],
}

/// The units of an aggregation packet that are left.
#[derive(Clone, Copy)]
pub(in crate::payload) struct Aggregate<'a> {
    pub(in crate::payload) rest: &'a [u8],
    /// The decoding order number of the unit before.
    pub(in crate::payload) order: Option<u16>,
}

impl<'a> Aggregate<'a> {
    /// An aggregation packet behind its header.
    pub(in crate::payload) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, order: None }
    }

    /// The octets of the next unit, its size checked.
    pub(in crate::payload) fn take(&mut self) -> Result<&'a [u8], PayloadError> {
        let (size, tail) = self
            .rest
            .split_first_chunk()
            .ok_or(PayloadError::Truncated)?;
        let size = usize::from(u16::from_be_bytes(*size));
        let (unit, tail) = tail.split_at_checked(size).ok_or(PayloadError::Length)?;
        self.rest = tail;
        Ok(unit)
    }
}

/// Takes a decoding order number in full (RFC 7798 §4.4.1, RFC 9328 §4.3.1).
pub(in crate::payload) fn take_order(rest: &mut &[u8]) -> Result<u16, PayloadError> {
    let (order, tail) = rest.split_first_chunk().ok_or(PayloadError::Truncated)?;
    *rest = tail;
    Ok(u16::from_be_bytes(*order))
}
