use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{NatConfig, Pooling, PortAssignment};

/// Where a NAT's dynamic ports begin.
const FIRST_DYNAMIC: u16 = 1_024;

/// Chooses external endpoints for new mappings (RFC 4787 §4.1, §4.2).
pub(super) struct Ports {
    rng: StdRng,
    /// The next port that sequential assignment tries.
    next_port: u16,
    /// The external address of each internal one, where they are paired.
    paired: BTreeMap<IpAddr, IpAddr>,
    turn: usize,
}

impl Ports {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        Self {
            next_port: rng.random_range(10_000..40_000),
            rng,
            paired: BTreeMap::new(),
            turn: 0,
        }
    }

    /// The NAT has other external addresses now.
    pub(super) fn unpair(&mut self) {
        self.paired.clear();
    }

    /// A free external endpoint for an internal one; `None` when all ports of the address are taken.
    pub(super) fn assign(
        &mut self,
        config: &NatConfig,
        external: &[IpAddr],
        internal: SocketAddr,
        is_taken: impl Fn(SocketAddr) -> bool,
    ) -> Option<SocketAddr> {
        let address = self.address(config.pooling, external, internal.ip())?;
        let wanted = match config.ports {
            PortAssignment::Preserve => internal.port(),
            PortAssignment::Sequential => self.next_port,
            PortAssignment::Random => self.rng.random_range(FIRST_DYNAMIC..=u16::MAX),
        };
        let well_known =
            config.ports == PortAssignment::Preserve && internal.port() < FIRST_DYNAMIC;
        let (low, high) = if well_known {
            (1, FIRST_DYNAMIC - 1)
        } else {
            (FIRST_DYNAMIC, u16::MAX)
        };
        let start = wanted.clamp(low, high);
        let fits = |port: &u16| {
            let parity = !config.keeps_parity || port % 2 == internal.port() % 2;
            parity && !is_taken(SocketAddr::new(address, *port))
        };
        let port = (start..=high).chain(low..start).find(fits)?;
        if config.ports == PortAssignment::Sequential {
            self.next_port = port.checked_add(1).unwrap_or(FIRST_DYNAMIC);
        }
        Some(SocketAddr::new(address, port))
    }

    fn address(
        &mut self,
        pooling: Pooling,
        external: &[IpAddr],
        internal: IpAddr,
    ) -> Option<IpAddr> {
        if let (Pooling::Paired, Some(known)) = (pooling, self.paired.get(&internal)) {
            return Some(*known);
        }
        let family: Vec<_> = external
            .iter()
            .filter(|address| address.is_ipv4() == internal.is_ipv4())
            .collect();
        let chosen = **family.get(self.turn.checked_rem(family.len())?)?;
        self.turn = self.turn.wrapping_add(1);
        self.paired.insert(internal, chosen);
        Some(chosen)
    }
}
