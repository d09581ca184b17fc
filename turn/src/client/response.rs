use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::Path;
use stun::{AddressFamily, AttributeType, Challenge, Class, ErrorCode, LongTermAuth, Message};

use super::request::{Purpose, Request};
use super::{Allocation, Client, State, later};
use crate::{Cause, Event, Initiator, Refusal, SocketCause};

/// How often a request is repeated because the server asks who we are: once, for a right answer stays right.
const MAX_CHALLENGES: u8 = 1;

/// How often in a row because the nonce was stale.
const MAX_STALE_NONCES: u8 = 3;

/// How often the client follows a 300.
const MAX_REDIRECTS: usize = 3;

/// How many sockets are tried on which the server has an allocation already (RFC 8656 §7.4).
const MAX_MISMATCHES: u8 = 3;

/// RFC 8656 §3.2: what a server gives that says nothing.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

/// What a server may grant: less would keep the client busy, more would keep it blind.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(20);
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);

/// How long before its end an allocation is refreshed (RFC 8656 §8).
const REFRESH_BEFORE: Duration = Duration::from_secs(60);

/// What a client understands in a response; another required attribute makes the transaction fail
/// (RFC 8489 §6.3.3).
const KNOWN: &[AttributeType] = &[
    AttributeType::MAPPED_ADDRESS,
    AttributeType::USERNAME,
    AttributeType::MESSAGE_INTEGRITY,
    AttributeType::MESSAGE_INTEGRITY_SHA256,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
    AttributeType::CHANNEL_NUMBER,
    AttributeType::LIFETIME,
    AttributeType::XOR_PEER_ADDRESS,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::XOR_RELAYED_ADDRESS,
    AttributeType::REQUESTED_ADDRESS_FAMILY,
    AttributeType::REQUESTED_TRANSPORT,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::RESERVATION_TOKEN,
    AttributeType::CONNECTION_ID,
];

impl Client {
    pub(super) fn handle_response(&mut self, now: Instant, response: &Message<'_>) {
        let request = self
            .path
            .and_then(|path| self.transactions.find(&path, response))
            .filter(|request| request.purpose.method() == response.method());
        let Some(request) = request else {
            self.stats.drops.unexpected += 1;
            return;
        };
        let code = match (response.class(), response.error_code()) {
            (Class::Success, _) => None,
            (_, Ok(Some(code))) => Some(code),
            _ => {
                self.stats.drops.malformed += 1;
                return;
            }
        };
        if !self.is_authentic(request, response, code) {
            self.stats.drops.unauthenticated += 1;
            return;
        }
        let Some(answered) = self.transactions.finish(now, response.transaction_id()) else {
            return;
        };
        self.stats.responses_received += 1;
        let request = answered.purpose;
        match code {
            _ if response.unknown_required(KNOWN).next().is_some() => {
                self.on_timed_out(now, request);
            }
            None => self.on_success(now, answered.first_sent, &request, response),
            Some(code) => self.on_error(now, request, code, response),
        }
    }

    /// RFC 8489 §9.2.5: what is not signed as the request was is not looked at, but for a 401 or 438, which a
    /// server sends that cannot check the signature, and a 300 to an Allocate without any signature: who sends clients
    /// on need not know them (§10). Before a realm is known, nothing but a refusal can be believed.
    fn is_authentic(
        &self,
        request: &Request,
        response: &Message<'_>,
        code: Option<ErrorCode>,
    ) -> bool {
        match &request.signed {
            Some(auth) => {
                auth.verify(response)
                    || match code {
                        Some(ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE) => true,
                        Some(ErrorCode::TRY_ALTERNATE) => {
                            !response.has_integrity()
                                && matches!(request.purpose, Purpose::Allocate)
                        }
                        _ => false,
                    }
            }
            None => self.config.credentials.is_none() || code.is_some(),
        }
    }

    fn on_success(
        &mut self,
        now: Instant,
        sent: Instant,
        request: &Request,
        response: &Message<'_>,
    ) {
        match &request.purpose {
            Purpose::Allocate => self.on_allocated(now, sent, response),
            Purpose::Refresh | Purpose::Migrate => self.on_refreshed(now, sent, response),
            Purpose::Delete => self.end(Initiator::Local, Cause::Closed),
            &Purpose::Connect(peer) => self.on_connected(peer, response),
            Purpose::Permissions(peers) => {
                self.stats.permissions_granted += 1;
                for &peer in peers {
                    if self.permissions.on_installed(peer, sent) {
                        self.push(Event::PermissionInstalled(peer));
                    }
                }
            }
            &Purpose::Channel(number, peer) => {
                self.stats.channels_granted += 1;
                // RFC 8656 §12: a channel comes with a permission, which is then kept like others.
                if self.permissions.want(peer.ip()).is_ok()
                    && self.permissions.on_installed(peer.ip(), sent)
                {
                    self.push(Event::PermissionInstalled(peer.ip()));
                }
                if self.channels.on_bound(number, sent) {
                    self.push(Event::ChannelBound(peer, number));
                }
            }
        }
    }

