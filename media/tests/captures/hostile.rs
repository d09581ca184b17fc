//! Bad input made of good: what others sent, cut and changed.

use bytes::Bytes;
use rtp::dependency::DependencyReader;
use rtp::payload::Depacketizer;
use rtp::{Packet, PacketView, SequenceNumber};

use crate::{Capture, captures};

/// What a receiver does with a datagram: header, extensions, payload, one stream.
struct Reader {
    descriptor: Option<u8>,
    descriptors: DependencyReader,
    depacketizer: Box<dyn Depacketizer + Send>,
    number: SequenceNumber,
    read: u64,
}

impl Reader {
    fn new(capture: &Capture) -> Self {
        Self {
            descriptor: capture.extension("dependency-descriptor-rtp-header-extension"),
            descriptors: DependencyReader::new(),
            depacketizer: capture.depacketizer(),
            number: SequenceNumber::new(0),
            read: 0,
        }
    }

    fn read(&mut self, datagram: &[u8]) {
        let Ok(view) = PacketView::parse(datagram) else {
            return;
        };
        let len = view.header_len() + view.payload().len() + view.padding_len();
        assert_eq!(len, datagram.len());
        if let Some(value) = self.descriptor.and_then(|id| view.extension(id)) {
            // Refused or not, later ones are read.
            let _ = self.descriptors.read(value);
        }
        self.read += 1;
        self.number = self.number.next();
        let packet = Packet {
            sequence_number: self.number,
            ..Packet::from_view(&view, Bytes::copy_from_slice(view.payload()))
        };
        let mut octets = 0;
        self.depacketizer
            .push(&packet, &mut |frame| octets += frame.data.len());
        assert!(octets <= 4 << 20);
    }
}

/// M-02, M-03, M-04, H-*: cut at every octet; every octet of headers and descriptors changed to every value, and every octet behind
/// them to two, in two packets of each capture. With `AVOCET_FULL_MATRIX=1`, as `interop/run.sh mutations` has it, every octet to every value, in all of them.
#[test]
fn catalogue_m_h_every_truncation_and_every_changed_octet_of_a_capture_is_borne() {
    let full = std::env::var_os("AVOCET_FULL_MATRIX").is_some();
    for capture in captures() {
        let mut reader = Reader::new(&capture);
        let step = if full { 1 } else { capture.packets.len() / 2 };
        for packet in capture.packets.iter().step_by(step) {
            let mut datagram = Vec::new();
            packet.encode(&mut datagram);
            for len in 0..=datagram.len() {
                reader.read(&datagram[..len]);
            }
            let descriptors = datagram.len() - packet.payload.len() + 24;
            for place in 0..datagram.len() {
                let values = if full || place < descriptors {
                    1..=255_u8
                } else {
                    254..=255
                };
                for value in values {
                    datagram[place] ^= value;
                    reader.read(&datagram);
                    datagram[place] ^= value;
                }
            }
        }
        assert!(reader.read > 1_000, "{}: {}", capture.name, reader.read);
    }
}
