//! Payload formats: frames to packet payloads and back.
//!
//! A [`Packetizer`] cuts a [`Frame`] into [`Payload`]s of nearly equal size. A [`Depacketizer`] takes the packets of
//! one stream in the order of their sequence numbers (a jitter buffer sorts them), sees gaps by those numbers, and
//! yields whole frames only. For video it is an [`Assembler`] around a [`Format`]. Neither has a clock.

mod assembler;
pub mod audio;
pub mod av1;
mod describe;
mod error;
pub mod h264;
pub mod h265;
pub mod h266;
mod nal;
mod order;
pub mod red;
mod registry;
mod split;
mod stats;
pub mod telephone_event;
#[cfg(test)]
pub(crate) mod tests;
pub mod vp8;
pub mod vp9;

use bytes::Bytes;

pub use assembler::{Assembler, Assembly, Format, MAX_FRAME_BYTES, MAX_FRAME_PACKETS};
pub use describe::describe;
pub use error::{PacketizeError, PayloadError};
pub use nal::units as nal_units;
pub use registry::{MakeDepacketizer, MakePacketizer, Registry};
pub use stats::DepacketizerStats;

use crate::{Codec, Frame, Layer, MimeType, Packet, Resolution};

/// Cuts frames into packet payloads.
pub trait Packetizer {
    /// Hands the payloads of `frame` to `sink`, in order, none longer than `max_payload` octets.
    ///
    /// All or nothing: after an error `sink` was not called.
    fn packetize(
        &mut self,
        frame: &Frame,
        max_payload: usize,
        sink: &mut dyn FnMut(Payload),
    ) -> Result<(), PacketizeError>;
}

/// Puts frames together from the packets of one stream.
pub trait Depacketizer {
    /// Takes the next packet and hands every frame that it completes to `sink`: two at most, or one for each block of
    /// a RED packet.
    ///
    /// Packets come in the order of their sequence numbers. One that comes late, or twice, is counted and dropped; a
    /// missing number is a loss, and a frame that misses a packet is never yielded.
    fn push(&mut self, packet: &Packet, sink: &mut dyn FnMut(Frame));

    /// The stream has ended: a frame that had no marker, but no gap either, is handed to `sink`.
    fn flush(&mut self, sink: &mut dyn FnMut(Frame));

    /// What has happened so far.
    fn stats(&self) -> DepacketizerStats;
}

/// The payload of one packet to be, with the header fields that depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The marker bit: the last packet of a picture, the first of sound after silence.
    pub marker: bool,
    /// The octets.
    pub data: Bytes,
}

/// What one packet says about its frame, without decoding it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PayloadInfo {
    /// Whether the frame begins here.
    pub start: Start,
    /// Whether decoding can begin here. Only the first packets of a frame tell.
    pub key: bool,
    /// Whether no other frame depends on this one, as far as this packet tells.
    pub discardable: bool,
    /// The layer that the packet belongs to.
    pub layer: Option<Layer>,
    /// The size of the picture, if the packet tells.
    pub resolution: Option<Resolution>,
}

/// Whether a payload is the first of its frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// It is the middle of something.
    #[default]
    No,
    /// It may be: only the packet before it would tell.
    Possible,
    /// It is, whatever came before.
    Certain,
}

/// A depacketizer for this media type as it is without parameters: see [`Registry`] for one that knows them. `None` if
/// there is none.
///
/// Sound of G.711, G.722 and L16 is taken to have one channel: use [`audio::AudioDepacketizer`] for more.
pub fn depacketizer(codec: &MimeType) -> Option<Box<dyn Depacketizer + Send>> {
    Registry::standard().depacketizer(&Codec::new(codec.clone(), 0))
}
