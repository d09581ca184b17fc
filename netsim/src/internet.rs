use std::net::IpAddr;

use crate::{LinkConfig, NatConfig, Network, NodeId};

/// Builds a network in the shape of the Internet: a core to which public hosts, NATs and firewalls have access
/// links, all of the same kind, and hosts behind the NATs on links without delay.
///
/// Private addresses may repeat behind different NATs.
///
/// ```
/// use avocet_netsim::{Internet, LinkConfig, NatConfig, World};
/// # use std::time::Duration;
/// # use avocet_netsim::Network;
///
/// let mut internet = Internet::new(7, LinkConfig::delayed(Duration::from_millis(10)));
/// let server = internet.host([203, 0, 113, 1]);
/// let home = internet.nat([198, 51, 100, 1], NatConfig::default());
/// let alice = internet.host_behind(home, [192, 168, 1, 2]);
/// let office = internet.nat([198, 51, 100, 2], NatConfig::symmetric());
/// let bob = internet.host_behind(office, [192, 168, 1, 2]);
/// let network: Network = internet.into_network();      // for World::new(network)
/// ```
#[derive(Debug)]
pub struct Internet {
    network: Network,
    core: NodeId,
    access: LinkConfig,
}

impl Internet {
    /// A core without anybody; `access` is what each link to it is like.
    pub fn new(seed: u64, access: LinkConfig) -> Self {
        let mut network = Network::new(seed);
        let core = network.router();
        Self {
            network,
            core,
            access,
        }
    }

    /// A host with a public address.
    pub fn host(&mut self, address: impl Into<IpAddr>) -> NodeId {
        let host = self.network.host([address.into()]);
        self.network.link(host, self.core, &self.access);
        host
    }

    /// A host behind a NAT, a firewall or a router.
    pub fn host_behind(&mut self, gateway: NodeId, address: impl Into<IpAddr>) -> NodeId {
        let host = self.network.host([address.into()]);
        self.network.link(host, gateway, &LinkConfig::default());
        host
    }

    /// A NAT with a public address.
    pub fn nat(&mut self, external: impl Into<IpAddr>, config: NatConfig) -> NodeId {
        self.network
            .nat([external.into()], config, self.core, &self.access)
    }

    /// A NAT behind another one, as home routers stand behind the NAT of their provider (CGN, RFC 6888).
    pub fn nat_behind(
        &mut self,
        gateway: NodeId,
        external: impl Into<IpAddr>,
        config: NatConfig,
    ) -> NodeId {
        let link = LinkConfig::default();
        self.network.nat([external.into()], config, gateway, &link)
    }

    /// A stateful firewall before public addresses.
    pub fn firewall(&mut self, config: NatConfig) -> NodeId {
        self.network.firewall(config, self.core, &self.access)
    }

    /// The network as it stands, for anything that is not said here.
    pub const fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// The network, to put machines on.
    pub fn into_network(self) -> Network {
        self.network
    }
}
