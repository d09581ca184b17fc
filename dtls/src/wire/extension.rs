use super::codec::{self, DecodeError};
use crate::SrtpProfile;
use crate::crypto::{NamedGroup, SignatureScheme};

const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const ALPN: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const COOKIE: u16 = 44;
const PSK_KEY_EXCHANGE_MODES: u16 = 45;
const KEY_SHARE: u16 = 51;
const CONNECTION_ID: u16 = 54;
const RETURN_ROUTABILITY: u16 = 61;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// In which message extensions stand: some are written differently in each (RFC 8446 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    ClientHello,
    ServerHello,
    HelloRetryRequest,
    /// EncryptedExtensions, CertificateRequest, NewSessionTicket, entries of Certificate.
    Other,
}

/// The extensions of a message that mean something to us (RFC 5246 §7.4.1.4, RFC 8446 §4.2); others are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// `supported_groups` (RFC 8422 §5.1.1).
    pub(crate) groups: Option<Vec<u16>>,
    /// `ec_point_formats` (RFC 8422 §5.1.2): present. Uncompressed points are the only ones left.
    pub(crate) point_formats: bool,
    /// `signature_algorithms` (RFC 5246 §7.4.1.4.1).
    pub(crate) schemes: Option<Vec<SignatureScheme>>,
    /// `use_srtp` (RFC 5764 §4.1.1).
    pub(crate) srtp: Option<UseSrtp>,
    /// `application_layer_protocol_negotiation` (RFC 7301 §3.1).
    pub(crate) alpn: Option<Vec<Vec<u8>>>,
    /// `extended_master_secret` (RFC 7627 §5.1): present.
    pub(crate) extended_master_secret: bool,
    /// `SessionTicket` (RFC 5077 §3.2): the ticket of a client, empty if it only wants one; empty of a server.
    pub(crate) session_ticket: Option<Vec<u8>>,
    /// `renegotiation_info` (RFC 5746 §3.2): present, and empty as in every first handshake.
    pub(crate) renegotiation_info: bool,
    /// `supported_versions` (RFC 8446 §4.2.1): all of a client, the one of a server.
    pub(crate) versions: Option<Vec<u16>>,
    /// `key_share` (RFC 8446 §4.2.8): all of a client, the one of a server, or the group that it asks for.
    pub(crate) key_shares: Option<Vec<KeyShare>>,
    /// `cookie` (RFC 8446 §4.2.2).
    pub(crate) cookie: Option<Vec<u8>>,
    /// `psk_key_exchange_modes` (RFC 8446 §4.2.9): whether `psk_dhe_ke` is among them.
    pub(crate) psk_modes: Option<bool>,
    /// `pre_shared_key` (RFC 8446 §4.2.11).
    pub(crate) psk: Option<Psk>,
    /// `connection_id` (RFC 9146 §3): what the sender wants to see in what it receives; empty for nothing.
    pub(crate) connection_id: Option<Vec<u8>>,
    /// `rrc` (RFC 9853 §3): present.
    pub(crate) return_routability: bool,
    /// Types that are not ours, in order, for a client to refuse.
    pub(crate) unknown: usize,
}

/// The body of `use_srtp` (RFC 5764 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UseSrtp {
    pub(crate) profiles: Vec<SrtpProfile>,
    pub(crate) mki: Vec<u8>,
}

/// One entry of `key_share` (RFC 8446 §4.2.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyShare {
    pub(crate) group: u16,
    /// The public value; empty where a server asks for a group.
    pub(crate) public: Vec<u8>,
}

/// The body of `pre_shared_key` (RFC 8446 §4.2.11), the last extension of a ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Psk {
    /// Of a client: the names of its keys with the ages of those that are tickets, and for each the proof that it has
    /// it.
    Offer {
        identities: Vec<(Vec<u8>, u32)>,
        binders: Vec<Vec<u8>>,
    },
    /// Of a server: which one it takes.
    Selected(u16),
}

