use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    AudioLevel, CsrcsFull, DecodeError, ExtensionForm, ExtensionMap, ExtensionMapError,
    ExtensionUri, Mid, OpaqueExtensionError, SetExtensionError, TransportSequenceNumber,
    UpdateExtensionError,
};

/// Opus of Firefox 153, decrypted: transport sequence number (7), MID (3), audio level (1).
const FIREFOX: &str = "906d19a83991b4dec3d0acf5bede0002710003303010ff00fcfffe";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// A packet with an extension block of this profile word and these octets, and the payload `pay`.
fn with_block(profile: u16, block: &[u8]) -> Vec<u8> {
    let mut packet = hex("90600001000003e812345678");
    packet.extend_from_slice(&profile.to_be_bytes());
    packet.extend_from_slice(&u16::try_from(block.len() / 4).unwrap().to_be_bytes());
    packet.extend_from_slice(block);
    packet.extend_from_slice(b"pay");
    packet
}

fn owned(bytes: &[u8]) -> Packet {
    let view = PacketView::parse(bytes).unwrap();
    Packet::from_view(&view, Bytes::copy_from_slice(view.payload()))
}

#[test]
fn packet_of_a_real_browser_is_read_and_written_back() {
    let bytes = hex(FIREFOX);
    let view = PacketView::parse(&bytes).unwrap();
    assert_eq!(view.payload_type().get(), 109);
    assert!(!view.marker());
    assert_eq!(view.sequence_number().get(), 0x19a8);
    assert_eq!(view.timestamp(), 0x3991_b4de);
    assert_eq!(view.ssrc(), Ssrc::new(0xc3d0_acf5));
    assert_eq!(view.csrcs().len(), 0);
    assert_eq!(view.header_len(), 24);
    assert_eq!(view.padding_len(), 0);
    assert_eq!(view.payload(), hex("fcfffe"));
    assert_eq!(view.extension(3).and_then(Mid::decode), Mid::new("0"));
    assert_eq!(
        view.extension(7).and_then(TransportSequenceNumber::decode),
        Some(TransportSequenceNumber::new(3))
    );
    let level = view.extension(1).and_then(AudioLevel::decode).unwrap();
    assert_eq!((level.voice, level.level), (true, 127));

    let packet = owned(&bytes);
    let mut written = b"prefix".to_vec();
    packet.encode(&mut written);
    assert_eq!(&written[..6], b"prefix");
    assert_eq!(&written[6..], bytes);
    assert_eq!(packet.encoded_len(), bytes.len());
}

#[test]
fn every_truncation_of_the_header_is_an_error() {
    let mut packet = owned(&hex(FIREFOX));
    for csrc in 0..15 {
        packet.csrcs.push(Ssrc::new(csrc)).unwrap();
    }
    packet.padding_len = 9;
    let mut bytes = Vec::new();
    packet.encode(&mut bytes);
    let header_len = PacketView::parse(&bytes).unwrap().header_len();
    for length in 0..header_len {
        assert_eq!(
            PacketView::parse(&bytes[..length]).err(),
            Some(DecodeError::Truncated),
            "{length}"
        );
        assert!(HeaderView::parse(&bytes[..length]).is_err());
        assert!(PacketViewMut::parse(&mut bytes[..length].to_vec()).is_err());
    }
    assert!(HeaderView::parse(&bytes[..header_len]).is_ok());
    assert_eq!(
        PacketView::parse(&bytes[..header_len]).err(),
        Some(DecodeError::Padding)
    );
}

/// M-00, M-01, M-02, M-03, M-04 and M-05: headers that reach beyond the packet, padding, malformed extension elements.
#[test]
fn m02_m03_m04_hostile_headers_are_refused_or_bounded() {
    let cases: Value =
        serde_json::from_str(include_str!("../../../testdata/rtp/negative_rtp.json")).unwrap();
    for case in cases["cases"].as_array().unwrap() {
        let bytes = hex(case["hex"].as_str().unwrap());
        let expect = case["expect"].as_str().unwrap();
        let result = PacketView::parse(&bytes);
        match expect.split_whitespace().next().unwrap() {
            "reject" => assert!(result.is_err(), "{case}"),
            "accept" => {
                let payload = result.unwrap().payload().len();
                assert_eq!(
                    payload,
                    if expect.ends_with("payload 4") { 4 } else { 0 },
                    "{case}"
                );
            }
            // Elements that end the list: the payload starts behind the declared block.
            "skip" | "stop;" | "treat" => {
                let view = result.unwrap();
                assert_eq!(view.extensions().count(), 0, "{case}");
                assert_eq!(view.payload(), b"pay", "{case}");
            }
            "demux" => assert!(crate::is_rtcp(&bytes)),
            // Payload formats are not read here; the framing is good.
            _ => assert!(result.is_ok(), "{case}"),
        }
    }
}

