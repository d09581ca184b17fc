mod budget;
mod buffer;
mod csrcs;
#[cfg(test)]
mod tests;
mod view;
mod view_mut;

use bytes::Bytes;

pub use budget::{PacketBudget, extension_block_len};
pub use buffer::{HEADROOM, PacketBuffer};
pub use csrcs::{Csrcs, MAX_CSRCS};
pub use view::{FIXED_HEADER_LEN, HeaderView, PacketView};
pub use view_mut::PacketViewMut;

use crate::extension::{ExtensionFormPolicy, Extensions};
use crate::{PayloadType, SequenceNumber, Ssrc};

/// An RTP packet that owns its parts (RFC 3550 §5.1).
///
/// The payload is reference-counted: a clone for another subscriber, or for the retransmission history, copies the
/// header fields only. The version is always 2 and so is not a field.
///
/// ```
/// use avocet_rtp::{Packet, PacketView, PayloadType, SequenceNumber, Ssrc};
///
/// let packet = Packet {
///     payload_type: PayloadType::new(96).unwrap_or_default(),
///     sequence_number: SequenceNumber::new(7),
///     ssrc: Ssrc::new(1),
///     payload: bytes::Bytes::from_static(b"frame"),
///     ..Packet::default()
/// };
/// let mut datagram = Vec::new();
/// packet.encode(&mut datagram);
/// assert_eq!(PacketView::parse(&datagram)?.payload(), b"frame");
/// # Ok::<(), avocet_rtp::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The payload type.
    pub payload_type: PayloadType,
    /// The marker bit; for video the last packet of a frame, for audio the first after silence.
    pub marker: bool,
    /// The sequence number.
    pub sequence_number: SequenceNumber,
    /// The timestamp, in units of the codec's clock.
    pub timestamp: u32,
    /// The synchronization source.
    pub ssrc: Ssrc,
    /// The contributing sources.
    pub csrcs: Csrcs,
    /// The header extensions.
    pub extensions: Extensions,
    /// The payload without padding.
    pub payload: Bytes,
    /// The octets of padding behind the payload, the count octet included; 0 for none.
    pub padding_len: u8,
}

impl Packet {
    /// Copies the header of a borrowed packet and joins it with `payload`, which the caller has put where it can stay.
    ///
    /// Of extensions with the same id the first is kept.
    pub fn from_view(view: &PacketView<'_>, payload: Bytes) -> Self {
        Self::from_view_counting(view, payload).0
    }

    /// As [`from_view`](Self::from_view), and how many extensions were left out because they repeat an id.
    pub fn from_view_counting(view: &PacketView<'_>, payload: Bytes) -> (Self, usize) {
        let header = view.header();
        let (extensions, duplicates) = Extensions::from_header(&header);
        let packet = Self {
            payload_type: header.payload_type(),
            marker: header.marker(),
            sequence_number: header.sequence_number(),
            timestamp: header.timestamp(),
            ssrc: header.ssrc(),
            csrcs: header.csrcs().take(MAX_CSRCS).collect(),
            extensions,
            payload,
            padding_len: u8::try_from(view.padding_len()).unwrap_or(0),
        };
        (packet, duplicates)
    }

    /// Appends the packet to `buf`. The form of the extensions is chosen for this packet alone, as with
    /// [`ExtensionFormPolicy::PerPacket`].
    pub fn encode(&self, buf: &mut Vec<u8>) {
        self.encode_with(ExtensionFormPolicy::PerPacket, buf);
    }

    /// Appends the packet to `buf`, writing the extensions as the session's negotiation allows
    /// ([`ExtensionMap::form_policy`](crate::ExtensionMap::form_policy)).
    pub fn encode_with(&self, policy: ExtensionFormPolicy, buf: &mut Vec<u8>) {
        self.encode_header(policy, buf);
        buf.extend_from_slice(&self.payload);
        self.encode_padding(buf);
    }

    /// Appends what is in front of the payload only, for output that gathers header and payload from two places.
    ///
    /// The padding bit is set if the packet has padding; [`encode_padding`](Self::encode_padding) writes it.
    pub fn encode_header(&self, policy: ExtensionFormPolicy, buf: &mut Vec<u8>) {
        let form = self.extensions.form(policy);
        let first = 0x80
            | u8::from(self.padding_len > 0) << 5
            | u8::from(form.is_some()) << 4
            | self.csrcs.count();
        let [s0, s1] = self.sequence_number.get().to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.get().to_be_bytes();
        let second = u8::from(self.marker) << 7 | self.payload_type.get();
        buf.extend_from_slice(&[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]);
        for csrc in self.csrcs.as_slice() {
            buf.extend_from_slice(&csrc.get().to_be_bytes());
        }
        if let Some(form) = form {
            self.extensions.encode(form, buf);
        }
    }

    /// Appends the padding behind the payload: zeros and the count (RFC 3550 §5.1).
    pub fn encode_padding(&self, buf: &mut Vec<u8>) {
        if let Some(zeros) = self.padding_len.checked_sub(1) {
            buf.resize(buf.len() + usize::from(zeros), 0);
            buf.push(self.padding_len);
        }
    }

    /// The octets that [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        FIXED_HEADER_LEN
            + self.csrcs.as_slice().len() * 4
            + self
                .extensions
                .form(ExtensionFormPolicy::PerPacket)
                .map_or(0, |form| self.extensions.encoded_len(form))
            + self.payload.len()
            + usize::from(self.padding_len)
    }
}
