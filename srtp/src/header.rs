//! Where the clear part of an RTP packet ends, and the header extensions that are encrypted.

use rtp::{ExtensionForm, HeaderView};

use crate::cipher::{HeaderCipher, Position};
use crate::{Cryptex, ExtensionIds};

/// The octets of a fixed RTP header.
const FIXED: usize = rtp::FIXED_HEADER_LEN;
/// The octets of the profile and length words of an extension block.
const WORDS: usize = 4;

/// Profile words of header extensions in the clear and under cryptex (RFC 8285 §4, RFC 9335 §5).
const ONE_BYTE: [u8; 2] = [0xbe, 0xde];
const TWO_BYTE: [u8; 2] = [0x10, 0x00];
const CRYPTEX_ONE_BYTE: [u8; 2] = [0xc0, 0xde];
const CRYPTEX_TWO_BYTE: [u8; 2] = [0xc2, 0xde];

/// What is encrypted of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// What is behind the header, whose length this is.
    Payload { header: usize },
    /// Contributing sources, header extension and payload (RFC 9335 §5): all but the fixed header and the two words
    /// in front of the extension.
    ///
    /// The contributing sources stand in front of the clear words. To be one piece, they change places while the
    /// cipher works.
    Header { csrcs: usize },
}

impl Coverage {
    /// The octets in front of what is encrypted, while it is in one piece.
    pub(crate) const fn clear(self) -> usize {
        match self {
            Self::Payload { header } => header,
            Self::Header { .. } => FIXED + WORDS,
        }
    }

    /// Brings what is encrypted into one piece.
    pub(crate) fn join(self, packet: &mut [u8]) {
        if let Some(part) = self.part(packet) {
            part.rotate_right(WORDS);
        }
    }

    /// Undoes [`join`](Self::join).
    pub(crate) fn part_again(self, packet: &mut [u8]) {
        if let Some(part) = self.part(packet) {
            part.rotate_left(WORDS);
        }
    }

    fn part(self, packet: &mut [u8]) -> Option<&mut [u8]> {
        match self {
            Self::Header { csrcs } if csrcs > 0 => packet.get_mut(FIXED..FIXED + csrcs + WORDS),
            _ => None,
        }
    }

    /// The octets that a packet needs at least.
    pub(crate) const fn least(self) -> usize {
        match self {
            Self::Payload { header } => header,
            Self::Header { csrcs } => FIXED + csrcs + WORDS,
        }
    }
}

/// Cryptex is required, and the packet's header cannot be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opaque;

/// What a sender does with a packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing.
    Clear,
    /// It marks the extension block as encrypted.
    Mark,
    /// It adds an empty block, so that the receiver learns that the contributing sources are encrypted.
    Insert,
}

impl Plan {
    pub(crate) fn of(header: &HeaderView<'_>, cryptex: Cryptex) -> Result<Self, Opaque> {
        if cryptex == Cryptex::Disabled {
            return Ok(Self::Clear);
        }
        match header.extension_form() {
            Some(ExtensionForm::OneByte | ExtensionForm::TwoByte) => Ok(Self::Mark),
            Some(_) if cryptex == Cryptex::Required => Err(Opaque),
            Some(_) => Ok(Self::Clear),
            None if header.csrcs().len() > 0 => Ok(Self::Insert),
            None => Ok(Self::Clear),
        }
    }

    /// The octets that the packet grows by.
    pub(crate) const fn growth(self) -> usize {
        match self {
            Self::Clear | Self::Mark => 0,
            Self::Insert => WORDS,
        }
    }

    /// Carries the plan out on the packet at `start`, of which the parts have been measured.
    pub(crate) fn apply(
        self,
        buf: &mut Vec<u8>,
        start: usize,
        header: usize,
        csrcs: usize,
    ) -> Coverage {
        let block = start + FIXED + csrcs;
        match self {
            Self::Clear => return Coverage::Payload { header },
            Self::Mark => {}
            Self::Insert => {
                let end = buf.len();
                buf.extend_from_slice(&[0; WORDS]);
                buf.copy_within(block..end, block + WORDS);
                if let Some(words) = buf.get_mut(block..block + WORDS) {
                    words.copy_from_slice(&[ONE_BYTE[0], ONE_BYTE[1], 0, 0]);
                }
                if let Some(first) = buf.get_mut(start) {
                    *first |= 0x10;
                }
            }
        }
        if let Some(word) = buf.get_mut(block..block + 2) {
            let marked = if *word == ONE_BYTE {
                CRYPTEX_ONE_BYTE
            } else {
                CRYPTEX_TWO_BYTE
            };
            word.copy_from_slice(&marked);
        }
        Coverage::Header { csrcs }
    }
}

/// The header is encrypted, or not, against what was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unexpected;

/// What is encrypted of a packet that arrived.
pub(crate) fn arrived(header: &HeaderView<'_>, cryptex: Cryptex) -> Result<Coverage, Unexpected> {
    let csrcs = header.csrcs().len() * 4;
    let encrypted = matches!(header.extension_form(), Some(ExtensionForm::Cryptex(_)));
    let bare = csrcs == 0 && header.extension_form().is_none();
    match cryptex {
        Cryptex::Disabled if encrypted => Err(Unexpected),
        Cryptex::Required if !encrypted && !bare => Err(Unexpected),
        _ if encrypted => Ok(Coverage::Header { csrcs }),
        _ => Ok(Coverage::Payload {
            header: header.header_len(),
        }),
    }
}

/// Gives a decrypted header its profile word back.
pub(crate) fn restore(packet: &mut [u8], coverage: Coverage) {
    let Coverage::Header { csrcs } = coverage else {
        return;
    };
    if let Some(word) = packet.get_mut(FIXED + csrcs..FIXED + csrcs + 2) {
        let plain = if *word == CRYPTEX_ONE_BYTE {
            ONE_BYTE
        } else {
            TWO_BYTE
        };
        word.copy_from_slice(&plain);
    }
}

/// Encrypts or decrypts the values of some header extensions in place (RFC 6904 §3). Their ids and lengths stay
/// readable, so that the way back is the same.
pub(crate) fn mask_extensions(
    packet: &mut [u8],
    ids: ExtensionIds,
    cipher: &HeaderCipher,
    at: Position,
) -> Option<()> {
    let header = HeaderView::parse(packet).ok()?;
    let Some(form) = header.extension_form() else {
        return Some(());
    };
    let header_len = header.header_len();
    let block_len = header.extension_block().map_or(0, <[u8]>::len);
    let block = packet.get_mut(header_len - block_len..header_len)?;
    let mut offset = 0;
    while let Some((id, begin, end)) = element(form, block, offset) {
        if ids.contains(id) {
            cipher.apply(at, begin, block.get_mut(begin..end)?)?;
        }
        offset = end;
    }
    Some(())
}

/// The next element of an extension block from `offset` on: id, and where its value begins and ends.
fn element(form: ExtensionForm, block: &[u8], mut offset: usize) -> Option<(u8, usize, usize)> {
    loop {
        let first = *block.get(offset)?;
        offset += 1;
        if first == 0 {
            continue; // padding between elements
        }
        let (id, length) = match form {
            ExtensionForm::OneByte => match first >> 4 {
                0 | 15 => return None,
                id => (id, usize::from(first & 0x0f) + 1),
            },
            ExtensionForm::TwoByte => {
                let length = *block.get(offset)?;
                offset += 1;
                (first, usize::from(length))
            }
            _ => return None,
        };
        let end = offset + length;
        return (end <= block.len()).then_some((id, offset, end));
    }
}
