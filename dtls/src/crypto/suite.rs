/// A hash function of a cipher suite, also that of its PRF and Finished (RFC 5246 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

/// A record protection (RFC 5116).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AeadAlgorithm {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    /// AES-CCM (RFC 6655 §3), for which no provider but RustCrypto has code.
    Aes128Ccm,
    Aes256Ccm,
    /// The same with a tag of eight bytes.
    Aes128Ccm8,
    Aes256Ccm8,
}

impl AeadAlgorithm {
    /// The longest tag.
    pub(crate) const TAG_LENGTH: usize = 16;
    /// The longest key.
    pub(crate) const MAX_KEY_LENGTH: usize = 32;

    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes256Ccm | Self::Aes256Ccm8 => 32,
        }
    }

    pub(crate) const fn tag_length(self) -> usize {
        match self {
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => 8,
            _ => Self::TAG_LENGTH,
        }
    }

    /// Failed authentications before a connection gives up (RFC 9147 §4.5.3; RFC 6347 leaves the limit open).
    pub(crate) const fn max_failures(self) -> u64 {
        match self {
            Self::Aes128Gcm | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 1 << 36,
            // 2^23.5.
            Self::Aes128Ccm | Self::Aes256Ccm => 11_863_283,
            // A short tag is guessed by one of 2^64: this leaves a chance of 2^-48.
            Self::Aes128Ccm8 | Self::Aes256Ccm8 => 1 << 16,
        }
    }
}

/// What kind of key signs for the server of a cipher suite (RFC 8422 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    Ecdsa,
    Rsa,
    /// Nobody signs: both sides know a key (RFC 4279).
    Psk,
}

/// A cipher suite of TLS 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CipherSuite {
    pub(crate) number: u16,
    pub(crate) authentication: Authentication,
    /// Whether keys are agreed on by ECDHE, as in all suites but some of those with a pre-shared key.
    pub(crate) ephemeral: bool,
    pub(crate) aead: AeadAlgorithm,
    pub(crate) hash: Hash,
}

impl CipherSuite {
    /// Whether it is left out unless the configuration names it: short tags.
    pub(crate) const fn is_on_demand(self) -> bool {
        self.aead.tag_length() < AeadAlgorithm::TAG_LENGTH
    }
}

const fn static_psk(number: u16, aead: AeadAlgorithm, hash: Hash) -> CipherSuite {
    CipherSuite {
        number,
        authentication: Authentication::Psk,
        ephemeral: false,
        aead,
        hash,
    }
}

const fn suite(
    number: u16,
    authentication: Authentication,
    aead: AeadAlgorithm,
    hash: Hash,
) -> CipherSuite {
    CipherSuite {
        number,
        authentication,
        ephemeral: true,
        aead,
        hash,
    }
}

/// The suites in order of preference (RFC 5289 §3.2, RFC 7905 §2, RFC 7251 §2; with pre-shared keys RFC 8442 §3,
/// RFC 5487 §2, RFC 6655 §4). A provider has all or some of them.
pub(crate) const SUITES: [CipherSuite; 22] = {
    use AeadAlgorithm::{
        Aes128Ccm, Aes128Ccm8, Aes128Gcm, Aes256Ccm, Aes256Ccm8, Aes256Gcm, ChaCha20Poly1305,
    };
    use Authentication::{Ecdsa, Psk, Rsa};
    use Hash::{Sha256, Sha384};
    [
        suite(0xc02b, Ecdsa, Aes128Gcm, Sha256),
        suite(0xc02f, Rsa, Aes128Gcm, Sha256),
        suite(0xc02c, Ecdsa, Aes256Gcm, Sha384),
        suite(0xc030, Rsa, Aes256Gcm, Sha384),
        suite(0xcca9, Ecdsa, ChaCha20Poly1305, Sha256),
        suite(0xcca8, Rsa, ChaCha20Poly1305, Sha256),
        suite(0xc0ac, Ecdsa, Aes128Ccm, Sha256),
        suite(0xc0ad, Ecdsa, Aes256Ccm, Sha256),
        suite(0xc0ae, Ecdsa, Aes128Ccm8, Sha256),
        suite(0xc0af, Ecdsa, Aes256Ccm8, Sha256),
        suite(0xd001, Psk, Aes128Gcm, Sha256),
        suite(0xd002, Psk, Aes256Gcm, Sha384),
        suite(0xccac, Psk, ChaCha20Poly1305, Sha256),
        suite(0xd005, Psk, Aes128Ccm, Sha256),
        static_psk(0x00a8, Aes128Gcm, Sha256),
        static_psk(0x00a9, Aes256Gcm, Sha384),
        static_psk(0xccab, ChaCha20Poly1305, Sha256),
        static_psk(0xc0a4, Aes128Ccm, Sha256),
        static_psk(0xc0a5, Aes256Ccm, Sha256),
        static_psk(0xc0a8, Aes128Ccm8, Sha256),
        static_psk(0xc0a9, Aes256Ccm8, Sha256),
        suite(0xd003, Psk, Aes128Ccm8, Sha256),
    ]
};

