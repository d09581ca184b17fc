use proptest::prelude::*;

use super::*;
use crate::message::{Ordering, Ppid, StreamId};
use crate::serial::{Mid, Ssn, Tsn};

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn decode(bytes: &[u8]) -> Chunk<'_> {
    let mut chunks = Chunks::new(bytes);
    let chunk = Chunk::decode(chunks.next().unwrap().unwrap()).unwrap();
    assert_eq!(chunks.next(), None);
    chunk
}

fn encode(chunk: &Chunk<'_>) -> Vec<u8> {
    let mut buf = vec![0xee];
    chunk.encode(&mut buf);
    assert_eq!(buf.remove(0), 0xee);
    buf
}

/// Reads the chunk, writes it again, and cuts its value short at every place but those that leave a valid one.
fn check(hex: &str, valid_value_lengths: &[usize]) {
    let bytes = from_hex(hex);
    let chunk = decode(&bytes);
    assert_eq!(encode(&chunk), bytes);
    let raw = Chunks::new(&bytes).next().unwrap().unwrap();
    for length in 0..raw.value.len() {
        let value = &raw.value[..length];
        let cut = Chunk::decode(RawChunk { value, ..raw });
        let valid = valid_value_lengths.contains(&length);
        assert_eq!(cut.is_ok(), valid, "{:?} cut to {length}", raw.kind);
    }
}

/// Where a value is free text, any length of at least `least` is valid.
fn from(least: usize) -> Vec<usize> {
    (least..2000).collect()
}

// From the corpus of libwebrtc's packet fuzzer: what usrsctp said, as Wireshark saw it.
const HEARTBEAT: &str =
    "0400002c00010028f65f915f75b40300000000000000000000000000000000000000000000000000000000000000";

#[test]
fn data_from_capture() {
    let hex = "0003002b9d3057ea00000000000000320300000000000000000f00006461746153656e64\
               4368616e6e656c00";
    let hex = hex.replace(' ', "");
    check(&hex, &from(12));
    let bytes = from_hex(&hex);
    let Chunk::Data(data) = decode(&bytes) else {
        panic!("not DATA")
    };
    assert_eq!(data.tsn, Tsn::new(0x9d30_57ea));
    assert_eq!((data.stream, data.ssn), (StreamId::new(0), Ssn::new(0)));
    assert_eq!(data.ppid, Ppid::new(50));
    assert!(data.beginning && data.ending && !data.immediate);
    assert_eq!(data.ordering, Ordering::Ordered);
    assert!(data.payload.ends_with(b"dataSendChannel"));
}

#[test]
fn init_from_capture() {
    let hex = "0100005aee8b86d40002000003e803e8480fbd8380000004c000000480080009c00fc18082000000\
               800200246039ae4c61a9556f46c45729f8ba1e55e725fb440fecbe552c2e1b60a396db7c\
               800400060001000080030006 80c10000";
    let bytes = from_hex(&hex.replace(' ', ""));
    let Chunk::Init(init) = decode(&bytes) else {
        panic!("not INIT")
    };
    assert_eq!(init.initiate_tag, 0xee8b_86d4);
    assert_eq!(init.a_rwnd, 131_072);
    assert_eq!((init.outbound_streams, init.inbound_streams), (1000, 1000));
    let kinds = init.parameters.map(|parameter| parameter.unwrap().kind.0);
    let kinds = kinds.collect::<Vec<_>>();
    assert_eq!(kinds, [0x8000, 0xc000, 0x8008, 0x8002, 0x8004, 0x8003]);
    check(&hex.replace(' ', ""), &from(16));
}

#[test]
fn sack_from_capture() {
    // The first is whole; the second is the capture's gap block, with a duplicate added.
    check("030000100502ad170002000000000000", &[]);
    check("030000188f23caef0001fb73000100010000000200050008", &[]);
    let bytes = from_hex("030000148f23caef0001fb730001000000020002");
    let Chunk::Sack(sack) = decode(&bytes) else {
        panic!("not SACK")
    };
    assert_eq!(sack.cumulative_tsn_ack, Tsn::new(0x8f23_caef));
    assert_eq!(sack.a_rwnd, 129_907);
    let block = GapAckBlock { start: 2, end: 2 };
    assert!(sack.gap_ack_blocks().eq([block]));
    assert_eq!(sack.duplicates().len(), 0);
}

