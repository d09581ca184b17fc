//! A peer that is played by hand: every packet is the test's own.

use std::time::{Duration, Instant};

use avocet_sctp::chunk::{
    Chunk, ChunkType, CookieEchoChunk, DataChunk, InitChunk, ParameterType, Parameters, RawChunk,
    SackChunk,
};
use avocet_sctp::packet::Packet;
use avocet_sctp::{Association, Config, Event, Ordering, Ppid, SendOptions, Ssn, StreamId, Tsn};

/// An established association, and what its hand-made peer knows.
#[derive(Debug)]
pub struct Victim {
    pub association: Association,
    pub now: Instant,
    /// The association's tag.
    pub tag: u32,
    /// The association's first TSN.
    pub initial_tsn: Tsn,
}

/// The hand-made peer's tag.
pub const PEER_TAG: u32 = 0x0bad_cafe;
/// The hand-made peer's first TSN.
pub const PEER_TSN: u32 = 1;

impl Victim {
    pub fn established(config: Config) -> Self {
        Self::established_with(config, &[0x80, 8, 0, 5, 130, 0, 0, 0])
    }

    /// The peer's INIT has these parameters.
    pub fn established_with(config: Config, parameters: &[u8]) -> Self {
        let mut this = Self {
            association: Association::new(config, [3; 32]).unwrap(),
            now: netsim::epoch(),
            tag: 0,
            initial_tsn: Tsn::new(0),
        };
        let init = Chunk::Init(InitChunk {
            initiate_tag: PEER_TAG,
            a_rwnd: 1 << 20,
            outbound_streams: 16,
            inbound_streams: 16,
            initial_tsn: Tsn::new(PEER_TSN),
            parameters: Parameters(parameters),
        });
        this.hear_tagged(0, &[init]);
        let answer = this.say().unwrap();
        let packet = Packet::decode(&answer).unwrap();
        assert_eq!(packet.verification_tag, PEER_TAG);
        let Chunk::InitAck(ack) = Chunk::decode(packet.chunks().next().unwrap().unwrap()).unwrap()
        else {
            panic!("no INIT ACK");
        };
        this.tag = ack.init.initiate_tag;
        this.initial_tsn = ack.init.initial_tsn;
        let cookie = ack
            .init
            .parameters
            .flatten()
            .find(|parameter| parameter.kind == ParameterType::STATE_COOKIE)
            .unwrap()
            .value;
        this.hear(&[Chunk::CookieEcho(CookieEchoChunk { cookie })]);
        assert!(this.association.is_established());
        this.say_all();
        while this.association.poll_event().is_some() {}
        this
    }

    /// Hands chunks to the association, in one packet under its tag.
    pub fn hear(&mut self, chunks: &[Chunk<'_>]) {
        self.hear_tagged(self.tag, chunks);
    }

    pub fn hear_tagged(&mut self, tag: u32, chunks: &[Chunk<'_>]) {
        let mut bytes = vec![0x13, 0x88, 0x13, 0x88];
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        for chunk in chunks {
            chunk.encode(&mut bytes);
        }
        self.hear_bytes(&mut bytes);
    }

    /// Hands a packet to the association after giving it the right checksum.
    pub fn hear_bytes(&mut self, bytes: &mut [u8]) {
        seal(bytes);
        self.association.handle_datagram(self.now, bytes);
    }

    pub fn say(&mut self) -> Option<Vec<u8>> {
        let mut buf = Vec::new();
        self.association.poll_transmit(self.now, &mut buf)?;
        Some(buf)
    }

    pub fn say_all(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.say()).collect()
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.association.handle_timeout(self.now);
    }

    /// Queues an ordered message.
    pub fn send(&mut self, stream: u16, bytes: &[u8]) {
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(53));
        let options = SendOptions::ordered();
        let sent = self
            .association
            .send(self.now, stream, ppid, bytes, options);
        sent.unwrap();
    }

    /// Says that the first `count` chunks arrived, and of the later ones those in `blocks`, by their place and with both ends included; in
    /// the same way what came twice.
    pub fn acknowledge(&mut self, count: u32, a_rwnd: u32, blocks: &[(u32, u32)], twice: &[u32]) {
        let before = self.initial_tsn.plus(u32::MAX);
        let mut value = before.plus(count).get().to_be_bytes().to_vec();
        value.extend_from_slice(&a_rwnd.to_be_bytes());
        value.extend_from_slice(&(blocks.len() as u16).to_be_bytes());
        value.extend_from_slice(&(twice.len() as u16).to_be_bytes());
        for (start, end) in blocks {
            for place in [start, end] {
                value.extend_from_slice(&((place + 1 - count) as u16).to_be_bytes());
            }
        }
        for place in twice {
            value.extend_from_slice(&self.initial_tsn.plus(*place).get().to_be_bytes());
        }
        let raw = RawChunk {
            kind: ChunkType::SACK,
            flags: 0,
            value: &value,
        };
        self.hear(&[Chunk::Unknown(raw)]);
    }

    /// The places of the chunks with DATA in what is said, counted from the first of all.
    pub fn say_data(&mut self) -> Vec<u32> {
        let packets = self.say_all();
        let said = packets.iter().flat_map(|packet| chunks(packet));
        let places = said.filter_map(|chunk| match chunk {
            Chunk::Data(data) => Some(data.tsn.get().wrapping_sub(self.initial_tsn.get())),
            _ => None,
        });
        places.collect()
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.association.poll_event()).collect()
    }

    /// The association still takes a message and acknowledges it, and still sends one.
    pub fn is_alive(&mut self, next_tsn: u32) -> bool {
        self.say_all();
        self.hear(&[data(next_tsn, 5, 0, true, true, b"alive?")]);
        let read = self.association.recv(self.now, StreamId::new(5));
        // The acknowledgement may be put off.
        self.pass(Duration::from_millis(200));
        read.is_some_and(|message| message.data == b"alive?"[..]) && !self.say_all().is_empty()
    }
}

/// Fills the checksum in.
pub fn seal(bytes: &mut [u8]) {
    bytes[8..12].fill(0);
    let sum = crc_fast::crc32_iscsi(bytes).to_le_bytes();
    bytes[8..12].copy_from_slice(&sum);
}

pub fn data(tsn: u32, stream: u16, ssn: u16, first: bool, last: bool, bytes: &[u8]) -> Chunk<'_> {
    Chunk::Data(DataChunk {
        tsn: Tsn::new(tsn),
        stream: StreamId::new(stream),
        ssn: Ssn::new(ssn),
        ppid: Ppid::new(53),
        ordering: Ordering::Ordered,
        beginning: first,
        ending: last,
        immediate: false,
        payload: bytes,
    })
}

/// The chunks of a packet, as text for comparisons.
pub fn chunks(packet: &[u8]) -> Vec<Chunk<'_>> {
    let packet = Packet::decode(packet).unwrap();
    let decode = |raw: Result<_, _>| Chunk::decode(raw.unwrap()).unwrap();
    packet.chunks().map(decode).collect()
}

/// The SACKs of some packets.
pub fn sacks(packets: &[Vec<u8>]) -> Vec<SackChunk<'_>> {
    packets
        .iter()
        .flat_map(|packet| chunks(packet))
        .filter_map(|chunk| match chunk {
            Chunk::Sack(sack) => Some(sack),
            _ => None,
        })
        .collect()
}
