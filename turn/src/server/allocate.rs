//! Allocate (RFC 8656 §7.2).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use net::Transport;
use rand::RngExt;
use stun::{
    AddressFamily, Class, ErrorCode, Message, MessageBuilder, TRANSPORT_TCP, TRANSPORT_UDP,
};

use super::allocation::{Allocation, Opening, TICKET_LENGTH, later};
use super::answer::Reply;
use super::auth::Session;
use super::ports::Want;
use super::slab::Key;
use super::{Bandwidth, MAX_EVENTS, RelayTransport, Server, User};

/// What an Allocate asks for, found to make sense.
struct Wish {
    transport: RelayTransport,
    families: [Option<AddressFamily>; 2],
    want: Want,
    token: Option<[u8; 8]>,
}

/// The shortest lifetime, and what a client gets that does not ask (RFC 8656 §7.2).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// How long a driver may take to open sockets.
const OPENING_TIME: Duration = Duration::from_secs(30);

impl Server {
    pub(super) fn on_allocate(&mut self, now: Instant, request: &Message<'_>, session: Session) {
        let path = session.reply.path;
        if let Some(key) = self.by_path.get(&path).copied() {
            return self.allocate_again(now, key, &session.reply);
        }
        let unix = self.config.clock.unix_at(now);
        if session.expires_at.is_some_and(|until| until <= unix) {
            return self.challenge(now, path, request, ErrorCode::UNAUTHENTICATED);
        }
        if let Some(drain) = self.drain {
            return self.send_away(&session.reply, drain.alternate);
        }
        let wish = match self.read_wish(request, path.transport) {
            Ok(wish) => wish,
            Err(code) => return self.refuse(&session.reply, code),
        };
        let source = source_of(path.remote.ip());
        if let Err(code) = self.has_room(&session.identity, source) {
            return self.refuse(&session.reply, code);
        }
        if let Some(quota) = &mut self.quota
            && !quota.enter(&session.identity, source)
        {
            return self.refuse(&session.reply, ErrorCode::ALLOCATION_QUOTA_REACHED);
        }
        let asked = request.lifetime().ok().flatten();
        let granted = self.grant(asked);
        let user = self.enter(session.identity, source);
        let span = (granted, later(now, OPENING_TIME));
        let owner = (user, source);
        let mut allocation = Allocation::new(
            (path, request.transaction_id()),
            owner,
            wish.transport,
            span,
        );
        allocation.rare.opening = Some(Opening {
            reply: session.reply,
            want: wish.want,
            tries: 0,
            waiting: 0,
        });
        let wants_ticket = request.mobility_ticket().is_some();
        let key = self.allocations.insert(allocation);
        self.by_path.insert(path, key);
        if wants_ticket && self.config.mobility {
            self.issue_ticket(key);
        }
        self.arm(key);
        self.begin(now, key, &wish);
    }

    /// Has the relays opened; they report one by one.
    fn begin(&mut self, now: Instant, key: Key, wish: &Wish) {
        if let Some(token) = wish.token {
            let claimed = self.claim(token, key);
            let Some(allocation) = self.allocations.get_mut(key) else {
                return;
            };
            if let Some((family, relay)) = claimed {
                if let Some(slot) = allocation.relays.get_mut(Allocation::slot(family)) {
                    *slot = Some(relay);
                }
            } else {
                let refusal = (AddressFamily::V4, ErrorCode::INSUFFICIENT_CAPACITY);
                allocation.rare.refused = Some(refusal);
            }
            return self.complete(now, key);
        }
        let mut waits = false;
        for family in wish.families.into_iter().flatten() {
            let code = if self.relay_address(family).is_none() {
                ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED
            } else if self.open(now, key, (family, wish.transport), wish.want) {
                waits = true;
                continue;
            } else {
                ErrorCode::INSUFFICIENT_CAPACITY
            };
            if let Some(allocation) = self.allocations.get_mut(key) {
                allocation.rare.refused = Some((family, code));
            }
        }
        if !waits {
            self.complete(now, key);
        }
    }

    /// Every relay was opened, or could not be.
    pub(super) fn complete(&mut self, now: Instant, key: Key) {
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        let Some(opening) = allocation.rare.opening.take() else {
            return;
        };
        if allocation.relays.iter().flatten().next().is_none() {
            let code = allocation.rare.refused.map(|(_, code)| code);
            self.delete(now, key);
            return self.refuse(
                &opening.reply,
                code.unwrap_or(ErrorCode::INSUFFICIENT_CAPACITY),
            );
        }
        allocation.expires_at = later(now, allocation.granted);
        let reservation = allocation.rare.reservation;
        if let Some(armed) = allocation.armed.take() {
            let timer = super::Timer::Allocation(key);
            self.timers.remove(&(armed, timer));
        }
        self.arm(key);
        if let Some(token) = reservation {
            self.start_reservation(now, token);
        }
        self.stats.allocated += 1;
        self.answer_allocated(key, &opening.reply);
    }

