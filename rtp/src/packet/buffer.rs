use super::view::{FIXED_HEADER_LEN, PacketView};
use super::view_mut::PacketViewMut;
use crate::extension::{ExtensionForm, ExtensionFormPolicy, Extensions};
use crate::{DecodeError, SetExtensionError};

/// The room in front of a packet: enough for MID, RID, transport sequence number, send time and a dependency descriptor
/// without a structure.
pub const HEADROOM: usize = 64;

/// A packet in one piece, with room in front of it: extensions are put in and taken out without moving the payload.
///
/// For relays that pass the octets of a packet on and change its header on the way. It keeps its memory: filled again
/// with the next packet it allocates nothing.
#[derive(Clone, Debug)]
pub struct PacketBuffer {
    octets: Vec<u8>,
    start: usize,
}

impl PacketBuffer {
    /// Checks a packet like [`PacketView::parse`] and copies it.
    pub fn new(packet: &[u8]) -> Result<Self, DecodeError> {
        let mut buffer = Self {
            octets: Vec::new(),
            start: 0,
        };
        buffer.fill(packet)?;
        Ok(buffer)
    }

    /// Takes another packet in place of this one; after an error it keeps this one.
    pub fn fill(&mut self, packet: &[u8]) -> Result<(), DecodeError> {
        PacketView::parse(packet)?;
        self.octets.clear();
        self.octets.reserve(HEADROOM + packet.len());
        self.octets.resize(HEADROOM, 0);
        self.octets.extend_from_slice(packet);
        self.start = HEADROOM;
        Ok(())
    }

    /// The packet.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(self.start..).unwrap_or_default()
    }

    /// The packet, taken apart.
    pub fn view(&self) -> PacketView<'_> {
        // The octets were checked when they came, and every change keeps them valid.
        PacketView::parse(self.as_bytes()).unwrap_or(PacketView::EMPTY)
    }

    /// The packet for changes that move nothing. It is never an error: the octets were checked when they came.
    pub fn view_mut(&mut self) -> Result<PacketViewMut<'_>, DecodeError> {
        PacketViewMut::parse(self.octets.get_mut(self.start..).unwrap_or_default())
    }

    /// Sets the value of an extension, whether it is there or not. The extension block is written anew as `policy` says.
    ///
    /// A value that changes only its octets moves nothing. After an error nothing has changed.
    pub fn set_extension(
        &mut self,
        policy: ExtensionFormPolicy,
        id: u8,
        value: &[u8],
    ) -> Result<(), SetExtensionError> {
        let in_place = self
            .view_mut()
            .is_ok_and(|mut view| view.set_extension(id, value).is_ok());
        if in_place {
            return Ok(());
        }
        if matches!(
            self.view().header().extension_form(),
            Some(ExtensionForm::Cryptex(_))
        ) {
            return Err(SetExtensionError::Opaque);
        }
        if policy == ExtensionFormPolicy::OneByte && !ExtensionForm::OneByte.fits(id, value.len()) {
            return Err(SetExtensionError::Form);
        }
        if self.append_element(policy, id, value) {
            return Ok(());
        }
        let (mut extensions, _) = Extensions::from_header(&self.view().header());
        extensions.set(id, value)?;
        self.write_extensions(policy, &extensions);
        Ok(())
    }

    /// Takes an extension out; whether it was there. An empty block goes with its last extension.
    pub fn remove_extension(&mut self, policy: ExtensionFormPolicy, id: u8) -> bool {
        let (mut extensions, _) = Extensions::from_header(&self.view().header());
        let found = extensions.remove(id);
        if found {
            self.write_extensions(policy, &extensions);
        }
        found
    }

    /// Puts a new element behind the others, the usual case, without writing those anew; whether it could.
    fn append_element(&mut self, policy: ExtensionFormPolicy, id: u8, value: &[u8]) -> bool {
        let header = self.view().header();
        let (Some(form), Some(block)) = (header.extension_form(), header.extension_block()) else {
            return false;
        };
        let kept = match policy {
            ExtensionFormPolicy::PerPacket | ExtensionFormPolicy::OneByte => ExtensionForm::OneByte,
            ExtensionFormPolicy::TwoByte => ExtensionForm::TwoByte,
        };
        if form != kept || !form.fits(id, value.len()) {
            return false;
        }
        let (mut elements, mut used) = (header.extensions(), 0);
        while let Some((known, _)) = elements.next() {
            if known == id {
                return false;
            }
            used = block.len() - elements.remaining();
        }
        let head = if form == ExtensionForm::OneByte { 1 } else { 2 };
        let len = (used + head + value.len()).next_multiple_of(4);
        let words = u16::try_from(len / 4).ok();
        let grown = len
            .checked_sub(block.len())
            .filter(|grown| *grown <= self.start);
        let (Some(grown), Some(words)) = (grown, words) else {
            return false;
        };
        // What stays: fixed header, contributing sources, profile and length words, elements.
        let block_start = self.start + header.header_len() - block.len();
        let start = self.start - grown;
        self.octets
            .copy_within(self.start..block_start + used, start);
        self.start = start;
        let block_start = block_start - grown;
        let Some(([.., w0, w1], place)) = self
            .octets
            .get_mut(block_start - 4..block_start + len)
            .and_then(|block| block.split_first_chunk_mut::<4>())
        else {
            return false;
        };
        [*w0, *w1] = words.to_be_bytes();
        let length = value.len() as u8;
        let element = [id << 4 | length.wrapping_sub(1) & 0x0f, 0];
        let element = if head == 1 { element } else { [id, length] };
        let octets = element.iter().take(head).chain(value);
        let octets = octets.copied().chain(std::iter::repeat(0));
        for (place, octet) in place.iter_mut().skip(used).zip(octets) {
            *place = octet;
        }
        true
    }

    /// Puts another block in front of the payload, and the fixed header in front of it.
    fn write_extensions(&mut self, policy: ExtensionFormPolicy, extensions: &Extensions) {
        let header = self.view().header();
        let front = FIXED_HEADER_LEN + header.csrcs().len() * 4;
        let payload = self.start + header.header_len();
        let form = extensions.form(policy);
        let block = form.map_or(0, |form| extensions.encoded_len(form));
        let missing = (front + block).saturating_sub(payload);
        if missing > 0 {
            // More than the room in front holds: once, and with room for more.
            let grown = missing + HEADROOM;
            self.octets.splice(..0, std::iter::repeat_n(0, grown));
            self.start += grown;
            return self.write_extensions(policy, extensions);
        }
        let start = payload - block - front;
        self.octets
            .copy_within(self.start..self.start + front, start);
        self.start = start;
        if let Some(first) = self.octets.get_mut(start) {
            *first = *first & !0x10 | u8::from(form.is_some()) << 4;
        }
        if let (Some(form), Some(place)) = (form, self.octets.get_mut(start + front..payload)) {
            extensions.write(form, place);
        }
    }
}
