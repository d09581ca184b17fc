use std::time::Duration;

use bytes::Bytes;
use rtp::{DecodeError, Packet, PacketView};

/// What a packet of a dump is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpedProtocol {
    /// An RTP packet.
    Rtp,
    /// An RTCP packet, compound or not.
    Rtcp,
}

/// A packet of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedPacket {
    /// How long after the beginning of the dump it arrived, in milliseconds.
    pub offset: Duration,
    /// What it is.
    pub protocol: DumpedProtocol,
    /// Its length when it arrived; more than `data` has where only its front was kept.
    pub original_len: u16,
    /// The packet.
    pub data: Bytes,
}

impl DumpedPacket {
    /// A whole RTP packet.
    pub fn rtp(offset: Duration, packet: &Packet) -> Self {
        let mut data = Vec::with_capacity(packet.encoded_len());
        packet.encode(&mut data);
        Self {
            offset,
            protocol: DumpedProtocol::Rtp,
            original_len: u16::try_from(data.len()).unwrap_or(u16::MAX),
            data: data.into(),
        }
    }

    /// Reads the RTP packet; its payload shares the memory of the dump.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn decode(&self) -> Result<Packet, DecodeError> {
        let view = PacketView::parse(&self.data)?;
        let payload = self.data.slice_ref(view.payload());
        Ok(Packet::from_view(&view, payload))
    }
}
