use rtp::{SequenceNumber, Ssrc};

use super::packet_type;
use crate::DecodeError;
use crate::framing::{self, Frame, word};

/// The most packets that one stream has in a feedback (RFC 8888 §3.1): so many numbers stay apart from each other.
pub const MAX_ARRIVALS: usize = 16_384;

/// CCFB: which packets of which streams arrived, when, and with which congestion mark (RFC 8888 §3.1).
///
/// ```text
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |V=2|P| FMT=11  |   PT = 205    |             length            |
/// |                 SSRC of RTCP packet sender                    |
/// |                   SSRC of nth RTP stream                      |
/// |          begin_seq            |          num_reports          |
/// |R|ECN|  Arrival time offset    | ...                           .
/// |                 Report Timestamp (32 bits)                    |
/// ```
///
/// What was read is consistent: each stream's packets are there.
#[derive(Clone, Copy, Debug)]
pub struct CongestionControlFeedback<'a> {
    /// Who received.
    pub sender_ssrc: Ssrc,
    /// When the feedback was made, in units of 1/65,536 s of the receiver's clock (the middle of an NTP time).
    pub report_timestamp: u32,
    reports: &'a [[u8; 4]],
}

/// What a feedback says of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamArrivals<'a> {
    /// The stream.
    pub ssrc: Ssrc,
    /// The number of the first packet.
    pub begin_sequence_number: SequenceNumber,
    arrivals: &'a [[u8; 2]],
}

/// Explicit congestion notification in the IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// The packet was not marked.
    #[default]
    NotEct,
    /// ECT(1): marked as able, and for low latency (RFC 9331).
    Ect1,
    /// ECT(0): marked as able.
    Ect0,
    /// Congestion was experienced.
    Ce,
}

impl Ecn {
    /// The mark of two bits, as they stand in the IP header; the bits above are not looked at.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0,
            Self::Ect1 => 1,
            Self::Ect0 => 2,
            Self::Ce => 3,
        }
    }
}

/// How a packet arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its congestion mark.
    pub ecn: Ecn,
    /// How long before the report timestamp, in units of 1/1,024 s: [`Self::TOO_EARLY`] is longer than can be said,
    /// [`Self::UNAVAILABLE`] is unknown.
    pub offset: u16,
}

impl Arrival {
    /// More than 8.189 s ago.
    pub const TOO_EARLY: u16 = 0x1ffe;
    /// The time is not known, or the packet arrived after the report timestamp.
    pub const UNAVAILABLE: u16 = 0x1fff;

    /// The report of a packet; `None` for one that did not arrive.
    fn decode(octets: [u8; 2]) -> Option<Self> {
        let report = u16::from_be_bytes(octets);
        (report & 0x8000 != 0).then(|| Self {
            ecn: Ecn::from_bits(octets[0] >> 5),
            offset: report & 0x1fff,
        })
    }

    fn encode(arrival: Option<Self>) -> [u8; 2] {
        let Some(Self { ecn, offset }) = arrival else {
            return [0; 2];
        };
        let offset = offset.min(Self::UNAVAILABLE);
        (0x8000 | u16::from(ecn.bits()) << 13 | offset).to_be_bytes()
    }
}

impl<'a> CongestionControlFeedback<'a> {
    pub(crate) fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let (&sender, rest) = frame.words().split_first().ok_or(DecodeError::Length)?;
        let (&timestamp, reports) = rest.split_last().ok_or(DecodeError::Length)?;
        let mut left = reports;
        while !left.is_empty() {
            StreamArrivals::decode(&mut left)?;
        }
        Ok(Self {
            sender_ssrc: Ssrc::new(word(sender)),
            report_timestamp: word(timestamp),
            reports,
        })
    }

    /// The streams in their order.
    pub fn streams(&self) -> impl Iterator<Item = StreamArrivals<'a>> + use<'a> {
        let mut left = self.reports;
        std::iter::from_fn(move || {
            if left.is_empty() {
                return None;
            }
            StreamArrivals::decode(&mut left).ok()
        })
    }
}

