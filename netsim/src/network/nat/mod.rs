mod config;
mod ports;
mod table;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use net::Transport;

pub use config::{Filtering, Hairpin, Mapping, NatConfig, Pooling, PortAssignment};

use super::{Drops, LinkId, Packet};
use ports::Ports;
use table::{Entry, Table, Towards};

/// A NAT for the address families of its external addresses, and a stateful firewall for the others.
pub(super) struct Nat {
    config: NatConfig,
    external: Vec<IpAddr>,
    /// The link to the outside; all others lead inside.
    pub(super) uplink: LinkId,
    table: Table,
    ports: Ports,
}

/// Why a packet got no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No mapping, or one that does not admit the source.
    Filtered,
    /// The table or the ports are used up.
    Full,
    /// UDP is not let through.
    Blocked,
}

impl Refusal {
    pub(super) const fn count(self, drops: &mut Drops) {
        match self {
            Self::Filtered => drops.filtered += 1,
            Self::Full => drops.mappings += 1,
            Self::Blocked => drops.blocked += 1,
        }
    }
}

impl Nat {
    pub(super) fn new(config: NatConfig, external: Vec<IpAddr>, uplink: LinkId, seed: u64) -> Self {
        Self {
            config,
            external,
            uplink,
            table: Table::default(),
            ports: Ports::new(seed),
        }
    }

    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.external.contains(&address)
    }

    /// Whether inside addresses of the family of this one are hidden from outside.
    pub(super) fn translates(&self, address: IpAddr) -> bool {
        self.external
            .iter()
            .any(|own| own.is_ipv4() == address.is_ipv4())
    }

    /// Loses every mapping.
    pub(super) fn forget(&mut self) {
        self.table.clear();
    }

    /// Has other addresses from now on, and loses every mapping.
    pub(super) fn renumber(&mut self, external: Vec<IpAddr>) {
        self.external = external;
        self.ports.unpair();
        self.forget();
    }

    pub(super) fn mappings(
        &mut self,
        now: Instant,
    ) -> impl Iterator<Item = (SocketAddr, SocketAddr)> {
        self.table.expire(now, self.config.timeout);
        self.table.iter()
    }

    /// A packet leaves: its source becomes the external endpoint, which opens the way for answers.
    pub(super) fn outbound(&mut self, now: Instant, packet: &mut Packet) -> Result<(), Refusal> {
        self.let_pass(packet)?;
        let (internal, destination) = (packet.path.local, packet.path.remote);
        let translates = self.translates(internal.ip());
        let mapping = if translates {
            self.config.mapping
        } else {
            Mapping::EndpointIndependent
        };
        let key = (internal, Towards::new(mapping, destination));
        self.table.expire(now, self.config.timeout);
        if self.table.find(&key).is_none() {
            if self.table.len() >= self.config.max_mappings {
                return Err(Refusal::Full);
            }
            let external = if translates {
                let table = &self.table;
                self.ports
                    .assign(&self.config, &self.external, internal, |external| {
                        table.is_taken(external)
                    })
                    .ok_or(Refusal::Full)?
            } else {
                internal
            };
            self.table.insert(key, Entry::new(external, now));
        }
        let entry = self.table.find(&key).ok_or(Refusal::Full)?;
        entry.on_outbound(now, destination);
        packet.path.local = entry.external;
        Ok(())
    }

    /// A packet comes in: its destination becomes the internal endpoint, if there is one that admits its source.
    pub(super) fn inbound(&mut self, now: Instant, packet: &mut Packet) -> Result<(), Refusal> {
        self.let_pass(packet)?;
        let config = &self.config;
        let (source, destination) = (packet.path.local, packet.path.remote);
        self.table.expire(now, config.timeout);
        let (internal, entry) = self
            .table
            .find_external(destination)
            .ok_or(Refusal::Filtered)?;
        if !entry.admits(now, source, config.filtering, config.timeout) {
            return Err(Refusal::Filtered);
        }
        if config.refreshed_by_inbound {
            entry.on_inbound(now, source);
        }
        packet.path.remote = internal;
        Ok(())
    }

    /// A packet from inside to an external address of this NAT (RFC 4787 §6).
    pub(super) fn hairpin(&mut self, now: Instant, packet: &mut Packet) -> Result<(), Refusal> {
        let internal = packet.path.local;
        match self.config.hairpin {
            Hairpin::Off => return Err(Refusal::Filtered),
            Hairpin::InternalSource | Hairpin::ExternalSource => {
                self.outbound(now, packet)?;
                self.inbound(now, packet)?;
            }
        }
        if self.config.hairpin == Hairpin::InternalSource {
            packet.path.local = internal;
        }
        Ok(())
    }

    const fn let_pass(&self, packet: &Packet) -> Result<(), Refusal> {
        match packet.path.transport {
            Transport::Udp if self.config.blocks_udp => Err(Refusal::Blocked),
            _ => Ok(()),
        }
    }
}