impl Psk {
    /// How many bytes the proofs take at the end of a ClientHello: what they do not cover themselves.
    pub(crate) fn binders_length(&self) -> usize {
        match self {
            Self::Offer { binders, .. } => {
                let length: usize = binders
                    .iter()
                    .map(|binder| binder.len().saturating_add(1))
                    .sum();
                length.saturating_add(2)
            }
            Self::Selected(_) => 0,
        }
    }

    fn decode(body: &mut &[u8], place: Place) -> Result<Self, DecodeError> {
        if place != Place::ClientHello {
            return Ok(Self::Selected(codec::u16(body)?));
        }
        let mut list = codec::vec16(body)?;
        let mut identities = Vec::new();
        while !list.is_empty() {
            let identity = codec::vec16(&mut list)?;
            let age = codec::u32(&mut list)?;
            if identity.is_empty() || identities.len() >= Extensions::MAX {
                return Err(DecodeError::Value("pre_shared_key"));
            }
            identities.push((identity.to_vec(), age));
        }
        let mut list = codec::vec16(body)?;
        let mut binders = Vec::new();
        while !list.is_empty() {
            let binder = codec::vec8(&mut list)?;
            if binders.len() >= Extensions::MAX {
                return Err(DecodeError::Value("pre_shared_key"));
            }
            binders.push(binder.to_vec());
        }
        // That there is a proof for each, and of what length, is what DTLS 1.3 looks at: under 1.2 nobody does.
        if identities.is_empty() {
            return Err(DecodeError::Value("pre_shared_key"));
        }
        Ok(Self::Offer {
            identities,
            binders,
        })
    }

    fn encode(&self, buf: &mut Vec<u8>) {
        match self {
            Self::Offer {
                identities,
                binders,
            } => {
                codec::put_vec::<2>(buf, |buf| {
                    for (identity, age) in identities {
                        codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(identity));
                        codec::put_u32(buf, *age);
                    }
                });
                codec::put_vec::<2>(buf, |buf| {
                    for binder in binders {
                        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(binder));
                    }
                });
            }
            Self::Selected(index) => codec::put_u16(buf, *index),
        }
    }
}

impl Extensions {
    /// The most extensions that are read.
    const MAX: usize = 64;

    /// Reads to the end. No extensions at all is fine, two of one type are not.
    pub(crate) fn decode(buf: &mut &[u8], place: Place) -> Result<Self, DecodeError> {
        let mut extensions = Self::default();
        if buf.is_empty() {
            return Ok(extensions);
        }
        let mut list = codec::vec16(buf)?;
        codec::end(buf)?;
        let mut seen = Vec::new();
        while !list.is_empty() {
            let kind = codec::u16(&mut list)?;
            let body = codec::vec16(&mut list)?;
            if seen.contains(&kind) || seen.len() >= Self::MAX {
                return Err(DecodeError::Value("extensions"));
            }
            // Its proofs cover all that stands before them.
            if kind == PRE_SHARED_KEY && place == Place::ClientHello && !list.is_empty() {
                return Err(DecodeError::Place("pre_shared_key"));
            }
            seen.push(kind);
            extensions.read(kind, body, place)?;
        }
        Ok(extensions)
    }

