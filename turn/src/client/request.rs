use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use stun::{
    AddressFamily, Class, LongTermAuth, MessageBuilder, Method, TRANSPORT_TCP, TRANSPORT_UDP,
    TransactionId,
};

use super::{Client, State};
use crate::{Allocation, ChannelNumber, Families};

/// A request, with what its forerunners have been through.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) purpose: Purpose,
    /// How many times the server has asked who we are (401).
    pub(super) challenges: u8,
    /// How many times in a row the nonce was stale (438).
    pub(super) stale_nonces: u8,
    /// What the request was signed with: what the response must be signed with.
    pub(super) signed: Option<Arc<LongTermAuth>>,
}

/// What a request is for.
#[derive(Clone, Debug)]
pub(super) enum Purpose {
    Allocate,
    Refresh,
    /// A Refresh from another socket, with the ticket.
    Migrate,
    /// A Refresh with lifetime zero.
    Delete,
    Permissions(Vec<IpAddr>),
    Channel(ChannelNumber, SocketAddr),
    /// A TCP connection to a peer.
    Connect(SocketAddr),
}

impl Request {
    pub(super) const fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            challenges: 0,
            stale_nonces: 0,
            signed: None,
        }
    }
}

impl Purpose {
    pub(super) const fn method(&self) -> Method {
        match self {
            Self::Allocate => Method::ALLOCATE,
            Self::Refresh | Self::Migrate | Self::Delete => Method::REFRESH,
            Self::Permissions(_) => Method::CREATE_PERMISSION,
            Self::Channel(..) => Method::CHANNEL_BIND,
            Self::Connect(_) => Method::CONNECT,
        }
    }
}

impl Client {
    /// Turns what is wanted into requests, as long as there is room.
    pub(super) fn make_requests(&mut self, now: Instant) {
        while !self.transactions.is_full() {
            let Some(mut request) = self.next_request() else {
                return;
            };
            let Some(path) = self.path else {
                return;
            };
            let id = TransactionId::new(self.rng.random());
            request.signed = self.auth.clone();
            let mut bytes = Vec::new();
            match self.write(&request, id, &mut bytes) {
                Ok(()) => {
                    // There is room: the loop has asked.
                    let _ = self.transactions.start(id, path, bytes, request);
                }
                // What the server demands does not fit into a message.
                Err(_) => self.on_timed_out(now, request),
            }
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        if let Some(request) = self.intents.pop_front() {
            return Some(request);
        }
        if self.state != State::Allocated {
            return None;
        }
        if let Some(peers) = self.permissions.next_batch() {
            return Some(Request::new(Purpose::Permissions(peers)));
        }
        let (number, peer) = self.channels.next_wanted()?;
        Some(Request::new(Purpose::Channel(number, peer)))
    }

    fn write(
        &self,
        request: &Request,
        id: TransactionId,
        buf: &mut Vec<u8>,
    ) -> Result<(), stun::EncodeError> {
        let method = request.purpose.method();
        let mut builder = MessageBuilder::new(buf, Class::Request, method, id);
        match &request.purpose {
            Purpose::Allocate => {
                builder.requested_transport(match self.config.allocation {
                    Allocation::Udp => TRANSPORT_UDP,
                    Allocation::Tcp => TRANSPORT_TCP,
                });
                match self.config.families {
                    Families::V4 => {}
                    Families::V6 => {
                        builder.requested_address_family(AddressFamily::V6);
                    }
                    Families::Both => {
                        builder.additional_address_family(AddressFamily::V6);
                    }
                }
                if let Some(lifetime) = self.config.lifetime {
                    builder.lifetime(lifetime);
                }
                if self.config.mobility {
                    builder.mobility_ticket(&[]);
                }
            }
            Purpose::Refresh | Purpose::Migrate => {
                if let (Some(ticket), Purpose::Migrate) = (&self.ticket, &request.purpose) {
                    builder.mobility_ticket(ticket);
                }
                if let Some(lifetime) = self.config.lifetime {
                    builder.lifetime(lifetime);
                }
            }
            Purpose::Delete => {
                builder.lifetime(Duration::ZERO);
            }
            Purpose::Permissions(peers) => {
                for peer in peers {
                    builder.xor_peer_address(SocketAddr::new(*peer, 0));
                }
            }
            Purpose::Channel(number, peer) => {
                builder.channel_number(number.get()).xor_peer_address(*peer);
            }
            Purpose::Connect(peer) => {
                builder.xor_peer_address(*peer);
            }
        }
        match &request.signed {
            Some(auth) => auth.seal(builder).fingerprint().finish(),
            None => builder.fingerprint().finish(),
        }
    }
}
