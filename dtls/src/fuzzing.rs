//! Doors for the fuzz targets, and for the test that keeps them from rusting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::wire::{
    Ack, Certificate13, CertificateRequest13, EncryptedExtensions, KeyUpdate, NewConnectionId,
    NewSessionTicket, PathMessage, RequestConnectionId,
};
use crate::wire::{
    CertificateMessage, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange,
    Fragment, HelloVerifyRequest, RecordHeader, ServerHello, ServerKeyExchange, SessionTicket,
    UnifiedHeader,
};
use crate::{
    AlertDescription, Certificate, Config, Connection, HashAlgorithm, Listener, PathCheck, PathId,
    PreSharedKey, Role, Ticket, TicketKeys, Versions,
};

/// Records of a datagram, and the fragments in them.
pub fn record(mut data: &[u8]) {
    while let Ok((header, mut body)) = RecordHeader::decode(&mut data) {
        if let Ok(length) = u16::try_from(body.len()) {
            assert_eq!(
                RecordHeader::decode(&mut [&header.encode(length)[..], body].concat().as_slice()),
                Ok((header, body))
            );
        }
        while let Ok(fragment) = Fragment::decode(&mut body) {
            assert!(
                fragment.header.offset + fragment.header.fragment_length <= fragment.header.length
            );
        }
    }
}

/// Records of DTLS 1.3, and acknowledgements.
pub fn record_13(data: &[u8]) {
    let mut rest = data;
    while let Ok(header) = UnifiedHeader::decode(rest, 4) {
        assert!(header.header_length >= 2 && header.header_length <= UnifiedHeader::LENGTH + 4);
        rest = &rest[header.header_length + header.body_length..];
    }
    if let Ok(ack) = Ack::decode(data) {
        assert!(ack.numbers.len() <= Ack::MAX);
        let mut buf = Vec::new();
        ack.encode(&mut buf);
        assert_eq!(Ack::decode(&buf), Ok(ack));
    }
}

/// One handshake message of TLS 1.3: the first byte says of which kind.
pub fn handshake_13(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    let mut buf = Vec::new();
    match kind % 6 {
        0 => {
            if let Ok(mut message) = EncryptedExtensions::decode(body) {
                message.encode(&mut buf);
                message.extensions.unknown = 0;
                assert_eq!(EncryptedExtensions::decode(&buf), Ok(message));
            }
        }
        1 => {
            if let Ok(message) = CertificateRequest13::decode(body) {
                message.encode(&mut buf);
                assert_eq!(CertificateRequest13::decode(&buf), Ok(message));
            }
        }
        2 => {
            if let Ok(message) = Certificate13::decode(body) {
                message.encode(&mut buf);
                let again = Certificate13::decode(&buf);
                assert_eq!(again.map(|again| again.leaf), Ok(message.leaf));
            }
        }
        3 => {
            if let Ok(message) = NewConnectionId::decode(body) {
                message.encode(&mut buf);
                assert_eq!(NewConnectionId::decode(&buf), Ok(message));
            }
            if let Ok(message) = RequestConnectionId::decode(body) {
                assert_eq!(body, [message.count]);
            }
            buf.clear();
            if let Ok(message) = PathMessage::decode(body) {
                message.encode(&mut buf);
                assert_eq!(buf, body);
            }
        }
        4 => {
            if let Ok(message) = KeyUpdate::decode(body) {
                message.encode(&mut buf);
                assert_eq!(KeyUpdate::decode(&buf), Ok(message));
            }
        }
        _ => {
            if let Ok(message) = NewSessionTicket::decode(body) {
                message.encode(&mut buf);
                assert_eq!(NewSessionTicket::decode(&buf), Ok(message));
            }
        }
    }
}

