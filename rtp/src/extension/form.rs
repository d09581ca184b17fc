/// How an extension block is written: what its profile word says (RFC 3550 §5.3.1, RFC 8285 §4, RFC 9335 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionForm {
    /// Elements with a header of one octet: ids 1 to 14, values of 1 to 16 octets (`0xBEDE`).
    OneByte,
    /// Elements with a header of two octets: ids 1 to 255, values of 0 to 255 octets (`0x1000` to `0x100F`).
    TwoByte,
    /// Elements encrypted by cryptex: `0xC0DE` hides the one-byte form, `0xC2DE` the two-byte form.
    Cryptex(u16),
    /// Any other profile word: an extension of RFC 3550 that only the application understands.
    Opaque(u16),
}

const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;

impl ExtensionForm {
    /// The form that a profile word announces. The four application bits of the two-byte form are ignored.
    pub const fn from_profile(profile: u16) -> Self {
        match profile {
            ONE_BYTE => Self::OneByte,
            TWO_BYTE..=0x100f => Self::TwoByte,
            0xc0de | 0xc2de => Self::Cryptex(profile),
            other => Self::Opaque(other),
        }
    }

    /// The profile word; the application bits of the two-byte form are 0.
    pub const fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE,
            Self::TwoByte => TWO_BYTE,
            Self::Cryptex(profile) | Self::Opaque(profile) => profile,
        }
    }

    /// Whether an element can be written in this form.
    pub const fn fits(self, id: u8, value_len: usize) -> bool {
        match self {
            Self::OneByte => matches!(id, 1..=14) && matches!(value_len, 1..=16),
            Self::TwoByte => id != 0 && value_len <= 255,
            Self::Cryptex(_) | Self::Opaque(_) => false,
        }
    }
}

/// Which forms a sender may write (RFC 8285 §4.1.2 and §6, `a=extmap-allow-mixed`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionFormPolicy {
    /// Mixing was negotiated: each packet takes the one-byte form if all its elements fit, else the two-byte form.
    #[default]
    PerPacket,
    /// Only the one-byte form. An element that does not fit it is left out.
    OneByte,
    /// Only the two-byte form, because a negotiated id needs it.
    TwoByte,
}

/// The elements of an extension block: id and value, borrowed from the packet.
///
/// The list ends where RFC 8285 says that processing stops: at the id 15 of the one-byte form, at an id 0 with a
/// length there, and at an element that runs past the block.
#[derive(Clone, Debug)]
pub struct ExtensionIter<'a> {
    form: ExtensionForm,
    rest: &'a [u8],
}

impl<'a> ExtensionIter<'a> {
    pub(crate) const fn new(form: ExtensionForm, block: &'a [u8]) -> Self {
        Self { form, rest: block }
    }

    /// The octets of the block behind the last element that was returned.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn element(&mut self) -> Option<(u8, &'a [u8])> {
        loop {
            let (&first, after) = self.rest.split_first()?;
            self.rest = after;
            if first == 0 {
                continue; // padding between elements
            }
            let (id, length) = match self.form {
                ExtensionForm::OneByte => match first >> 4 {
                    0 | 15 => return None,
                    id => (id, usize::from(first & 0x0f) + 1),
                },
                ExtensionForm::TwoByte => {
                    let (&length, after) = self.rest.split_first()?;
                    self.rest = after;
                    (first, usize::from(length))
                }
                ExtensionForm::Cryptex(_) | ExtensionForm::Opaque(_) => return None,
            };
            return self.rest.split_off(..length).map(|value| (id, value));
        }
    }
}

impl Default for ExtensionIter<'_> {
    fn default() -> Self {
        Self::new(ExtensionForm::OneByte, &[])
    }
}

impl<'a> Iterator for ExtensionIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let element = self.element();
        if element.is_none() {
            self.rest = &[];
        }
        element
    }
}

impl std::iter::FusedIterator for ExtensionIter<'_> {}
