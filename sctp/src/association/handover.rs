use std::time::{Duration, Instant};

use bytes::{Buf, BufMut};

use super::Association;
use super::state::State;
use crate::config::Config;
use crate::cookie::{Extensions, Peer};
use crate::error::HandoverError;
use crate::serial::{Mid, Tsn};

/// Hand-over of a quiescent association to another process.
impl Association {
    /// What another process needs to go on with this association, when nothing is queued, under way, unread or unfinished. Afterwards
    /// this one must not be used any more.
    ///
    /// The bytes hold tags and numbers and no key; whoever has them and the path can act as this side. They are for the same version of
    /// this crate.
    pub fn hand_over(&self) -> Result<Vec<u8>, HandoverError> {
        let (State::Established, Some(peer)) = (&self.state, self.peer) else {
            return Err(HandoverError::NotEstablished);
        };
        let is_quiescent = self.sender.is_drained()
            && self.receiver.is_quiescent()
            && self.resets.are_quiescent()
            && !self.has_probe_to_send();
        if !is_quiescent {
            return Err(HandoverError::Busy);
        }
        let mut bytes = Vec::new();
        bytes.put_u8(VERSION);
        bytes.put_u8(peer.extensions.to_bits());
        for port in [peer.outbound_streams, peer.inbound_streams] {
            bytes.put_u16(port);
        }
        let (next_request, expected) = self.resets.numbers();
        let advertised = u32::try_from(self.sender.advertised()).unwrap_or(u32::MAX);
        for word in [
            self.local.tag,
            peer.tag,
            self.sender.next_tsn().wrap().get(),
            self.receiver.cumulative().wrap().get(),
            advertised,
            next_request,
            expected,
        ] {
            bytes.put_u32(word);
        }
        let round_trip = self.sender.round_trip().unwrap_or_default().as_micros();
        bytes.put_u32(u32::try_from(round_trip).unwrap_or(u32::MAX));
        let outgoing = self.sender.streams().numbers().collect::<Vec<_>>();
        bytes.put_u32(outgoing.len() as u32);
        for (stream, next, unordered) in outgoing {
            bytes.put_u16(stream);
            bytes.put_u32(next.get());
            bytes.put_u32(unordered.get());
        }
        for (stream, next, refused) in self.receiver.streams().numbers() {
            bytes.put_u16(stream);
            bytes.put_u32(next.get());
            bytes.put_u8(u8::from(refused));
        }
        Ok(bytes)
    }

    /// Goes on with an association that [`hand_over`](Self::hand_over) described, with the same configuration. Settings of streams
    /// (weights, limits, thresholds) begin anew, and so do the counters.
    pub fn take_over(
        config: Config,
        seed: [u8; 32],
        now: Instant,
        bytes: &[u8],
    ) -> Result<Self, HandoverError> {
        let mut this = Self::new(config, seed)?;
        this.resume(now, bytes)
            .map_err(|_| HandoverError::Malformed)?;
        Ok(this)
    }

    fn resume(&mut self, now: Instant, mut bytes: &[u8]) -> Result<(), bytes::TryGetError> {
        let version = bytes.try_get_u8()?;
        if version != VERSION {
            return Err(bytes::TryGetError {
                requested: 1,
                available: 0,
            });
        }
        let extensions = Extensions::from_bits(bytes.try_get_u8()?);
        let (outbound_streams, inbound_streams) = (bytes.try_get_u16()?, bytes.try_get_u16()?);
        let mut word = || bytes.try_get_u32();
        let (local_tag, peer_tag, next_tsn, cumulative) = (word()?, word()?, word()?, word()?);
        let (advertised, next_request, expected) = (word()?, word()?, word()?);
        let round_trip = Duration::from_micros(u64::from(word()?));
        let outgoing = word()?;
        self.local.tag = local_tag;
        self.local.initial_tsn = Tsn::new(next_tsn);
        self.local.epoch = Some(now);
        self.sender = crate::send::Sender::new(&self.config, self.local.initial_tsn);
        self.adopt(Peer {
            tag: peer_tag,
            initial_tsn: Tsn::new(cumulative).plus(1),
            a_rwnd: advertised,
            outbound_streams,
            inbound_streams,
            extensions,
        });
        self.resets
            .begin(Tsn::new(next_request), Tsn::new(expected));
        for _ in 0..outgoing {
            let (stream, next) = (bytes.try_get_u16()?, bytes.try_get_u32()?);
            let unordered = Mid::new(bytes.try_get_u32()?);
            self.sender
                .streams_mut()
                .set_numbers(stream, Mid::new(next), unordered);
        }
        while !bytes.is_empty() {
            let (stream, next) = (bytes.try_get_u16()?, bytes.try_get_u32()?);
            let refused = bytes.try_get_u8()? != 0;
            self.receiver
                .streams_mut()
                .set_number(stream, Mid::new(next), refused);
        }
        self.state = State::Established;
        if !round_trip.is_zero() {
            self.sender.on_round_trip_sample(round_trip);
        }
        self.sender.on_established();
        self.start_heartbeat_timer(now);
        Ok(())
    }
}

const VERSION: u8 = 1;
