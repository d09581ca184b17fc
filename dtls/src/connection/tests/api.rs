use std::sync::Arc;
use std::time::{Duration, Instant};

use netsim::{Pair, Side};

use crate::connection::Mark;
use crate::testing::{
    Endpoint, alice, bob, both_connected, config, config_13, connect, pair, usual_pair,
};
use crate::wire::RecordHeader;
use crate::{Config, Event, ExportError, Provider, Role, SealError, Versions};

fn connected() -> (Pair<Endpoint>, Instant) {
    let mut pair = usual_pair();
    connect(&mut pair);
    pair.run_for(Duration::from_millis(100));
    let now = pair.now();
    (pair, now)
}

#[test]
fn a_record_is_sealed_behind_what_the_buffer_holds() {
    let (mut pair, now) = connected();
    let client = &mut pair.a_mut().connection;
    let mut buf = b"outer header".to_vec();
    let mark = client.begin(&mut buf).unwrap();
    buf.extend_from_slice(b"payload");
    client.seal(now, &mut buf, mark).unwrap();
    assert_eq!(&buf[..12], b"outer header");
    assert_eq!(buf.len(), 12 + 7 + client.max_overhead());
    // A second record in the same datagram.
    let mark = client.begin(&mut buf).unwrap();
    buf.extend_from_slice(b"more");
    client.seal(now, &mut buf, mark).unwrap();

    let mut delivered = Vec::new();
    let server = &mut pair.b_mut().connection;
    server.handle_datagram_with(now, &mut buf[12..], |data| delivered.push(data.to_vec()));
    assert_eq!(delivered, [b"payload".to_vec(), b"more".to_vec()]);
}

#[test]
fn an_abandoned_or_failed_record_is_gone_from_the_buffer() {
    let (mut pair, now) = connected();
    let client = &mut pair.a_mut().connection;
    let mut buf = b"outer".to_vec();
    let mark = client.begin(&mut buf).unwrap();
    buf.extend_from_slice(b"payload");
    client.abandon(&mut buf, mark);
    assert_eq!(buf, b"outer");

    let mark = client.begin(&mut buf).unwrap();
    buf.resize(buf.len() + RecordHeader::MAX_PLAINTEXT, 0);
    assert_eq!(client.seal(now, &mut buf, mark), Ok(()));
    buf.truncate(5);
    let mark = client.begin(&mut buf).unwrap();
    buf.resize(buf.len() + RecordHeader::MAX_PLAINTEXT + 1, 0);
    assert_eq!(client.seal(now, &mut buf, mark), Err(SealError::TooLarge));
    assert_eq!(buf, b"outer");

    for mark in [
        Mark { start: 5 },
        Mark { start: 4 },
        Mark { start: usize::MAX },
    ] {
        assert_eq!(client.seal(now, &mut buf, mark), Err(SealError::Mark));
    }
}

#[test]
fn nothing_is_sealed_or_exported_unless_connected() {
    let now = netsim::epoch();
    let mut client = Endpoint::new(config(alice()), Role::Client, 1).connection;
    let mut buf = vec![1];
    assert!(client.begin(&mut buf).is_none());
    let sealed = client.seal(now, &mut buf, Mark { start: 1 });
    assert_eq!(
        (sealed, buf.as_slice()),
        (Err(SealError::NotConnected), [1].as_slice())
    );
    assert_eq!(
        client.export_keying_material("x", None, &mut [0]),
        Err(ExportError::NotConnected)
    );

    let (mut pair, now) = connected();
    let client = &mut pair.a_mut().connection;
    let context = vec![0; 65_536];
    assert_eq!(
        client.export_keying_material("x", Some(&context), &mut [0]),
        Err(ExportError::Context)
    );
    let mark = client.begin(&mut buf).unwrap();
    client.close(now);
    assert_eq!(
        client.seal(now, &mut buf, mark),
        Err(SealError::NotConnected)
    );
    assert_eq!(buf, [1]);
}