    fn read(&mut self, kind: u16, mut body: &[u8], place: Place) -> Result<(), DecodeError> {
        match kind {
            SUPPORTED_GROUPS => {
                let list = codec::vec16(&mut body)?;
                self.groups = Some(codec::numbers(list)?.collect());
            }
            EC_POINT_FORMATS => {
                if !codec::vec8(&mut body)?.contains(&0) {
                    return Err(DecodeError::Value("ec_point_formats"));
                }
                self.point_formats = true;
            }
            SIGNATURE_ALGORITHMS => {
                let list = codec::vec16(&mut body)?;
                self.schemes = Some(codec::numbers(list)?.map(SignatureScheme).collect());
            }
            USE_SRTP => {
                let list = codec::vec16(&mut body)?;
                self.srtp = Some(UseSrtp {
                    profiles: codec::numbers(list)?.map(SrtpProfile).collect(),
                    mki: codec::vec8(&mut body)?.to_vec(),
                });
            }
            ALPN => {
                let mut list = codec::vec16(&mut body)?;
                let mut names = Vec::new();
                while !list.is_empty() {
                    let name = codec::vec8(&mut list)?;
                    if name.is_empty() {
                        return Err(DecodeError::Value("application protocol"));
                    }
                    names.push(name.to_vec());
                }
                if names.is_empty() {
                    return Err(DecodeError::Length);
                }
                self.alpn = Some(names);
            }
            EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            SESSION_TICKET if place == Place::ClientHello => {
                self.session_ticket = Some(std::mem::take(&mut body).to_vec());
            }
            SESSION_TICKET if place == Place::ServerHello => self.session_ticket = Some(Vec::new()),
            RENEGOTIATION_INFO => {
                if !codec::vec8(&mut body)?.is_empty() {
                    return Err(DecodeError::Value("renegotiation_info"));
                }
                self.renegotiation_info = true;
            }
            SUPPORTED_VERSIONS => {
                let list = match place {
                    Place::ClientHello => codec::vec8(&mut body)?,
                    _ => codec::take(&mut body, 2)?,
                };
                self.versions = Some(codec::numbers(list)?.collect());
            }
            KEY_SHARE => self.key_shares = Some(read_key_shares(&mut body, place)?),
            PSK_KEY_EXCHANGE_MODES => {
                let modes = codec::vec8(&mut body)?;
                if modes.is_empty() {
                    return Err(DecodeError::Length);
                }
                self.psk_modes = Some(modes.contains(&1));
            }
            PRE_SHARED_KEY => self.psk = Some(Psk::decode(&mut body, place)?),
            CONNECTION_ID => self.connection_id = Some(codec::vec8(&mut body)?.to_vec()),
            RETURN_ROUTABILITY => self.return_routability = true,
            COOKIE => {
                let cookie = codec::vec16(&mut body)?;
                if cookie.is_empty() {
                    return Err(DecodeError::Length);
                }
                self.cookie = Some(cookie.to_vec());
            }
            _ => {
                self.unknown = self.unknown.saturating_add(1);
                return Ok(());
            }
        }
        codec::end(body)
    }

    /// Writes the block with its length; nothing at all when there is no extension in a hello.
    pub(crate) fn encode(&self, buf: &mut Vec<u8>, place: Place) {
        let start = buf.len();
        codec::put_vec::<2>(buf, |buf| self.write(buf, place));
        if place != Place::Other && buf.len() == start.saturating_add(2) {
            buf.truncate(start);
        }
    }

