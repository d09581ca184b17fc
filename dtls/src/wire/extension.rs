use super::codec::{self, DecodeError};
use crate::SrtpProfile;
use crate::crypto::{NamedGroup, SignatureScheme};

const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const ALPN: u16 = 16;
const EXTENDED_MASTER_SECRET: u16 = 23;
const RENEGOTIATION_INFO: u16 = 0xff01;

/// The extensions of a hello that mean something to DTLS 1.2 (RFC 5246 §7.4.1.4); others are passed over.
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
    /// `renegotiation_info` (RFC 5746 §3.2): present, and empty as in every first handshake.
    pub(crate) renegotiation_info: bool,
    /// Types that are not ours, in order, for a client to refuse.
    pub(crate) unknown: usize,
}

/// The body of `use_srtp` (RFC 5764 §4.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UseSrtp {
    pub(crate) profiles: Vec<SrtpProfile>,
    pub(crate) mki: Vec<u8>,
}

impl Extensions {
    /// The most extensions that are read.
    const MAX: usize = 64;

    /// Reads to the end. No extensions at all is fine, two of one type are not.
    pub(crate) fn decode(buf: &mut &[u8]) -> Result<Self, DecodeError> {
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
            seen.push(kind);
            extensions.read(kind, body)?;
        }
        Ok(extensions)
    }

    fn read(&mut self, kind: u16, mut body: &[u8]) -> Result<(), DecodeError> {
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
            RENEGOTIATION_INFO => {
                if !codec::vec8(&mut body)?.is_empty() {
                    return Err(DecodeError::Value("renegotiation_info"));
                }
                self.renegotiation_info = true;
            }
            _ => {
                self.unknown = self.unknown.saturating_add(1);
                return Ok(());
            }
        }
        codec::end(body)
    }

    /// Writes the block with its length; nothing at all when there is no extension.
    pub(crate) fn encode(&self, buf: &mut Vec<u8>) {
        let start = buf.len();
        codec::put_vec::<2>(buf, |buf| self.write(buf));
        if buf.len() == start.saturating_add(2) {
            buf.truncate(start);
        }
    }

    fn write(&self, buf: &mut Vec<u8>) {
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
        if let Some(names) = &self.alpn {
            put(buf, ALPN, &|buf| {
                codec::put_vec::<2>(buf, |buf| {
                    for name in names {
                        codec::put_vec::<1>(buf, |buf| buf.extend_from_slice(name));
                    }
                });
            });
        }
    }

    /// Whether a group was offered. A client that says nothing takes any (RFC 8422 §4).
    pub(crate) fn offers_group(&self, group: NamedGroup) -> bool {
        self.groups
            .as_ref()
            .is_none_or(|groups| groups.contains(&group.number()))
    }
}