    fn on_allocated(&mut self, now: Instant, sent: Instant, response: &Message<'_>) {
        if self.state == State::Closing {
            // It was closed while the request was on its way: now there is something to delete.
            self.intents.push_back(Request::new(Purpose::Delete));
            return;
        }
        let mut relayed: Vec<SocketAddr> = Vec::new();
        for address in response.xor_relayed_addresses().flatten() {
            let family = AddressFamily::of(&address);
            let is_new = relayed
                .iter()
                .all(|known| AddressFamily::of(known) != family);
            if is_new && is_usable(&address) && self.config.families.include(family) {
                relayed.push(address);
            }
        }
        let lifetime = response
            .lifetime()
            .ok()
            .flatten()
            .unwrap_or(DEFAULT_LIFETIME);
        let is_good = !relayed.is_empty() && !lifetime.is_zero();
        let lifetime = self.stands(sent, lifetime, relayed.clone());
        if !is_good {
            self.wind_up(now, Initiator::Remote, Cause::Malformed);
            return;
        }
        self.keep_ticket(response);
        self.state = State::Allocated;
        self.push(Event::Allocated {
            relayed,
            mapped: response.xor_mapped_address().ok().flatten(),
            lifetime,
            refused: response.address_error_code().ok().flatten(),
        });
        let unreachable: Vec<_> = self
            .permissions
            .peers()
            .filter(|it| !self.reaches(*it))
            .collect();
        for peer in unreachable {
            self.permissions.remove(peer);
            self.push(Event::PermissionRefused(peer, Refusal::Family));
        }
    }

    /// Notes how long the allocation stands, counted from when the request was sent.
    fn stands(&mut self, sent: Instant, granted: Duration, relayed: Vec<SocketAddr>) -> Duration {
        let lifetime = granted.clamp(SHORTEST_LIFETIME, LONGEST_LIFETIME);
        let refresh_after = lifetime.saturating_sub(REFRESH_BEFORE).max(lifetime / 2);
        self.allocation = Some(Allocation {
            relayed,
            refresh_at: Some(later(sent, refresh_after)),
            expires_at: later(sent, lifetime),
        });
        lifetime
    }

    fn on_refreshed(&mut self, now: Instant, sent: Instant, response: &Message<'_>) {
        let Some(allocation) = self.allocation.take() else {
            return;
        };
        let lifetime = response
            .lifetime()
            .ok()
            .flatten()
            .unwrap_or(DEFAULT_LIFETIME);
        if lifetime.is_zero() {
            // The server has deleted it, or says so.
            self.end(Initiator::Remote, Cause::AllocationLost);
            return;
        }
        self.stats.allocation_refreshes += 1;
        self.keep_ticket(response);
        if self.state == State::Moving {
            self.state = State::Allocated;
            self.push(Event::Migrated);
        }
        self.stands(sent, lifetime, allocation.relayed);
        // After a leap of the clock the answer may come too late for what it says.
        if self
            .allocation
            .as_ref()
            .is_some_and(|it| it.expires_at <= now)
        {
            self.end(Initiator::Network, Cause::TimedOut);
        }
    }

    fn on_error(
        &mut self,
        now: Instant,
        mut request: Request,
        code: ErrorCode,
        response: &Message<'_>,
    ) {
        if self.state == State::Closing && matches!(request.purpose, Purpose::Allocate) {
            // It was closed while the request was on its way, and there is nothing to delete.
            self.end(Initiator::Local, Cause::Closed);
            return;
        }
        match code {
            ErrorCode::UNAUTHENTICATED => {
                request.challenges += 1;
                if request.challenges > MAX_CHALLENGES || !self.take_challenge(response) {
                    self.give_up(now, request, Cause::Unauthenticated, code);
                } else {
                    self.intents.push_back(request);
                }
            }
            ErrorCode::STALE_NONCE => {
                request.stale_nonces += 1;
                if request.stale_nonces > MAX_STALE_NONCES || !self.take_challenge(response) {
                    self.give_up(now, request, Cause::StaleNonces, code);
                } else {
                    self.intents.push_back(request);
                }
            }
            ErrorCode::TRY_ALTERNATE if matches!(request.purpose, Purpose::Allocate) => {
                self.on_redirected(response);
            }
            ErrorCode::MOBILITY_FORBIDDEN
                if self.config.mobility && matches!(request.purpose, Purpose::Allocate) =>
            {
                // RFC 8016 §3.1.3: then without.
                self.config.mobility = false;
                self.intents.push_back(Request::new(Purpose::Allocate));
            }
            ErrorCode::ALLOCATION_MISMATCH => self.on_mismatch(&request),
            _ => self.give_up(now, request, Cause::Refused(code), code),
        }
    }