#[test]
fn heartbeats_from_capture() {
    let value = &HEARTBEAT[..88];
    check(value, &from(0));
    check(&format!("05{}", &value[2..]), &from(0));
}

#[test]
fn chunks_without_a_capture_are_written_as_they_were_read() {
    check("0600000c000d000862616421", &from(0));
    check("06010004", &[]);
    check("0700000801020304", &[]);
    check("08000004", &[]);
    check("0900000c0001000800100000", &from(0));
    check("0a000008deadbeef", &from(0));
    check("0b000004", &[]);
    check("0e010004", &[]);
    check("82000016000d0012ae8d8239bf74f2a1ae8d823900090000", &from(0));
    check("bf00000861626364", &from(0));
}

#[test]
fn abort_and_error_carry_causes() {
    let bytes = from_hex("0900001400060006c10000000001000800100000");
    let Chunk::Error(error) = decode(&bytes) else {
        panic!("not ERROR")
    };
    let causes = error.causes.map(|cause| cause.unwrap());
    let causes = causes.collect::<Vec<_>>();
    assert_eq!(causes.len(), 2);
    assert_eq!(causes[0].code, CauseCode::UNRECOGNIZED_CHUNK);
    assert_eq!(causes[0].value, [0xc1, 0]);
    assert_eq!(causes[1].code, CauseCode::INVALID_STREAM);
    let mut written = Vec::new();
    for cause in &causes {
        cause.encode(&mut written);
    }
    assert_eq!(written, bytes[4..]);
}

#[test]
fn a_stream_reset_request_from_capture() {
    let bytes = from_hex("82000016000d0012ae8d8239bf74f2a1ae8d823900090000");
    let Chunk::ReConfig(chunk) = decode(&bytes) else {
        panic!("not RE-CONFIG")
    };
    let parameter = chunk.parameters.clone().next().unwrap().unwrap();
    assert_eq!(parameter.kind, OutgoingResetRequest::KIND);
    let request = OutgoingResetRequest::decode(parameter.value).unwrap();
    assert_eq!(request.request_sequence_number, 0xae8d_8239);
    assert!(request.streams().eq([StreamId::new(9)]));
    let mut written = Vec::new();
    request.encode(&mut written);
    assert_eq!(written, bytes[4..]);
    for length in [0, 4, 8, 11, 13] {
        assert!(OutgoingResetRequest::decode(&parameter.value[..length]).is_err());
    }
}

#[test]
fn a_stream_reset_response_is_written_as_it_was_read() {
    let response = ReConfigResponse {
        response_sequence_number: 7,
        result: ReConfigResult::PERFORMED,
    };
    let mut written = Vec::new();
    response.encode(&mut written);
    assert_eq!(written, [0, 16, 0, 12, 0, 0, 0, 7, 0, 0, 0, 1]);
    assert_eq!(ReConfigResponse::decode(&written[4..]), Ok(response));
    for length in 4..11 {
        assert!(ReConfigResponse::decode(&written[4..length]).is_err());
    }
}

#[test]
fn i_data_from_capture() {
    // Firefox 153 says "hello", and goes on with a larger message.
    let hello = "400300195657fa7100030000000000010000003368656c6c6f000000";
    check(hello, &from(16));
    let bytes = from_hex(hello);
    let Chunk::IData(data) = decode(&bytes) else {
        panic!("not I-DATA")
    };
    assert_eq!(data.tsn, Tsn::new(0x5657_fa71));
    assert_eq!((data.stream, data.mid), (StreamId::new(3), Mid::new(1)));
    assert_eq!(data.place, Place::Beginning(Ppid::new(51)));
    assert!(data.ending && !data.immediate && data.payload == b"hello");
    let later = from_hex("400100185657fa7600030000000000040000000278787878");
    let Chunk::IData(data) = decode(&later) else {
        panic!("not I-DATA")
    };
    assert_eq!((data.place, data.place.fsn()), (Place::Later(2), 2));
    assert_eq!(encode(&Chunk::IData(data)), later);
}

#[test]
fn forward_tsn_is_written_as_it_was_read() {
    check("c00000100000002a0001000500020007", &[4, 8]);
    let bytes = from_hex("c00000100000002a0001000500020007");
    let Chunk::ForwardTsn(forward) = decode(&bytes) else {
        panic!("not FORWARD-TSN")
    };
    assert_eq!(forward.new_cumulative_tsn, Tsn::new(42));
    let skipped = [(1, 5), (2, 7)].map(|(id, ssn)| (StreamId::new(id), Ssn::new(ssn)));
    assert!(forward.skipped().eq(skipped));
}