/// M-02, M-03, M-04: every single octet of every header of the corpus, changed to every value, and every truncation.
#[test]
fn catalogue_m_every_changed_octet_is_refused_or_read_within_the_packet() {
    let cases: Value =
        serde_json::from_str(include_str!("../../../testdata/rtp/negative_rtp.json")).unwrap();
    let cases = cases["cases"].as_array().unwrap().iter();
    let corpus = cases.map(|case| hex(case["hex"].as_str().unwrap()));
    for original in corpus.chain([hex(FIREFOX)]) {
        for len in 0..=original.len() {
            check_reading(&original[..len], true);
        }
        for place in 0..original.len() {
            let mut changed = original.clone();
            for flip in 1..=255_u8 {
                changed[place] = original[place] ^ flip;
                check_reading(&changed, flip.is_power_of_two());
            }
        }
    }
}

/// All parts lie within the packet and fill it, and changes keep it readable.
fn check_reading(bytes: &[u8], change: bool) {
    let Ok(view) = PacketView::parse(bytes) else {
        return;
    };
    let len = view.header_len() + view.payload().len() + view.padding_len();
    assert_eq!(len, bytes.len());
    assert!(view.csrcs().len() <= MAX_CSRCS);
    let values: usize = view.extensions().map(|(_, value)| value.len()).sum();
    assert!(values <= bytes.len());
    if !change {
        return;
    }
    let mut buffer = PacketBuffer::new(bytes).unwrap();
    let policy = ExtensionFormPolicy::PerPacket;
    if buffer.set_extension(policy, 3, b"value").is_ok() {
        assert_eq!(buffer.view().extension(3), Some(&b"value"[..]));
    }
    buffer.remove_extension(policy, 1);
    assert_eq!(buffer.view().payload(), view.payload());
}

#[test]
fn version_other_than_two_is_refused() {
    for version in [0, 1, 3] {
        let mut bytes = hex(FIREFOX);
        bytes[0] = bytes[0] & 0x3f | version << 6;
        assert_eq!(PacketView::parse(&bytes).err(), Some(DecodeError::Version));
    }
}

#[test]
fn one_byte_elements_stop_at_id_15_and_at_id_0_with_a_length() {
    for stop in [0xf0, 0xff, 0x01, 0x0f] {
        let block = [0x10, 7, 0, stop, 0x20, 8, 0, 0];
        let bytes = with_block(0xbede, &block);
        let view = PacketView::parse(&bytes).unwrap();
        let elements: Vec<_> = view.extensions().collect();
        assert_eq!(elements, [(1, &[7][..])], "{stop:#x}");
        assert_eq!(view.payload(), b"pay");
    }
    let padded = with_block(0xbede, &[0, 0, 0x10, 7, 0, 0x20, 8, 0]);
    let view = PacketView::parse(&padded).unwrap();
    assert_eq!(view.extensions().count(), 2);
}

#[test]
fn two_byte_elements_take_any_id_and_any_length() {
    let mut block = vec![255, 0, 15, 1, 9, 0, 20, 255];
    block.extend_from_slice(&[3; 255]);
    block.push(0);
    for profile in 0x1000..=0x100f {
        let bytes = with_block(profile, &block);
        let view = PacketView::parse(&bytes).unwrap();
        assert_eq!(view.header().extension_form(), Some(ExtensionForm::TwoByte));
        let elements: Vec<_> = view.extensions().collect();
        assert_eq!(elements, [(255, &[][..]), (15, &[9]), (20, &[3; 255])]);
    }
}

