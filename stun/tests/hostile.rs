//! A hostile network towards the client of STUN servers and its transactions: what is forged, replayed, cut short, swapped or
//! poured in changes nothing. Binding requests carry no credentials, so whoever stands on the way to the server and has read
//! the transaction id is believed (RFC 8489 §16.1.3); everybody else is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use avocet_stun::{
    AttributeType, BehaviourDiscovery, BehaviourEvent, Class, Client, Event, Message,
    MessageBuilder, Method, Timing, TransactionId, Transactions,
};
use net::{Datagram, Path, StreamId, Transport};

fn local() -> SocketAddr {
    ([10, 0, 0, 1], 5000).into()
}

fn server(number: u8) -> SocketAddr {
    ([203, 0, 113, number], 3478).into()
}

fn way(number: u8) -> Path {
    Path::udp(local(), server(number))
}

fn mapped(number: u8) -> SocketAddr {
    ([198, 51, 100, number], 40_000).into()
}

/// What one says to a request, from whatever is known of it.
fn answer(to: &[u8], class: Class, method: Method, address: SocketAddr) -> Vec<u8> {
    let request = Message::decode(to).unwrap();
    let mut bytes = Vec::new();
    let mut builder = MessageBuilder::new(&mut bytes, class, method, request.transaction_id());
    match class {
        Class::Error => builder.error_code(300).alternate_server(server(99)),
        _ => builder.xor_mapped_address(address),
    };
    builder.fingerprint().finish().unwrap();
    bytes
}

fn honest(to: &[u8], number: u8) -> Vec<u8> {
    answer(to, Class::Success, Method::BINDING, mapped(number))
}

/// The next request, and where it goes.
fn said(client: &mut Client, now: Instant) -> Option<(Path, Vec<u8>)> {
    let mut bytes = Vec::new();
    let transmit = client.poll_transmit(now, &mut bytes)?;
    Some((transmit.path, bytes))
}

fn give(client: &mut Client, now: Instant, from: Path, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    client.handle_datagram(now, Datagram::new(from, &mut bytes));
}

/// What may be made of a request by whoever sees it, and of its answer: nothing that a client may take on this path.
fn poison(request: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![request.to_vec(), Vec::new(), vec![0; 20]];
    for (class, method) in [
        (Class::Request, Method::BINDING),
        (Class::Indication, Method::BINDING),
        (Class::Success, Method::ALLOCATE),
        (Class::Error, Method::ALLOCATE),
    ] {
        all.push(answer(request, class, method, mapped(66)));
    }
    // To what was never asked.
    let mut stranger = request.to_vec();
    stranger[8..20].copy_from_slice(&[0x66; 12]);
    for class in [Class::Success, Class::Error] {
        all.push(answer(&stranger, class, Method::BINDING, mapped(66)));
    }
    let genuine = honest(request, 1);
    all.extend((0..genuine.len()).map(|length| genuine[..length].to_vec()));
    // All but the header of FINGERPRINT, which only says how to check.
    let header = genuine.len() - 8..genuine.len() - 4;
    for at in (0..genuine.len()).filter(|at| !header.contains(at)) {
        let mut damaged = genuine.clone();
        damaged[at] ^= 1 << (at % 8);
        all.push(damaged);
    }
    all
}

fn elsewhere() -> Path {
    Path::udp(local(), ([192, 0, 2, 66], 3478).into())
}

/// Forged, truncated: at each of the seven sendings of a request; then what went well before is said again (S-14).
#[test]
fn what_is_forged_replayed_or_cut_short_changes_nothing() {
    let live = |attacked: bool| {
        let start = netsim::epoch();
        let (mut now, mut sent, mut attacks) = (start, Vec::new(), 0);
        let mut client = Client::new([1; 32], Timing::default());
        assert!(client.ask(way(1)));
        let mut last = Vec::new();
        while sent.len() < 7 {
            let (path, request) = said(&mut client, now).unwrap();
            assert_eq!(path, way(1));
            sent.push((now - start, request.clone()));
            let before = (format!("{client:?}"), client.poll_timeout());
            let theirs = [honest(&request, 66), poison(&request).concat()];
            let here = poison(&request).into_iter().map(|it| (way(1), it));
            let others = poison(&request).into_iter().chain(theirs);
            let there = others.flat_map(|it| [(elsewhere(), it.clone()), (way(2), it)]);
            for (from, bytes) in here.chain(there).filter(|_| attacked) {
                give(&mut client, now, from, &bytes);
                let after = (format!("{client:?}"), client.poll_timeout());
                assert_eq!(after, before, "{bytes:x?}");
                attacks += 1;
            }
            last = request;
            if sent.len() < 7 {
                now = client.poll_timeout().unwrap();
                client.handle_timeout(now);
            }
        }
        let genuine = honest(&last, 1);
        give(&mut client, now, way(1), &genuine);
        let event = client.poll_event();
        let Some(Event::Mapped { address, .. }) = event else {
            panic!("{event:?}");
        };
        assert_eq!(address, mapped(1));
        for _ in 0..3 {
            give(&mut client, now, way(1), &genuine);
        }
        assert_eq!(client.poll_event(), None);
        assert!(client.is_idle() && client.poll_timeout().is_none());
        // An old answer is none to a new question.
        assert!(client.ask(way(1)));
        let (_, again) = said(&mut client, now).unwrap();
        give(&mut client, now, way(1), &genuine);
        assert!(client.poll_event().is_none() && !client.is_idle());
        sent.push((now - start, again));
        (sent, attacks)
    };
    let (quiet, _) = live(false);
    let (hostile, attacks) = live(true);
    assert!(attacks > 1_500, "{attacks}");
    assert!(quiet == hostile, "not the same bytes at the same times");
}

