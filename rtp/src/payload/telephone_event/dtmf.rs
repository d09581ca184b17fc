use std::collections::VecDeque;
use std::time::Duration;

use thiserror::Error;

use super::{EventPackets, Tone};
use crate::TimestampUnwrapper;
use crate::payload::Payload;

/// Sends strings of tones as `RTCDTMFSender` of W3C WebRTC does (§7): one tone after another, with gaps.
///
/// It has no clock but the RTP timestamp of the audio stream, whose packets it accompanies: the events take the same
/// clock rate, 8,000 or 48,000 Hz. Call [`poll`](Self::poll) whenever an audio packet is due, until it gives nothing.
#[derive(Clone, Debug)]
pub struct DtmfSender {
    clock_rate: u32,
    time: TimestampUnwrapper,
    tones: VecDeque<char>,
    duration: Duration,
    gap: Duration,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Idle,
    /// A tone begins, or the end is told, when the next time is known.
    Ready,
    Playing {
        packets: EventPackets,
        /// When the tone began.
        start: i64,
        next: super::EventPacket,
        /// The gap behind it, in ticks.
        gap: i64,
    },
    /// Nothing is sent until then.
    Silent {
        until: i64,
    },
}

/// What a sender has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DtmfOutput {
    /// A tone begins, or a `,`; `None` if all have been played (`tonechange`).
    ToneChanged(Option<char>),
    /// A packet to send, of the payload type of telephone events.
    Packet(Payload),
}

/// A character stands for no tone (`InvalidCharacterError`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a tone")]
pub struct InvalidTone(pub char);

/// The power of a tone, in dBm0 with the sign dropped: what telephones send.
const VOLUME: u8 = 10;

/// How often an event is updated (RFC 4733 §2.5.1.2 leaves it to the sender): once for every usual audio packet.
const UPDATES_PER_SECOND: u32 = 50;

/// What `,` stands for.
const PAUSE: Duration = Duration::from_secs(2);

impl DtmfSender {
    /// The shortest tone.
    pub const MIN_DURATION: Duration = Duration::from_millis(40);
    /// The longest tone.
    pub const MAX_DURATION: Duration = Duration::from_millis(6000);
    /// The shortest gap between two tones.
    pub const MIN_GAP: Duration = Duration::from_millis(30);
    /// The longest gap between two tones.
    pub const MAX_GAP: Duration = Duration::from_millis(6000);

    /// A sender of events with this clock, that of the audio codec.
    pub const fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            time: TimestampUnwrapper::new(),
            tones: VecDeque::new(),
            duration: Duration::from_millis(100),
            gap: Duration::from_millis(70),
            state: State::Idle,
        }
    }

    /// Plays these tones in place of those that wait; a tone that is being played is played to its end. Usual are 100 ms
    /// with gaps of 70 ms; times out of range are taken into it. An empty string ends the playing.
    pub fn insert(
        &mut self,
        tones: &str,
        duration: Duration,
        gap: Duration,
    ) -> Result<(), InvalidTone> {
        if let Some(bad) = tones.chars().find(|tone| Tone::from_char(*tone).is_none()) {
            return Err(InvalidTone(bad));
        }
        self.tones = tones
            .chars()
            .map(|tone| tone.to_ascii_uppercase())
            .collect();
        self.duration = duration.clamp(Self::MIN_DURATION, Self::MAX_DURATION);
        self.gap = gap.clamp(Self::MIN_GAP, Self::MAX_GAP);
        if matches!(self.state, State::Idle) && !self.tones.is_empty() {
            self.state = State::Ready;
        }
        Ok(())
    }

    /// The tones that wait (`toneBuffer`).
    pub fn tone_buffer(&self) -> String {
        self.tones.iter().collect()
    }

    /// Whether a tone is being played: no audio is sent meanwhile (RFC 4733 §2.5.1).
    pub const fn is_playing(&self) -> bool {
        matches!(self.state, State::Playing { .. })
    }

    /// What there is to do at this RTP timestamp; call it again until it gives nothing.
    pub fn poll(&mut self, timestamp: u32) -> Option<DtmfOutput> {
        let now = self.time.extend(timestamp);
        match &mut self.state {
            State::Idle => None,
            State::Silent { until } if *until > now => None,
            State::Ready | State::Silent { .. } => Some(self.next_tone(now, timestamp)),
            State::Playing {
                packets,
                start,
                next,
                gap,
            } => {
                let due = start.saturating_add(i64::from(next.due));
                if due > now {
                    return None;
                }
                let payload = next.payload.clone();
                match packets.next() {
                    Some(packet) => *next = packet,
                    None => {
                        let until = due.saturating_add(*gap);
                        self.state = State::Silent { until };
                    }
                }
                Some(DtmfOutput::Packet(payload))
            }
        }
    }

    fn next_tone(&mut self, now: i64, timestamp: u32) -> DtmfOutput {
        let Some(character) = self.tones.pop_front() else {
            self.state = State::Idle;
            return DtmfOutput::ToneChanged(None);
        };
        let silent = State::Silent {
            until: now.saturating_add(ticks(PAUSE, self.clock_rate)),
        };
        self.state = match Tone::from_char(character) {
            Some(Tone::Key(code)) => {
                let duration = ticks(self.duration, self.clock_rate);
                let duration = u32::try_from(duration).unwrap_or(u32::MAX);
                let interval = self.clock_rate / UPDATES_PER_SECOND;
                let event = (code, VOLUME);
                let mut packets = EventPackets::new(event, timestamp, duration, interval);
                match packets.next() {
                    Some(next) => State::Playing {
                        packets,
                        start: now,
                        next,
                        gap: ticks(self.gap, self.clock_rate),
                    },
                    None => silent,
                }
            }
            Some(Tone::Pause) | None => silent,
        };
        DtmfOutput::ToneChanged(Some(character))
    }
}

fn ticks(duration: Duration, clock_rate: u32) -> i64 {
    let ticks = duration.as_millis() * u128::from(clock_rate) / 1000;
    i64::try_from(ticks).unwrap_or(i64::MAX)
}