#[test]
fn first_of_duplicate_extensions_wins() {
    let bytes = with_block(0xbede, &[0x10, 1, 0x10, 2, 0x20, 3, 0x10, 4]);
    let view = PacketView::parse(&bytes).unwrap();
    assert_eq!(view.extension(1), Some(&[1][..]));
    assert_eq!(view.header().duplicate_extensions(), 2);
    let packet = owned(&bytes);
    assert_eq!(packet.extensions.iter().count(), 2);
    assert_eq!(packet.extensions.get(1), Some(&[1][..]));
}

#[test]
fn opaque_and_encrypted_blocks_have_no_elements_and_opaque_ones_are_kept() {
    for profile in [0x0000, 0x1010, 0xffff, 0xbedf] {
        let bytes = with_block(profile, &[0x10, 1, 0x20, 2]);
        let packet = owned(&bytes);
        assert_eq!(
            packet.extensions.as_opaque(),
            Some((profile, &[0x10, 1, 0x20, 2][..]))
        );
        assert_eq!(packet.extensions.iter().count(), 0);
        assert_eq!(PacketView::parse(&bytes).unwrap().extensions().count(), 0);
        let mut written = Vec::new();
        packet.encode(&mut written);
        assert_eq!(written, bytes);
    }
    for profile in [0xc0de, 0xc2de] {
        let bytes = with_block(profile, &[0x10, 1, 0x20, 2]);
        let view = PacketView::parse(&bytes).unwrap();
        assert_eq!(
            view.header().extension_form(),
            Some(ExtensionForm::Cryptex(profile))
        );
        assert_eq!(view.extensions().count(), 0);
        assert!(owned(&bytes).extensions.is_empty());
    }
    assert_eq!(
        Extensions::opaque(0xbede, &[]),
        Err(OpaqueExtensionError::Profile)
    );
    assert_eq!(
        Extensions::opaque(7, &[0]),
        Err(OpaqueExtensionError::Length)
    );
    let mut opaque = Extensions::opaque(7, &[0; 4]).unwrap();
    assert_eq!(opaque.set(1, &[1]), Err(SetExtensionError::Opaque));
}

#[test]
fn form_follows_the_negotiated_policy() {
    let write = |packet: &Packet, policy| {
        let mut bytes = Vec::new();
        packet.encode_with(policy, &mut bytes);
        bytes
    };
    let form = |bytes: &[u8]| PacketView::parse(bytes).unwrap().header().extension_form();
    let mut packet = Packet::default();
    packet.extensions.set(1, &[1]).unwrap();
    let policies = [ExtensionFormPolicy::PerPacket, ExtensionFormPolicy::OneByte];
    for policy in policies {
        assert_eq!(form(&write(&packet, policy)), Some(ExtensionForm::OneByte));
    }
    let two = write(&packet, ExtensionFormPolicy::TwoByte);
    assert_eq!(form(&two), Some(ExtensionForm::TwoByte));

    for (id, value) in [(15, &[1][..]), (2, &[]), (3, &[0; 17])] {
        let mut packet = packet.clone();
        packet.extensions.set(id, value).unwrap();
        let mixed = write(&packet, ExtensionFormPolicy::PerPacket);
        assert_eq!(form(&mixed), Some(ExtensionForm::TwoByte));
        assert_eq!(
            PacketView::parse(&mixed).unwrap().extension(id),
            Some(value)
        );
        let one = write(&packet, ExtensionFormPolicy::OneByte);
        assert_eq!(form(&one), Some(ExtensionForm::OneByte));
        let view = PacketView::parse(&one).unwrap();
        assert_eq!(
            (view.extension(1), view.extension(id)),
            (Some(&[1][..]), None)
        );
        packet.extensions.remove(1);
        assert_eq!(form(&write(&packet, ExtensionFormPolicy::OneByte)), None);
    }
}