/// S-7: a response that holds what must be understood and is not fails its transaction (RFC 8489 §6.3.3).
#[test]
fn an_answer_with_an_unknown_required_attribute_fails_the_question() {
    let now = netsim::epoch();
    for (kind, is_understood) in [(0x7fff, false), (0x8fff, true)] {
        let mut client = Client::new([2; 32], Timing::default());
        client.ask(way(1));
        let (_, request) = said(&mut client, now).unwrap();
        let request = Message::decode(&request).unwrap();
        let mut bytes = Vec::new();
        let mut builder = MessageBuilder::response_to(&mut bytes, Class::Success, &request);
        builder
            .xor_mapped_address(mapped(1))
            .attribute(AttributeType(kind), b"x");
        builder.finish().unwrap();
        give(&mut client, now, way(1), &bytes);
        let event = client.poll_event().unwrap();
        assert_eq!(matches!(event, Event::Mapped { .. }), is_understood);
        assert!(client.is_idle());
    }
}

/// S-15: sixteen questions are out at a time, and answers belong to theirs in whatever order they come.
#[test]
fn answers_to_sixteen_questions_come_in_any_order_and_are_not_mixed_up() {
    let now = netsim::epoch();
    for order in 0..16_usize {
        let mut client = Client::new([3; 32], Timing::default());
        for number in 1..=16 {
            assert!(client.ask(way(number)));
        }
        assert!(!client.ask(way(17)), "there is no room for more");
        let mut questions = Vec::new();
        while let Some(question) = said(&mut client, now) {
            questions.push(question);
        }
        assert_eq!(questions.len(), 16);
        // Every answer comes from the next server first, where it is worth nothing.
        for number in 0..16_usize {
            let (_, request) = &questions[number];
            let (other, _) = questions[(number + 1) % 16];
            give(&mut client, now, other, &honest(request, 66));
        }
        assert_eq!(client.poll_event(), None);
        for step in 0..16_usize {
            let at = (step * 7 + order) % 16;
            let (path, request) = &questions[at];
            let number = path
                .remote
                .ip()
                .to_string()
                .rsplit('.')
                .next()
                .unwrap()
                .parse();
            give(&mut client, now, *path, &honest(request, number.unwrap()));
            let Some(Event::Mapped {
                path: of, address, ..
            }) = client.poll_event()
            else {
                panic!("no answer");
            };
            assert_eq!(
                (of, address),
                (*path, mapped(u8::try_from(at + 1).unwrap()))
            );
        }
        assert!(client.is_idle());
        assert!(client.ask(way(17)));
    }
}

#[test]
fn a_hundred_thousand_messages_take_no_memory_and_move_no_timer() {
    let now = netsim::epoch();
    let mut client = Client::new([4; 32], Timing::default());
    client.ask(way(1));
    client.ask(way(2));
    let (_, first) = said(&mut client, now).unwrap();
    let (_, second) = said(&mut client, now).unwrap();
    let before = (format!("{client:?}"), client.poll_timeout());
    let mut flood = poison(&first);
    flood.push(honest(&second, 66));
    let mut pour = |times: usize| {
        let mut buffer = [0; 256];
        for message in flood.iter().cycle().take(times) {
            for from in [way(1), elsewhere()] {
                let bytes = &mut buffer[..message.len()];
                bytes.copy_from_slice(message);
                client.handle_datagram(now, Datagram::new(from, bytes));
            }
        }
    };
    pour(500);
    let heap = allocation_counter::measure(|| pour(50_000));
    assert_eq!((heap.bytes_current, heap.count_total), (0, 0), "{heap:?}");
    assert_eq!((format!("{client:?}"), client.poll_timeout()), before);
    assert!(said(&mut client, now).is_none(), "an answer");
    give(&mut client, now, way(1), &honest(&first, 1));
    assert!(matches!(client.poll_event(), Some(Event::Mapped { .. })));
}