    /// Answers to the server's realm and nonce from now on.
    fn take_challenge(&mut self, response: &Message<'_>) -> bool {
        let earlier = self.auth.as_ref().map(|auth| auth.challenge());
        let challenge = Challenge::from_response(response, earlier);
        let (Ok(challenge), Some(credentials)) = (challenge, &self.config.credentials) else {
            return false;
        };
        self.auth = Some(Arc::new(LongTermAuth::new(credentials, challenge)));
        true
    }

    fn on_redirected(&mut self, response: &Message<'_>) {
        let server = response.alternate_server().ok().flatten();
        let asked = &self.server_history.asked;
        let redirects = asked
            .len()
            .saturating_sub(usize::from(self.server_history.mismatches));
        // RFC 8489 §14.15: of the family that the request came from. And nobody but this host names its loopback.
        let is_like = |server: &SocketAddr, path: Path| {
            server.is_ipv4() == path.remote.is_ipv4()
                && server.ip().is_loopback() == path.remote.ip().is_loopback()
        };
        let server = server
            .filter(|server| is_usable(server) && !asked.contains(server))
            .filter(|server| self.path.is_some_and(|path| is_like(server, path)))
            .filter(|_| redirects <= MAX_REDIRECTS);
        let Some(server) = server else {
            self.end(Initiator::Remote, Cause::Redirects);
            return;
        };
        let domain = response.alternate_domain().ok().flatten();
        self.need_socket(server, domain, SocketCause::Redirected);
    }

    fn on_mismatch(&mut self, request: &Request) {
        match request.purpose {
            Purpose::Allocate => {
                self.server_history.mismatches += 1;
                let path = self
                    .path
                    .filter(|_| self.server_history.mismatches < MAX_MISMATCHES);
                match path {
                    Some(path) => {
                        let cause = SocketCause::AllocationMismatch;
                        self.need_socket(path.remote, None, cause);
                    }
                    None => {
                        let code = ErrorCode::ALLOCATION_MISMATCH;
                        self.end(Initiator::Remote, Cause::Refused(code));
                    }
                }
            }
            // It is gone, which is what was wanted.
            Purpose::Delete => self.end(Initiator::Local, Cause::Closed),
            Purpose::Refresh
            | Purpose::Migrate
            | Purpose::Permissions(_)
            | Purpose::Channel(..)
            | Purpose::Connect(_) => {
                self.end(Initiator::Remote, Cause::AllocationLost);
            }
        }
    }

    fn need_socket(&mut self, server: SocketAddr, domain: Option<&str>, cause: SocketCause) {
        self.state = State::SocketNeeded;
        self.path = None;
        self.push(Event::SocketNeeded {
            server,
            domain: domain.map(str::to_owned),
            cause,
        });
    }

    /// The server said no.
    fn give_up(&mut self, now: Instant, request: Request, cause: Cause, code: ErrorCode) {
        match request.purpose {
            Purpose::Allocate => self.end(Initiator::Remote, cause),
            Purpose::Refresh => self.wind_up(now, Initiator::Remote, cause),
            Purpose::Migrate => self.end(Initiator::Remote, Cause::AllocationLost),
            Purpose::Delete => self.end(Initiator::Local, Cause::Closed),
            Purpose::Permissions(peers) if peers.len() > 1 => self.permissions.split(&peers),
            Purpose::Permissions(peers) => {
                for peer in peers {
                    self.permissions.remove(peer);
                    self.push(Event::PermissionRefused(peer, Refusal::Code(code)));
                }
            }
            Purpose::Channel(_, peer) => {
                self.channels.retire(now, peer);
                self.push(Event::ChannelRefused(peer, Refusal::Code(code)));
            }
            Purpose::Connect(peer) => self.on_connect_refused(peer, Some(code)),
        }
    }

    /// Nobody answered, or nothing that can be understood.
    pub(super) fn on_timed_out(&mut self, now: Instant, request: Request) {
        match request.purpose {
            Purpose::Allocate | Purpose::Refresh | Purpose::Migrate => {
                self.end(Initiator::Network, Cause::TimedOut);
            }
            Purpose::Delete => self.end(Initiator::Local, Cause::Closed),
            Purpose::Permissions(peers) => {
                for peer in self.permissions.on_timed_out(&peers) {
                    self.push(Event::PermissionRefused(peer, Refusal::TimedOut));
                }
            }
            Purpose::Channel(number, peer) => {
                if self.channels.on_timed_out(now, number) {
                    self.push(Event::ChannelRefused(peer, Refusal::TimedOut));
                }
            }
            Purpose::Connect(peer) => self.on_connect_refused(peer, None),
        }
    }
}

/// Whether packets can be sent there at all.
fn is_usable(address: &SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast()
}
