use std::time::{Duration, Instant};

use sctp::{
    Association, CloseCause, Config, Direction, Event, Ppid, Reliability, SendOptions, StreamId,
};

use crate::{Fact, Features, Message, Peer, Wish};

/// Avocet's association.
pub struct Ours(pub Association);

impl Ours {
    pub fn new(seed: u8, features: Features) -> Self {
        let mut config = Config::default();
        config.interleaving = features.interleaving;
        config.zero_checksum = features.zero_checksum;
        Self::with(config, seed)
    }

    pub fn with(config: Config, seed: u8) -> Self {
        Self(Association::new(config, [seed; 32]).unwrap())
    }

    /// One whose TSNs begin at zero again after fewer than 4,096 chunks.
    pub fn before_the_wrap() -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&SEED_BEFORE_THE_WRAP.to_le_bytes());
        let association = Association::new(Config::default(), seed).unwrap();
        let init = association.local_init();
        let tsn: [u8; 4] = init[16..20].try_into().unwrap();
        assert!(
            u32::from_be_bytes(tsn) > 0xffff_f000,
            "another seed is needed"
        );
        Self(association)
    }
}

/// Found by trying.
const SEED_BEFORE_THE_WRAP: u64 = 5_580_559;

impl Peer for Ours {
    fn connect(&mut self, now: Instant) {
        self.0.connect(now, None);
    }

    fn handle_datagram(&mut self, now: Instant, packet: &[u8]) {
        self.0.handle_datagram(now, packet);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut Vec<u8>) -> bool {
        self.0.poll_transmit(now, buf).is_some()
    }

    fn poll_fact(&mut self) -> Option<Fact> {
        loop {
            return Some(match self.0.poll_event()? {
                Event::Connected { .. } => Fact::Connected,
                Event::Restarted => Fact::Restarted,
                Event::ProbeAcknowledged { .. } => Fact::Probed(true),
                Event::ProbeLost { .. } => Fact::Probed(false),
                Event::StreamsReset { direction, streams } => {
                    let streams = streams.iter().map(|stream| stream.get()).collect();
                    match direction {
                        Direction::Incoming => Fact::IncomingReset(streams),
                        Direction::Outgoing => Fact::OutgoingReset(streams),
                    }
                }
                Event::Closed(reason) if reason.cause == CloseCause::Shutdown => Fact::ShutDown,
                Event::Closed(reason) => Fact::Aborted(reason.cause.to_string()),
                _ => continue,
            });
        }
    }

    fn send(&mut self, now: Instant, message: &Message, wish: Wish) -> bool {
        let options = if wish.unordered {
            SendOptions::unordered()
        } else {
            SendOptions::ordered()
        };
        let reliability = match (wish.retransmits, wish.lifetime) {
            (Some(count), _) => Reliability::Retransmissions(count),
            (None, Some(ms)) => Reliability::Lifetime(Duration::from_millis(ms.into())),
            (None, None) => Reliability::Reliable,
        };
        let options = options.with_reliability(reliability);
        let stream = StreamId::new(message.stream);
        match self
            .0
            .send(now, stream, Ppid::new(message.ppid), &message.data, options)
        {
            Ok(()) => true,
            Err(sctp::SendError::Full) => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn recv(&mut self, now: Instant) -> Option<Message> {
        let stream = self.0.next_readable()?;
        let message = self.0.recv(now, stream)?;
        Some(Message {
            stream: message.stream.get(),
            ppid: message.ppid.get(),
            data: message.data.into(),
        })
    }

    fn reset(&mut self, now: Instant, stream: u16) {
        self.0.reset_streams(now, &[StreamId::new(stream)]).unwrap();
    }

    fn shutdown(&mut self, now: Instant) {
        self.0.shutdown(now);
    }

    fn abort(&mut self, now: Instant) {
        self.0.abort(now);
    }
}
