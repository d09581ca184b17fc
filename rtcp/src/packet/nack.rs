use rtp::{SequenceNumber, Ssrc};

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// The most entries that are looked at in one NACK, and written into one: what fits a datagram of 1,200 octets with
/// something to spare. Each names up to 17 packets.
pub const MAX_NACK_ENTRIES: usize = 253;

/// Generic NACK: packets that did not arrive (RFC 4585 §6.2.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P|  FMT=1  |   PT=205      |             length            |
/// |                     SSRC of packet sender                     |
/// |                      SSRC of media source                     |
/// |       packet id (PID)         |  bitmask of following (BLP)   | ...
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    /// The stream whose packets are missing.
    pub media_ssrc: Ssrc,
    entries: &'a [[u8; 4]],
    ignored: usize,
}

/// A lost packet and which of the 16 after it are lost too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NackEntry {
    /// The lost packet.
    pub packet_id: SequenceNumber,
    /// Bit *i* (from 0) says that the packet *i* + 1 places further on is lost too.
    pub bitmask: u16,
}

impl NackEntry {
    /// The lost packets that the entry names, up to 17.
    pub fn sequence_numbers(self) -> impl Iterator<Item = SequenceNumber> {
        let following = (0..16)
            .filter(move |bit| self.bitmask >> bit & 1 == 1)
            .map(move |bit| self.packet_id.plus(bit + 1));
        std::iter::once(self.packet_id).chain(following)
    }

    const fn decode([p0, p1, b0, b1]: [u8; 4]) -> Self {
        Self {
            packet_id: SequenceNumber::new(u16::from_be_bytes([p0, p1])),
            bitmask: u16::from_be_bytes([b0, b1]),
        }
    }

    const fn encode(self) -> [u8; 4] {
        let [p0, p1] = self.packet_id.get().to_be_bytes();
        let [b0, b1] = self.bitmask.to_be_bytes();
        [p0, p1, b0, b1]
    }
}

impl<'a> Nack<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&[sender, media], entries) = frame
            .words()
            .split_first_chunk()
            .ok_or(DecodeError::Length)?;
        let (entries, ignored) = entries
            .split_at_checked(MAX_NACK_ENTRIES)
            .unwrap_or((entries, &[]));
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            media_ssrc: Ssrc::new(word(media)),
            entries,
            ignored: ignored.len(),
        })
    }

    /// The entries, up to [`MAX_NACK_ENTRIES`].
    pub fn entries(&self) -> impl ExactSizeIterator<Item = NackEntry> + use<'a> {
        self.entries.iter().map(|&entry| NackEntry::decode(entry))
    }

    /// The lost packets, in the order the entries name them. The same one may come more than once.
    pub fn sequence_numbers(&self) -> impl Iterator<Item = SequenceNumber> + use<'a> {
        self.entries().flat_map(NackEntry::sequence_numbers)
    }

    /// How many entries beyond [`MAX_NACK_ENTRIES`] the packet had.
    pub const fn ignored_entries(&self) -> usize {
        self.ignored
    }

    /// Appends NACKs that name the lost packets, given in the order they were sent. Nothing lost, nothing written.
    pub(crate) fn encode(
        buf: &mut Vec<u8>,
        sender: Ssrc,
        media: Ssrc,
        lost: impl IntoIterator<Item = SequenceNumber>,
    ) {
        let mut entries = pack(lost.into_iter()).peekable();
        while entries.peek().is_some() {
            framing::encode(
                buf,
                packet_type::NACK,
                packet_type::TRANSPORT_FEEDBACK,
                |buf| {
                    buf.extend_from_slice(&sender.get().to_be_bytes());
                    buf.extend_from_slice(&media.get().to_be_bytes());
                    for entry in entries.by_ref().take(MAX_NACK_ENTRIES) {
                        buf.extend_from_slice(&entry.encode());
                    }
                },
            );
        }
    }
}

/// Gathers rising sequence numbers into entries.
fn pack(lost: impl Iterator<Item = SequenceNumber>) -> impl Iterator<Item = NackEntry> {
    let mut lost = lost.peekable();
    std::iter::from_fn(move || {
        let packet_id = lost.next()?;
        let mut bitmask = 0;
        while let Some(next) = lost.next_if(|next| next.distance_from(packet_id) <= 16) {
            if let Some(bit) = next.distance_from(packet_id).checked_sub(1) {
                bitmask |= 1 << bit;
            }
        }
        Some(NackEntry { packet_id, bitmask })
    })
}
