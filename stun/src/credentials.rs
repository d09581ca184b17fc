//! The long-term credential mechanism, from the client's side (RFC 8489 §9.2).

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::message::MAX_USERNAME;
use crate::{
    AttributeType, DecodeError, IntegrityKey, Message, MessageBuilder, PasswordAlgorithm, Sealed,
    opaque_string, userhash,
};

/// A user name and a password that a server knows for long (RFC 8489 §9.2).
///
/// Both go through the OpaqueString profile ([`opaque_string`]), so that it does not matter how they were typed.
#[derive(Clone)]
pub struct LongTermCredentials {
    username: String,
    password: Zeroizing<String>,
}

impl LongTermCredentials {
    /// Takes a user name of 1 to 508 bytes and a password that is not empty, both prepared.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        let password = Zeroizing::new(password.into());
        let username = opaque_string(&username.into())
            .filter(|name| name.len() <= MAX_USERNAME)
            .ok_or(CredentialsError::Username)?;
        let password = opaque_string(&password)
            .map(Zeroizing::new)
            .ok_or(CredentialsError::Password)?;
        Ok(Self { username, password })
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password for whoever keeps the credential elsewhere.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for LongTermCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LongTermCredentials(..)")
    }
}

/// Why text is not a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The user name is empty or longer than 508 bytes (RFC 8489 §14.3), or holds what OpaqueString does not allow.
    #[error("the user name is empty, longer than 508 bytes or holds what is not allowed")]
    Username,
    /// The password is empty, so that its key could be computed by anybody, or holds what OpaqueString does not allow.
    #[error("the password is empty or holds what is not allowed")]
    Password,
}

/// What a server asks a client to prove itself with: the realm and nonce of a 401 or 438.
///
/// It may be kept and used for the next session with the same server, which saves a round trip when the nonce is
/// still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    /// The value of PASSWORD-ALGORITHMS, to be sent back as it came.
    offered: Option<Vec<u8>>,
    algorithm: PasswordAlgorithm,
    hides_username: bool,
}

impl Challenge {
    /// Reads the challenge of an error response. A 438 may leave out the realm when `earlier` has it.
    pub fn from_response(
        response: &Message<'_>,
        earlier: Option<&Self>,
    ) -> Result<Self, ChallengeError> {
        let realm = response
            .realm()?
            .or_else(|| earlier.map(Self::realm))
            .ok_or(ChallengeError::Incomplete)?;
        let nonce = response.nonce()?.ok_or(ChallengeError::Incomplete)?;
        let features = SecurityFeatures::of(nonce);
        // RFC 8489 §9.2.5 goes by the attribute; the nonce only says that it must not be missing.
        let offered = response.attribute(AttributeType::PASSWORD_ALGORITHMS);
        if features.password_algorithms && offered.is_none() {
            return Err(ChallengeError::BidDown);
        }
        let algorithm = match offered {
            None => PasswordAlgorithm::Md5,
            Some(value) => strongest(value).ok_or(ChallengeError::NoAlgorithm)?,
        };
        Ok(Self {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            offered: offered.map(<[u8]>::to_vec),
            algorithm,
            hides_username: features.username_anonymity,
        })
    }

    /// The realm that the password is for.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// What makes a response worthless later.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The strongest algorithm that the server offers.
    pub const fn algorithm(&self) -> PasswordAlgorithm {
        self.algorithm
    }
}

/// Why a 401 or 438 cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// There is no realm or no nonce.
    #[error("the response has no realm or no nonce")]
    Incomplete,
    /// An attribute is malformed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The nonce says that the server offers password algorithms, but the offer is missing: somebody on the way
    /// took it out, to make the client use the weakest one (RFC 8489 §9.2.1, §9.2.5).
    #[error("the offer of password algorithms was taken out on the way")]
    BidDown,
    /// The server offers no algorithm that this crate knows.
    #[error("the server offers no known password algorithm")]
    NoAlgorithm,
}

