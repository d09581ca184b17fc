//! A new DTLS association in the place of one that is done: the peer's description names another certificate, together
//! with an ICE restart (RFC 8842 §5.5). The peer may well be another program, to which the call was handed over.

use std::time::{Duration, Instant};

use super::PeerConnection;
use crate::event::{ChannelCloseCause, ChannelCloseReason, Initiator};

/// How long the keys of the former association still open packets that were on their way when the new keys came.
pub(super) const RETIRED_KEYS_PATIENCE: Duration = Duration::from_secs(5);

/// The keys with which the peer's packets were opened before.
#[derive(Debug)]
pub(super) struct RetiredKeys {
    pub(super) receiver: srtp::Receiver,
    /// When they are forgotten: not before the new keys are there.
    pub(super) until: Option<Instant>,
}

impl PeerConnection {
    /// Ends the DTLS association without a word, because its other side may be gone, and what it carried with it. What
    /// the old keys protect is still taken; nothing more is sent under them.
    pub(super) fn retire_association(&mut self, now: Instant) {
        // The next handshake goes the straight way.
        self.end_sped(now);
        let transport = &mut self.transport;
        transport.carries = false;
        transport.dtls = None;
        transport.dtls_started = false;
        transport.agreed = None;
        if let Some(srtp) = transport.srtp.take() {
            transport.retired = Some(Box::new(RetiredKeys {
                receiver: srtp.receiver,
                until: None,
            }));
        }
        self.association = None;
        let cause = ChannelCloseCause::AssociationClosed;
        let why = ChannelCloseReason::new(Initiator::Remote, cause);
        self.channels.close_all(why, &mut self.events);
    }

    /// The new keys are there: the old ones have their time.
    pub(super) fn limit_retired_keys(&mut self, now: Instant) {
        if let Some(retired) = &mut self.transport.retired {
            retired.until = now.checked_add(RETIRED_KEYS_PATIENCE);
        }
    }

    /// Forgets the old keys when their time is over.
    pub(super) fn forget_retired_keys(&mut self, now: Instant) {
        let over = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        if self
            .transport
            .retired
            .as_ref()
            .is_some_and(|retired| over(retired.until))
        {
            self.transport.retired = None;
        }
    }
}
