//! What the driver reports about the network around the sockets, and what ICE wants of it: servers, names, streams,
//! addresses that come and go.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ice::{Candidate, InterfaceFact, StreamFact, TcpType};
use net::Path;

use super::PeerConnection;
use crate::config::IceServer;
use crate::data::Outlet;
use crate::error::{AddCandidateError, RelayCredentialsError};
use crate::event::Event;
use crate::relay::RelayFact;

/// The STUN servers whose names are not resolved yet.
#[derive(Debug, Default)]
pub(super) struct Servers {
    unresolved: Vec<(String, u16)>,
}

impl Servers {
    pub(super) fn is_settled(&self) -> bool {
        self.unresolved.is_empty()
    }
}

impl PeerConnection {
    /// Asks the servers of the configuration, once their addresses are known. A TURN server is a STUN server, too.
    pub(super) fn use_servers(&mut self, now: Instant) {
        // A TURN server without credentials is a mistake.
        let is_usable = |server: &&IceServer| {
            !server.uri().scheme().is_turn() || server.credentials().is_some()
        };
        let usable = self.config.ice_servers.iter().filter(is_usable);
        let uris: Vec<_> = usable.map(IceServer::uri).collect();
        let mut servers = Vec::new();
        for uri in uris {
            let is_plain = !uri.scheme().is_secure() && uri.transport() == stun::UriTransport::Udp;
            if is_plain && self.config.ice_mode == ice::Mode::Full {
                servers.push((uri.host().to_ascii_lowercase(), uri.port()));
            }
        }
        for (host, port) in servers {
            let literal = host.trim_start_matches('[').trim_end_matches(']');
            if let Ok(ip) = literal.parse::<IpAddr>() {
                self.add_stun_server(now, SocketAddr::new(ip, port));
                continue;
            }
            let unresolved = &mut self.transport.servers.unresolved;
            if !unresolved.iter().any(|(known, _)| *known == host) {
                self.events.push(Event::ResolveName(host.clone()));
            }
            unresolved.push((host, port));
            self.candidates.gathered = false;
        }
        for host in self.relays.begin(now) {
            let unresolved = &self.transport.servers.unresolved;
            if !unresolved.iter().any(|(known, _)| *known == host) {
                self.events.push(Event::ResolveName(host));
            }
        }
        self.candidates.relayed = self.relays.is_settled();
    }

    /// What became of a socket that [`Event::OpenRelaySocket`] asked for. What it receives is given to
    /// [`handle_datagram`](Self::handle_datagram) under its path.
    pub fn on_relay_socket(&mut self, now: Instant, fact: RelayFact) {
        let (RelayFact::Opened(id, _) | RelayFact::Refused(id) | RelayFact::Closed(id)) = fact;
        let is_wanted = !self.state.closed && self.relays.on_socket(fact);
        if !is_wanted && matches!(fact, RelayFact::Opened(..)) {
            self.events.push(Event::CloseRelaySocket(id));
        }
        self.settle(now);
    }

    /// Whether a STUN or TURN server is being asked, so that more candidates may come soon.
    pub const fn is_gathering(&self) -> bool {
        !(self.candidates.gathered && self.candidates.relayed)
    }

    /// Tells once that all is gathered.
    pub(super) fn settle_gathering(&mut self) {
        let is_gathering = self.is_gathering();
        if std::mem::replace(&mut self.candidates.untold, is_gathering) && !is_gathering {
            self.events.push(Event::GatheringComplete);
        }
    }

    /// Other credentials for the TURN server of this host, before the old ones expire. Those of the same user serve the
    /// addresses that stand; for another user new addresses are asked for, and the old ones are given up when those are
    /// there, so data through them moves as on any change of path.
    pub fn set_relay_credentials(
        &mut self,
        now: Instant,
        host: &str,
        username: &str,
        password: &str,
    ) -> Result<(), RelayCredentialsError> {
        let credentials = stun::LongTermCredentials::new(username, password)
            .map_err(|_| RelayCredentialsError::Text)?;
        let found = self.relays.set_credentials(now, host, &credentials);
        self.settle(now);
        found
            .then_some(())
            .ok_or(RelayCredentialsError::UnknownHost)
    }