    fn write(&self, buf: &mut Vec<u8>, place: Place) {
        let put = |buf: &mut Vec<u8>, kind, body: &dyn Fn(&mut Vec<u8>)| {
            codec::put_u16(buf, kind);
            codec::put_vec::<2>(buf, body);
        };
        if self.renegotiation_info {
            put(buf, RENEGOTIATION_INFO, &|buf| buf.push(0));
        }
        if self.extended_master_secret {
            put(buf, EXTENDED_MASTER_SECRET, &|_| {});
        }
        if let Some(groups) = &self.groups {
            put(buf, SUPPORTED_GROUPS, &|buf| {
                codec::put_vec::<2>(buf, |buf| {
                    groups.iter().for_each(|group| codec::put_u16(buf, *group));
                });
            });
        }
        if self.point_formats {
            put(buf, EC_POINT_FORMATS, &|buf| buf.extend_from_slice(&[1, 0]));
        }
        if let Some(schemes) = &self.schemes {
            put(buf, SIGNATURE_ALGORITHMS, &|buf| {
                codec::put_vec::<2>(buf, |buf| {
                    schemes
                        .iter()
                        .for_each(|scheme| codec::put_u16(buf, scheme.0));
                });
            });
        }
        if let Some(versions) = &self.versions {
            let list = |buf: &mut Vec<u8>| {
                versions
                    .iter()
                    .for_each(|version| codec::put_u16(buf, *version));
            };
            put(buf, SUPPORTED_VERSIONS, &|buf| match place {
                Place::ClientHello => codec::put_vec::<1>(buf, list),
                _ => list(buf),
            });
        }
        if let Some(shares) = &self.key_shares {
            put(buf, KEY_SHARE, &|buf| write_key_shares(shares, buf, place));
        }
        if let Some(cookie) = &self.cookie {
            put(buf, COOKIE, &|buf| {
                codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(cookie));
            });
        }
        if let Some(srtp) = &self.srtp {
            put(buf, USE_SRTP, &|buf| {
                codec::put_vec::<2>(buf, |buf| {
                    srtp.profiles
                        .iter()
                        .for_each(|profile| codec::put_u16(buf, profile.0));
                });
                codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(&srtp.mki));
            });
        }
        if let Some(id) = &self.connection_id {
            put(buf, CONNECTION_ID, &|buf| {
                codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(id));
            });
        }
        if self.return_routability {
            put(buf, RETURN_ROUTABILITY, &|_| {});
        }
        if let Some(ticket) = &self.session_ticket {
            put(buf, SESSION_TICKET, &|buf| buf.extend_from_slice(ticket));
        }
        if let Some(names) = &self.alpn {
            put(buf, ALPN, &|buf| {
                codec::put_vec::<2>(buf, |buf| {
                    for name in names {
                        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(name));
                    }
                });
            });
        }
        if let Some(with_dhe) = self.psk_modes {
            put(buf, PSK_KEY_EXCHANGE_MODES, &|buf| {
                buf.extend_from_slice(&[1, u8::from(with_dhe)]);
            });
        }
        if let Some(psk) = &self.psk {
            put(buf, PRE_SHARED_KEY, &|buf| psk.encode(buf));
        }
    }

    /// Whether a group was offered. A client that says nothing takes any (RFC 8422 §4).
    pub(crate) fn offers_group(&self, group: NamedGroup) -> bool {
        self.groups
            .as_ref()
            .is_none_or(|groups| groups.contains(&group.number()))
    }
}

fn read_key_shares(body: &mut &[u8], place: Place) -> Result<Vec<KeyShare>, DecodeError> {
    let share = |buf: &mut &[u8]| {
        let group = codec::u16(buf)?;
        let public = codec::vec16(buf)?.to_vec();
        if public.is_empty() {
            return Err(DecodeError::Length);
        }
        Ok(KeyShare { group, public })
    };
    match place {
        Place::ClientHello => {
            let mut list = codec::vec16(body)?;
            let mut shares: Vec<KeyShare> = Vec::new();
            while !list.is_empty() {
                let next = share(&mut list)?;
                let twice = shares.iter().any(|share| share.group == next.group);
                if twice || shares.len() >= Extensions::MAX {
                    return Err(DecodeError::Value("key_share"));
                }
                shares.push(next);
            }
            Ok(shares)
        }
        Place::HelloRetryRequest => Ok(vec![KeyShare {
            group: codec::u16(body)?,
            public: Vec::new(),
        }]),
        Place::ServerHello | Place::Other => Ok(vec![share(body)?]),
    }
}

fn write_key_shares(shares: &[KeyShare], buf: &mut Vec<u8>, place: Place) {
    let list = |buf: &mut Vec<u8>| {
        for share in shares {
            codec::put_u16(buf, share.group);
            if place != Place::HelloRetryRequest {
                codec::put_vec::<2>(buf, |buf| buf.extend_from_slice(&share.public));
            }
        }
    };
    match place {
        Place::ClientHello => codec::put_vec::<2>(buf, list),
        _ => list(buf),
    }
}