#[test]
fn close_tells_the_other_side() {
    let (mut pair, now) = connected();
    pair.a_mut().connection.close(now);
    pair.a_mut().connection.close(now);
    pair.run_for(Duration::from_secs(1));
    let closed =
        |initiator| format!("Closed(CloseReason {{ initiator: {initiator}, cause: CloseNotify }})");
    assert_eq!(pair.events(Side::A).last(), Some(&closed("Local")));
    assert_eq!(pair.events(Side::A).len(), 2);
    assert_eq!(pair.events(Side::B).last(), Some(&closed("Remote")));
    assert!(!pair.b().connection.is_connected());
    assert_eq!(pair.a().connection.poll_timeout(), None);
}

#[test]
fn a_connection_closed_in_the_middle_of_a_handshake_says_so_once() {
    let mut pair = usual_pair();
    pair.run_datagrams(2);
    let now = pair.now();
    pair.b_mut().connection.close(now);
    pair.run_for(Duration::from_secs(40));
    assert_eq!(pair.events(Side::B).len(), 1);
    assert!(!pair.a().connection.is_connected());
}

/// D-32.
#[test]
fn data_that_nobody_pulls_is_bounded() {
    let (mut pair, now) = connected();
    let mut datagram = Vec::new();
    for _ in 0..1_000 {
        datagram.clear();
        datagram.extend(pair.a_mut().seal(now, &[7; 1_000]).unwrap());
        pair.b_mut().connection.handle_datagram(now, &mut datagram);
    }
    let server = &mut pair.b_mut().connection;
    let mut count = 0;
    let mut buf = Vec::new();
    while server.recv(&mut buf).is_some() {
        count += 1;
    }
    assert_eq!(count, 256);
    assert_eq!(buf.len(), 256_000);
    assert_eq!(server.stats().dropped.overflow, 744);
}

/// D-34.
#[test]
fn the_key_log_line_has_the_form_of_nss() {
    let (pair, _) = connected();
    let line = pair.a().connection.key_log_line().unwrap();
    assert_eq!(Some(&line), pair.b().connection.key_log_line().as_ref());
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("CLIENT_RANDOM"));
    assert_eq!(words.next().map(str::len), Some(64));
    assert_eq!(words.next().map(str::len), Some(96));
    assert_eq!(words.next(), None);
}

/// D-34, Catalogue K-01.
#[test]
fn debug_shows_no_secret() {
    let (pair, _) = connected();
    let connection = &pair.a().connection;
    let line = connection.key_log_line().unwrap();
    let master = crate::testing::hex(line.split(' ').next_back().unwrap());
    let shown = format!("{connection:?}");
    assert!(
        !shown.contains(&format!("{:?}", &master[..4]).replace(['[', ']'], "")),
        "{shown}"
    );
    assert!(shown.len() < 2_000, "{shown}");
}

/// Catalogue D-14.
#[test]
fn explicit_nonces_rise_strictly_over_a_million_records() {
    let ring = |certificate| {
        let mut config = Config::new(certificate);
        config.provider = Provider::ring();
        config.versions = Versions::DTLS_1_2;
        config
    };
    let mut pair = pair(ring(alice()), ring(bob()));
    connect(&mut pair);
    let now = pair.now();
    let client = &mut pair.a_mut().connection;
    let mut buf = Vec::new();
    let mut previous = None;
    for _ in 0..1 << 20 {
        buf.clear();
        let mark = client.begin(&mut buf).unwrap();
        buf.push(0);
        client.seal(now, &mut buf, mark).unwrap();
        let number = u64::from_be_bytes(buf[3..11].try_into().unwrap());
        // The explicit part of the nonce is the epoch and sequence number of the head.
        assert_eq!(buf[13..21], buf[3..11]);
        assert_eq!(number >> 48, 1);
        assert!(previous < Some(number));
        previous = Some(number);
    }
}

/// D-15.
#[test]
fn the_last_record_number_ends_the_connection_instead_of_wrapping() {
    let (mut pair, now) = connected();
    let client = &mut pair.a_mut().connection;
    client
        .records
        .skip_to(RecordHeader::MAX_SEQUENCE_NUMBER - 1);
    let mut buf = Vec::new();
    let mark = client.begin(&mut buf).unwrap();
    buf.push(0);
    client.seal(now, &mut buf, mark).unwrap();
    let mut datagram = buf.clone();

    let mark = client.begin(&mut buf).unwrap();
    buf.push(0);
    assert_eq!(
        client.seal(now, &mut buf, mark),
        Err(SealError::NotConnected)
    );
    assert!(!client.is_connected());
    assert!(client.begin(&mut buf).is_none());
    // The very last number is the farewell's.
    let mut farewell = Vec::new();
    client.poll_transmit(now, &mut farewell).unwrap();
    assert_eq!(farewell[3..11], [0, 1, 255, 255, 255, 255, 255, 255]);
    assert_eq!(client.poll_transmit(now, &mut farewell), None);
    let event = client.poll_event().unwrap();
    assert!(matches!(event, Event::Closed(reason) if reason.cause == crate::Cause::Exhausted));

    let server = &mut pair.b_mut().connection;
    server.handle_datagram(now, &mut datagram);
    server.handle_datagram(now, &mut farewell);
    assert!(!server.is_connected());
}