/// A server that answers 300 all the time, and a hundred thousand times each: no more than four requests and one event.
#[test]
fn a_flood_of_redirects_is_three_requests() {
    let now = netsim::epoch();
    let mut client = Client::new([5; 32], Timing::default());
    client.ask(way(1));
    let mut requests = 0;
    while let Some((path, request)) = said(&mut client, now) {
        requests += 1;
        let message = Message::decode(&request).unwrap();
        for next in 0..1_000_u16 {
            let mut bytes = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut bytes, Class::Error, &message);
            let port = 10_000 + requests * 1_000 + next;
            builder
                .error_code(300)
                .alternate_server((server(2).ip(), port).into());
            builder.finish().unwrap();
            give(&mut client, now, path, &bytes);
        }
    }
    assert_eq!(requests, 4);
    assert!(matches!(client.poll_event(), Some(Event::Failed { .. })));
    assert!(client.poll_event().is_none() && client.is_idle());
}

/// Over a stream: what is out of step ends that question and no other, and a frame that never comes whole takes little.
#[test]
fn a_stream_that_lies_fails_its_question_alone() {
    let now = netsim::epoch();
    let stream = Path {
        transport: Transport::Stream(StreamId::new(1)),
        ..way(1)
    };
    let mut client = Client::new([6; 32], Timing::default());
    assert!(client.ask(stream) && client.ask(way(2)));
    while said(&mut client, now).is_some() {}
    let mut pour = || {
        for _ in 0..10_000 {
            // A frame of 65,532 bytes more, of which 16 come; and those of another stream.
            let other = Path {
                transport: Transport::Stream(StreamId::new(2)),
                ..way(1)
            };
            give(&mut client, now, other, &[0xff; 32]);
        }
        give(&mut client, now, stream, &[0, 1, 0xff, 0xfc, 1, 2, 3, 4]);
    };
    let heap = allocation_counter::measure(&mut pour);
    assert!(heap.bytes_current < 256, "{heap:?}");
    assert_eq!(client.poll_event(), None);
    let heap = allocation_counter::measure(|| {
        for _ in 0..100 {
            give(&mut client, now, stream, &[0xff; 1_000]);
        }
    });
    assert!(heap.bytes_max < 256 * 1024, "{heap:?}");
    let failed = Event::Failed {
        path: stream,
        code: None,
    };
    // A hundred thousand bytes are more than the longest frame: the next header is none.
    assert_eq!(client.poll_event(), Some(failed));
    assert!(!client.is_idle(), "the other one goes on");
}

/// What only whoever saw the request could make, on another path, and noise: the tests of RFC 5780 go on.
#[test]
fn a_discovery_of_behaviour_is_not_led_astray() {
    let now = netsim::epoch();
    let mut client = BehaviourDiscovery::new([7; 32], Timing::default(), local(), server(1));
    let mut request = Vec::new();
    client.poll_transmit(now, &mut request).unwrap();
    let before = (format!("{client:?}"), client.poll_timeout());
    let theirs = poison(&request).into_iter().chain([honest(&request, 66)]);
    let here = poison(&request).into_iter().map(|it| (way(1), it));
    let there = theirs.flat_map(|it| [(elsewhere(), it.clone()), (way(2), it)]);
    for (from, mut bytes) in here.chain(there) {
        client.handle_datagram(now, Datagram::new(from, &mut bytes));
        let after = (format!("{client:?}"), client.poll_timeout());
        assert_eq!(after, before, "{bytes:x?}");
    }
    let mut refusal = answer(&request, Class::Error, Method::BINDING, mapped(1));
    client.handle_datagram(now, Datagram::new(way(1), &mut refusal));
    assert!(matches!(
        client.poll_event(),
        Some(BehaviourEvent::Failed(Some(_)))
    ));
}

/// S-13, S-15: a table that is full takes no more, gives the purpose back, and what it holds goes on as it was.
#[test]
fn a_full_table_of_transactions_refuses_and_loses_nothing() {
    let now = netsim::epoch();
    let mut table = Transactions::new(Timing::default(), 16);
    let id = |number: u8| TransactionId::new([number; 12]);
    for number in 0..16 {
        assert!(
            table
                .start(id(number), way(1), vec![number; 100], number)
                .is_ok()
        );
    }
    let heap = allocation_counter::measure(|| {
        for number in 16..=255 {
            assert_eq!(
                table.start(id(number), way(1), Vec::new(), number),
                Err(number)
            );
        }
    });
    assert_eq!(heap.bytes_current, 0);
    for number in 0..16 {
        let mut sent = Vec::new();
        assert_eq!(table.poll_transmit(now, &mut sent).unwrap().path, way(1));
        assert_eq!(sent, [number; 100]);
    }
    assert!(table.poll_transmit(now, &mut Vec::new()).is_none());
    assert_eq!(table.poll_timeout(), Some(now + Duration::from_millis(500)));
    // Answered out of order, each once.
    for number in (0..16).rev() {
        assert_eq!(table.finish(now, id(number)).unwrap().purpose, number);
        assert!(table.finish(now, id(number)).is_none());
    }
    assert!(table.is_empty() && table.poll_timeout().is_none());
}
