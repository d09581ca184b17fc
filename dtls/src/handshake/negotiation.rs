//! What hellos agree on beside keys, in the same way under every version.

use super::Failure;
use crate::wire::{ClientHello, UseSrtp};
use crate::{Config, SrtpProfile};

/// Exactly one of the protocols on offer (RFC 7301 §3.1).
pub(crate) fn accepted_protocol(
    offer: &ClientHello,
    answer: Option<&[Vec<u8>]>,
) -> Result<Option<Vec<u8>>, Failure> {
    match (answer, &offer.extensions.alpn) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Failure::unsupported_extension()),
        (Some([name]), Some(offer)) if offer.contains(name) => Ok(Some(name.clone())),
        _ => Err(Failure::illegal()),
    }
}

/// Exactly one of the profiles on offer, and our empty MKI (RFC 5764 §4.1.1, §4.1.3).
pub(crate) fn accepted_profile(
    offer: &ClientHello,
    answer: Option<&UseSrtp>,
) -> Result<Option<SrtpProfile>, Failure> {
    let Some(answer) = answer else {
        return Ok(None);
    };
    let Some(offer) = &offer.extensions.srtp else {
        return Err(Failure::unsupported_extension());
    };
    match answer.profiles.as_slice() {
        [profile] if offer.profiles.contains(profile) && answer.mki.is_empty() => {
            Ok(Some(*profile))
        }
        _ => Err(Failure::illegal()),
    }
}

/// The first of our own protocols that a client offers (RFC 7301 §3.2).
pub(crate) fn choose_protocol(
    own: &[Vec<u8>],
    offer: Option<&[Vec<u8>]>,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(offer) = offer.filter(|_| !own.is_empty()) else {
        return Ok(None);
    };
    own.iter()
        .find(|name| offer.contains(name))
        .cloned()
        .map(Some)
        .ok_or(Failure::application_protocol())
}

/// The first of our own profiles that a client offers (RFC 5764 §4.1.1).
pub(crate) fn choose_profile(config: &Config, offer: Option<&UseSrtp>) -> Option<SrtpProfile> {
    let offered = |own: &SrtpProfile| offer.is_some_and(|offer| offer.profiles.contains(own));
    config.srtp_profiles.iter().copied().find(offered)
}
