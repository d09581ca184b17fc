//! Binding: who are you, and what stands between us (RFC 8489 §12, RFC 5780 §6.1).

use std::net::SocketAddr;
use std::time::Instant;

use net::{Path, Transport};
use stun::{AttributeType, ChangeRequest, Class, Message};

use super::Server;
use super::answer::Reply;

/// What is understood in a Binding request. Credentials are of no use, and no harm.
const KNOWN: &[AttributeType] = &[
    AttributeType::USERNAME,
    AttributeType::USERHASH,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::PASSWORD_ALGORITHM,
    AttributeType::PRIORITY,
    AttributeType::USE_CANDIDATE,
];

/// What is understood as well where NATs are explored.
const KNOWN_OF_DISCOVERY: &[AttributeType] = &[
    AttributeType::CHANGE_REQUEST,
    AttributeType::RESPONSE_PORT,
    AttributeType::PADDING,
];

/// RFC 5780 §7.6 would answer any padding with as much as the path takes in one piece. An answer here has no more of it than the
/// question, or else a stranger had a third one shouted at.
const MAX_PADDING: usize = 1_500;

/// A header and two addresses.
const fn address_length(address: SocketAddr) -> usize {
    if address.is_ipv4() { 12 } else { 24 }
}

impl Server {
    pub(super) fn on_binding(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let is_udp = path.transport == Transport::Udp;
        let other = self
            .config
            .discovery
            .filter(|_| is_udp)
            .and_then(|discovery| discovery.other(path.local));
        let unknown: Vec<AttributeType> = request
            .unknown_required(KNOWN)
            .filter(|kind| other.is_none() || !KNOWN_OF_DISCOVERY.contains(kind))
            .collect();
        let mut reply = Reply::to(path, request);
        if !unknown.is_empty() {
            let length = 20 + 8 + 4 + (2 * unknown.len()).next_multiple_of(4);
            if self.admits_stranger(now, path, request, length) {
                self.refuse_attributes(&reply, &unknown);
            }
            return;
        }
        let Some(other) = other else {
            let length = 20 + address_length(path.remote);
            if self.admits_stranger(now, path, request, length) {
                self.stats.bindings += 1;
                self.answer(&reply, Class::Success, |builder| {
                    builder.xor_mapped_address(path.remote);
                });
            }
            return;
        };
        let (Ok(change), Ok(port)) = (request.change_request(), request.response_port()) else {
            return self.refuse_stranger(now, path, request);
        };
        let padding = request.attribute(AttributeType::PADDING);
        let padding = padding.map(|it| it.len().min(MAX_PADDING));
        // RFC 5780 §6.1: not both.
        if padding.is_some() && port.is_some() {
            return self.refuse_stranger(now, path, request);
        }
        let change = change.unwrap_or_default();
        let origin = changed(path.local, other, change);
        reply.destination.local = origin;
        if let Some(port) = port.filter(|port| *port != 0) {
            reply.destination.remote.set_port(port);
        }
        let padded = padding.map_or(0, |it| 4 + it.next_multiple_of(4));
        let length = 20 + 3 * address_length(path.remote) + address_length(other) + padded;
        if self.admits_stranger(now, path, request, length) {
            self.stats.bindings += 1;
            self.answer(&reply, Class::Success, |builder| {
                builder
                    .xor_mapped_address(path.remote)
                    .mapped_address(path.remote)
                    .response_origin(origin)
                    .other_address(other);
                if let Some(length) = padding.and_then(|it| u16::try_from(it).ok()) {
                    builder.padding(length);
                }
            });
        }
    }
}

/// From where to answer (RFC 5780 §6.1, table 1).
const fn changed(local: SocketAddr, other: SocketAddr, change: ChangeRequest) -> SocketAddr {
    let ip = if change.ip { other.ip() } else { local.ip() };
    let port = if change.port {
        other.port()
    } else {
        local.port()
    };
    SocketAddr::new(ip, port)
}