/// One handshake message: the first byte says of which kind.
pub fn handshake(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else {
        return;
    };
    match kind % 9 {
        0 => {
            if let Ok(mut hello) = ClientHello::decode(body) {
                let mut buf = Vec::new();
                hello.encode(&mut buf);
                hello.extensions.unknown = 0;
                assert_eq!(ClientHello::decode(&buf), Ok(hello));
            }
        }
        1 => {
            if let Ok(mut hello) = ServerHello::decode(body) {
                let mut buf = Vec::new();
                hello.encode(&mut buf);
                hello.extensions.unknown = 0;
                assert_eq!(ServerHello::decode(&buf), Ok(hello));
            }
        }
        2 => drop(HelloVerifyRequest::decode(body)),
        3 => drop(CertificateMessage::decode(body)),
        4 => drop(CertificateRequest::decode(body)),
        5 => drop(CertificateVerify::decode(body)),
        6 => drop(ServerKeyExchange::decode(body)),
        7 => {
            drop(ClientKeyExchange::decode(body));
            if let Ok(message) = SessionTicket::decode(body) {
                let mut buf = Vec::new();
                message.encode(&mut buf);
                assert_eq!(buf, body);
            }
        }
        _ => drop(crate::certificate::Leaf::from_der(body)),
    }
}

/// A certificate of the other side, and what somebody takes for his own.
pub fn certificate(data: &[u8]) {
    drop(crate::certificate::Leaf::from_der(data));
    if let Ok(text) = std::str::from_utf8(data) {
        drop(Certificate::from_pem(text));
    }
    let half = data.len() / 2;
    drop(Certificate::from_der(&data[..half], &data[half..]));
}

/// A listener among strangers: each step is a byte of where from, one of how long, and a datagram.
pub fn listener(mut data: &[u8]) {
    let Some(certificate) = Certificate::from_pem(include_str!("../../testdata/dtls/bob.pem")).ok()
    else {
        return;
    };
    let mut config = Config::new(certificate);
    config.tickets = Some(TicketKeys::new([3; 32], epoch()));
    let Ok(mut listener) = Listener::new(config, [1; 32]) else {
        return;
    };
    let mut now = epoch();
    let mut heard = [0_usize; 256];
    while let Some(([port, length], rest)) = data.split_first_chunk() {
        let (datagram, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        data = rest;
        now += Duration::from_millis(u64::from(*length));
        let from = ([192, 0, 2, 1], u16::from(*port)).into();
        listener.handle_datagram(now, from, &mut datagram.to_vec());
        let mut reply = Vec::new();
        // A hello may come in pieces.
        let heard = &mut heard[usize::from(*port)];
        *heard += datagram.len();
        while listener.poll_transmit(&mut reply).is_some() {
            assert!(reply.len() <= (*heard).max(74), "an answer that amplifies");
            reply.clear();
        }
        while let Some(mut accepted) = listener.poll_event() {
            accepted.connection.poll_transmit(now, &mut reply);
        }
        assert!(listener.half_open() <= Listener::MAX_HALF_OPEN);
    }
}

/// Commands in any order on two connections that otherwise do well.
pub fn commands(mut data: &[u8]) {
    let kind = data.split_off_first().copied().unwrap_or(0);
    let Some(mut pair) = Pair::new(kind) else {
        return;
    };
    while let Some((&operation, rest)) = data.split_first() {
        data = rest;
        let argument = data.split_off_first().copied().unwrap_or(0);
        let side = usize::from(operation & 1);
        pair.command(side, operation >> 1, argument);
        pair.check();
    }
}

fn epoch() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "an epoch; nothing depends on which"
    )]
    Instant::now()
}

/// Two connections and a hostile driver: each step is a byte of what to do, and what it needs. The first byte says what
/// they speak.
pub fn connection(mut data: &[u8]) {
    let kind = data.split_off_first().copied().unwrap_or(0);
    let Some(mut pair) = Pair::new(kind) else {
        return;
    };
    while let Some((&operation, rest)) = data.split_first() {
        data = rest;
        let argument = |data: &mut &[u8]| data.split_off_first().copied().unwrap_or(0);
        let side = usize::from(operation & 1);
        match operation >> 1 & 7 {
            0 | 1 => pair.deliver(side),
            2 => {
                let (at, xor) = (argument(&mut data), argument(&mut data));
                pair.damage(side, at, xor);
            }
            3 => pair.lose(side),
            4 => pair.repeat(side),
            5 => pair.wait(Duration::from_millis(u64::from(argument(&mut data)) * 20)),
            6 => {
                let length = usize::from(argument(&mut data)).min(data.len());
                let (bytes, rest) = data.split_at(length);
                data = rest;
                pair.inject(side, bytes);
            }
            _ => pair.say(side),
        }
        pair.check();
    }
}

