/// What a [`Sender`](crate::Sender) has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Few packets are left under this key (RFC 3711 §9.2); then every packet is refused. New keys are needed now.
    /// Said once for RTP and once for RTCP.
    KeyExpiring {
        /// What is about to end.
        usage: Usage,
        /// The packets left when it was noticed, [`KEY_MARGIN`](crate::KEY_MARGIN) or fewer.
        packets_left: u64,
    },
}

/// What a session key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// RTP packets.
    Rtp,
    /// RTCP datagrams.
    Rtcp,
}
