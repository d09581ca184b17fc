//! A hostile network at every step of a client's life: what is forged, replayed, cut short, swapped or poured in changes
//! nothing: not the state, not what stands on the server, no timer, and not one byte of what the client says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use avocet_turn::{Client, Event, State};
use net::{Datagram, Path};
use netsim::{ADDRESS_A, Machine};
use stun::{AttributeType, Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
use support::*;

/// What an attacker sees: the requests that are under way, and every answer so far, the next one too.
#[derive(Default)]
struct Wire {
    requests: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

/// Everything that a client is, but for what it counted.
fn snapshot(client: &Client) -> String {
    let text = format!("{client:?}");
    let (everything, _counters) = text.split_once(", stats: Stats").unwrap();
    everything.to_owned()
}

fn elsewhere() -> Path {
    Path::udp(ADDRESS_A, ([192, 0, 2, 66], 3478).into())
}

fn key(guess: &str) -> IntegrityKey {
    IntegrityKey::short_term(guess)
}

/// Answers to a request of somebody who does not know the password. Before the client knows a realm a refusal is
/// believed, and afterwards a 401, a 438 and an unsigned 300 (RFC 8489 §9.2.5, §10): those are not among them.
fn forged_answers(request: &[u8]) -> Vec<Vec<u8>> {
    let request = Message::decode(request).unwrap();
    let is_signed = request.has_integrity();
    let codes = [
        None,
        Some(300),
        Some(400),
        Some(403),
        Some(420),
        Some(437),
        Some(441),
        Some(500),
    ];
    let mut all = Vec::new();
    for code in codes.into_iter().filter(|code| is_signed || code.is_none()) {
        for signature in [None, Some(key("a guess")), Some(key(""))] {
            if code == Some(300) && signature.is_none() && request.method() == Method::ALLOCATE {
                continue;
            }
            let class = code.map_or(Class::Success, |_| Class::Error);
            let mut bytes = Vec::new();
            let mut builder = MessageBuilder::response_to(&mut bytes, class, &request);
            builder
                .xor_relayed_address(peer(66))
                .xor_mapped_address(peer(67))
                .lifetime(Duration::from_secs(1))
                .alternate_server(peer(68))
                .mobility_ticket(b"stolen");
            if let Some(code) = code {
                builder.error_code(code).realm("another").nonce("another");
            }
            let sealed = match signature {
                Some(key) => builder.integrity(&key).fingerprint(),
                None => builder.fingerprint(),
            };
            sealed.finish().unwrap();
            all.push(bytes);
        }
    }
    all
}

/// The same answers, and those that would be believed, to requests that were never made.
fn stray_answers() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let methods = [
        Method::ALLOCATE,
        Method::REFRESH,
        Method::CREATE_PERMISSION,
        Method::CHANNEL_BIND,
    ];
    for method in methods {
        for code in [None, Some(300), Some(401), Some(437), Some(438)] {
            let class = code.map_or(Class::Success, |_| Class::Error);
            let mut bytes = Vec::new();
            let id = TransactionId::new([0x66; 12]);
            let mut builder = MessageBuilder::new(&mut bytes, class, method, id);
            builder
                .xor_relayed_address(peer(66))
                .alternate_server(peer(68));
            if let Some(code) = code {
                builder.error_code(code).realm("another").nonce("another");
            }
            // Even whoever knows the password cannot answer what was not asked.
            builder.integrity(&support::key()).finish().unwrap();
            all.push(bytes);
        }
    }
    all
}

/// What a client of this kind is never to take: requests, indications that are none of its business, data of strangers.
fn uninvited() -> Vec<Vec<u8>> {
    let mut all = vec![
        data_indication(peer(66), b"who are you?"),
        vec![0x4f, 0xff, 0, 2, b'h', b'i'],
        b"\x80\x00 neither".to_vec(),
        Vec::new(),
    ];
    for (class, method) in [
        (Class::Request, Method::BINDING),
        (Class::Request, Method::ALLOCATE),
        (Class::Indication, Method::SEND),
        (Class::Indication, Method::BINDING),
        (Class::Indication, Method::CONNECTION_ATTEMPT),
    ] {
        let mut bytes = Vec::new();
        let id = TransactionId::new([0x67; 12]);
        let mut builder = MessageBuilder::new(&mut bytes, class, method, id);
        builder
            .xor_peer_address(peer(1))
            .connection_id(7)
            .data(b"data");
        builder.finish().unwrap();
        all.push(bytes);
    }
    // RFC 8489 §6.3.2: an indication with what must be understood and is not is dropped (S-7), whoever the peer is.
    let mut bytes = Vec::new();
    let id = TransactionId::new([0x68; 12]);
    let mut builder = MessageBuilder::new(&mut bytes, Class::Indication, Method::DATA, id);
    builder
        .xor_peer_address(peer(1))
        .data(b"data")
        .attribute(AttributeType(0x7fff), b"x");
    builder.finish().unwrap();
    all.push(bytes);
    all
}

/// Every beginning of an answer, and every byte of it damaged; the attribute that only says how to check is left alone.
fn damaged(genuine: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..genuine.len()).map(|length| genuine[..length].to_vec());
    let flips = (0..genuine.len() - 8).map(|at| {
        let mut bytes = genuine.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bytes
    });
    cut.chain(flips).collect()
}

