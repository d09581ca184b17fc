//! What must not allocate, held by an allocator that counts, per thread.

#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]

use std::time::Instant;

use allocation_counter::measure;
use avocet_benches::associations::Associations;
use avocet_benches::conference::Conference;
use avocet_benches::forwarder::Forwarder;
use avocet_benches::media::DEPENDENCY_DESCRIPTORS;
use avocet_benches::samples;
use rtp::dependency::DependencyReader;
use rtp::{ExtensionFormPolicy, PacketBuffer, PacketView, PacketViewMut, SequenceNumber};
use srtp::{KeyingMaterial, Profile, Receiver, Sender};
use stun::{IntegrityKey, Message};

/// How often each action is repeated: what amortizes to less than one allocation a packet shows as well.
const PACKETS: u16 = 1_000;

/// Allocations of `PACKETS` calls, after the first one, which may set something up.
fn allocations(mut action: impl FnMut(u16)) -> u64 {
    action(0);
    measure(|| (1..=PACKETS).for_each(&mut action)).count_total
}

#[test]
fn protecting_and_unprotecting_a_packet_allocates_nothing() {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let exported = vec![7; profile.keying_material_length()];
        let (key, _) = KeyingMaterial::split(profile, &exported).unwrap();
        let mut sender = Sender::new(profile, key.clone()).unwrap();
        let mut receiver = Receiver::new(profile, key).unwrap();
        let packet = samples::rtp_packet();
        let mut buf = Vec::with_capacity(2_048);
        let count = allocations(|sequence| {
            buf.clear();
            buf.extend_from_slice(&packet);
            buf[2..4].copy_from_slice(&sequence.to_be_bytes());
            sender.protect_rtp(&mut buf, 0).unwrap();
            receiver.unprotect_rtp(&mut buf).unwrap();
        });
        assert_eq!(count, 0, "{profile:?}");
    }
}

#[test]
fn rewriting_a_packet_and_changing_its_extensions_allocates_nothing() {
    let original = samples::rtp_packet();
    let mut packet = original.clone();
    let mut buffer = PacketBuffer::new(&original).unwrap();
    let policy = ExtensionFormPolicy::PerPacket;
    let count = allocations(|sequence| {
        let mut view = PacketViewMut::parse(&mut packet).unwrap();
        view.set_sequence_number(SequenceNumber::new(sequence));
        view.set_extension(3, &sequence.to_be_bytes()).unwrap();
        buffer.fill(&original).unwrap();
        buffer.set_extension(policy, 5, &[7; 12]).unwrap();
        assert!(buffer.remove_extension(policy, 2));
    });
    assert_eq!(count, 0);
}

#[test]
fn reading_a_dependency_descriptor_allocates_nothing() {
    let [structure, packets @ ..] = DEPENDENCY_DESCRIPTORS;
    let mut reader = DependencyReader::new();
    reader.read(structure).unwrap();
    let count = allocations(|sequence| {
        let packet = packets[usize::from(sequence) % packets.len()];
        reader.read(packet).unwrap();
    });
    assert_eq!(count, 0);
}

#[test]
fn reading_an_rtp_header_allocates_nothing() {
    let packet = samples::rtp_packet();
    let count = allocations(|_| {
        let view = PacketView::parse(&packet).unwrap();
        assert!(view.extensions().count() > 2);
    });
    assert_eq!(count, 0);
}

#[test]
fn reading_and_verifying_a_stun_message_allocates_nothing() {
    let key = IntegrityKey::short_term(samples::PASSWORD);
    let message = samples::binding_request(&key);
    let count = allocations(|_| {
        let message = Message::decode(&message).unwrap();
        assert!(message.verify_fingerprint() && message.verify_integrity(&key));
        assert!(message.username().unwrap().is_some());
    });
    assert_eq!(count, 0);
}

#[test]
fn verifying_an_sctp_packet_allocates_nothing() {
    let packet = samples::sctp_packet();
    let count = allocations(|_| {
        let packet = sctp::packet::Packet::decode(&packet).unwrap();
        assert_eq!(packet.chunks().count(), 1);
    });
    assert_eq!(count, 0);
}

/// A large message takes four pieces of memory, however many chunks it has: one that is read in the end, two where it is put
/// together, and one that its chunks share where it is sent. A small one is a piece of memory where it is read, and nothing else.
#[test]
fn a_chunk_of_a_message_allocates_nothing() {
    for (size, messages, most) in [(65_536, 150, 4.5), (100, 10_000, 1.1)] {
        let mut pair = Associations::connected(Instant::now(), true);
        let message = vec![0x5a; size];
        for _ in 0..3 {
            pair.transfer(&message, messages);
        }
        let before = pair.packets();
        let count = measure(|| {
            pair.transfer(&message, messages);
        })
        .count_total;
        let each = count as f64 / messages as f64;
        let per_packet = count as f64 / (pair.packets() - before) as f64;
        println!("{size} bytes: {each:.2} allocations a message, {per_packet:.3} a packet");
        assert!(each <= most, "{size} bytes: {each}");
    }
}

#[test]
fn forwarding_a_packet_allocates_nothing() {
    const PACKETS: u64 = 10;
    const SUBSCRIBERS: u64 = 20;
    let mut forwarder = Forwarder::new(Instant::now(), SUBSCRIBERS as usize);
    // Queues and histories reach their size first: 10 s of them.
    for _ in 0..1_000 {
        forwarder.receive(PACKETS as usize);
        forwarder.forward();
    }
    let mut datagrams = 0;
    let mut count = 0;
    for _ in 0..200 {
        forwarder.receive(PACKETS as usize);
        count += measure(|| datagrams += forwarder.forward() as u64).count_total;
    }
    assert!(datagrams >= 200 * PACKETS * SUBSCRIBERS);
    println!("{count} allocations for {datagrams} forwarded packets");
    assert_eq!(count, 0);
}

#[test]
fn forwarding_a_packet_through_peers_allocates_nothing() {
    const PACKETS: u64 = 10;
    const SUBSCRIBERS: u64 = 20;
    let mut conference = Conference::new(Instant::now(), SUBSCRIBERS as usize, 1_200);
    // 10 s, until queues and histories have their size.
    for _ in 0..300 {
        conference.receive(PACKETS as usize);
        conference.forward();
        conference.listen();
    }
    let (mut media, mut other) = (Count::default(), Count::default());
    for _ in 0..300 {
        conference.receive(PACKETS as usize);
        let mut datagrams = 0;
        let allocations = measure(|| datagrams = conference.forward() as u64).count_total;
        conference.listen();
        // Besides media there are reports, and consent every few seconds.
        let only_media = datagrams == PACKETS * SUBSCRIBERS;
        let count = if only_media { &mut media } else { &mut other };
        count.datagrams += datagrams;
        count.allocations += allocations;
    }
    println!("only media: {media:?}; with reports and consent: {other:?}");
    assert!(media.datagrams >= 100 * PACKETS * SUBSCRIBERS);
    assert_eq!(media.allocations, 0);
    assert!(other.allocations <= 500);
}

#[derive(Debug, Default)]
struct Count {
    datagrams: u64,
    allocations: u64,
}
