use crate::error::{CloseReason, Initiator};

/// Where an association stands (RFC 9260 §4).
#[derive(Debug)]
pub(super) enum State {
    /// Nothing was begun here; a peer's INIT is answered.
    Closed,
    /// INIT was sent.
    CookieWait,
    /// COOKIE ECHO was sent.
    CookieEchoed {
        /// The peer's cookie, for as long as it may have to be sent again.
        cookie: Vec<u8>,
    },
    /// Data flows.
    Established,
    /// The application wants to end; data is still under way.
    ShutdownPending,
    /// SHUTDOWN was sent.
    ShutdownSent,
    /// The peer wants to end; our data is still under way.
    ShutdownReceived,
    /// SHUTDOWN ACK was sent.
    ShutdownAckSent {
        /// Who began.
        initiator: Initiator,
    },
    /// The end was told.
    Ended {
        /// How.
        reason: CloseReason,
    },
}

impl State {
    /// Whether DATA and SACK may be sent without a COOKIE ECHO before them.
    pub(super) const fn may_send_data(&self) -> bool {
        matches!(
            self,
            Self::Established | Self::ShutdownPending | Self::ShutdownReceived
        )
    }

    /// Whether DATA is taken (RFC 9260 §6).
    pub(super) const fn takes_data(&self) -> bool {
        matches!(
            self,
            Self::Established | Self::ShutdownPending | Self::ShutdownSent
        )
    }

    /// Whether the handshake is over and the end is not.
    pub(super) const fn is_synchronized(&self) -> bool {
        self.may_send_data() || matches!(self, Self::ShutdownSent | Self::ShutdownAckSent { .. })
    }

    /// Whether messages are taken from the application.
    pub(super) const fn takes_messages(&self) -> bool {
        matches!(
            self,
            Self::Closed | Self::CookieWait | Self::CookieEchoed { .. } | Self::Established
        )
    }

    /// Whether a message that was begun may be written to and ended.
    pub(super) const fn takes_writes(&self) -> bool {
        self.takes_messages() || matches!(self, Self::ShutdownPending | Self::ShutdownReceived)
    }
}