#[test]
fn map_keeps_pairs_for_the_life_of_the_session() {
    let mut map = ExtensionMap::new();
    map.insert(3, ExtensionUri::MID).unwrap();
    map.insert(3, ExtensionUri::new(ExtensionUri::MID.as_str()))
        .unwrap();
    assert_eq!(
        map.insert(3, ExtensionUri::RID),
        Err(ExtensionMapError::IdTaken)
    );
    assert_eq!(
        map.insert(4, ExtensionUri::MID),
        Err(ExtensionMapError::UriTaken)
    );
    assert_eq!(map.insert(0, ExtensionUri::RID), Err(ExtensionMapError::Id));
    assert_eq!(map.ids().mid, Some(3));
    assert_eq!(map.ids().rid, None);
    assert_eq!(map.free_id(), Some(1));
    assert_eq!(map.form_policy(), ExtensionFormPolicy::OneByte);
    map.insert(17, ExtensionUri::new("urn:example:other"))
        .unwrap();
    assert_eq!(map.form_policy(), ExtensionFormPolicy::TwoByte);
    map.set_allow_mixed(true);
    assert_eq!(map.form_policy(), ExtensionFormPolicy::PerPacket);
    assert_eq!(map.iter().map(|(id, _)| id).collect::<Vec<_>>(), [3, 17]);
}

#[test]
fn extensions_are_set_replaced_and_removed_on_the_heap_too() {
    let mut extensions = Extensions::new();
    for id in 1..=20 {
        extensions.set(id, &[id; 5]).unwrap();
    }
    extensions.set(3, &[9; 5]).unwrap();
    extensions.set(4, &[8; 30]).unwrap();
    assert!(extensions.remove(5));
    assert!(!extensions.remove(5));
    assert_eq!(extensions.get(3), Some(&[9; 5][..]));
    assert_eq!(extensions.get(4), Some(&[8; 30][..]));
    assert_eq!(extensions.get(6), Some(&[6; 5][..]));
    assert_eq!(extensions.iter().count(), 19);
    assert_eq!(extensions.set(0, &[]), Err(SetExtensionError::Id));
    assert_eq!(extensions.set(1, &[0; 256]), Err(SetExtensionError::Length));
    extensions.clear();
    assert!(extensions.is_empty());
}

#[test]
fn contributing_sources_stop_at_fifteen() {
    let mut csrcs: Csrcs = (0..20).map(Ssrc::new).collect();
    assert_eq!(csrcs.as_slice().len(), MAX_CSRCS);
    assert_eq!(csrcs.push(Ssrc::new(1)), Err(CsrcsFull));
    csrcs.clear();
    csrcs.push(Ssrc::new(1)).unwrap();
}

#[test]
fn fields_change_in_place_and_nothing_else_moves() {
    let mut bytes = hex(FIREFOX);
    let mut view = PacketViewMut::parse(&mut bytes).unwrap();
    view.set_payload_type(PayloadType::new(111).unwrap());
    view.set_marker(true);
    view.set_sequence_number(SequenceNumber::new(1));
    view.set_timestamp(2);
    view.set_ssrc(Ssrc::new(3));
    view.set_extension(7, &[0xab, 0xcd]).unwrap();
    assert_eq!(
        view.set_extension(7, &[1]),
        Err(UpdateExtensionError::Length)
    );
    assert_eq!(
        view.set_extension(9, &[1]),
        Err(UpdateExtensionError::Missing)
    );
    view.payload_mut()[0] = 0;
    assert_eq!(
        bytes,
        hex("90ef00010000000200000003bede000271abcd303010ff0000fffe")
    );
}

#[test]
fn contributing_source_that_looks_like_a_profile_word_is_not_written_to() {
    let mut bytes = hex("816000010000000000000001bede0001");
    bytes.extend_from_slice(&[0x10, 7, 0, 0]);
    let before = bytes.clone();
    let mut view = PacketViewMut::parse(&mut bytes).unwrap();
    assert_eq!(
        view.set_extension(1, &[9]),
        Err(UpdateExtensionError::Missing)
    );
    assert_eq!(bytes, before);
}

