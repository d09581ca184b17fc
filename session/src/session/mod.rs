//! The coordinator: what the five verbs and the commands do to the parts.

mod command;
mod rtcp_input;
mod rtcp_output;
mod rtp_input;
mod rtp_output;
mod timeout;

use crate::clock::RemoteClock;
use crate::config::{Config, RtcpMode};
use crate::error::ConfigError;
use crate::event::{Event, Kind};
use crate::id::{ReceiverId, SenderId};
use crate::packet::ReceivedPacket;
use crate::receive::Inbound;
use crate::report::{ReportSchedule, RoundTrip};
use crate::send::{Outbound, RetransmissionBudget};
use crate::stats::Drops;
use crate::timer::Timers;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rtp::{ExtensionFormPolicy, ExtensionIds, ExtensionMap, Ssrc};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// The RTP session of one BUNDLE group: its senders, its receiving media sections, and the RTCP between both sides.
///
/// It sees plaintext only. Whoever owns it decrypts and authenticates what arrives and seals what leaves.
///
/// * **From below:** [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout).
/// * **From above:** [`send`](Self::send), [`forward`](Self::forward), [`request_keyframe`](Self::request_keyframe), and
///   the commands that add, change and remove senders and receivers after a negotiation.
/// * **To be fetched,** in any order, at any time or not at all: [`poll_transmit`](Self::poll_transmit),
///   [`poll_packet`](Self::poll_packet), [`poll_event`](Self::poll_event), [`poll_timeout`](Self::poll_timeout). Not to poll delays; the
///   queues are bounded and media drops its oldest.
#[derive(Debug)]
pub struct Session {
    config: Config,
    rng: StdRng,
    headers: Headers,
    inbound: Inbound,
    outbound: Outbound,
    rtcp: RtcpState,
    schedule: ReportSchedule,
    round_trip: RoundTrip,
    remote_clock: RemoteClock,
    timers: Timers,
    events: VecDeque<Event>,
    drops: Drops,
    closed: bool,
}

/// The header extensions of the group, in the forms that are used per packet.
#[derive(Debug)]
struct Headers {
    map: Arc<ExtensionMap>,
    ids: ExtensionIds,
    policy: ExtensionFormPolicy,
}

impl Headers {
    fn new(map: ExtensionMap) -> Self {
        Self {
            ids: map.ids(),
            policy: map.form_policy(),
            map: Arc::new(map),
        }
    }
}

/// What is to be said in RTCP beyond what senders and streams know themselves.
#[derive(Debug)]
struct RtcpState {
    mode: RtcpMode,
    /// Who speaks while there is no sender.
    ssrc: Ssrc,
    /// SSRCs that ended.
    goodbyes: Vec<Ssrc>,
    /// Something waits to be said.
    pending: bool,
}

/// Events that wait at most; then the oldest is dropped.
const MAX_EVENTS: usize = 1_024;

/// The five verbs, and the pull of packets.
impl Session {
    /// Takes one plaintext RTP or RTCP packet: decrypted and authenticated, never anything else.
    pub fn handle_datagram(&mut self, now: Instant, plaintext: &[u8]) {
        if self.closed {
            return;
        }
        if rtp::is_rtcp(plaintext) {
            self.handle_rtcp(now, plaintext);
        } else {
            self.handle_rtp(now, plaintext);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Appends one plaintext RTP or RTCP packet to `buf` and says which.
    ///
    /// Order of service: RTCP, audio, retransmissions, video.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> Option<Kind> {
        if self.write_rtcp(now, buf) {
            Some(Kind::Rtcp)
        } else if self.write_rtp(now, buf) {
            Some(Kind::Rtp)
        } else {
            None
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next received media packet, in order of arrival: nothing waits for what is missing.
    pub fn poll_packet(&mut self) -> Option<(ReceiverId, ReceivedPacket)> {
        let queued = self.inbound.queue.pop()?;
        Some((ReceiverId::new(queued.receiver), queued.packet))
    }
}

impl Session {
    /// A session without streams.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = StdRng::from_seed(config.seed);
        let budget = RetransmissionBudget::new(
            config.retransmission_percent,
            config.retransmission_floor_bytes_per_second,
        );
        Ok(Self {
            headers: Headers::new(config.extensions.clone()),
            inbound: Inbound::default(),
            outbound: Outbound::new(budget),
            rtcp: RtcpState {
                mode: config.rtcp_mode,
                ssrc: Ssrc::new(rng.random_range(1..=u32::MAX)),
                goodbyes: Vec::new(),
                pending: false,
            },
            schedule: ReportSchedule::default(),
            round_trip: RoundTrip::default(),
            remote_clock: RemoteClock::default(),
            timers: Timers::default(),
            events: VecDeque::new(),
            drops: Drops::default(),
            closed: false,
            rng,
            config,
        })
    }

    fn push_event(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
            self.drops.events += 1;
        }
        self.events.push_back(event);
    }

    /// An event for keyframe requests; one that still waits takes the new ones up.
    fn push_keyframe_event(&mut self, sender: SenderId, requests: u32) {
        let waiting = self.events.iter_mut().find_map(|event| match event {
            Event::KeyframeRequested {
                sender: of,
                requests,
            } if *of == sender => Some(requests),
            _ => None,
        });
        match waiting {
            Some(sum) => *sum = sum.saturating_add(requests),
            None => self.push_event(Event::KeyframeRequested { sender, requests }),
        }
    }
}