    /// Takes over what happened on the way to the relays.
    pub(super) fn settle_relays(&mut self, now: Instant) -> bool {
        let moved = self
            .relays
            .settle(now, &mut self.transport.ice, &mut self.events);
        let is_settled = self.relays.is_settled();
        if moved || is_settled != self.candidates.relayed {
            self.candidates.relayed = is_settled;
            self.forget_candidates();
            self.note_candidates();
            self.tell_candidates();
        }
        moved
    }

    fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {
        match self.transport.ice.add_stun_server(now, server) {
            Ok(()) => self.candidates.gathered = false,
            Err(reason) => log::debug!("a STUN server is not used: {reason}"),
        }
    }

    /// What became of a name that [`Event::ResolveName`] asked about: its addresses, none when it has none.
    pub fn on_resolved(&mut self, now: Instant, name: &str, addresses: &[IpAddr]) {
        let is_asked = |host: &str| host.eq_ignore_ascii_case(name);
        let servers = std::mem::take(&mut self.transport.servers.unresolved);
        let (found, waiting): (Vec<_>, Vec<_>) =
            servers.into_iter().partition(|(host, _)| is_asked(host));
        self.transport.servers.unresolved = waiting;
        for (_, port) in found {
            // One of each family: the bases of the other cannot reach it.
            for wants_v4 in [true, false] {
                let address = addresses.iter().find(|ip| ip.is_ipv4() == wants_v4);
                if let Some(ip) = address {
                    self.add_stun_server(now, SocketAddr::new(*ip, port));
                }
            }
        }
        if self.transport.servers.is_settled() && !self.transport.ice.is_gathering() {
            self.candidates.gathered = true;
        }
        self.relays.on_resolved(now, name, addresses);
        let address = addresses.first().copied();
        self.transport.ice.on_resolved(now, name, address);
        self.relays.permit(&self.transport.ice);
        self.note_candidates();
        self.tell_candidates();
        self.settle(now);
    }

    /// Offers an address of this host to ICE under a name of multicast DNS, so that the peer does not learn it unless
    /// it is on the same link. The driver answers for the name.
    pub fn add_local_address_as(
        &mut self,
        now: Instant,
        address: SocketAddr,
        name: &str,
    ) -> Result<(), AddCandidateError> {
        self.add_local_candidate(now, Candidate::host_named(name, address))
    }

    /// Offers an address that the driver accepts TCP connections on (RFC 6544): a passive candidate.
    pub fn add_local_tcp_address(
        &mut self,
        now: Instant,
        address: SocketAddr,
    ) -> Result<(), AddCandidateError> {
        self.add_local_candidate(now, Candidate::tcp_host(address, TcpType::Passive))
    }

    /// Offers to open TCP connections from an address of this host (RFC 6544): an active candidate. The driver is asked
    /// by [`Event::OpenStream`].
    pub fn add_local_tcp_dialer(
        &mut self,
        now: Instant,
        ip: IpAddr,
    ) -> Result<(), AddCandidateError> {
        let candidate = Candidate::tcp_host(SocketAddr::new(ip, 0), TcpType::Active);
        self.add_local_candidate(now, candidate)
    }

    /// What became of a stream: see [`Event::OpenStream`].
    pub fn on_stream(&mut self, now: Instant, fact: StreamFact) {
        self.transport.ice.on_stream(now, fact);
        self.settle(now);
    }

    /// An address of this host came up, and has a socket, or went away: data moves without a restart where another
    /// pair works.
    pub fn on_interface(&mut self, now: Instant, fact: InterfaceFact) {
        if self.state.closed {
            return;
        }
        match fact {
            InterfaceFact::Down(ip) => {
                self.relays.on_address_lost(ip);
                self.transport.ice.on_interface(now, fact);
                self.forget_candidates();
            }
            InterfaceFact::Up(address) => {
                self.relays.on_network_change(now);
                if let Err(reason) = self.add_local_address(now, address) {
                    log::debug!("a new address is not used: {reason}");
                }
            }
            _ => {}
        }
        self.tell_candidates();
        self.settle(now);
    }

