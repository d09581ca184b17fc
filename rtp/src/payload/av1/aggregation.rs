use crate::leb128;
use crate::payload::PayloadError;

/// The aggregation header (AV1 RTP §4.4).
///
/// ```text
///  0 1 2 3 4 5 6 7
/// +-+-+-+-+-+-+-+-+
/// |Z|Y| W |N|-|-|-|
/// +-+-+-+-+-+-+-+-+
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Aggregation {
    /// Z: the first element continues an OBU.
    pub(super) continues: bool,
    /// Y: the last element is continued in the next packet.
    pub(super) continued: bool,
    /// W: how many elements there are, the last without a length; 0 if every one has its length.
    pub(super) count: u8,
    /// N: a coded video sequence begins here.
    pub(super) new_sequence: bool,
}

impl Aggregation {
    pub(super) const fn encode(self) -> u8 {
        (self.continues as u8) << 7
            | (self.continued as u8) << 6
            | (self.count & 0x03) << 4
            | (self.new_sequence as u8) << 3
    }

    /// Takes the header from the front of a payload.
    pub(super) fn decode(payload: &[u8]) -> Result<(Self, Elements<'_>), PayloadError> {
        let (first, rest) = payload.split_first().ok_or(PayloadError::Truncated)?;
        let header = Self {
            continues: first & 0x80 != 0,
            continued: first & 0x40 != 0,
            count: first >> 4 & 0x03,
            new_sequence: first & 0x08 != 0,
        };
        if rest.is_empty() {
            return Err(PayloadError::Truncated);
        }
        if header.continues && header.new_sequence {
            return Err(PayloadError::Value);
        }
        let left = (header.count > 0).then_some(header.count);
        Ok((header, Elements { rest, left }))
    }
}

/// The elements of a payload: OBUs, the first and the last perhaps in part.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    /// How many are left; `None` if only the end of the payload tells.
    left: Option<u8>,
}

impl<'a> Elements<'a> {
    /// The next element, and whether it is the last.
    pub(super) fn next(&mut self) -> Result<Option<(&'a [u8], bool)>, PayloadError> {
        let element = match &mut self.left {
            None if self.rest.is_empty() => return Ok(None),
            Some(0) => return Ok(None),
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    std::mem::take(&mut self.rest)
                } else {
                    self.sized()?
                }
            }
            None => self.sized()?,
        };
        if element.is_empty() {
            return Err(PayloadError::Length);
        }
        let last = self.left.map_or(self.rest.is_empty(), |left| left == 0);
        Ok(Some((element, last)))
    }

    fn sized(&mut self) -> Result<&'a [u8], PayloadError> {
        let len = leb128::decode(&mut self.rest)?;
        let (element, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(PayloadError::Length)?;
        self.rest = rest;
        Ok(element)
    }
}