/// Hands a client a copy.
fn give(client: &mut Client, now: Instant, from: Path, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let datagram = Datagram::new(from, &mut bytes);
    client.handle_datagram_with(now, datagram, |_, _| panic!("delivered"));
}

/// Pours all of it over the client, which must not change.
fn attack(client: &mut Client, now: Instant, wire: &Wire, next: &[Vec<u8>]) -> usize {
    let before = (snapshot(client), client.poll_timeout());
    let mut poison = [stray_answers(), uninvited()].concat();
    poison.extend(wire.requests.iter().flat_map(|it| forged_answers(it)));
    // Its own words come back, and what it was told before.
    poison.extend(wire.requests.iter().chain(&wire.answers).cloned());
    poison.extend(next.iter().flat_map(|it| damaged(it)));
    let from_server = poison.iter().map(|it| (path(), it));
    let from_others = poison.iter().chain(next).map(|it| (elsewhere(), it));
    let mut count = 0;
    for (from, bytes) in from_server.chain(from_others) {
        give(client, now, from, bytes);
        let after = (snapshot(client), client.poll_timeout());
        assert_eq!(after, before, "{bytes:x?}");
        assert_eq!(client.poll_event(), None);
        count += 1;
    }
    count
}

/// A life: challenge, allocation, permissions and a channel, a stale nonce, a refresh, the end; returns what was said, when,
/// and how often an attacker had his turn.
fn live(attacked: bool) -> (Vec<(Duration, Vec<u8>)>, usize, String) {
    let start = netsim::epoch();
    let mut now = start;
    let mut host = Host::new(config(1));
    let mut server = Server::new(Habits::default());
    host.client.allocate(path()).unwrap();
    for number in 1..=3 {
        host.client.create_permission(peer(number).ip()).unwrap();
    }
    host.client.bind_channel(peer(2)).unwrap();
    let (mut said, mut wire, mut attacks) = (Vec::new(), Wire::default(), 0);
    for step in 0..40 {
        if step == 15 {
            server.go_stale(1);
        }
        if step == 35 {
            host.client.close(now);
        }
        wire.requests.clear();
        let mut buf = Vec::new();
        while host.client.poll_transmit(now, &mut buf).is_some() {
            said.push((now - start, buf.clone()));
            wire.requests.push(std::mem::take(&mut buf));
        }
        for request in &mut wire.requests.clone() {
            server.handle_datagram(now, Datagram::new(path().reversed(), request));
        }
        let mut next = Vec::new();
        while server.poll_transmit(now, &mut buf).is_some() {
            next.push(std::mem::take(&mut buf));
        }
        now += Duration::from_millis(20);
        host.client.handle_timeout(now);
        if attacked && host.client.state() != State::Closed {
            attacks += attack(&mut host.client, now, &wire, &next);
        }
        for answer in &next {
            give(&mut host.client, now, path(), answer);
            wire.answers.push(answer.clone());
        }
        while host.poll_event().is_some() {}
        if next.is_empty() {
            now = host.client.poll_timeout().unwrap_or(now).max(now);
            host.client.handle_timeout(now);
        }
    }
    (said, attacks, format!("{:?}", host.events))
}

/// Issue "bad input", catalogue T-09, S-13, S-14: forged, replayed, truncated.
#[test]
fn what_is_forged_replayed_or_cut_short_at_any_step_changes_nothing() {
    let (quiet, _, events) = live(false);
    let (hostile, attacks, under_attack) = live(true);
    assert!(attacks > 5_000, "{attacks}");
    assert!(quiet == hostile, "not the same bytes at the same times");
    assert_eq!(events, under_attack);
    // It was a whole life.
    for word in ["Allocated", "PermissionInstalled", "ChannelBound", "Closed"] {
        assert!(events.contains(word), "{word}: {events}");
    }
    let methods: Vec<Method> = quiet
        .iter()
        .map(|(_, bytes)| Message::decode(bytes).unwrap().method())
        .collect();
    for method in [
        Method::REFRESH,
        Method::CREATE_PERMISSION,
        Method::CHANNEL_BIND,
    ] {
        let count = methods.iter().filter(|it| **it == method).count();
        assert!(count > 2, "{method:?}: {count}");
    }
}