#[test]
fn an_idle_connection_holds_two_kilobytes_and_under_1_3_below_four() {
    // Under 1.3 the masks of sequence numbers have keys of their own, a quarter of a kilobyte for each direction, and
    // what may follow a handshake takes half a kilobyte more.
    for (versions, limit) in [(Versions::DTLS_1_2, 2_300), (Versions::DTLS_1_3, 3_300)] {
        idle_connections(versions, limit);
    }
}

fn idle_connections(versions: Versions, limit: usize) {
    let now = netsim::epoch();
    let ring = |certificate| {
        let mut config = Config::new(certificate);
        config.provider = Provider::ring();
        config.versions = versions;
        Arc::new(config)
    };
    let configs = [ring(alice()), ring(bob())];
    let fingerprints = [bob().fingerprint(), alice().fingerprint()];
    let mut kept = None;
    let heap = allocation_counter::measure(|| {
        let mut sides = [Role::Client, Role::Server].map(|role| {
            let index = usize::from(role == Role::Server);
            let config = configs[index].clone();
            let mut connection = crate::Connection::new(config, role, [1; 32]).unwrap();
            connection.set_remote_fingerprints(now, vec![fingerprints[index].clone()]);
            connection.start(now, None);
            connection
        });
        for turn in 0..5 {
            let mut datagram = Vec::new();
            while sides[turn % 2].poll_transmit(now, &mut datagram).is_some() {
                sides[1 - turn % 2].handle_datagram(now, &mut datagram);
                datagram.clear();
            }
        }
        for turn in 0..2 {
            assert!(matches!(
                sides[turn].poll_event(),
                Some(Event::Connected { .. })
            ));
            // The first data frees the server's last flight.
            let mut datagram = Vec::new();
            let mark = sides[turn].begin(&mut datagram).unwrap();
            datagram.push(1);
            sides[turn].seal(now, &mut datagram, mark).unwrap();
            sides[1 - turn].handle_datagram_with(now, &mut datagram, |_| {});
            sides[1 - turn].recv(&mut Vec::new());
        }
        kept = Some(sides);
    });
    let per_connection = usize::try_from(heap.bytes_current).unwrap() / 2;
    let inline = size_of::<crate::Connection>();
    assert!(
        per_connection <= limit,
        "{per_connection} bytes of heap under {versions:?}"
    );
    assert!(inline <= 768, "{inline} bytes in the connection itself");
    drop(kept);
}

/// Catalogue K-03: nobody goes on with a key that is none.
#[test]
fn a_random_source_that_fails_ends_the_handshake_of_either_side() {
    for versions in [Versions::DTLS_1_2, Versions::DTLS_1_3] {
        for broken in [Role::Client, Role::Server] {
            let mut configs = [config_13(alice()), config_13(bob())];
            configs.iter_mut().for_each(|own| own.versions = versions);
            configs[usize::from(broken == Role::Server)].provider = Provider::rust_crypto_broken();
            let [client, server] = configs;
            let mut pair = pair(client, server);
            let outcome = |pair: &Pair<Endpoint>| match broken {
                Role::Client => pair.a().connection.outcome(),
                Role::Server => pair.b().connection.outcome(),
            };
            let closed = |pair: &Pair<Endpoint>| outcome(pair).starts_with("CloseReason");
            let ended = pair.run_until(Duration::from_secs(60), closed);
            let outcome = outcome(&pair);
            assert!(ended && outcome.contains("Local"), "{versions:?} {outcome}");
            assert!(!both_connected(&pair));
            assert!(pair.a().exported().is_none() && pair.b().exported().is_none());
        }
    }
}
