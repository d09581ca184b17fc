use bytes::Bytes;

use super::order::{Arrival, Order};
use super::{Depacketizer, DepacketizerStats, PayloadError, PayloadInfo, Start};
use crate::{Frame, MimeType, Packet};

/// The most octets of one frame; a longer one is given up and counted.
pub const MAX_FRAME_BYTES: usize = 4 << 20;

/// The most packets of one frame; with more it is given up and counted.
pub const MAX_FRAME_PACKETS: usize = 8192;

/// What an [`Assembler`] keeps between frames, to spare an allocation for each.
const MAX_IDLE_BYTES: usize = 64 << 10;

/// What a video payload format knows that the [`Assembler`] does not.
pub trait Format {
    /// The media type of the frames.
    fn codec(&self) -> MimeType;

    /// Reads what one payload says about its frame. `payload` has one octet or more.
    fn inspect(&self, payload: &[u8]) -> Result<PayloadInfo, PayloadError>;

    /// Appends what the payload carries to the frame. After an error the frame is given up, whatever was appended.
    fn append(&mut self, payload: &[u8], frame: &mut Assembly) -> Result<(), PayloadError>;

    /// All packets of the frame were appended: completes it, or says why it is none.
    fn finish(&mut self, frame: &mut Assembly) -> Result<(), PayloadError> {
        if frame.data.is_empty() {
            return Err(PayloadError::Truncated);
        }
        Ok(())
    }

    /// The frame was yielded or given up; another one begins.
    fn reset(&mut self) {}
}

/// A frame that is being put together.
#[derive(Debug, Default)]
pub struct Assembly {
    /// The octets so far.
    pub data: Vec<u8>,
    /// What is known of the frame so far. `start` has no meaning here.
    pub info: PayloadInfo,
}

/// Puts the packets of one video stream together to frames.
///
/// A frame ends with the marker bit or when the timestamp changes without a gap. It begins behind the end of another,
/// or, after a gap, where its format is certain of it. All packets of a timestamp whose frame cannot be whole are
/// dropped and counted.
#[derive(Debug)]
pub struct Assembler<F> {
    format: F,
    order: Order,
    state: State,
    frame: Assembly,
    frame_packets: usize,
    /// Whether the packet before the next one ended its frame, for certain.
    at_boundary: bool,
    after_loss: bool,
    stats: DepacketizerStats,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Between,
    /// A frame of this timestamp lacks nothing so far.
    Open(u32),
    /// The rest of this timestamp is dropped.
    GivenUp(u32),
}

impl<F: Format> Assembler<F> {
    /// An assembler that has seen nothing.
    pub fn new(format: F) -> Self {
        Self {
            format,
            order: Order::default(),
            state: State::Between,
            frame: Assembly::default(),
            frame_packets: 0,
            at_boundary: false,
            after_loss: false,
            stats: DepacketizerStats::default(),
        }
    }

    /// The format, for what it has learned.
    pub const fn format(&self) -> &F {
        &self.format
    }

    fn on_gap(&mut self) {
        self.stats.gaps += 1;
        self.at_boundary = false;
        self.after_loss = true;
        if let State::Open(timestamp) = self.state {
            self.give_up(timestamp);
            self.stats.incomplete_frames += 1;
        }
    }

    /// Ends what belongs to an earlier timestamp. `in_order` says that nothing is missing in between.
    fn on_timestamp(&mut self, timestamp: u32, in_order: bool, sink: &mut dyn FnMut(Frame)) {
        match self.state {
            State::Open(open) if open != timestamp => self.finish(open, sink),
            State::GivenUp(open) if open != timestamp => {
                self.state = State::Between;
                self.at_boundary = in_order;
            }
            _ => {}
        }
    }

    fn append(&mut self, timestamp: u32, payload: &[u8]) {
        let begins = matches!(self.state, State::Between);
        let appended = self.format.inspect(payload).and_then(|info| {
            let fits = match info.start {
                Start::Certain => true,
                Start::Possible => !begins || self.at_boundary,
                Start::No => !begins,
            };
            if !fits {
                return Ok(false);
            }
            self.format.append(payload, &mut self.frame)?;
            Ok(true)
        });
        match appended {
            Ok(true) => {
                self.state = State::Open(timestamp);
                self.frame_packets += 1;
                if self.frame.data.len() > MAX_FRAME_BYTES || self.frame_packets > MAX_FRAME_PACKETS
                {
                    self.give_up(timestamp);
                    self.stats.oversized_frames += 1;
                }
            }
            Ok(false) => {
                self.give_up(timestamp);
                self.stats.orphaned_packets += 1;
                self.stats.incomplete_frames += 1;
            }
            Err(_) => {
                self.give_up(timestamp);
                self.stats.malformed_packets += 1;
                self.stats.incomplete_frames += 1;
            }
        }
    }

    fn finish(&mut self, timestamp: u32, sink: &mut dyn FnMut(Frame)) {
        let finished = self.format.finish(&mut self.frame);
        if finished.is_ok() {
            let info = self.frame.info;
            self.stats.frames += 1;
            sink(Frame {
                duration: None,
                key: info.key,
                discardable: info.discardable,
                layer: info.layer,
                resolution: info.resolution,
                after_loss: std::mem::take(&mut self.after_loss),
                // Of exact size: a frame waits in queues, spare room would wait with it.
                ..Frame::new(
                    self.format.codec(),
                    timestamp,
                    Bytes::copy_from_slice(&self.frame.data),
                )
            });
        } else {
            self.after_loss = true;
            self.stats.incomplete_frames += 1;
        }
        self.clear();
        self.state = State::Between;
        self.at_boundary = true;
    }

    fn give_up(&mut self, timestamp: u32) {
        self.clear();
        self.after_loss = true;
        self.state = State::GivenUp(timestamp);
    }

    fn clear(&mut self) {
        self.format.reset();
        self.frame.info = PayloadInfo::default();
        self.frame.data.clear();
        self.frame.data.shrink_to(MAX_IDLE_BYTES);
        self.frame_packets = 0;
    }
}

impl<F: Format> Depacketizer for Assembler<F> {
    fn push(&mut self, packet: &Packet, sink: &mut dyn FnMut(Frame)) {
        self.stats.packets += 1;
        let arrival = self.order.arrive(packet.sequence_number);
        match arrival {
            Arrival::Late => {
                self.stats.late_packets += 1;
                return;
            }
            Arrival::AfterGap => self.on_gap(),
            Arrival::InOrder => {}
        }
        if packet.payload.is_empty() {
            // Padding sent to probe the path: it fills its place in the order and says nothing of frames.
            self.stats.empty_packets += 1;
            return;
        }
        let timestamp = packet.timestamp;
        self.on_timestamp(timestamp, arrival == Arrival::InOrder, sink);
        if let State::GivenUp(_) = self.state {
            self.stats.orphaned_packets += 1;
        } else {
            self.append(timestamp, &packet.payload);
        }
        if packet.marker {
            match self.state {
                State::Open(_) => self.finish(timestamp, sink),
                State::GivenUp(_) | State::Between => {
                    self.state = State::Between;
                    self.at_boundary = true;
                }
            }
        }
    }

    fn flush(&mut self, sink: &mut dyn FnMut(Frame)) {
        if let State::Open(timestamp) = self.state {
            self.finish(timestamp, sink);
        }
    }

    fn stats(&self) -> DepacketizerStats {
        self.stats
    }
}
