use crate::extension::{ExtensionForm, ExtensionIter};
use crate::{DecodeError, PayloadType, SequenceNumber, Ssrc};

/// The length of the fixed header in octets (RFC 3550 §5.1).
pub const FIXED_HEADER_LEN: usize = 12;

/// The header of an RTP packet, borrowed: everything in front of the payload (RFC 3550 §5.1, §5.3.1).
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
/// |                           timestamp                           |
/// |           synchronization source (SSRC) identifier            |
/// |            contributing source (CSRC) identifiers  ...        |
/// |      defined by profile       |     length in words           |
/// |                        header extension  ...                  |
/// ```
///
/// Use it where the payload is not readable yet, as in front of SRTP: the padding count is the last octet of the
/// *decrypted* payload, so only [`PacketView`] checks it.
#[derive(Clone, Copy, Debug)]
pub struct HeaderView<'a> {
    fixed: &'a [u8; FIXED_HEADER_LEN],
    csrcs: &'a [u8],
    extension: Option<(u16, &'a [u8])>,
}

impl<'a> HeaderView<'a> {
    /// Reads the header at the start of `packet`. No allocation.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DecodeError> {
        Self::split(packet).map(|(header, _)| header)
    }

    fn split(packet: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (fixed, mut rest) = packet.split_first_chunk().ok_or(DecodeError::Truncated)?;
        let header = Self {
            fixed,
            csrcs: &[],
            extension: None,
        };
        if fixed[0] >> 6 != 2 {
            return Err(DecodeError::Version);
        }
        let csrcs = rest
            .split_off(..usize::from(fixed[0] & 0x0f) * 4)
            .ok_or(DecodeError::Truncated)?;
        let extension = if fixed[0] & 0x10 != 0 {
            let (&[p0, p1, l0, l1], after) =
                rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
            rest = after;
            let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
            let block = rest.split_off(..length).ok_or(DecodeError::Truncated)?;
            Some((u16::from_be_bytes([p0, p1]), block))
        } else {
            None
        };
        let header = Self {
            csrcs,
            extension,
            ..header
        };
        Ok((header, rest))
    }

    /// The payload type.
    pub const fn payload_type(&self) -> PayloadType {
        PayloadType::from_header(self.fixed[1])
    }

    /// The marker bit; its meaning belongs to the payload format.
    pub const fn marker(&self) -> bool {
        self.fixed[1] & 0x80 != 0
    }

    /// The sequence number.
    pub const fn sequence_number(&self) -> SequenceNumber {
        SequenceNumber::new(u16::from_be_bytes([self.fixed[2], self.fixed[3]]))
    }

    /// The timestamp, in units of the codec's clock.
    pub const fn timestamp(&self) -> u32 {
        let [_, _, _, _, a, b, c, d, ..] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The synchronization source.
    pub const fn ssrc(&self) -> Ssrc {
        let [.., a, b, c, d] = *self.fixed;
        Ssrc::new(u32::from_be_bytes([a, b, c, d]))
    }

    /// The contributing sources, up to 15.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        let (words, _) = self.csrcs.as_chunks();
        words
            .iter()
            .map(|&word| Ssrc::new(u32::from_be_bytes(word)))
    }

    /// Whether the padding bit is set.
    pub const fn has_padding(&self) -> bool {
        self.fixed[0] & 0x20 != 0
    }

    /// The octets of the header: fixed part, CSRC list and extension block.
    pub fn header_len(&self) -> usize {
        let block = self.extension.map_or(0, |(_, block)| 4 + block.len());
        FIXED_HEADER_LEN + self.csrcs.len() + block
    }

    /// How the extension block is written; `None` without one.
    pub fn extension_form(&self) -> Option<ExtensionForm> {
        self.extension
            .map(|(profile, _)| ExtensionForm::from_profile(profile))
    }

    /// The octets of the extension block behind its profile and length words.
    pub fn extension_block(&self) -> Option<&'a [u8]> {
        self.extension.map(|(_, block)| block)
    }

    /// The header extensions in the order of the packet, as id and value (RFC 8285 §4.2, §4.3).
    ///
    /// Nothing comes out of an opaque or an encrypted block. A malformed element ends the list; the elements
    /// before it stay valid, and the payload starts behind the *declared* length of the block in any case.
    pub fn extensions(&self) -> ExtensionIter<'a> {
        self.extension
            .map_or_else(ExtensionIter::default, |(profile, block)| {
                ExtensionIter::new(ExtensionForm::from_profile(profile), block)
            })
    }

    /// The value of the first extension with this id: of duplicates the first wins.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions()
            .find_map(|(found, value)| (found == id).then_some(value))
    }

    /// How many elements repeat an id that came before in the same packet.
    pub fn duplicate_extensions(&self) -> usize {
        let mut seen = [false; 256];
        self.extensions()
            .filter(|(id, _)| {
                seen.get_mut(usize::from(*id))
                    .is_some_and(|seen| std::mem::replace(seen, true))
            })
            .count()
    }
}

/// An RTP packet, borrowed and read in place without allocation (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug)]
pub struct PacketView<'a> {
    header: HeaderView<'a>,
    payload: &'a [u8],
    padding_len: u8,
}

impl<'a> PacketView<'a> {
    /// A packet of nothing but zeros.
    pub(super) const EMPTY: PacketView<'static> = PacketView {
        header: HeaderView {
            fixed: &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            csrcs: &[],
            extension: None,
        },
        payload: &[],
        padding_len: 0,
    };

    /// Checks the framing of a plaintext packet and gives access to its parts.
    ///
    /// Refused are: fewer than 12 octets, a version other than 2, a CSRC list or an extension block that runs past
    /// the end, and a padding count of zero or beyond the header. An empty payload is valid.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, rest) = HeaderView::split(packet)?;
        let (payload, padding_len) = if header.has_padding() {
            let &padding_len = rest.last().ok_or(DecodeError::Padding)?;
            let payload = rest
                .len()
                .checked_sub(usize::from(padding_len))
                .and_then(|end| rest.get(..end));
            match payload {
                Some(payload) if padding_len > 0 => (payload, padding_len),
                _ => return Err(DecodeError::Padding),
            }
        } else {
            (rest, 0)
        };
        Ok(Self {
            header,
            payload,
            padding_len,
        })
    }

    /// The header alone.
    pub const fn header(&self) -> HeaderView<'a> {
        self.header
    }

    /// The payload type.
    pub const fn payload_type(&self) -> PayloadType {
        self.header.payload_type()
    }

    /// The marker bit; its meaning belongs to the payload format.
    pub const fn marker(&self) -> bool {
        self.header.marker()
    }

    /// The sequence number.
    pub const fn sequence_number(&self) -> SequenceNumber {
        self.header.sequence_number()
    }

    /// The timestamp, in units of the codec's clock.
    pub const fn timestamp(&self) -> u32 {
        self.header.timestamp()
    }

    /// The synchronization source.
    pub const fn ssrc(&self) -> Ssrc {
        self.header.ssrc()
    }

    /// The contributing sources, up to 15.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        self.header.csrcs()
    }

    /// The header extensions; see [`HeaderView::extensions`].
    pub fn extensions(&self) -> ExtensionIter<'a> {
        self.header.extensions()
    }

    /// The value of the first extension with this id.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.header.extension(id)
    }

    /// The payload without padding.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The octets of padding behind the payload, the count octet included; 0 without padding.
    pub const fn padding_len(&self) -> usize {
        self.padding_len as usize
    }

    /// The octets in front of the payload.
    pub fn header_len(&self) -> usize {
        self.header.header_len()
    }
}
