//! Retransmission, framing over streams, and URIs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::{Duration, Instant};

use avocet_stun::*;
use net::{Path, StreamId, Transport};
use proptest::prelude::*;

fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    Instant::now()
}

fn path() -> Path {
    Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into())
}

fn response(id: TransactionId) -> Vec<u8> {
    let mut buf = Vec::new();
    let builder = MessageBuilder::new(&mut buf, Class::Success, Method::BINDING, id);
    builder.finish().unwrap();
    buf
}

const ID: TransactionId = TransactionId::new([1; 12]);

#[test]
fn a_request_over_udp_is_sent_seven_times_in_39_and_a_half_seconds() {
    let start = epoch();
    let mut transactions = Transactions::new(Timing::default(), 16);
    transactions
        .start(ID, path(), b"request".to_vec(), "purpose")
        .unwrap();
    let mut now = start;
    let mut sent = Vec::new();
    loop {
        let mut buf = b"prefix".to_vec();
        if transactions.poll_transmit(now, &mut buf).is_some() {
            assert_eq!(
                buf, b"prefixrequest",
                "a retransmission is byte for byte the same"
            );
            sent.push((now - start).as_millis());
        }
        now = transactions.poll_timeout().unwrap();
        if let Some(purpose) = transactions.expire(now) {
            assert_eq!(purpose, "purpose");
            break;
        }
    }
    assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert_eq!((now - start).as_millis(), 39_500);
    assert!(transactions.is_empty() && transactions.poll_timeout().is_none());
}

#[test]
fn a_request_over_a_stream_is_sent_once() {
    let start = epoch();
    let stream = Path {
        transport: Transport::Stream(StreamId::new(1)),
        ..path()
    };
    let mut transactions = Transactions::new(Timing::default(), 16);
    transactions.start(ID, stream, vec![1], ()).unwrap();
    assert!(transactions.poll_transmit(start, &mut Vec::new()).is_some());
    let end = transactions.poll_timeout().unwrap();
    assert_eq!((end - start).as_millis(), 39_500);
    assert!(transactions.expire(end).is_some());
    assert!(transactions.poll_transmit(end, &mut Vec::new()).is_none());
}

#[test]
fn a_response_belongs_by_id_and_path_and_only_after_the_request_was_sent() {
    let start = epoch();
    let mut transactions = Transactions::new(Timing::default(), 1);
    transactions.start(ID, path(), vec![1], ()).unwrap();
    assert!(
        transactions.start(ID, path(), vec![1], ()).is_err(),
        "the table is full"
    );
    let bytes = response(ID);
    let right = Message::decode(&bytes).unwrap();
    assert!(
        transactions.find(&path(), &right).is_none(),
        "nothing was asked yet"
    );
    transactions.poll_transmit(start, &mut Vec::new());
    assert!(transactions.find(&path(), &right).is_some());
    let elsewhere = Path::udp(path().local, ([10, 0, 0, 3], 2).into());
    assert!(transactions.find(&elsewhere, &right).is_none());
    let bytes = response(TransactionId::new([2; 12]));
    assert!(
        transactions
            .find(&path(), &Message::decode(&bytes).unwrap())
            .is_none()
    );
}

#[test]
fn a_round_trip_is_measured_only_when_one_sending_can_have_been_answered() {
    let start = epoch();
    let later = start + Duration::from_millis(700);
    let mut transactions = Transactions::new(Timing::default(), 16);
    transactions.start(ID, path(), vec![1], ()).unwrap();
    transactions.poll_transmit(start, &mut Vec::new());
    let answered = transactions.finish(later, ID).unwrap();
    assert_eq!(answered.round_trip, Some(Duration::from_millis(700)));
    // The next request waits as long as that server needs.
    transactions.start(ID, path(), vec![1], ()).unwrap();
    transactions.poll_transmit(start, &mut Vec::new());
    assert_eq!(
        transactions.poll_timeout(),
        Some(start + Duration::from_millis(1_400))
    );
    transactions.expire(start + Duration::from_millis(1_400));
    transactions.poll_transmit(start + Duration::from_millis(1_400), &mut Vec::new());
    let answered = transactions
        .finish(start + Duration::from_millis(1_500), ID)
        .unwrap();
    assert_eq!(answered.round_trip, None);
    assert_eq!(transactions.round_trip(), Some(Duration::from_millis(700)));
}

