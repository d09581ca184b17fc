use super::view::FIXED_HEADER_LEN;
use crate::extension::{ExtensionForm, ExtensionFormPolicy};

/// How much payload a datagram has room for.
///
/// ```
/// use avocet_rtp::{ExtensionFormPolicy, PacketBudget, extension_block_len};
///
/// // MID of one character and a transport sequence number, sealed by AES-GCM.
/// let extensions = extension_block_len(ExtensionFormPolicy::PerPacket, [(4, 1), (3, 2)]);
/// let budget = PacketBudget {
///     extensions_len: extensions,
///     tag_len: 16,
///     ..PacketBudget::new(1200)
/// };
/// assert_eq!(budget.max_payload(), 1200 - 12 - 12 - 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketBudget {
    /// The octets of the UDP payload.
    pub datagram_len: usize,
    /// How many contributing sources the packet names.
    pub csrcs: usize,
    /// The octets of the extension block with its two words: [`extension_block_len`].
    pub extensions_len: usize,
    /// The octets of the SRTP authentication tag.
    pub tag_len: usize,
    /// The octets of the SRTP master key identifier.
    pub mki_len: usize,
    /// Whether the header is encrypted (RFC 9335): contributing sources then need an extension block, be it empty.
    pub cryptex: bool,
    /// The octets in front of the payload that a retransmission needs (RFC 4588 §4): 2, or 0 if there are none.
    pub retransmission_len: usize,
}

impl PacketBudget {
    /// A datagram with a bare header and no encryption.
    pub const fn new(datagram_len: usize) -> Self {
        Self {
            datagram_len,
            csrcs: 0,
            extensions_len: 0,
            tag_len: 0,
            mki_len: 0,
            cryptex: false,
            retransmission_len: 0,
        }
    }

    /// The most octets of payload that fit; 0 if there is no room at all.
    pub const fn max_payload(&self) -> usize {
        let empty_block = self.cryptex && self.csrcs > 0 && self.extensions_len == 0;
        self.datagram_len
            .saturating_sub(FIXED_HEADER_LEN)
            .saturating_sub(4_usize.saturating_mul(self.csrcs))
            .saturating_sub(if empty_block { 4 } else { self.extensions_len })
            .saturating_sub(self.tag_len)
            .saturating_sub(self.mki_len)
            .saturating_sub(self.retransmission_len)
    }
}

/// The octets of an extension block that holds values of these ids and lengths, with its profile and length words; 0 for
/// none. What the policy leaves out does not count.
pub fn extension_block_len(
    policy: ExtensionFormPolicy,
    values: impl IntoIterator<Item = (u8, usize)> + Clone,
) -> usize {
    let fits = |&(id, len): &(u8, usize)| ExtensionForm::OneByte.fits(id, len);
    let one_byte = match policy {
        ExtensionFormPolicy::PerPacket => values.clone().into_iter().all(|value| fits(&value)),
        ExtensionFormPolicy::OneByte => true,
        ExtensionFormPolicy::TwoByte => false,
    };
    let elements: usize = if one_byte {
        values
            .into_iter()
            .filter(fits)
            .map(|(_, len)| 1 + len)
            .sum()
    } else {
        values.into_iter().map(|(_, len)| 2 + len).sum()
    };
    if elements == 0 {
        0
    } else {
        4 + elements.next_multiple_of(4)
    }
}