impl<'a> StreamArrivals<'a> {
    fn decode(words: &mut &'a [[u8; 4]]) -> Result<Self, DecodeError> {
        let (&[ssrc, [b0, b1, n0, n1]], rest) =
            words.split_first_chunk().ok_or(DecodeError::Length)?;
        let count = usize::from(u16::from_be_bytes([n0, n1]));
        if count > MAX_ARRIVALS {
            return Err(DecodeError::Length);
        }
        let (reports, rest) = rest
            .split_at_checked(count.div_ceil(2))
            .ok_or(DecodeError::Length)?;
        *words = rest;
        let (arrivals, _) = reports.as_flattened().as_chunks();
        Ok(Self {
            ssrc: Ssrc::new(word(ssrc)),
            begin_sequence_number: SequenceNumber::new(u16::from_be_bytes([b0, b1])),
            arrivals: arrivals.get(..count).unwrap_or_default(),
        })
    }

    /// The packets in the order of their numbers, up to [`MAX_ARRIVALS`]; `None` stands for one that did not arrive.
    pub fn arrivals(
        &self,
    ) -> impl ExactSizeIterator<Item = (SequenceNumber, Option<Arrival>)> + use<'a> {
        let begin = self.begin_sequence_number;
        self.arrivals
            .iter()
            .enumerate()
            .map(move |(place, &octets)| {
                // There are fewer than 65,536.
                let number = begin.plus(u16::try_from(place).unwrap_or(0));
                (number, Arrival::decode(octets))
            })
    }
}

/// Gathers arrivals into one [`CongestionControlFeedback`], a stream after the other.
#[derive(Clone, Debug)]
pub struct CongestionControlFeedbackBuilder {
    max_bytes: usize,
    reports: Vec<u8>,
}

/// Header, sender and timestamp.
const AROUND: usize = 12;

impl CongestionControlFeedbackBuilder {
    /// A feedback that is written in at most `max_bytes` octets.
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            reports: Vec::new(),
        }
    }

    /// Adds packets of a stream that follow each other from the number `begin` on, and says how many of them fit: the
    /// others belong into the next feedback. Of a stream without packets nothing is said.
    #[must_use = "packets that did not fit begin the next feedback"]
    pub fn push(
        &mut self,
        ssrc: Ssrc,
        begin: SequenceNumber,
        arrivals: &[Option<Arrival>],
    ) -> usize {
        let room = self
            .max_bytes
            .min(262_140)
            .saturating_sub(AROUND + self.reports.len() + 8);
        let count = arrivals.len().min(MAX_ARRIVALS).min(room / 4 * 2);
        let Some(arrivals) = arrivals.get(..count).filter(|taken| !taken.is_empty()) else {
            return 0;
        };
        let stated = u16::try_from(count).unwrap_or(0);
        self.reports.extend_from_slice(&ssrc.get().to_be_bytes());
        self.reports.extend_from_slice(&begin.get().to_be_bytes());
        self.reports.extend_from_slice(&stated.to_be_bytes());
        for &arrival in arrivals {
            self.reports.extend_from_slice(&Arrival::encode(arrival));
        }
        let whole = self.reports.len().next_multiple_of(4);
        self.reports.resize(whole, 0);
        count
    }

    /// Whether nothing was added.
    pub const fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// The octets of the feedback as it is.
    pub const fn len(&self) -> usize {
        AROUND + self.reports.len()
    }

    /// Appends the feedback; nothing if nothing was added.
    pub(crate) fn encode(&self, buf: &mut Vec<u8>, sender: Ssrc, report_timestamp: u32) {
        if self.is_empty() {
            return;
        }
        let format = packet_type::CONGESTION_CONTROL;
        framing::encode(buf, format, packet_type::TRANSPORT_FEEDBACK, |buf| {
            buf.extend_from_slice(&sender.get().to_be_bytes());
            buf.extend_from_slice(&self.reports);
            buf.extend_from_slice(&report_timestamp.to_be_bytes());
        });
    }
}