struct Pair {
    sides: [Connection; 2],
    last: [Vec<u8>; 2],
    /// Where everything comes from by now.
    path: PathId,
    now: Instant,
}

impl Pair {
    /// Bits of what they speak: 1 connection ids, 2 DTLS 1.2 and nothing newer, 4 tickets of it, 8 the enhanced check of
    /// paths; with 16 they had a connection, and the client has a ticket; with 32 they know keys, one of them for import.
    fn new(kind: u8) -> Option<Self> {
        let alice = Certificate::from_pem(include_str!("../../testdata/dtls/alice.pem")).ok()?;
        let bob = Certificate::from_pem(include_str!("../../testdata/dtls/bob.pem")).ok()?;
        let now = epoch();
        let ticket = (kind & 16 != 0)
            .then(|| Self::new(kind & !16)?.ticket())
            .flatten();
        let make = |own: &Certificate, other: &Certificate, role| {
            let mut config = Config::new(own.clone());
            config.tickets = Some(TicketKeys::new([3; 32], now));
            config.accept_tickets = true;
            config.tickets_12 = kind & 4 != 0;
            if kind & 32 != 0 {
                let key = |name| PreSharedKey::new(name, &[7; 32]).ok();
                config.psks.push(key(b"one")?);
                let imported = key(b"two")?.imported(b"fuzz", HashAlgorithm::Sha384);
                config.psks.push(imported.ok()?);
                if role == Role::Server {
                    config.psks.reverse();
                }
            }
            if kind & 8 != 0 {
                config.path_check = PathCheck::Enhanced;
            }
            config.connection_id = (kind & 1 != 0).then_some(2 + 3 * (role as usize));
            if kind & 2 != 0 {
                config.versions = Versions::DTLS_1_2;
            }
            let mut connection = Connection::new(Arc::new(config), role, [role as u8; 32]).ok()?;
            connection.set_remote_fingerprints(now, vec![other.fingerprint()]);
            if role == Role::Client
                && let Some(ticket) = ticket.clone()
            {
                connection.offer_ticket(ticket);
            }
            connection.start(now, None);
            Some(connection)
        };
        Some(Self {
            sides: [
                make(&alice, &bob, Role::Client)?,
                make(&bob, &alice, Role::Server)?,
            ],
            last: [Vec::new(), Vec::new()],
            path: PathId::default(),
            now,
        })
    }

    /// Has them connect, for a ticket.
    fn ticket(mut self) -> Option<Ticket> {
        for turn in 0..8 {
            while self.next(turn % 2) {
                let mut datagram = std::mem::take(&mut self.last[turn % 2]);
                self.sides[1 - turn % 2].handle_datagram(self.now, &mut datagram);
            }
        }
        self.sides[0].take_ticket()
    }