/// A credential applied to a challenge: signs requests and checks the responses to them.
#[derive(Clone)]
pub struct LongTermAuth {
    username: Username,
    challenge: Challenge,
    key: IntegrityKey,
}

#[derive(Clone)]
enum Username {
    Plain(String),
    Hashed([u8; 32]),
}

impl LongTermAuth {
    /// Derives the key.
    pub fn new(credentials: &LongTermCredentials, challenge: Challenge) -> Self {
        let (name, password) = (&*credentials.username, &*credentials.password);
        let realm = &*challenge.realm;
        let username = if challenge.hides_username {
            Username::Hashed(userhash(name, realm))
        } else {
            Username::Plain(name.to_owned())
        };
        Self {
            key: IntegrityKey::long_term(name, realm, password, challenge.algorithm),
            username,
            challenge,
        }
    }

    /// What it answers to.
    pub const fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Ends a request: USERNAME or USERHASH, REALM, NONCE, the algorithms when the server offered any, and
    /// MESSAGE-INTEGRITY-SHA256 when it did, else MESSAGE-INTEGRITY (RFC 8489 §9.2.3.2).
    pub fn seal<'b>(&self, mut request: MessageBuilder<'b>) -> Sealed<'b> {
        match &self.username {
            Username::Plain(name) => request.username(name),
            Username::Hashed(hash) => request.userhash(hash),
        };
        request
            .realm(&self.challenge.realm)
            .nonce(&self.challenge.nonce);
        let Some(offered) = &self.challenge.offered else {
            return request.integrity(&self.key);
        };
        let [n0, n1] = self.challenge.algorithm.number().to_be_bytes();
        request
            .attribute(AttributeType::PASSWORD_ALGORITHMS, offered)
            .attribute(AttributeType::PASSWORD_ALGORITHM, &[n0, n1, 0, 0]);
        request.integrity_sha256(&self.key)
    }

    /// Whether a response was made by a holder of the key. Where the request had MESSAGE-INTEGRITY-SHA256 the
    /// response must have it, too: SHA-1 alone would be a bid down (RFC 8489 §9.2.5).
    pub fn verify(&self, response: &Message<'_>) -> bool {
        let is_strong = self.challenge.offered.is_none() || response.has_integrity_sha256();
        is_strong && response.verify_integrity(&self.key)
    }
}

impl fmt::Debug for LongTermAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongTermAuth")
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// What the first 13 characters of a nonce promise (RFC 8489 §9.2, §18.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SecurityFeatures {
    password_algorithms: bool,
    username_anonymity: bool,
}

impl SecurityFeatures {
    /// RFC 8489 §18.1 counts the 24 bits from the left, its own test vector (B.1) from the right. No other bits
    /// are assigned, so both are understood.
    fn of(nonce: &str) -> Self {
        let coded = nonce
            .strip_prefix(NONCE_COOKIE)
            .and_then(|rest| rest.get(..4));
        let Some(bits) = coded.and_then(decode_24_bits) else {
            return Self::default();
        };
        Self {
            password_algorithms: bits & 0x80_0001 != 0,
            username_anonymity: bits & 0x40_0002 != 0,
        }
    }
}

/// RFC 8489 §9.2: how a nonce begins that carries security features.
const NONCE_COOKIE: &str = "obMatJos2";

/// Four characters of base64 (RFC 4648 §4).
fn decode_24_bits(text: &str) -> Option<u32> {
    text.bytes().try_fold(0_u32, |bits, character| {
        let value = match character {
            b'A'..=b'Z' => character.wrapping_sub(b'A'),
            b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some(bits << 6 | u32::from(value))
    })
}

/// The strongest known algorithm of a PASSWORD-ALGORITHMS (RFC 8489 §14.11); parameters are skipped, the known
/// algorithms have none.
fn strongest(mut value: &[u8]) -> Option<PasswordAlgorithm> {
    let mut best = None;
    while let Some((&[n0, n1, l0, l1], rest)) = value.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let number = u16::from_be_bytes([n0, n1]);
        best = best.max(PasswordAlgorithm::from_number(number).filter(|_| length == 0));
        value = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    best
}
