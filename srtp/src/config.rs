use crate::{Profile, Provider};

/// How a [`Sender`](crate::Sender) or a [`Receiver`](crate::Receiver) works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protection profile of all packets.
    pub profile: Profile,
    /// Who computes. Default: [`Provider::ring`].
    pub provider: Provider,
    /// Whether contributing sources and header extensions are encrypted (RFC 9335). Default: disabled.
    pub cryptex: Cryptex,
    /// Whether RTCP is encrypted. Default: it must be.
    pub rtcp: RtcpProtection,
    /// The header extensions that RFC 6904 encrypts, by their local ids. Default: none. Where cryptex encrypts a
    /// packet's header, these are not encrypted once more (RFC 9335 §5).
    pub encrypted_extensions: ExtensionIds,
}

impl Config {
    /// The defaults of a profile.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            provider: Provider::ring(),
            cryptex: Cryptex::default(),
            rtcp: RtcpProtection::default(),
            encrypted_extensions: ExtensionIds::default(),
        }
    }
}

/// Whether contributing sources and header extensions are encrypted, packet by packet (RFC 9335).
///
/// `a=cryptex` says that an endpoint takes such packets; once both sides have said so, a sender may use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cryptex {
    /// Headers are sent in the clear, and encrypted ones are refused: they were not negotiated.
    #[default]
    Disabled,
    /// Headers are sent encrypted where the packet allows it, and taken either way.
    Enabled,
    /// Headers are sent encrypted, and a packet with a header extension or contributing sources in the clear is
    /// refused, both ways.
    Required,
}

/// Whether RTCP is encrypted, which the E bit says in each datagram (RFC 3711 §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RtcpProtection {
    /// It is sent encrypted, and anything else is refused. Under a NULL profile this is the same as the other.
    #[default]
    Encrypted,
    /// It is sent authenticated only (`UNENCRYPTED_SRTCP`, RFC 4568 §6.3.2), and taken either way.
    AuthenticatedOnly,
}

/// A set of ids of header extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds([u64; 4]);

impl ExtensionIds {
    /// Adds an id. The ids 0 and 15 name nothing in the one-byte form, and are skipped there.
    pub fn insert(&mut self, id: u8) {
        if let Some(word) = self.0.get_mut(usize::from(id / 64)) {
            *word |= 1 << (id % 64);
        }
    }

    /// Whether an id is in the set.
    pub fn contains(self, id: u8) -> bool {
        self.0
            .get(usize::from(id / 64))
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl FromIterator<u8> for ExtensionIds {
    fn from_iter<I: IntoIterator<Item = u8>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}