/// A client with an allocation that has so many requests under way, and the answers to them.
fn asking() -> (Client, Instant, Vec<Vec<u8>>) {
    let mut pair = allocated(Habits::default());
    let now = pair.now();
    let client = &mut pair.a_mut().client;
    for number in 1..=3 {
        client.bind_channel(peer(number)).unwrap();
        client.create_permission(peer(10 + number).ip()).unwrap();
    }
    let mut requests = Vec::new();
    let mut buf = Vec::new();
    while client.poll_transmit(now, &mut buf).is_some() {
        requests.push(std::mem::take(&mut buf));
    }
    assert_eq!(requests.len(), 4);
    let server = pair.b_mut();
    for request in &mut requests {
        server.handle_datagram(now, Datagram::new(path().reversed(), request));
    }
    let mut answers = Vec::new();
    while server.poll_transmit(now, &mut buf).is_some() {
        answers.push(std::mem::take(&mut buf));
    }
    let host = std::mem::replace(pair.a_mut(), Host::new(config(99)));
    (host.client, now, answers)
}

/// Issue "bad input": reordered. Answers in every order, each twice, lead to the same.
#[test]
fn answers_in_any_order_and_twice_lead_to_the_same() {
    let orders: Vec<Vec<usize>> = (0..256)
        .map(|it| vec![it & 3, it >> 2 & 3, it >> 4 & 3, it >> 6 & 3])
        .filter(|order| (0..4).all(|it| order.contains(&it)))
        .collect();
    assert_eq!(orders.len(), 24);
    let mut outcome = None;
    for order in orders {
        let (mut client, now, answers) = asking();
        let later = now + Duration::from_millis(50);
        for at in order {
            for _ in 0..2 {
                give(&mut client, later, path(), &answers[at]);
            }
        }
        assert_eq!(client.stats().drops.unexpected, 4);
        let mut events: Vec<String> = std::iter::from_fn(|| client.poll_event())
            .map(|event| format!("{event:?}"))
            .collect();
        events.sort();
        let found = (
            events,
            client.poll_timeout(),
            client.poll_transmit(later, &mut Vec::new()).is_some(),
        );
        let expected = outcome.get_or_insert_with(|| found.clone());
        assert_eq!(*expected, found);
    }
    // Three channels, and permissions for six peers.
    assert_eq!(outcome.unwrap().0.len(), 9);
}

/// Issue "bad input": flooding, while requests are under way.
#[test]
fn a_hundred_thousand_messages_take_no_memory_and_move_no_timer() {
    let (mut client, now, answers) = asking();
    let mut flood = stray_answers();
    flood.extend(uninvited());
    flood.extend(damaged(&answers[0]));
    for answer in &answers {
        flood.extend(damaged(answer).into_iter().step_by(10));
    }
    let before = (snapshot(&client), client.poll_timeout());
    let mut pour = |times: usize| {
        let mut buffer = [0; 512];
        for message in flood.iter().cycle().take(times) {
            for from in [path(), elsewhere()] {
                let bytes = &mut buffer[..message.len()];
                bytes.copy_from_slice(message);
                client.handle_datagram_with(now, Datagram::new(from, bytes), |_, _| {
                    panic!("delivered")
                });
            }
        }
    };
    pour(1_000);
    let heap = allocation_counter::measure(|| pour(49_000));
    assert_eq!((heap.bytes_current, heap.count_total), (0, 0), "{heap:?}");
    assert_eq!((snapshot(&client), client.poll_timeout()), before);
    assert!(
        client.poll_transmit(now, &mut Vec::new()).is_none(),
        "an answer"
    );
    let drops = client.stats().drops;
    let counted = drops.foreign + drops.malformed + drops.unexpected + drops.unauthenticated;
    assert_eq!(counted + drops.no_permission + drops.no_channel, 100_000);
    // The true answers still count.
    for answer in &answers {
        give(&mut client, now, path(), answer);
    }
    let bound = std::iter::from_fn(|| client.poll_event())
        .filter(|it| matches!(it, Event::ChannelBound(..)));
    assert_eq!(bound.count(), 3);
}

/// Law 7: data that floods in from peers who may send, and is not read, stays within its cap.
#[test]
fn data_that_nobody_reads_stays_within_64_kib() {
    let mut pair = permitted(Habits::default());
    let now = pair.now();
    let client = &mut pair.a_mut().client;
    let bytes = data_indication(peer(1), &[7; 1_000]);
    let mut pour = |times: usize| {
        for _ in 0..times {
            client.handle_datagram(now, Datagram::new(path(), &mut bytes.clone()));
        }
    };
    let heap = allocation_counter::measure(|| pour(10_000));
    assert!(heap.bytes_current < 80 * 1024, "{heap:?}");
    let heap = allocation_counter::measure(|| pour(10_000));
    assert_eq!(heap.bytes_current, 0, "{heap:?}");
    assert_eq!(client.stats().drops.unread, 20_000 - 61);
}