#[test]
fn i_forward_tsn_is_written_as_it_was_read() {
    let hex = "c20000180000002a000100000000000500020001fffffff0";
    check(hex, &[4, 12]);
    let bytes = from_hex(hex);
    let Chunk::IForwardTsn(forward) = decode(&bytes) else {
        panic!("not I-FORWARD-TSN")
    };
    let skipped = [
        (StreamId::new(1), Ordering::Ordered, Mid::new(5)),
        (StreamId::new(2), Ordering::Unordered, Mid::new(0xffff_fff0)),
    ];
    assert!(forward.skipped().eq(skipped));
}

#[test]
fn padding_is_written_as_long_as_it_was_asked_for() {
    check("84000008deadbeef", &from(0));
    for length in (4..40).step_by(4) {
        let mut buf = Vec::new();
        PadChunk::encode_zeros(&mut buf, length);
        assert_eq!(buf.len(), length);
        assert!(matches!(decode(&buf), Chunk::Pad(pad) if pad.padding.len() == length - 4));
    }
}

#[test]
fn a_wish_for_a_reset_is_written_as_it_was_read() {
    let parameter = from_hex("000e000c0000000700010002");
    let request = IncomingResetRequest::decode(&parameter[4..]).unwrap();
    assert!(request.streams().eq([StreamId::new(1), StreamId::new(2)]));
    let mut written = Vec::new();
    request.encode(&mut written);
    assert_eq!(written, parameter);
    for length in [0, 3, 5, 7] {
        assert!(IncomingResetRequest::decode(&parameter[4..4 + length]).is_err());
    }
}

#[test]
fn a_parameter_of_length_zero_ends_the_list() {
    let mut parameters = Parameters(&[0x80, 8, 0, 0, 1, 2, 3, 4]);
    assert_eq!(parameters.next(), Some(Err(DecodeError::Length)));
    assert_eq!(parameters.next(), None);
}

#[test]
fn the_high_bits_of_an_unknown_type_say_what_to_do() {
    let all = [0x00u8, 0x40, 0x80, 0xc0].map(|kind| {
        let action = ChunkType(kind).when_unknown();
        (action.skip, action.report)
    });
    let expected = [(false, false), (false, true), (true, false), (true, true)];
    assert_eq!(all, expected);
    assert_eq!(
        ParameterType(0xc123).when_unknown(),
        WhenUnknown {
            skip: true,
            report: true
        }
    );
}

/// What the fuzzer found: bits that mean nothing were written back as zeros, and the chunk was not the same any more.
#[test]
fn reserved_bits_of_an_i_forward_tsn_mean_nothing() {
    let bytes = from_hex("c20400103f984aff0a180f006e0000e7");
    let chunk = decode(&bytes);
    let written = encode(&chunk);
    assert_eq!(written, from_hex("c20000103f984aff0a1800006e0000e7"));
    assert_eq!(decode(&written), chunk);
    let another = from_hex("c20000103f984aff0a1800016e0000e7");
    assert_ne!(
        decode(&another),
        chunk,
        "the bit of unordered messages counts"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_written_back(bytes: Vec<u8>) {
        for raw in Chunks::new(&bytes).flatten() {
            if let Ok(chunk) = Chunk::decode(raw) {
                let written = encode(&chunk);
                let again = decode(&written);
                prop_assert_eq!(encode(&again), written);
            }
        }
    }

    #[test]
    fn any_data_chunk_survives_the_wire(
        numbers: (u32, u16, u16, u32),
        flags: (bool, bool, bool, bool),
        payload: Vec<u8>,
    ) {
        let chunk = Chunk::Data(DataChunk {
            tsn: Tsn::new(numbers.0),
            stream: StreamId::new(numbers.1),
            ssn: Ssn::new(numbers.2),
            ppid: Ppid::new(numbers.3),
            ordering: if flags.0 { Ordering::Ordered } else { Ordering::Unordered },
            beginning: flags.1,
            ending: flags.2,
            immediate: flags.3,
            payload: &payload,
        });
        let written = encode(&chunk);
        prop_assert_eq!(decode(&written), chunk);
    }
}
