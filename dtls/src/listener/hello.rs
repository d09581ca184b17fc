use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::handshake::{Inbox, Message};
use crate::wire::{
    ClientHello, ContentType, DTLS_1_0, DTLS_1_2, Fragment, FragmentHeader, HandshakeType,
    RecordHeader,
};

/// A piece of a ClientHello, or all of it, in the first record of a datagram.
pub(super) struct Piece<'a> {
    pub(super) sequence_number: u64,
    pub(super) fragment: Fragment<'a>,
}

impl<'a> Piece<'a> {
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        let (header, mut body) = RecordHeader::decode(&mut &*datagram).ok()?;
        if header.content_type != ContentType::Handshake
            || header.epoch != 0
            || header.version >> 8 != DTLS_1_0 >> 8
        {
            return None;
        }
        let fragment = Fragment::decode(&mut body).ok()?;
        // There are a first and a second one.
        let hello = fragment.header.message_type == HandshakeType::CLIENT_HELLO;
        (hello && fragment.header.message_seq <= 1).then_some(Self {
            sequence_number: header.sequence_number,
            fragment,
        })
    }

    /// What a cookie of DTLS 1.2 vouches for (version, random, session id) and the cookie, if they are in this piece:
    /// it can be judged without the rest.
    pub(super) fn cookie(&self) -> Option<(&'a [u8], &'a [u8])> {
        let first = self.fragment.header.offset == 0;
        cookie_of(first.then_some(self.fragment.bytes)?)
    }
}

/// The same of the body of a hello, or of its beginning.
pub(super) fn cookie_of(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let cookie = ClientHello::cookie_of(body)?;
    // Behind version and random comes the session id with its length.
    let session_id = usize::from(*body.get(34)?);
    Some((body.get(..35 + session_id)?, cookie))
}

/// A message as a record in the clear, in one piece.
pub(super) fn record(version: u16, sequence_number: u64, message: &Message) -> Vec<u8> {
    let length = u32::try_from(message.body.len()).unwrap_or(0);
    let mut fragment = Vec::new();
    FragmentHeader {
        message_type: message.message_type,
        length,
        message_seq: message.message_seq,
        offset: 0,
        fragment_length: length,
    }
    .encode(&mut fragment);
    fragment.extend_from_slice(&message.body);
    let header = RecordHeader {
        content_type: ContentType::Handshake,
        version,
        epoch: 0,
        sequence_number,
    };
    // What comes here is shorter than a record may be.
    let length = u16::try_from(fragment.len()).unwrap_or(0);
    let mut record = header.encode(length).to_vec();
    record.extend_from_slice(&fragment);
    record
}

/// The second hello of a client, as if it had come in one datagram.
pub(super) fn second_hello(sequence_number: u64, message: &Message) -> Vec<u8> {
    record(DTLS_1_2, sequence_number, message)
}

/// Hellos of DTLS 1.3 that came in part: their cookie is about all of them. This is all that is kept of strangers, so
/// it is little, and the oldest has to go first.
#[derive(Debug, Default)]
pub(super) struct Unfinished(VecDeque<(SocketAddr, Inbox)>);

impl Unfinished {
    /// Hellos that may be unfinished at a time.
    const MAX: usize = 32;
    /// The longest one.
    const MAX_BYTES: usize = 4096;

    /// Adds a piece; the whole message when it is the last one that was missing.
    pub(super) fn add(&mut self, from: SocketAddr, fragment: &Fragment<'_>) -> Option<Message> {
        let header = fragment.header;
        let message_seq = header.message_seq;
        if header.fragment_length == header.length {
            return Some(Message {
                message_type: header.message_type,
                message_seq,
                body: fragment.bytes.to_vec(),
            });
        }
        let same =
            |(own, inbox): &(SocketAddr, Inbox)| *own == from && inbox.next_seq() == message_seq;
        let index = self.0.iter().position(same).unwrap_or_else(|| {
            if self.0.len() >= Self::MAX {
                self.0.pop_front();
            }
            self.0
                .push_back((from, Inbox::new(message_seq, Self::MAX_BYTES)));
            self.0.len().saturating_sub(1)
        });
        let (_, inbox) = self.0.get_mut(index)?;
        inbox.insert(0, 0, fragment);
        let message = inbox.take(0)?;
        self.0.remove(index);
        Some(message)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(|(_, inbox)| inbox.held()).sum()
    }
}
