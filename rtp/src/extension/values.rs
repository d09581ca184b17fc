use std::fmt;

use super::form::{ExtensionForm, ExtensionFormPolicy};
use super::storage::Storage;
use crate::packet::HeaderView;
use crate::{OpaqueExtensionError, SetExtensionError};

/// The header extensions that a [`Packet`](crate::Packet) owns: values by id, in the order they were set.
///
/// The usual few short ones lie inside the packet and allocate nothing. Ids are those of the BUNDLE group's
/// [`ExtensionMap`](crate::ExtensionMap); each occurs at most once.
#[derive(Clone)]
pub struct Extensions {
    /// Set for an opaque extension of RFC 3550, whose storage is the whole block.
    profile: Option<u16>,
    /// Elements as id, length, value.
    storage: Storage,
}

impl Extensions {
    /// No extension.
    pub const fn new() -> Self {
        Self {
            profile: None,
            storage: Storage::new(),
        }
    }

    /// An extension block of RFC 3550 §5.3.1 that only the application understands.
    pub fn opaque(profile: u16, block: &[u8]) -> Result<Self, OpaqueExtensionError> {
        if !matches!(
            ExtensionForm::from_profile(profile),
            ExtensionForm::Opaque(_)
        ) {
            return Err(OpaqueExtensionError::Profile);
        }
        if !block.len().is_multiple_of(4) || block.len() / 4 > usize::from(u16::MAX) {
            return Err(OpaqueExtensionError::Length);
        }
        let mut storage = Storage::new();
        storage.push(&[], block);
        Ok(Self {
            profile: Some(profile),
            storage,
        })
    }

    /// Copies the extensions of a received header; of duplicates the first, of cryptex nothing. Tells how many duplicates
    /// there were.
    pub(crate) fn from_header(header: &HeaderView<'_>) -> (Self, usize) {
        let mut extensions = Self::new();
        let mut duplicates = 0;
        match header.extension_form() {
            Some(ExtensionForm::Opaque(profile)) => {
                extensions.profile = Some(profile);
                let block = header.extension_block().unwrap_or_default();
                extensions.storage.push(&[], block);
            }
            Some(_) => {
                let mut seen = [0_u64; 4];
                for (id, value) in header.extensions() {
                    let Some(word) = seen.get_mut(usize::from(id >> 6)) else {
                        continue;
                    };
                    let bit = 1 << (id & 63);
                    if *word & bit == 0 {
                        *word |= bit;
                        extensions.append(id, value);
                    } else {
                        duplicates += 1;
                    }
                }
            }
            None => {}
        }
        (extensions, duplicates)
    }

    /// The profile word and block of an opaque extension.
    pub fn as_opaque(&self) -> Option<(u16, &[u8])> {
        self.profile
            .map(|profile| (profile, self.storage.as_slice()))
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.profile.is_none() && self.storage.as_slice().is_empty()
    }

    /// The value of an id.
    pub fn get(&self, id: u8) -> Option<&[u8]> {
        self.iter()
            .find_map(|(found, value)| (found == id).then_some(value))
    }

    /// Sets the value of an id, replacing an earlier one.
    pub fn set(&mut self, id: u8, value: &[u8]) -> Result<(), SetExtensionError> {
        if self.profile.is_some() {
            return Err(SetExtensionError::Opaque);
        }
        if id == 0 {
            return Err(SetExtensionError::Id);
        }
        if value.len() > 255 {
            return Err(SetExtensionError::Length);
        }
        if let Some((start, end)) = self.position(id) {
            if let Some(old) = self.storage.as_mut_slice().get_mut(start + 2..end)
                && old.len() == value.len()
            {
                old.copy_from_slice(value);
                return Ok(());
            }
            self.storage.remove(start, end);
        }
        self.append(id, value);
        Ok(())
    }

    /// Removes the value of an id; whether there was one.
    pub fn remove(&mut self, id: u8) -> bool {
        let found = self.position(id);
        if let Some((start, end)) = found {
            self.storage.remove(start, end);
        }
        found.is_some()
    }

