//! What hellos agree on beside keys, in the same way under every version.

use super::{Context, Failure};
use crate::record::Ids;
use crate::wire::{ClientHello, Extensions, UseSrtp};
use crate::{Config, ConnectionId, SrtpProfile};

/// What the hellos agree on about connection ids (RFC 9146 §3, RFC 9147 §9, RFC 9853 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AgreedIds {
    own: ConnectionId,
    theirs: ConnectionId,
    routability: bool,
}

impl AgreedIds {
    /// What a client says about them.
    pub(crate) fn offer(context: &Context<'_>, extensions: &mut Extensions) {
        if let Some(own) = &context.connection_id {
            extensions.connection_id = Some(own.as_bytes().to_vec());
            extensions.return_routability = true;
        }
    }

    /// What a server makes of that, apart from its own. An id that is too long for us is left alone.
    pub(crate) fn choose(extensions: &Extensions) -> Option<Self> {
        Some(Self {
            own: ConnectionId::EMPTY,
            theirs: ConnectionId::new(extensions.connection_id.as_ref()?)?,
            routability: extensions.return_routability,
        })
    }

    /// The same with what a server itself wants, if it wants any.
    pub(crate) fn with_own(mut self, context: &Context<'_>) -> Option<Self> {
        self.own = context.connection_id?;
        Some(self)
    }

    /// What a server says about it.
    pub(crate) fn answer(&self, extensions: &mut Extensions) {
        extensions.connection_id = Some(self.own.as_bytes().to_vec());
        extensions.return_routability = self.routability;
    }

    /// What a client makes of the answer.
    pub(crate) fn accepted(
        context: &Context<'_>,
        answer: &Extensions,
    ) -> Result<Option<Self>, Failure> {
        let routability = answer.return_routability;
        match (&context.connection_id, &answer.connection_id) {
            (_, None) if !routability => Ok(None),
            (Some(own), Some(theirs)) => Ok(Some(Self {
                own: *own,
                theirs: ConnectionId::new(theirs).ok_or(Failure::illegal())?,
                routability,
            })),
            _ => Err(Failure::unsupported_extension()),
        }
    }

    /// Protected records have them from here on, in both directions, or have none.
    pub(crate) fn install(ids: Option<Self>, context: &mut Context<'_>) {
        let ids = ids.map(|ids| Ids::new(ids.own, ids.theirs, ids.routability));
        context.records.agree_on_ids(ids);
    }
}

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