#[test]
fn extensions_are_put_in_and_taken_out_without_moving_the_payload() {
    let policy = ExtensionFormPolicy::PerPacket;
    let original = hex(FIREFOX);
    let mut buffer = PacketBuffer::new(&original).unwrap();
    let payload = |buffer: &PacketBuffer| buffer.view().payload().as_ptr();
    let place = payload(&buffer);
    buffer.set_extension(policy, 4, b"hi").unwrap();
    assert_eq!(buffer.view().extension(4), Some(&b"hi"[..]));
    assert_eq!(buffer.view().extension(3), Some(&b"0"[..]));
    buffer
        .set_extension(policy, 4, b"rid-16-octets-xx")
        .unwrap();
    assert_eq!(buffer.view().extension(4).map(<[u8]>::len), Some(16));
    buffer.set_extension(policy, 4, b"").unwrap();
    assert_eq!(
        buffer.view().header().extension_form(),
        Some(ExtensionForm::TwoByte),
        "an empty value needs it"
    );
    assert!(buffer.remove_extension(policy, 4));
    assert!(!buffer.remove_extension(policy, 4));
    assert_eq!(payload(&buffer), place, "the payload never moved");
    assert_eq!(buffer.as_bytes(), original, "and nothing else changed");
    for id in [7, 3, 1] {
        assert!(buffer.remove_extension(policy, id));
    }
    assert_eq!(buffer.as_bytes()[0] & 0x10, 0, "an empty block is gone");
    assert_eq!(buffer.view().header_len(), FIXED_HEADER_LEN);
    buffer.view_mut().unwrap().set_ssrc(Ssrc::new(9));
    assert_eq!(buffer.view().ssrc(), Ssrc::new(9));
    assert_eq!(payload(&buffer), place);
}

#[test]
fn a_buffer_without_room_grows_and_keeps_its_packet() {
    let mut packet = vec![0x81, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 7];
    packet.extend_from_slice(b"payload");
    let mut buffer = PacketBuffer::new(&packet).unwrap();
    for id in 1..=100 {
        buffer
            .set_extension(ExtensionFormPolicy::TwoByte, id, &[id; 30])
            .unwrap();
    }
    let view = buffer.view();
    assert_eq!(view.extensions().count(), 100);
    assert_eq!(view.extension(100), Some(&[100; 30][..]));
    assert_eq!(view.csrcs().collect::<Vec<_>>(), [Ssrc::new(7)]);
    assert_eq!(view.payload(), b"payload");
    for id in 1..=100 {
        assert!(buffer.remove_extension(ExtensionFormPolicy::TwoByte, id));
    }
    assert_eq!(buffer.as_bytes(), packet);
    assert!(buffer.fill(&packet[..5]).is_err());
    assert_eq!(buffer.as_bytes(), packet, "it keeps what it had");
}

#[test]
fn what_cannot_be_put_in_is_refused_and_nothing_changes() {
    let original = hex(FIREFOX);
    let mut buffer = PacketBuffer::new(&original).unwrap();
    let one_byte = ExtensionFormPolicy::OneByte;
    let set =
        |buffer: &mut PacketBuffer, id, value: &[u8]| buffer.set_extension(one_byte, id, value);
    assert_eq!(set(&mut buffer, 15, b"x"), Err(SetExtensionError::Form));
    assert_eq!(set(&mut buffer, 2, &[0; 17]), Err(SetExtensionError::Form));
    let any = ExtensionFormPolicy::PerPacket;
    assert_eq!(
        buffer.set_extension(any, 0, b"x"),
        Err(SetExtensionError::Id)
    );
    let long = buffer.set_extension(any, 2, &[0; 256]);
    assert_eq!(long, Err(SetExtensionError::Length));
    assert_eq!(buffer.as_bytes(), original);
    for profile in [0xc0de_u16, 0xc2de, 0x1234] {
        let mut opaque = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        opaque.extend_from_slice(&profile.to_be_bytes());
        opaque.extend_from_slice(&[0, 1, 0x10, 1, 2, 3, 4]);
        let mut buffer = PacketBuffer::new(&opaque).unwrap();
        let refused = buffer.set_extension(any, 1, b"x");
        assert_eq!(refused, Err(SetExtensionError::Opaque));
        assert!(!buffer.remove_extension(any, 1));
        assert_eq!(buffer.as_bytes(), opaque);
    }
}