    /// Removes everything, an opaque extension too.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// The ids and values in the order they are written.
    pub fn iter(&self) -> ExtensionsIter<'_> {
        let rest = match self.profile {
            None => self.storage.as_slice(),
            Some(_) => &[],
        };
        ExtensionsIter { rest }
    }

    /// The form the values will be written in; `None` if nothing will be.
    pub(crate) fn form(&self, policy: ExtensionFormPolicy) -> Option<ExtensionForm> {
        if let Some(profile) = self.profile {
            return Some(ExtensionForm::Opaque(profile));
        }
        let one_byte = |(id, value): (u8, &[u8])| ExtensionForm::OneByte.fits(id, value.len());
        let mut elements = self.iter().peekable();
        elements.peek()?;
        match policy {
            ExtensionFormPolicy::PerPacket if elements.all(one_byte) => {
                Some(ExtensionForm::OneByte)
            }
            ExtensionFormPolicy::PerPacket | ExtensionFormPolicy::TwoByte => {
                Some(ExtensionForm::TwoByte)
            }
            ExtensionFormPolicy::OneByte => {
                elements.any(one_byte).then_some(ExtensionForm::OneByte)
            }
        }
    }

    /// The octets of the block with its profile and length words.
    pub(crate) fn encoded_len(&self, form: ExtensionForm) -> usize {
        let head = match form {
            ExtensionForm::OneByte => 1,
            ExtensionForm::TwoByte => 2,
            ExtensionForm::Cryptex(_) | ExtensionForm::Opaque(_) => {
                return 4 + self.storage.as_slice().len();
            }
        };
        let elements: usize = self
            .iter()
            .filter(|(id, value)| form.fits(*id, value.len()))
            .map(|(_, value)| head + value.len())
            .sum();
        4 + elements.next_multiple_of(4)
    }

    /// Appends the block with its profile and length words.
    pub(crate) fn encode(&self, form: ExtensionForm, buf: &mut Vec<u8>) {
        let start = buf.len();
        // The storage has the two-byte form, which is never the shorter one.
        let most = 4 + self.storage.as_slice().len().next_multiple_of(4);
        buf.resize(start + most, 0);
        let len = self.write(form, buf.get_mut(start..).unwrap_or_default());
        buf.truncate(start + len);
    }

    /// Writes the block into `place`, which has room for [`encoded_len`](Self::encoded_len); how long it is.
    pub(crate) fn write(&self, form: ExtensionForm, place: &mut [u8]) -> usize {
        let len = place.len();
        let Some((head, mut rest)) = place.split_first_chunk_mut() else {
            return 0;
        };
        match form {
            ExtensionForm::OneByte => {
                for (id, value) in self
                    .iter()
                    .filter(|(id, value)| form.fits(*id, value.len()))
                {
                    let length = u8::try_from(value.len().saturating_sub(1)).unwrap_or(0);
                    put(&mut rest, &[id << 4 | length & 0x0f]);
                    put(&mut rest, value);
                }
            }
            // Elements are kept as the two-byte form writes them.
            ExtensionForm::TwoByte | ExtensionForm::Cryptex(_) | ExtensionForm::Opaque(_) => {
                put(&mut rest, self.storage.as_slice());
            }
        }
        let len = (len - rest.len()).next_multiple_of(4);
        rest.iter_mut().take(3).for_each(|octet| *octet = 0);
        // 255 ids of 257 octets are 16,384 words, and `opaque` checked its own: the count always fits.
        let words = u16::try_from(len / 4 - 1).unwrap_or(u16::MAX);
        let [p0, p1] = form.profile().to_be_bytes();
        let [l0, l1] = words.to_be_bytes();
        *head = [p0, p1, l0, l1];
        len
    }

    fn append(&mut self, id: u8, value: &[u8]) {
        if let Ok(length) = u8::try_from(value.len()) {
            self.storage.push(&[id, length], value);
        }
    }

    /// Where the element with its header lies in the storage.
    fn position(&self, id: u8) -> Option<(usize, usize)> {
        let mut end = 0;
        self.iter().find_map(|(found, value)| {
            let start = end;
            end += 2 + value.len();
            (found == id).then_some((start, end))
        })
    }
}

/// Copies octets to the front of `place`, and leaves what is behind them.
fn put(place: &mut &mut [u8], octets: &[u8]) {
    if let Some(front) = place.split_off_mut(..octets.len()) {
        front.copy_from_slice(octets);
    }
}

impl Default for Extensions {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Extensions {
    fn eq(&self, other: &Self) -> bool {
        self.profile == other.profile && self.storage.as_slice() == other.storage.as_slice()
    }
}

impl Eq for Extensions {}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_opaque() {
            Some((profile, block)) => f
                .debug_struct("Opaque")
                .field("profile", &profile)
                .field("block", &block)
                .finish(),
            None => f.debug_map().entries(self.iter()).finish(),
        }
    }
}

impl<'a> IntoIterator for &'a Extensions {
    type Item = (u8, &'a [u8]);
    type IntoIter = ExtensionsIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The ids and values of [`Extensions`].
#[derive(Clone, Debug)]
pub struct ExtensionsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for ExtensionsIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[id, length], after) = self.rest.split_first_chunk()?;
        self.rest = after;
        let value = self.rest.split_off(..usize::from(length))?;
        Some((id, value))
    }
}

impl std::iter::FusedIterator for ExtensionsIter<'_> {}