    /// The socket reports that a path is dead (an ICMP error): a hint, see [`ice::Agent::on_send_error`].
    pub fn on_send_error(&mut self, now: Instant, path: &Path) {
        self.transport.ice.on_send_error(now, path);
        self.settle(now);
    }

    /// This host refused a datagram of this size (EMSGSIZE); see [`ice::Agent::on_too_large`].
    pub fn on_too_large(&mut self, now: Instant, path: &Path, bytes: usize) {
        self.transport.ice.on_too_large(now, path, bytes);
        self.settle(now);
    }

    /// The path carries another session's data now; see [`ice::Agent::on_path_taken`].
    pub fn on_path_taken(&mut self, now: Instant, path: &Path) {
        self.transport.ice.on_path_taken(now, path);
        self.settle(now);
    }

    /// No check to an unproved address before `until`; see [`ice::Agent::hold_checks`].
    pub fn hold_checks(&mut self, now: Instant, until: Instant) {
        self.transport.ice.hold_checks(now, until);
        self.settle(now);
    }

    /// What the layers above may fill of one datagram on the path in use.
    pub fn path_budget(&self) -> ice::path_mtu::PathBudget {
        self.transport.ice.path_budget()
    }

    /// The path carries datagrams of this size: the association's packets grow or shrink to it, less what DTLS adds.
    pub(super) fn on_path_mtu(&mut self, now: Instant, datagram_bytes: usize) {
        let base = ice::path_mtu::BASE_DATAGRAM;
        let bytes = match datagram_bytes > base {
            true => datagram_bytes,
            false => self.config.udp_payload_bytes.min(base),
        };
        // Flights of the handshake, and of a later one, fill what the path carries.
        if let Some(dtls) = &mut self.transport.dtls {
            dtls.set_mtu(now, bytes);
        }
        if let (Some(association), Some(dtls)) = (&mut self.association, &self.transport.dtls) {
            let packet = bytes.saturating_sub(dtls.max_overhead());
            association.set_max_datagram(now, packet);
        }
    }

    /// The association's full packets get lost, smaller ones do not.
    pub(super) fn on_black_hole(&mut self, now: Instant, packet_bytes: usize) {
        let overhead = self
            .transport
            .dtls
            .as_ref()
            .map_or(0, dtls::Connection::max_overhead);
        for _ in 0..3 {
            let bytes = packet_bytes.saturating_add(overhead);
            self.transport.ice.on_datagram_lost(now, bytes);
        }
    }

    /// Data takes another path: what the association has learned of the old one says nothing about it.
    pub(super) fn on_path_selected(&mut self, now: Instant, path: Path) {
        self.relays.on_selected(now, &path);
        let before = self.transport.data_path.replace(path);
        if before.is_some_and(|before| before != path)
            && let Some(association) = &mut self.association
        {
            association.on_path_change(now);
        }
    }

    /// How many checks were sent to unproved addresses: what the endpoint counts against its budget.
    pub const fn unproved_checks(&self) -> u64 {
        self.transport.ice.stats().unproved_requests_sent
    }

    /// Adds a candidate to the agent, and what it made of it to what the peer is told.
    pub(super) fn add_local_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        if self.state.closed {
            return Err(AddCandidateError::Closed);
        }
        let added = self.transport.ice.add_local_candidate(now, candidate);
        added.map_err(super::negotiate::candidate_error)?;
        self.note_candidates();
        self.tell_candidates();
        self.settle(now);
        Ok(())
    }

    /// Takes over the agent's candidates that were not known yet.
    pub(super) fn note_candidates(&mut self) {
        for shown in self
            .transport
            .ice
            .local_candidates()
            .map(ToString::to_string)
        {
            if !self.candidates.local.contains(&shown) {
                self.candidates.local.push(shown);
            }
        }
    }

    /// Forgets the candidates that the agent has no more: later descriptions are without them.
    fn forget_candidates(&mut self) {
        let ice = &self.transport.ice;
        let shown: Vec<_> = ice.local_candidates().map(ToString::to_string).collect();
        let candidates = &mut self.candidates;
        let told = candidates.local.iter().take(candidates.told);
        candidates.told = told.filter(|line| shown.contains(line)).count();
        candidates.local.retain(|line| shown.contains(line));
    }
}