#[test]
fn the_longest_frame_of_a_stream_is_read() {
    // 5.3 no. 13; 16-bit arithmetic would make 15 bytes of it.
    let mut frame = vec![0; 20 + 65_532];
    frame[2..4].copy_from_slice(&65_532_u16.to_be_bytes());
    let mut count = 0;
    let mut reader = FrameReader::new(measure_message);
    for piece in frame.chunks_mut(1_000) {
        reader
            .read(piece, |frame| {
                assert_eq!(frame.len(), 65_552);
                count += 1;
            })
            .unwrap();
        assert!(reader.buffered() <= MAX_FRAME_LENGTH);
    }
    assert_eq!((count, reader.buffered()), (1, 0));
    // A frame of which little comes takes little.
    reader
        .read(&mut [0, 1, 0xff, 0xfc, 1, 2, 3, 4], |_| panic!())
        .unwrap();
    assert_eq!(reader.buffered(), 8);
}

#[test]
fn a_stream_out_of_step_is_an_error_from_then_on() {
    let mut reader = FrameReader::new(measure_message);
    assert!(reader.read(&mut b"HTTP".to_owned(), |_| panic!()).is_err());
    assert!(reader.read(&mut response(ID), |_| panic!()).is_err());
}

proptest! {
    #[test]
    fn a_stream_cut_in_any_way_gives_the_same_frames(
        lengths in prop::collection::vec(0_usize..40, 1..20),
        cuts in prop::collection::vec(1_usize..60, 1..20),
    ) {
        let frames: Vec<Vec<u8>> = lengths.iter().map(|length| {
            let mut frame = vec![0, 1, 0, u8::try_from(length * 4).unwrap()];
            frame.resize(20 + length * 4, 7);
            frame
        }).collect();
        let mut stream: &[u8] = &frames.concat();
        let mut reader = FrameReader::new(measure_message);
        let mut read = Vec::new();
        for cut in cuts.iter().cycle() {
            let (piece, rest) = stream.split_at((*cut).min(stream.len()));
            reader.read(&mut piece.to_vec(), |frame| read.push(frame.to_vec())).unwrap();
            stream = rest;
            if stream.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn any_text_is_a_uri_or_an_error(text in "(stun|turn|turns|x)?:?[a-z0-9.:?=\\[\\]]{0,30}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
        }
    }
}

#[test]
fn the_uris_of_rfc_7064_and_7065_are_read() {
    // The examples of RFC 7064 appendix and RFC 7065 appendix, with their defaults.
    for (text, host, port, transport) in [
        ("stun:example.org", "example.org", 3478, UriTransport::Udp),
        ("stuns:example.org", "example.org", 5349, UriTransport::Tcp),
        (
            "stun:example.org:8000",
            "example.org",
            8000,
            UriTransport::Udp,
        ),
        ("turn:example.org", "example.org", 3478, UriTransport::Udp),
        ("turns:example.org", "example.org", 5349, UriTransport::Tcp),
        (
            "turn:example.org:8000",
            "example.org",
            8000,
            UriTransport::Udp,
        ),
        (
            "turn:example.org?transport=udp",
            "example.org",
            3478,
            UriTransport::Udp,
        ),
        (
            "turn:example.org?transport=tcp",
            "example.org",
            3478,
            UriTransport::Tcp,
        ),
        (
            "turns:example.org?transport=tcp",
            "example.org",
            5349,
            UriTransport::Tcp,
        ),
        (
            "turn:[2001:db8::1]:1234?transport=tcp",
            "2001:db8::1",
            1234,
            UriTransport::Tcp,
        ),
        ("turn:192.0.2.1", "192.0.2.1", 3478, UriTransport::Udp),
    ] {
        let uri: Uri = text.parse().unwrap();
        assert_eq!(
            (uri.host(), uri.port(), uri.transport()),
            (host, port, transport)
        );
        assert_eq!(uri.to_string(), text);
        assert_eq!(uri.scheme().is_turn(), text.starts_with("turn"));
    }
}

#[test]
fn what_is_no_uri_of_a_server_is_refused() {
    for (text, error) in [
        ("example.org", UriError::Scheme),
        ("http:example.org", UriError::Scheme),
        ("turn:", UriError::Host),
        ("turn://example.org", UriError::Host),
        ("turn:user@example.org", UriError::Host),
        ("turn:[2001:db8::1", UriError::Host),
        ("turn:2001:db8::1", UriError::Port),
        ("turn:example.org:0", UriError::Port),
        ("turn:example.org:+80", UriError::Port),
        ("turn:example.org:65536", UriError::Port),
        ("stun:example.org?transport=udp", UriError::Query),
        ("turn:example.org?transport=sctp", UriError::Query),
    ] {
        assert_eq!(text.parse::<Uri>(), Err(error), "{text}");
    }
}
