use crate::config::{PayloadMapping, ReceiverConfig};
use rtp::PayloadType;
use std::time::{Duration, Instant};

/// One receiving media section.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) config: ReceiverConfig,
    pub(crate) keyframe: KeyframeRequest,
}

/// What a payload type means in a media section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayloadUse {
    /// Media.
    Media(PayloadMapping),
    /// Retransmissions of this media.
    Repair(PayloadMapping),
}

impl Receiver {
    pub(crate) const fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            keyframe: KeyframeRequest::new(),
        }
    }

    pub(crate) fn payload_use(&self, pt: PayloadType) -> Option<PayloadUse> {
        self.config.payload_types.iter().find_map(|mapping| {
            if mapping.pt == pt {
                Some(PayloadUse::Media(*mapping))
            } else if mapping.rtx_pt == Some(pt) {
                Some(PayloadUse::Repair(*mapping))
            } else {
                None
            }
        })
    }
}

/// Two keyframe requests for one media section are at least this far apart.
pub(crate) const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_millis(500);

/// When a keyframe may be asked for.
#[derive(Debug)]
pub(crate) struct KeyframeRequest {
    last_sent: Option<Instant>,
    wanted: bool,
    /// Wanted, and allowed to leave.
    ready: bool,
    /// The command sequence number of the next FIR (RFC 5104 §4.3.1.1).
    fir_sequence: u8,
}

impl KeyframeRequest {
    const fn new() -> Self {
        Self {
            last_sent: None,
            wanted: false,
            ready: false,
            fir_sequence: 0,
        }
    }

    /// A keyframe is wanted. Returns when the request may leave if that is not now.
    pub(crate) fn want(&mut self, now: Instant) -> Option<Instant> {
        self.wanted = true;
        let wait = self.deadline().filter(|at| *at > now);
        self.ready |= wait.is_none();
        wait
    }

    /// When a request that waits may leave.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let last = self.last_sent.filter(|_| self.wanted && !self.ready)?;
        Some(last + KEYFRAME_REQUEST_INTERVAL)
    }

    /// Lets a request that has waited long enough leave.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.ready |= self.deadline().is_some_and(|deadline| deadline <= now);
    }

    pub(crate) const fn is_ready(&self) -> bool {
        self.ready
    }

    /// The request leaves.
    pub(crate) fn on_sent(&mut self, now: Instant) {
        self.last_sent = Some(now);
        self.withdraw();
    }

    /// Nobody can be asked.
    pub(crate) fn withdraw(&mut self) {
        self.wanted = false;
        self.ready = false;
    }

    pub(crate) fn next_fir_sequence(&mut self) -> u8 {
        let sequence = self.fir_sequence;
        self.fir_sequence = sequence.wrapping_add(1);
        sequence
    }
}
