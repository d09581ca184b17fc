use super::view::{FIXED_HEADER_LEN, PacketView};
use crate::{DecodeError, PayloadType, SequenceNumber, Ssrc, UpdateExtensionError};

/// An RTP packet whose fields are changed where they lie: nothing moves, nothing is allocated.
///
/// A forwarder that keeps the layout of a packet rewrites it with this; inserting or removing an extension needs
/// [`PacketBuffer`](crate::PacketBuffer) or [`Packet`](crate::Packet).
#[derive(Debug)]
pub struct PacketViewMut<'a> {
    fixed: &'a mut [u8; FIXED_HEADER_LEN],
    rest: &'a mut [u8],
    /// Where the extension block starts and ends in `rest`.
    block: (usize, usize),
    payload: (usize, usize),
}

impl<'a> PacketViewMut<'a> {
    /// Checks the packet like [`PacketView::parse`] and takes it for writing.
    pub fn parse(packet: &'a mut [u8]) -> Result<Self, DecodeError> {
        let view = PacketView::parse(packet)?;
        let header_len = view.header_len();
        let block_len = view.header().extension_block().map_or(0, <[u8]>::len);
        let payload_end = packet.len() - view.padding_len();
        let (fixed, rest) = packet
            .split_first_chunk_mut()
            .ok_or(DecodeError::Truncated)?;
        let start = header_len - FIXED_HEADER_LEN;
        Ok(Self {
            fixed,
            rest,
            block: (start - block_len, start),
            payload: (start, payload_end - FIXED_HEADER_LEN),
        })
    }

    /// Sets the payload type.
    pub fn set_payload_type(&mut self, payload_type: PayloadType) {
        self.fixed[1] = self.fixed[1] & 0x80 | payload_type.get();
    }

    /// Sets the marker bit.
    pub fn set_marker(&mut self, marker: bool) {
        self.fixed[1] = self.fixed[1] & 0x7f | u8::from(marker) << 7;
    }

    /// Sets the sequence number.
    pub fn set_sequence_number(&mut self, sequence_number: SequenceNumber) {
        [self.fixed[2], self.fixed[3]] = sequence_number.get().to_be_bytes();
    }

    /// Sets the timestamp.
    pub fn set_timestamp(&mut self, timestamp: u32) {
        let [_, _, _, _, field @ .., _, _, _, _] = &mut *self.fixed;
        *field = timestamp.to_be_bytes();
    }

    /// Sets the synchronization source.
    pub fn set_ssrc(&mut self, ssrc: Ssrc) {
        let [_, _, _, _, _, _, _, _, field @ ..] = &mut *self.fixed;
        *field = ssrc.get().to_be_bytes();
    }

    /// Replaces the value of the first extension with this id by another of the same length.
    pub fn set_extension(&mut self, id: u8, value: &[u8]) -> Result<(), UpdateExtensionError> {
        let (start, end) = self.block;
        let place = self.element(id).ok_or(UpdateExtensionError::Missing)?;
        let old = self
            .rest
            .get_mut(start..end)
            .and_then(|block| block.get_mut(place.0..place.1))
            .ok_or(UpdateExtensionError::Missing)?;
        if old.len() != value.len() {
            return Err(UpdateExtensionError::Length);
        }
        old.copy_from_slice(value);
        Ok(())
    }

    /// The payload without padding, for writing.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        let (start, end) = self.payload;
        self.rest.get_mut(start..end).unwrap_or_default()
    }

    /// Where the first value with this id lies within the block.
    fn element(&self, id: u8) -> Option<(usize, usize)> {
        // The profile word is in front of the length word in front of the block.
        let (start, end) = self.block;
        let head = self.rest.get(start.checked_sub(4)?..start)?;
        let block = self.rest.get(start..end)?;
        let &[p0, p1, ..] = head else { return None };
        let form = crate::ExtensionForm::from_profile(u16::from_be_bytes([p0, p1]));
        let mut elements = crate::ExtensionIter::new(form, block);
        while let Some((found, value)) = elements.next() {
            if found == id {
                let end = block.len() - elements.remaining();
                return Some((end - value.len(), end));
            }
        }
        None
    }
}