/// A cipher suite of TLS 1.3, which says nothing about keys and signatures (RFC 8446 §B.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CipherSuite13 {
    pub(crate) number: u16,
    pub(crate) aead: AeadAlgorithm,
    pub(crate) hash: Hash,
}

impl CipherSuite13 {
    /// In order of preference.
    pub(crate) const ALL: [Self; 3] = {
        const fn suite(number: u16, aead: AeadAlgorithm, hash: Hash) -> CipherSuite13 {
            CipherSuite13 { number, aead, hash }
        }
        [
            suite(0x1301, AeadAlgorithm::Aes128Gcm, Hash::Sha256),
            suite(0x1302, AeadAlgorithm::Aes256Gcm, Hash::Sha384),
            suite(0x1303, AeadAlgorithm::ChaCha20Poly1305, Hash::Sha256),
        ]
    };
}

impl Hash {
    /// Its length in bytes.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// A group for the key agreement (RFC 8422 §5.1.1, RFC 8446 §4.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedGroup {
    /// X25519 (RFC 7748).
    X25519,
    /// P-256.
    Secp256r1,
    /// P-384.
    Secp384r1,
    /// X25519 beside ML-KEM-768, which holds against quantum computers; DTLS 1.3 only. Its shares take 1.2 KB, so
    /// that a ClientHello with one takes two datagrams.
    X25519MlKem768,
}

impl NamedGroup {
    /// All of them.
    #[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
    pub(crate) const ALL: [Self; 4] = [
        Self::X25519,
        Self::Secp256r1,
        Self::Secp384r1,
        Self::X25519MlKem768,
    ];

    /// The registered number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Secp256r1 => 23,
            Self::Secp384r1 => 24,
            Self::X25519 => 29,
            Self::X25519MlKem768 => 0x11ec,
        }
    }

    /// Whether it is one of DTLS 1.3 alone.
    pub(crate) const fn is_hybrid(self) -> bool {
        matches!(self, Self::X25519MlKem768)
    }
}

/// A signature scheme (RFC 8446 §4.2.3), by its registered number.
///
/// Under TLS 1.2 the ECDSA schemes name the hash only: the curve is that of the key (RFC 8446 §4.2.3, RFC 8422 §5.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignatureScheme(pub(crate) u16);

impl SignatureScheme {
    pub(crate) const ECDSA_SHA256: Self = Self(0x0403);
    pub(crate) const ECDSA_SHA384: Self = Self(0x0503);
    pub(crate) const ED25519: Self = Self(0x0807);
    pub(crate) const RSA_PSS_SHA256: Self = Self(0x0804);
    pub(crate) const RSA_PSS_SHA384: Self = Self(0x0805);
    pub(crate) const RSA_PSS_SHA512: Self = Self(0x0806);
    pub(crate) const RSA_PKCS1_SHA256: Self = Self(0x0401);
    pub(crate) const RSA_PKCS1_SHA384: Self = Self(0x0501);
    pub(crate) const RSA_PKCS1_SHA512: Self = Self(0x0601);

    /// All of them, the best one first.
    pub(crate) const ALL: [Self; 9] = [
        Self::ECDSA_SHA256,
        Self::ECDSA_SHA384,
        Self::ED25519,
        Self::RSA_PSS_SHA256,
        Self::RSA_PSS_SHA384,
        Self::RSA_PSS_SHA512,
        Self::RSA_PKCS1_SHA256,
        Self::RSA_PKCS1_SHA384,
        Self::RSA_PKCS1_SHA512,
    ];

    /// Whether it may sign a handshake of TLS 1.3 (RFC 8446 §4.2.3): no PKCS #1 there.
    pub(crate) const fn signs_handshake_13(self) -> bool {
        self.0 & 0xff != 1
    }

    /// Whether under TLS 1.3, where the ECDSA schemes name the curve as well, it goes with a key.
    pub(crate) const fn suits_13(self, key: &PublicKey) -> bool {
        match key {
            PublicKey::P256(_) => self.0 == Self::ECDSA_SHA256.0,
            PublicKey::P384(_) => self.0 == Self::ECDSA_SHA384.0,
            PublicKey::Ed25519(_) => self.0 == Self::ED25519.0,
            PublicKey::Rsa(_) => self.0 >> 8 == 8 && self.0 != Self::ED25519.0,
        }
    }
}

/// The public key of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    /// `RSAPublicKey` in DER (RFC 8017 A.1.1).
    Rsa(Vec<u8>),
}

impl PublicKey {
    /// Which suites the key may sign for; Ed25519 serves where ECDSA does (RFC 8422 §5.10).
    pub(crate) const fn authentication(&self) -> Authentication {
        match self {
            Self::P256(_) | Self::P384(_) | Self::Ed25519(_) => Authentication::Ecdsa,
            Self::Rsa(_) => Authentication::Rsa,
        }
    }
}
