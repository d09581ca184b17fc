use crate::crypto::Authentication;
use crate::{SrtpProfile, Version, tls12, tls13};

/// What a completed handshake leaves behind, whatever its version.
pub(crate) enum Agreed {
    Tls12(tls12::Agreed),
    Tls13(tls13::Agreed),
}

impl Agreed {
    pub(crate) const fn version(&self) -> Version {
        match self {
            Self::Tls12(_) => Version::Dtls12,
            Self::Tls13(_) => Version::Dtls13,
        }
    }

    /// The registered number of the cipher suite.
    pub(crate) const fn cipher_suite(&self) -> u16 {
        match self {
            Self::Tls12(agreed) => agreed.suite.number,
            Self::Tls13(agreed) => agreed.secrets.suite.number,
        }
    }

    pub(crate) const fn srtp_profile(&self) -> Option<SrtpProfile> {
        match self {
            Self::Tls12(agreed) => agreed.srtp_profile,
            Self::Tls13(agreed) => agreed.srtp_profile,
        }
    }

    /// The certificate that the other side proved to own.
    pub(crate) fn peer_certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Tls12(agreed) => agreed.peer.as_ref().map(|peer| peer.der.as_slice()),
            Self::Tls13(agreed) => agreed.peer.as_deref(),
        }
    }

    /// What it sent behind it.
    pub(crate) fn peer_issuers(&self) -> &[Vec<u8>] {
        match self {
            Self::Tls12(agreed) => agreed.peer.as_ref().map_or(&[], |peer| &peer.issuers),
            Self::Tls13(agreed) => &agreed.issuers,
        }
    }

    /// Whether the other side proved who it is by a key that both know.
    pub(crate) fn knows_our_key(&self) -> bool {
        match self {
            Self::Tls12(agreed) => agreed.suite.authentication == Authentication::Psk,
            Self::Tls13(agreed) => agreed.psk,
        }
    }

    /// The application protocol.
    pub(crate) fn alpn(&self) -> Option<&[u8]> {
        match self {
            Self::Tls12(agreed) => agreed.alpn.as_deref(),
            Self::Tls13(agreed) => agreed.alpn.as_deref(),
        }
    }

    pub(crate) fn export(&self, label: &[u8], context: Option<(u16, &[u8])>, out: &mut [u8]) {
        match self {
            Self::Tls12(agreed) => agreed.secrets.export(label, context, out),
            Self::Tls13(agreed) => {
                let context = context.map(|(_, context)| context);
                agreed.secrets.export(label, context, out);
            }
        }
    }

    pub(crate) fn key_log(&self) -> String {
        match self {
            Self::Tls12(agreed) => agreed.secrets.key_log(),
            Self::Tls13(agreed) => agreed.secrets.key_log(),
        }
    }
}