    fn command(&mut self, side: usize, operation: u8, argument: u8) {
        let now = self.now;
        let number = usize::from(argument);
        let connection = &mut self.sides[side];
        match operation % 20 {
            0 => connection.start(now, None),
            1 => connection.set_mtu(now, number * 8),
            2 => connection.set_round_trip(now, Duration::from_millis(u64::from(argument))),
            3 if argument < 8 => connection.set_remote_fingerprints(now, Vec::new()),
            4 => connection.update_keys(now),
            5 if argument < 8 => connection.close(now),
            6 if argument < 8 => connection.abort(now, AlertDescription(argument)),
            7 => {
                let mut buf = vec![0; number];
                if let Some(mark) = connection.begin(&mut buf) {
                    buf.resize(number * 80, 0);
                    if connection.seal(now, &mut buf, mark).is_err() {
                        assert!(buf.len() <= number);
                    }
                }
            }
            8 => {
                let mut buf = vec![0; number];
                if let Some(mark) = connection.begin(&mut buf) {
                    connection.abandon(&mut buf, mark);
                    assert_eq!(buf.len(), number);
                }
            }
            9 => {
                let mut out = vec![0; number * 8];
                let exported = connection.export_keying_material("a", Some(&[1]), &mut out);
                assert_eq!(exported.is_ok(), connection.is_connected());
            }
            12 => drop(connection.take_ticket()),
            13 => connection.update_own_keys(now),
            10 => self.say(side),
            11 => self.wait(Duration::from_millis(u64::from(argument) * 50)),
            14 => drop(connection.request_connection_ids(now, argument)),
            15 => drop(connection.change_connection_id()),
            16 => connection.move_to(PathId(u64::from(argument))),
            17 => self.path = PathId(u64::from(argument & 3)),
            18 => connection.rest(now),
            _ => self.deliver(side),
        }
    }

    fn next(&mut self, side: usize) -> bool {
        let mut datagram = Vec::new();
        let connection = &mut self.sides[side];
        let some = connection.poll_transmit(self.now, &mut datagram).is_some()
            || connection
                .poll_transmit_elsewhere(self.now, &mut datagram)
                .is_some();
        if some {
            self.last[side] = datagram;
        }
        some
    }

    fn inject(&mut self, side: usize, bytes: &[u8]) {
        let connection = &mut self.sides[1 - side];
        connection.handle_datagram_on(self.now, self.path, &mut bytes.to_vec());
    }

    fn deliver(&mut self, side: usize) {
        if self.next(side) {
            self.repeat(side);
        }
    }

    fn repeat(&mut self, side: usize) {
        let datagram = self.last[side].clone();
        self.inject(side, &datagram);
    }

    fn lose(&mut self, side: usize) {
        self.next(side);
    }

    fn damage(&mut self, side: usize, at: u8, xor: u8) {
        let mut datagram = self.last[side].clone();
        let length = datagram.len().max(1);
        if let Some(byte) = datagram.get_mut(usize::from(at) * 7 % length) {
            *byte ^= xor;
        }
        self.inject(side, &datagram);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        for side in &mut self.sides {
            side.handle_timeout(self.now);
        }
    }

    fn say(&mut self, side: usize) {
        let mut buf = Vec::new();
        let connection = &mut self.sides[side];
        let Some(mark) = connection.begin(&mut buf) else {
            return;
        };
        buf.extend_from_slice(b"genuine");
        if connection.seal(self.now, &mut buf, mark).is_ok() {
            self.last[side] = buf;
            self.repeat(side);
        }
    }

    /// Deadlines lie ahead, and nobody receives what nobody said.
    fn check(&mut self) {
        for side in &mut self.sides {
            side.handle_timeout(self.now);
            assert!(
                side.poll_timeout()
                    .is_none_or(|deadline| deadline > self.now)
            );
            let mut data = Vec::new();
            while side.recv(&mut data).is_some() {
                assert_eq!(data, b"genuine");
                data.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn the_doors_open() {
        let mut rng = rand::rngs::StdRng::seed_from_u64(1);
        for _ in 0..300 {
            let mut data = vec![0; rng.random_range(0..300)];
            rng.fill_bytes(&mut data);
            record(&data);
            record_13(&data);
            handshake(&data);
            handshake_13(&data);
            certificate(&data);
            listener(&data);
            commands(&data);
        }
        for _ in 0..30 {
            let mut data = vec![0; rng.random_range(0..300)];
            rng.fill_bytes(&mut data);
            // Mostly delivery, so that they come to something.
            for byte in data.iter_mut().take(40) {
                *byte &= 3;
            }
            connection(&data);
        }
    }
}
