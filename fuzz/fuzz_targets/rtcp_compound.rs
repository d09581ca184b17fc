//! Everything a packet can be asked, and work that is linear in the octets: a NACK entry names 17 packets, and one
//! transport-wide feedback speaks of 65,535 at most.
#![no_main]

use rtcp::{Compound, Datagrams, Packet, XrBlock};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut read = 0_usize;
    for packet in Compound::new(data).flatten() {
        read += match packet {
            Packet::SenderReport(report) => report.blocks.iter().count(),
            Packet::ReceiverReport(report) => report.blocks.iter().count(),
            Packet::SourceDescription(sdes) => {
                sdes.chunks().map(|chunk| chunk.items().count()).sum()
            }
            Packet::Goodbye(goodbye) => {
                goodbye.sources().count() + goodbye.reason().map_or(0, str::len)
            }
            Packet::Nack(nack) => nack.sequence_numbers().count(),
            Packet::FullIntraRequest(request) => request.entries().count(),
            Packet::ReceiverEstimatedMaximumBitrate(estimate) => estimate.ssrcs().count(),
            Packet::TemporaryBitrateRequest(limits)
            | Packet::TemporaryBitrateNotification(limits) => limits.entries().count(),
            Packet::TransportFeedback(feedback) => {
                let statuses = feedback.statuses().count();
                assert_eq!(statuses, usize::from(feedback.status_count()));
                statuses
            }
            Packet::CongestionControlFeedback(feedback) => feedback
                .streams()
                .map(|stream| stream.arrivals().count())
                .sum(),
            Packet::ExtendedReport(report) => report
                .blocks()
                .map(|block| match block {
                    XrBlock::Dlrr(dlrr) => dlrr.items().count(),
                    XrBlock::TargetBitrate(target) => target.layers().count(),
                    _ => 1,
                })
                .sum(),
            _ => 1,
        };
    }
    assert!(read <= data.len() * 5 + data.len() / 20 * 65_536);
    let mut joined = 0;
    for datagram in Datagrams::new(data, 1_200) {
        joined += datagram.len();
    }
    assert_eq!(joined, data.len());
});
