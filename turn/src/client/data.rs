use std::collections::VecDeque;
use std::net::SocketAddr;

use net::{Transmit, Transport};
use rand::RngExt;
use stun::{AttributeType, Class, MessageBuilder, Method, TransactionId};

use super::{Client, State};
use crate::channel_data::HEADER_LENGTH;
use crate::{Allocation, ChannelData, SealError, SendError};

/// A message to a peer that was begun: where it starts in the buffer, and in which form.
#[derive(Debug)]
#[must_use = "a message that was begun is sealed or abandoned"]
pub struct Mark {
    start: usize,
    payload: usize,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    ChannelData,
    Indication,
}

impl Client {
    /// Begins a message to a peer: appends the header, after which the caller appends the payload. What is in the
    /// buffer before is not touched.
    pub fn begin(&mut self, buf: &mut Vec<u8>, peer: SocketAddr) -> Result<Mark, SendError> {
        if self.state != State::Allocated {
            return Err(SendError::NotAllocated);
        }
        if self.config.allocation == Allocation::Tcp {
            return Err(SendError::Streams);
        }
        let start = buf.len();
        if let Some(number) = self.channels.bound_to(peer) {
            ChannelData::encode_header(number, 0, buf);
            return Ok(Mark {
                start,
                payload: buf.len(),
                form: Form::ChannelData,
            });
        }
        if !self.permissions.is_installed(peer.ip()) {
            return Err(SendError::NoPermission);
        }
        let id = TransactionId::new(self.rng.random());
        let mut builder = MessageBuilder::new(buf, Class::Indication, Method::SEND, id);
        // DATA is empty until the payload is there.
        builder.xor_peer_address(peer).data(&[]);
        Ok(Mark {
            start,
            payload: buf.len(),
            form: Form::Indication,
        })
    }

    /// Completes a message in place, with padding where the format wants it, and says where it goes. When it
    /// cannot be completed the buffer is cut back to where the message began.
    pub fn seal(&mut self, buf: &mut Vec<u8>, mark: Mark) -> Result<Transmit, SealError> {
        let sealed = self.try_seal(buf, &mark);
        match sealed {
            Ok(_) => self.stats.messages_sent += 1,
            Err(_) => buf.truncate(mark.start),
        }
        sealed
    }

    /// Takes a begun message back.
    pub fn abandon(&mut self, buf: &mut Vec<u8>, mark: Mark) {
        buf.truncate(mark.start);
    }

    /// Appends a whole message to a peer: begin, payload and seal in one.
    pub fn send(
        &mut self,
        buf: &mut Vec<u8>,
        peer: SocketAddr,
        payload: &[u8],
    ) -> Result<Result<Transmit, SealError>, SendError> {
        let mark = self.begin(buf, peer)?;
        buf.extend_from_slice(payload);
        Ok(self.seal(buf, mark))
    }

    /// How many bytes a message to a peer needs besides the payload, padding included: 4 with a channel, else 36
    /// for IPv4 and 48 for IPv6, and up to 3 more where there is padding.
    pub fn overhead(&self, peer: SocketAddr) -> usize {
        let is_stream = self
            .path
            .is_some_and(|path| path.transport != Transport::Udp);
        match self.channels.bound_to(peer) {
            Some(_) if is_stream => HEADER_LENGTH + 3,
            Some(_) => HEADER_LENGTH,
            None if peer.is_ipv4() => 36 + 3,
            None => 48 + 3,
        }
    }

    fn try_seal(&self, buf: &mut Vec<u8>, mark: &Mark) -> Result<Transmit, SealError> {
        let path = self.path.ok_or(SealError::NotAllocated)?;
        if self.state != State::Allocated {
            return Err(SealError::NotAllocated);
        }
        let payload = buf.len().checked_sub(mark.payload).ok_or(SealError::Mark)?;
        let length = u16::try_from(payload).map_err(|_| SealError::TooLong)?;
        if mark.form == Form::Indication || path.transport != Transport::Udp {
            buf.resize(mark.payload + payload.next_multiple_of(4), 0);
        }
        write_at(buf, mark.payload - 2, length)?;
        if mark.form == Form::Indication {
            let body = buf.len() - mark.start - stun::HEADER_LENGTH;
            let body = u16::try_from(body).map_err(|_| SealError::TooLong)?;
            write_at(buf, mark.start + 2, body)?;
        }
        Ok(Transmit::new(path))
    }

    /// Where the data of a Data indication stands, and whose it is.
    pub(super) fn relayed_data(
        message: &stun::Message<'_>,
    ) -> Option<(SocketAddr, std::ops::Range<usize>)> {
        let peer = message.xor_peer_address().ok().flatten()?;
        Some((peer, message.attribute_range(AttributeType::DATA)?))
    }
}

fn write_at(buf: &mut [u8], at: usize, value: u16) -> Result<(), SealError> {
    let field = buf.get_mut(at..).and_then(|rest| rest.first_chunk_mut());
    *field.ok_or(SealError::Mark)? = value.to_be_bytes();
    Ok(())
}

/// What peers sent and the application has not pulled.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: VecDeque<(SocketAddr, Vec<u8>)>,
    bytes: usize,
}

/// The most bytes that wait, with what each message costs beside its own.
const MAX_INBOX_BYTES: usize = 64 * 1024;
const MESSAGE_COST: usize = 64;

impl Inbox {
    /// Keeps a copy; false when there is no room: what waits is older, and nobody is reading.
    pub(super) fn push(&mut self, peer: SocketAddr, data: &[u8]) -> bool {
        let cost = data.len() + MESSAGE_COST;
        if self.bytes + cost > MAX_INBOX_BYTES {
            return false;
        }
        self.bytes += cost;
        self.messages.push_back((peer, data.to_vec()));
        true
    }

    pub(super) fn pop(&mut self, buf: &mut Vec<u8>) -> Option<SocketAddr> {
        let (peer, data) = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(data.len() + MESSAGE_COST);
        buf.extend_from_slice(&data);
        Some(peer)
    }
}