    /// The same request gets the same answer, another one 437 (RFC 8656 §7.2).
    fn allocate_again(&mut self, now: Instant, key: Key, reply: &Reply) {
        let Some(allocation) = self.allocations.get(key) else {
            return;
        };
        if allocation.transaction != reply.id() || allocation.expires_at <= now {
            return self.refuse(reply, ErrorCode::ALLOCATION_MISMATCH);
        }
        // While it is being made, the answer is on its way.
        if allocation.rare.opening.is_none() {
            self.answer_allocated(key, reply);
        }
    }

    fn answer_allocated(&mut self, key: Key, reply: &Reply) {
        let Some(allocation) = self.allocations.get(key) else {
            return;
        };
        let relays = allocation
            .relays
            .map(|key| key.and_then(|key| self.relays.get(key).map(|relay| relay.public)));
        let (granted, mapped) = (allocation.granted, allocation.path.remote);
        let (reservation, refused) = (allocation.rare.reservation, allocation.rare.refused);
        let ticket = allocation.rare.ticket;
        self.answer(reply, Class::Success, |builder: &mut MessageBuilder<'_>| {
            for relayed in relays.into_iter().flatten() {
                builder.xor_relayed_address(relayed);
            }
            builder.lifetime(granted);
            if let Some(token) = reservation {
                builder.reservation_token(token);
            }
            builder.xor_mapped_address(mapped);
            if let Some((family, code)) = refused {
                builder.address_error_code(family, code);
            }
            if let Some(ticket) = ticket {
                builder.mobility_ticket(&ticket);
            }
        });
    }

    fn send_away(&mut self, reply: &Reply, alternate: Option<std::net::SocketAddr>) {
        let fits = |it: &std::net::SocketAddr| it.is_ipv4() == reply.path.remote.is_ipv4();
        let Some(alternate) = alternate.filter(fits) else {
            return self.refuse(reply, ErrorCode::INSUFFICIENT_CAPACITY);
        };
        self.stats.answers.count(300);
        self.answer(reply, Class::Error, |builder| {
            builder
                .error_code(ErrorCode::TRY_ALTERNATE.get())
                .alternate_server(alternate);
        });
    }

    fn read_wish(&self, request: &Message<'_>, transport: Transport) -> Result<Wish, ErrorCode> {
        const BAD: ErrorCode = ErrorCode::BAD_REQUEST;
        let is_stream = transport != Transport::Udp;
        let transport = match request.requested_transport() {
            Ok(Some(TRANSPORT_UDP)) => RelayTransport::Udp,
            // RFC 6062 §5.1: only over a stream.
            Ok(Some(TRANSPORT_TCP)) if self.config.tcp_relays && is_stream => RelayTransport::Tcp,
            Ok(Some(TRANSPORT_TCP)) if self.config.tcp_relays => return Err(BAD),
            Ok(Some(_)) => return Err(ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL),
            Ok(None) | Err(_) => return Err(BAD),
        };
        let even = request.even_port().map_err(|_| BAD)?;
        let token = request.reservation_token().map_err(|_| BAD)?;
        let unsupported = ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED;
        let requested = request
            .requested_address_family()
            .map_err(|_| unsupported)?;
        let additional = request
            .additional_address_family()
            .map_err(|_| unsupported)?;
        request.lifetime().map_err(|_| BAD)?;
        let clashes = [
            token.is_some() && (even.is_some() || requested.is_some() || additional.is_some()),
            requested.is_some() && additional.is_some(),
            additional == Some(AddressFamily::V4),
            additional.is_some() && even == Some(true),
            transport == RelayTransport::Tcp
                && (even.is_some() || token.is_some() || request.dont_fragment()),
        ];
        if clashes.contains(&true) {
            return Err(BAD);
        }
        if let Some(ticket) = request.mobility_ticket()
            && !self.config.mobility
        {
            // RFC 8016 §3.5: an empty one asks, a full one makes no sense.
            let asks = ticket.is_empty();
            return Err(if asks {
                ErrorCode::MOBILITY_FORBIDDEN
            } else {
                BAD
            });
        }
        let families = match (requested, additional) {
            (_, Some(_)) => [Some(AddressFamily::V4), Some(AddressFamily::V6)],
            (Some(family), None) => [Some(family), None],
            (None, None) => [Some(AddressFamily::V4), None],
        };
        let has_any = families
            .iter()
            .flatten()
            .any(|it| self.relay_address(*it).is_some());
        if !has_any {
            return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        }
        let has_reservations = self.reservations.len() < self.config.limits.reservations;
        let want = match even {
            Some(true) if !has_reservations => return Err(ErrorCode::INSUFFICIENT_CAPACITY),
            Some(true) => Want::Pair,
            Some(false) => Want::Even,
            None => Want::Any,
        };
        if token.is_some_and(|token| !self.reservations.contains_key(&token)) {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        Ok(Wish {
            transport,
            families,
            want,
            token,
        })
    }

    /// Between ten minutes and the longest; ten minutes for who does not say (RFC 8656 §7.2).
    pub(super) fn grant(&self, asked: Option<Duration>) -> Duration {
        asked
            .unwrap_or(DEFAULT_LIFETIME)
            .clamp(DEFAULT_LIFETIME, self.config.limits.lifetime)
    }

    fn has_room(&self, identity: &str, source: u64) -> Result<(), ErrorCode> {
        let limits = &self.config.limits;
        if self.by_path.len() >= limits.allocations || self.events.len() >= MAX_EVENTS {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY);
        }
        if self.quota.is_some() {
            return Ok(());
        }
        let user = self.by_name.get(identity);
        let of_user = user.and_then(|key| self.users.get(*key));
        let of_user = of_user.map_or(0, |user| user.allocations);
        let of_source = self.sources.get(&source).copied().unwrap_or(0);
        if of_user >= limits.allocations_per_user || of_source >= limits.allocations_per_source {
            return Err(ErrorCode::ALLOCATION_QUOTA_REACHED);
        }
        Ok(())
    }

    fn enter(&mut self, identity: String, source: u64) -> Key {
        *self.sources.entry(source).or_insert(0) += 1;
        let known = self.by_name.get(&identity).copied();
        if let Some((key, user)) = known.and_then(|key| Some((key, self.users.get_mut(key)?))) {
            user.allocations += 1;
            return key;
        }
        let shared = self.quota.as_mut();
        let shared = shared.and_then(|quota| quota.bandwidth(Some(&identity)));
        let user = User {
            name: identity.clone(),
            allocations: 1,
            bandwidth: shared.unwrap_or_else(|| Bandwidth::new(self.config.clock.at)),
        };
        let key = self.users.insert(user);
        self.by_name.insert(identity, key);
        key
    }

    /// Ends an allocation and all that hangs on it.
    pub(super) fn delete(&mut self, now: Instant, key: Key) {
        let Some(allocation) = self.allocations.remove(key) else {
            return;
        };
        self.by_path.remove(&allocation.path);
        if let Some(armed) = allocation.armed {
            self.timers.remove(&(armed, super::Timer::Allocation(key)));
        }
        if let Some(ticket) = allocation.rare.ticket {
            self.tickets.remove(&ticket);
        }
        for connection in &allocation.rare.connections {
            self.close_connection(*connection);
        }
        for relay in allocation.relays.into_iter().flatten() {
            self.close_relay(now, relay);
        }
        if allocation.rare.opening.is_some()
            && let Some(token) = allocation.rare.reservation
            && let Some(relay) = self.reservations.get(&token).copied()
        {
            self.close_relay(now, relay);
        }
        if let Some(count) = self.sources.get_mut(&allocation.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.sources.remove(&allocation.source);
            }
        }
        if let Some(user) = self.users.get_mut(allocation.user) {
            if let Some(quota) = &mut self.quota {
                quota.leave(&user.name, allocation.source);
            }
            user.allocations = user.allocations.saturating_sub(1);
            if user.allocations == 0
                && let Some(user) = self.users.remove(allocation.user)
            {
                self.by_name.remove(&user.name);
            }
        }
        if let Transport::Stream(id) = allocation.path.transport {
            self.give_time(now, id);
        }
    }

    /// A ticket that nobody can guess, instead of the one before.
    pub(super) fn issue_ticket(&mut self, key: Key) {
        let mut ticket = [0; TICKET_LENGTH];
        self.rng.fill(&mut ticket);
        if let Some(first) = ticket.first_mut() {
            *first = self.config.shard;
        }
        let Some(allocation) = self.allocations.get_mut(key) else {
            return;
        };
        if let Some(former) = allocation.rare.ticket.replace(ticket) {
            self.tickets.remove(&former);
        }
        self.tickets.insert(ticket, key);
    }
}

/// What counts as one source: an IPv4 address, or an IPv6 network as one customer gets it.
fn source_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(_) => super::strangers::neighbourhood(address),
    }
}
