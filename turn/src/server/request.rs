//! What clients ask for.

use std::time::Instant;

use net::Path;
use rand::RngExt;
use stun::{AttributeType, Class, ErrorCode, Message, Method};

use super::auth::Session;
use super::slab::Key;
use super::{RelayTransport, Server};

/// What is understood in a request; any other required attribute is answered with 420 (RFC 8489 §6.3.1).
const KNOWN: &[AttributeType] = &[
    AttributeType::USERNAME,
    AttributeType::USERHASH,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::PASSWORD_ALGORITHM,
    AttributeType::LIFETIME,
    AttributeType::CHANNEL_NUMBER,
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::DATA,
    AttributeType::REQUESTED_ADDRESS_FAMILY,
    AttributeType::REQUESTED_TRANSPORT,
    AttributeType::EVEN_PORT,
    AttributeType::RESERVATION_TOKEN,
    AttributeType::CONNECTION_ID,
];

impl Server {
    pub(super) fn handle_request(&mut self, now: Instant, path: Path, request: &Message<'_>) {
        let method = request.method();
        if method == Method::BINDING {
            return self.on_binding(now, path, request);
        }
        if !is_served(method) {
            self.stats.drops.malformed += 1;
            return;
        }
        let Some(session) = self.authenticate(now, path, request) else {
            return;
        };
        let dont_fragment = self.config.dont_fragment;
        let is_known = |kind: &AttributeType| {
            KNOWN.contains(kind) || (*kind == AttributeType::DONT_FRAGMENT && dont_fragment)
        };
        let unknown: Vec<AttributeType> = request
            .unknown_required(&[])
            .filter(|kind| !is_known(kind))
            .collect();
        if !unknown.is_empty() {
            return self.refuse_attributes(&session.reply, &unknown);
        }
        match method {
            Method::ALLOCATE => self.on_allocate(now, request, session),
            Method::REFRESH => self.on_refresh(now, request, &session),
            Method::CREATE_PERMISSION => self.on_create_permission(now, request, &session),
            Method::CHANNEL_BIND => self.on_channel_bind(now, request, &session),
            Method::CONNECT => self.on_connect(now, request, &session),
            _ => self.on_connection_bind(now, request, &session),
        }
    }

    /// The allocation that a request is about; else it is answered: 437, 441, or 400 when the transport is another.
    pub(super) fn owned(
        &mut self,
        session: &Session,
        transport: Option<RelayTransport>,
    ) -> Option<Key> {
        let key = self.by_path.get(&session.reply.path).copied();
        let standing = key.and_then(|key| Some((key, self.allocations.get(key)?)));
        let Some((key, allocation)) = standing.filter(|(_, it)| it.rare.opening.is_none()) else {
            self.refuse(&session.reply, ErrorCode::ALLOCATION_MISMATCH);
            return None;
        };
        let is_theirs = self
            .users
            .get(allocation.user)
            .is_some_and(|user| user.name == session.identity);
        let fits = transport.is_none_or(|transport| transport == allocation.transport);
        if !is_theirs {
            self.refuse(&session.reply, ErrorCode::WRONG_CREDENTIALS);
        } else if !fits {
            self.refuse(&session.reply, ErrorCode::BAD_REQUEST);
        }
        (is_theirs && fits).then_some(key)
    }

    /// A name for something that a client brings back: the shard, and chance.
    pub(super) fn token(&mut self) -> [u8; 8] {
        let mut token: [u8; 8] = self.rng.random();
        if let Some(first) = token.first_mut() {
            *first = self.config.shard;
        }
        token
    }
}

const fn is_served(method: Method) -> bool {
    matches!(
        method,
        Method::ALLOCATE
            | Method::REFRESH
            | Method::CREATE_PERMISSION
            | Method::CHANNEL_BIND
            | Method::CONNECT
            | Method::CONNECTION_BIND
    )
}

/// Which of several servers behind one address a request is for, when it brings something that one of them gave out: a
/// reservation token, a mobility ticket or a connection id. To be asked about what comes from an address that has no
/// allocation.
pub fn shard_of(bytes: &[u8]) -> Option<u8> {
    // A channel's data, most likely.
    if bytes.first().is_none_or(|first| *first > 3) {
        return None;
    }
    let request = Message::decode(bytes).ok()?;
    if request.class() != Class::Request {
        return None;
    }
    let first = match request.method() {
        Method::ALLOCATE => request.reservation_token().ok()??.first().copied(),
        Method::REFRESH => request.mobility_ticket()?.first().copied(),
        Method::CONNECTION_BIND => {
            let [first, ..] = request.connection_id().ok()??.to_be_bytes();
            Some(first)
        }
        _ => None,
    };
    first.filter(|_| request.has_integrity())
}
