//! Messages that are written and read bit by bit, so that a huge one is never held (C-15).

use std::time::Instant;

use bytes::Bytes;
use sctp::{Association, PieceEnd, Ppid, StreamId};

use super::channel::{
    Channel, ChannelId, ChannelState, MessageKind, MessagePiece, PPID_BINARY, PPID_BINARY_EMPTY,
    PPID_STRING, PPID_STRING_EMPTY,
};
use super::channels::Channels;
use crate::error::SendError;

/// Where in a message the reader of a channel is.
#[derive(Debug)]
pub(super) struct Reading {
    /// A message has begun and not ended.
    pub(super) inside: bool,
    /// What it is.
    pub(super) kind: MessageKind,
    /// Bytes of it that were read.
    pub(super) bytes: usize,
    /// A part of it was given out, so it cannot be read whole any more.
    pub(super) given: bool,
    text: Utf8,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            inside: false,
            kind: MessageKind::Binary,
            bytes: 0,
            given: false,
            text: Utf8::default(),
        }
    }
}

impl Reading {
    /// Takes a piece; false when it makes the text invalid.
    pub(super) fn accept(&mut self, piece: &MessagePiece) -> bool {
        if piece.beginning {
            self.text = Utf8::default();
        }
        self.given = piece.end == PieceEnd::More;
        match piece.kind {
            MessageKind::Binary => true,
            MessageKind::Text => {
                self.text.feed(&piece.data)
                    && (piece.end != PieceEnd::Complete || self.text.is_complete())
            }
        }
    }
}

/// A message that is being written.
#[derive(Debug)]
pub(super) struct Writing {
    kind: MessageKind,
    bytes: usize,
    text: Utf8,
}

/// Checks text that comes in pieces. What a piece leaves of a character waits for the next one.
#[derive(Clone, Debug, Default)]
struct Utf8 {
    rest: [u8; 4],
    length: usize,
}

impl Utf8 {
    /// Takes the next bytes; false when no text begins like this.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while self.length > 0 {
            let Some((&byte, behind)) = bytes.split_first() else {
                return true;
            };
            let Some(place) = self.rest.get_mut(self.length) else {
                return false;
            };
            *place = byte;
            self.length += 1;
            bytes = behind;
            match std::str::from_utf8(self.rest.get(..self.length).unwrap_or_default()) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let Err(error) = std::str::from_utf8(bytes) else {
            return true;
        };
        if error.error_len().is_some() {
            return false;
        }
        let left = bytes.get(error.valid_up_to()..).unwrap_or_default();
        for (place, byte) in self.rest.iter_mut().zip(left) {
            *place = *byte;
        }
        self.length = left.len();
        true
    }

    const fn is_complete(&self) -> bool {
        self.length == 0
    }
}

impl Channels {
    pub(super) fn begin_message(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        kind: MessageKind,
    ) -> Result<(), SendError> {
        let (channel, association, stream) = self.writable(id, association)?;
        if channel.writing.is_some() {
            return Err(SendError::Unfinished);
        }
        let ppid = match kind {
            MessageKind::Text => PPID_STRING,
            MessageKind::Binary => PPID_BINARY,
        };
        let begun = association.begin_message(now, stream, ppid, channel.options());
        begun.map_err(|error| refusal(channel, error))?;
        channel.writing = Some(Writing {
            kind,
            bytes: 0,
            text: Utf8::default(),
        });
        Ok(())
    }

    pub(super) fn write(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        data: &[u8],
    ) -> Result<usize, SendError> {
        let max = self.max_send;
        let (channel, association, stream) = self.writable(id, association)?;
        let writing = channel.writing.as_ref().ok_or(SendError::NotBegun)?;
        if writing.bytes.saturating_add(data.len()) > max {
            return Err(SendError::TooLarge);
        }
        if writing.kind == MessageKind::Text && !writing.text.clone().feed(data) {
            return Err(SendError::Utf8);
        }
        if data.is_empty() {
            return Ok(0);
        }
        let taken = association
            .write(now, stream, data)
            .map_err(|error| refusal(channel, error))?;
        if let Some(writing) = &mut channel.writing {
            writing.bytes += taken;
            writing.text.feed(data.get(..taken).unwrap_or_default());
        }
        channel.bytes_sent += taken as u64;
        Ok(taken)
    }

    pub(super) fn finish_message(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
    ) -> Result<(), SendError> {
        let (channel, association, stream) = self.writable(id, association)?;
        let writing = channel.writing.as_ref().ok_or(SendError::NotBegun)?;
        if !writing.text.is_complete() {
            return Err(SendError::Utf8);
        }
        let kind = writing.kind;
        let finished = match association.finish_message(now, stream) {
            // Nothing was written, and SCTP forgot it: RFC 8831 §6.6 has another way to say nothing.
            Err(sctp::SendError::Empty) => {
                let options = channel.options();
                association.send(now, stream, empty(kind), &[0], options)
            }
            finished => finished,
        };
        finished.map_err(|error| refusal(channel, error))?;
        channel.writing = None;
        channel.messages_sent += 1;
        Ok(())
    }

