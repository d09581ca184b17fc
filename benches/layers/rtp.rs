//! RTP: the header of a video packet with four extensions is parsed, against one copy of the packet.

use avocet_benches::samples::rtp_packet;
use avocet_benches::{compare, criterion};
use bytes::Bytes;
use rtp::{Packet, PacketView};

fn main() {
    let mut criterion = criterion();
    let packet = rtp_packet();
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "rtp parse header",
        || {
            let view = PacketView::parse(&packet).expect("it was built here");
            (
                view.sequence_number(),
                view.ssrc(),
                view.extension(3).map(<[u8]>::len),
                view.payload().len(),
            )
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            copy.len()
        },
    );

    let view = PacketView::parse(&packet).expect("it was built here");
    let owned = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
    let mut buf = Vec::with_capacity(2_048);
    let mut copy = Vec::with_capacity(2_048);
    compare(
        &mut criterion,
        "rtp write 1200",
        || {
            buf.clear();
            owned.encode(&mut buf);
            buf.len()
        },
        || {
            copy.clear();
            copy.extend_from_slice(&packet);
            copy.len()
        },
    );
    criterion.final_summary();
}
