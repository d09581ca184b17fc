use rtp::{SequenceNumber, Ssrc};

use crate::packet::{
    ApplicationDefined, ApplicationLayerFeedback, CongestionControlFeedbackBuilder, ExtendedReport,
    FirEntry, FullIntraRequest, Goodbye, LossNotification, Nack, PictureLossIndication,
    RapidResynchronisationRequest, ReceiverEstimatedMaximumBitrate, ReceiverReport, ReportBlock,
    SdesItem, SenderInfo, SenderReport, SourceDescription, TemporaryBitrate, TemporaryBitrateEntry,
    TransportFeedbackBuilder, XrBlockToSend, packet_type,
};
use crate::{Compound, EncodeError};

/// Appends RTCP packets to a buffer, one after another: together they are one compound datagram.
///
/// What the buffer held before stays in front untouched. The order is the caller's: a full compound starts with a
/// report and holds a CNAME (RFC 3550 §6.1).
#[derive(Debug)]
pub struct Writer<'b> {
    buf: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> Writer<'b> {
    /// A writer at the end of `buf`.
    pub const fn new(buf: &'b mut Vec<u8>) -> Self {
        let start = buf.len();
        Self { buf, start }
    }

    /// The octets written so far.
    pub const fn len(&self) -> usize {
        self.buf.len() - self.start
    }

    /// Whether nothing was written yet.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An SR. Blocks beyond 31 go into RRs behind it.
    pub fn sender_report(&mut self, ssrc: Ssrc, info: &SenderInfo, blocks: &[ReportBlock]) {
        let rest = SenderReport::encode(self.buf, ssrc, info, blocks);
        if !rest.is_empty() {
            self.receiver_report(ssrc, rest);
        }
    }

    /// An RR, also when there are no blocks; more RRs for blocks beyond 31.
    pub fn receiver_report(&mut self, ssrc: Ssrc, blocks: &[ReportBlock]) {
        let mut rest = ReceiverReport::encode(self.buf, ssrc, blocks);
        while !rest.is_empty() {
            rest = ReceiverReport::encode(self.buf, ssrc, rest);
        }
    }

    /// An SDES with the CNAME of a source, cut to 255 octets.
    pub fn source_description(&mut self, ssrc: Ssrc, cname: &str) {
        SourceDescription::encode(self.buf, ssrc, [(SdesItem::CNAME, cname)]);
    }

    /// An SDES with items of a source, as type and text cut to 255 octets. An item of type 0 would end the list: it is
    /// left out, and what does not fit 60,000 octets is too.
    pub fn source_description_items(&mut self, ssrc: Ssrc, items: &[(u8, &str)]) {
        let mut room = 60_000_usize;
        let items = items.iter().copied().filter(|&(kind, _)| kind != 0);
        let items = items.take_while(|(_, text)| {
            let rest = room.checked_sub(text.len().min(255) + 2);
            room = rest.unwrap_or(0);
            rest.is_some()
        });
        SourceDescription::encode(self.buf, ssrc, items);
    }

    /// A BYE for sources that end, with a reason cut to 255 octets; one more for every 31 sources.
    pub fn goodbye(&mut self, sources: &[Ssrc], reason: Option<&str>) {
        Goodbye::encode(self.buf, sources, reason);
    }

    /// An APP. Data is filled with zeros to a whole word.
    pub fn application_defined(
        &mut self,
        packet: &ApplicationDefined<'_>,
    ) -> Result<(), EncodeError> {
        packet.encode(self.buf)
    }

    /// A NACK for lost packets in the order they were sent; more NACKs beyond
    /// [`MAX_NACK_ENTRIES`](crate::MAX_NACK_ENTRIES), none for no packets.
    pub fn nack(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        lost: impl IntoIterator<Item = SequenceNumber>,
    ) {
        Nack::encode(self.buf, sender, media, lost);
    }

    /// A PLI: `sender` asks `media` for a key frame.
    pub fn picture_loss_indication(&mut self, sender: Ssrc, media: Ssrc) {
        let packet = PictureLossIndication {
            sender_ssrc: sender,
            media_ssrc: media,
        };
        packet.encode(self.buf);
    }

    /// A FIR with its requests; none for no requests.
    pub fn full_intra_request(&mut self, sender: Ssrc, entries: &[FirEntry]) {
        FullIntraRequest::encode(self.buf, sender, entries);
    }

    /// A REMB for up to 255 streams, its rate rounded down to 18 significant bits.
    pub fn receiver_estimated_maximum_bitrate(
        &mut self,
        sender: Ssrc,
        bits_per_second: u64,
        ssrcs: &[Ssrc],
    ) {
        ReceiverEstimatedMaximumBitrate::encode(self.buf, sender, bits_per_second, ssrcs);
    }

    /// A TMMBR with limits that are asked for, at most 128 of them; nothing without any.
    pub fn temporary_bitrate_request(&mut self, sender: Ssrc, entries: &[TemporaryBitrateEntry]) {
        if !entries.is_empty() {
            let format = packet_type::TEMPORARY_BITRATE_REQUEST;
            TemporaryBitrate::encode(self.buf, format, sender, entries);
        }
    }

    /// A TMMBN with the limits that are kept, at most 128 of them, or none at all.
    pub fn temporary_bitrate_notification(
        &mut self,
        sender: Ssrc,
        entries: &[TemporaryBitrateEntry],
    ) {
        let format = packet_type::TEMPORARY_BITRATE_NOTIFICATION;
        TemporaryBitrate::encode(self.buf, format, sender, entries);
    }

    /// An RTCP-SR-REQ: `sender` asks `media` for a sender report.
    pub fn rapid_resynchronisation_request(&mut self, sender: Ssrc, media: Ssrc) {
        let packet = RapidResynchronisationRequest {
            sender_ssrc: sender,
            media_ssrc: media,
        };
        packet.encode(self.buf);
    }

    /// A loss notification.
    pub fn loss_notification(&mut self, packet: LossNotification) {
        packet.encode(self.buf);
    }

    /// Application-layer feedback of the application's own. Data is filled with zeros to a whole word.
    pub fn application_layer_feedback(
        &mut self,
        packet: &ApplicationLayerFeedback<'_>,
    ) -> Result<(), EncodeError> {
        packet.encode(self.buf)
    }

    /// Transport-wide feedback: what was gathered, under a number that counts up with each feedback.
    pub fn transport_feedback(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
        gathered: &TransportFeedbackBuilder,
    ) {
        gathered.encode(self.buf, sender, media, feedback_count);
    }

    /// Congestion control feedback: what was gathered, at a time in 1/65,536 s.
    pub fn congestion_control_feedback(
        &mut self,
        sender: Ssrc,
        report_timestamp: u32,
        gathered: &CongestionControlFeedbackBuilder,
    ) {
        gathered.encode(self.buf, sender, report_timestamp);
    }

    /// An XR with its blocks; nothing without any.
    pub fn extended_report(
        &mut self,
        ssrc: Ssrc,
        blocks: &[XrBlockToSend<'_>],
    ) -> Result<(), EncodeError> {
        ExtendedReport::encode(self.buf, ssrc, blocks)
    }

    /// Packets that the application has encoded itself. They are checked, and nothing is written if one is wrong.
    pub fn raw(&mut self, packets: &[u8]) -> Result<(), EncodeError> {
        for packet in Compound::new(packets) {
            packet?;
        }
        self.buf.extend_from_slice(packets);
        Ok(())
    }
}
