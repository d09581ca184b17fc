//! A new DTLS association in the place of one that is done: the peer's description names another certificate, together
//! with an ICE restart (RFC 8842 §5.5). The peer may well be another program, to which the call was handed over.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{PeerConnection, SctpName};
use crate::error::ConfigError;
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
        transport.dtls_waits = false;
        transport.agreed = None;
        if let Some(srtp) = transport.srtp.take() {
            transport.retired = Some(Box::new(RetiredKeys {
                receiver: srtp.receiver,
                until: None,
            }));
        }
        self.association = None;
        self.names.remote_init = None;
        let cause = ChannelCloseCause::AssociationClosed;
        let why = ChannelCloseReason::new(Initiator::Remote, cause);
        self.channels.on_replaced(why, &mut self.events);
    }

    /// Another INIT of the peer in a description replaces the association, while the connection stays (SNAP).
    pub(super) fn replace_association(&mut self) {
        if let Some(successor) = self.names.successor.take() {
            self.names.sctp = successor;
        }
        self.names.remote_init = None;
        self.association = None;
        let cause = ChannelCloseCause::AssociationRestarted;
        let why = ChannelCloseReason::new(Initiator::Remote, cause);
        self.channels.on_replaced(why, &mut self.events);
    }

    /// Draws what the next association is made from: packets of the present one must not be taken for its own.
    pub(super) fn draw_successor(&mut self) {
        let seed = super::random_seed(&mut self.random);
        // The configuration was tried in `new`.
        self.names.successor = self.sctp_name(seed).ok();
    }

    /// What an association that is made from this says of itself.
    pub(super) fn sctp_name(&self, seed: [u8; 32]) -> Result<SctpName, ConfigError> {
        let config = self.association_config(5000, 1_200);
        let association = sctp::Association::new(config, seed).map_err(ConfigError::Sctp)?;
        let init = BASE64.encode(association.local_init());
        Ok(SctpName { seed, init })
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