#[test]
fn a_budget_leaves_what_headers_and_seals_do_not_take() {
    let budget = PacketBudget {
        csrcs: 2,
        extensions_len: 12,
        tag_len: 10,
        mki_len: 4,
        retransmission_len: 2,
        ..PacketBudget::new(1200)
    };
    assert_eq!(budget.max_payload(), 1200 - 12 - 8 - 12 - 10 - 4 - 2);
    let cryptex = PacketBudget {
        csrcs: 1,
        cryptex: true,
        ..PacketBudget::new(100)
    };
    assert_eq!(cryptex.max_payload(), 100 - 12 - 4 - 4);
    assert_eq!(PacketBudget::new(5).max_payload(), 0);
    let one = ExtensionFormPolicy::OneByte;
    assert_eq!(extension_block_len(one, []), 0);
    assert_eq!(extension_block_len(one, [(15, 3)]), 0, "left out");
    assert_eq!(extension_block_len(one, [(1, 3), (15, 3)]), 8);
    let both = ExtensionFormPolicy::PerPacket;
    assert_eq!(extension_block_len(both, [(1, 3), (15, 3)]), 4 + 12);
}

prop_compose! {
    fn any_packet()(
        payload_type in 0_u8..128,
        marker in any::<bool>(),
        (seq, timestamp, ssrc) in any::<(u16, u32, u32)>(),
        csrcs in proptest::collection::vec(any::<u32>(), 0..=15),
        extensions in proptest::collection::btree_map(
            1_u8..=255, proptest::collection::vec(any::<u8>(), 0..40), 0..8),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        padding_len in any::<u8>(),
    ) -> Packet {
        let mut packet = Packet {
            payload_type: PayloadType::new(payload_type).unwrap(),
            marker,
            sequence_number: SequenceNumber::new(seq),
            timestamp,
            ssrc: Ssrc::new(ssrc),
            csrcs: csrcs.into_iter().map(Ssrc::new).collect(),
            payload: payload.into(),
            padding_len,
            ..Packet::default()
        };
        for (id, value) in extensions {
            packet.extensions.set(id, &value).unwrap();
        }
        packet
    }
}

proptest! {
    #[test]
    fn a_buffer_changes_extensions_as_an_owned_packet_does(
        packet in any_packet(),
        changes in proptest::collection::vec(
            (1_u8..=30, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..60))), 0..20),
        small in any::<bool>(),
    ) {
        let mut packet = packet;
        if small {
            packet.extensions.clear();
        }
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        let mut buffer = PacketBuffer::new(&bytes).unwrap();
        for (id, value) in changes {
            let id = if small { id % 14 + 1 } else { id };
            let value = value.map(|mut value| {
                if small {
                    value.truncate(16);
                    value.push(id);
                    value.truncate(16);
                }
                value
            });
            match value {
                Some(value) => {
                    packet.extensions.set(id, &value).unwrap();
                    buffer.set_extension(ExtensionFormPolicy::PerPacket, id, &value).unwrap();
                }
                None => {
                    let removed = packet.extensions.remove(id);
                    prop_assert_eq!(buffer.remove_extension(ExtensionFormPolicy::PerPacket, id), removed);
                }
            }
            let view = buffer.view();
            prop_assert_eq!(&Packet::from_view(&view, packet.payload.clone()), &packet);
            prop_assert_eq!(view.payload(), &packet.payload[..]);
            let len = extension_block_len(
                ExtensionFormPolicy::PerPacket,
                packet.extensions.iter().map(|(id, value)| (id, value.len())));
            prop_assert_eq!(len, view.header_len() - FIXED_HEADER_LEN - 4 * view.csrcs().len());
        }
    }

    #[test]
    fn any_packet_goes_round(packet in any_packet()) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes);
        prop_assert_eq!(bytes.len(), packet.encoded_len());
        prop_assert_eq!(owned(&bytes), packet);
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_what_is_read_is_written_back(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..80),
        head in 0x80_u8..0xc0,
    ) {
        if let Some(first) = bytes.first_mut() {
            *first = head;
        }
        if let Ok(view) = PacketView::parse(&bytes) {
            prop_assert_eq!(view.header_len() + view.payload().len() + view.padding_len(), bytes.len());
            let packet = Packet::from_view(&view, Bytes::copy_from_slice(view.payload()));
            let mut written = Vec::new();
            packet.encode(&mut written);
            prop_assert_eq!(owned(&written), packet);
        }
        let _ = PacketViewMut::parse(&mut bytes).map(|mut view| view.set_extension(1, &[1]));
    }
}
