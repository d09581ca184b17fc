//! A client gets commands, answers that were bent, and time in any order; it stays within its bounds.
#![no_main]

use std::time::Duration;

use net::{Datagram, Path};
use stun::{Class, IntegrityKey, LongTermCredentials, Message, MessageBuilder, PasswordAlgorithm};
use turn::{Client, Config};

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let credentials = LongTermCredentials::new("alice", "secret").expect("a credential");
    let mut client =
        Client::new(Config::new([7; 32], credentials)).expect("the defaults are valid");
    let path = Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], 2).into());
    let key = IntegrityKey::long_term("alice", "realm", "secret", PasswordAlgorithm::Md5);
    let mut now = netsim::epoch();
    let mut sent = Vec::new();
    let mut steps = script.iter().copied();
    while let (Some(verb), Some(argument)) = (steps.next(), steps.next()) {
        let peer = ([192, 0, 2, argument], 9).into();
        match verb % 10 {
            0 => drop(client.allocate(path)),
            1 => drop(client.create_permission(std::net::SocketAddr::ip(&peer))),
            2 => drop(client.bind_channel(peer)),
            3 => client.release_channel(now, peer),
            4 => now += Duration::from_millis(u64::from(argument) * u64::from(argument) * 10),
            5 => client.handle_timeout(now),
            6 => {
                let mut buf = Vec::new();
                if client.poll_transmit(now, &mut buf).is_some() {
                    sent = buf;
                }
            }
            7 | 8 => {
                let mut answer = respond(&sent, verb, argument, &key);
                client.handle_datagram(now, Datagram::new(path, &mut answer));
            }
            _ if argument == 0 => client.close(now),
            _ => drop(client.send(&mut Vec::new(), peer, b"data")),
        }
        let _ = client.poll_event();
    }
    let deadline = client.poll_timeout().unwrap_or(now).max(now);
    client.handle_timeout(deadline);
    assert!(client.poll_timeout().is_none_or(|next| next > deadline));
});

/// What a server might say to the last request, right or wrong.
fn respond(sent: &[u8], verb: u8, argument: u8, key: &IntegrityKey) -> Vec<u8> {
    let Ok(request) = Message::decode(sent) else {
        return vec![argument; usize::from(verb)];
    };
    let mut buf = Vec::new();
    let class = if argument & 1 == 0 {
        Class::Success
    } else {
        Class::Error
    };
    let mut builder = MessageBuilder::response_to(&mut buf, class, &request);
    if class == Class::Error {
        let codes = [401, 401, 438, 437, 300, 403, 440, 508];
        builder.error_code(codes[usize::from(argument >> 1) % codes.len()]);
        builder.realm("realm").nonce("nonce");
        builder.alternate_server(([10, 0, 0, argument], 3).into());
    } else {
        builder.xor_relayed_address(([203, 0, 113, argument], 4).into());
        builder.lifetime(Duration::from_secs(u64::from(argument) * 10));
    }
    let _ = builder.integrity(key).finish();
    if verb & 0x80 != 0 {
        let at = usize::from(argument) % buf.len();
        buf[at] ^= verb;
    }
    buf
}