    /// The parts that a send needs, when the channel is open.
    fn writable<'a>(
        &'a mut self,
        id: ChannelId,
        association: Option<&'a mut Association>,
    ) -> Result<(&'a mut Channel, &'a mut Association, StreamId), SendError> {
        let channel = self.channels.get_mut(&id).ok_or(SendError::Closed)?;
        match channel.state {
            ChannelState::Connecting => return Err(SendError::Connecting),
            ChannelState::Open => {}
            ChannelState::Closing | ChannelState::Closed => return Err(SendError::Closed),
        }
        let (Some(association), Some(stream)) = (association, channel.stream) else {
            return Err(SendError::Closed);
        };
        Ok((channel, association, StreamId::new(stream)))
    }

    /// Sends a whole message.
    pub(super) fn send(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        (data, kind): (&[u8], MessageKind),
    ) -> Result<(), SendError> {
        self.send_whole(now, id, association, (data, kind), None)
    }

    /// Sends a whole message of bytes, which SCTP may hold instead of copying them.
    pub(super) fn send_bytes(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        data: Bytes,
    ) -> Result<(), SendError> {
        let message = (data.as_ref(), MessageKind::Binary);
        self.send_whole(now, id, association, message, Some(data.clone()))
    }

    fn send_whole(
        &mut self,
        now: Instant,
        id: ChannelId,
        association: Option<&mut Association>,
        (data, kind): (&[u8], MessageKind),
        given: Option<Bytes>,
    ) -> Result<(), SendError> {
        let max = self.max_send;
        let (channel, association, stream) = self.writable(id, association)?;
        if data.len() > max {
            return Err(SendError::TooLarge);
        }
        // RFC 8831 §6.6: SCTP has no empty messages, so one zero byte stands for nothing.
        let (ppid, payload) = match (kind, data.is_empty()) {
            (MessageKind::Text, false) => (PPID_STRING, data),
            (MessageKind::Binary, false) => (PPID_BINARY, data),
            (kind, true) => (empty(kind), &[0][..]),
        };
        let options = channel.options();
        let sent = match given {
            Some(given) if !data.is_empty() => {
                association.send_bytes(now, stream, ppid, given, options)
            }
            _ => association.send(now, stream, ppid, payload, options),
        };
        sent.map_err(|error| refusal(channel, error))?;
        channel.messages_sent += 1;
        channel.bytes_sent += data.len() as u64;
        Ok(())
    }

    pub(super) fn set_streaming(
        &mut self,
        id: ChannelId,
        bytes: Option<usize>,
        association: Option<&mut Association>,
    ) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.streaming = bytes;
        if let (Some(stream), Some(association)) = (channel.stream, association) {
            association.set_partial_delivery(StreamId::new(stream), bytes);
        }
    }
}

const fn empty(kind: MessageKind) -> Ppid {
    match kind {
        MessageKind::Text => PPID_STRING_EMPTY,
        MessageKind::Binary => PPID_BINARY_EMPTY,
    }
}

/// What the association's refusal is for the application.
fn refusal(channel: &mut Channel, error: sctp::SendError) -> SendError {
    match error {
        sctp::SendError::Full => {
            channel.blocked = true;
            SendError::Full
        }
        sctp::SendError::TooLarge { .. } => SendError::LargerThanBuffer,
        sctp::SendError::Unfinished => SendError::Unfinished,
        sctp::SendError::NotBegun => SendError::NotBegun,
        _ => SendError::Closed,
    }
}

/// The bytes of a piece whose end is to come, as one.
pub(super) fn so_far(bytes: Vec<u8>, kind: MessageKind) -> MessagePiece {
    MessagePiece {
        kind,
        beginning: true,
        end: PieceEnd::More,
        data: Bytes::from(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_wherever_it_is_cut() {
        let text = "aß€🦀z".as_bytes();
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut check = Utf8::default();
                assert!(check.feed(&text[..first]));
                assert!(check.feed(&text[first..second]));
                assert!(check.feed(&text[second..]));
                assert!(check.is_complete());
            }
        }
    }

    #[test]
    fn what_is_not_text_is_found_wherever_it_is_cut() {
        // Overlong, a lone continuation, a surrogate, beyond the last character, a character cut off.
        let cases: [&[u8]; 5] = [
            b"a\xc0\x80",
            b"a\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82",
        ];
        for bytes in cases {
            for cut in 0..=bytes.len() {
                let mut check = Utf8::default();
                let fine = check.feed(&bytes[..cut]) && check.feed(&bytes[cut..]);
                assert!(!(fine && check.is_complete()), "{bytes:x?} cut at {cut}");
            }
        }
    }
}
