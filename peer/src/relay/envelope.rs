//! What leaves from a relay and comes to it: envelopes around the datagrams of ICE, DTLS and the media.

use std::net::SocketAddr;
use std::time::Instant;

use net::{Datagram, Path, Transmit};

use super::Relays;

/// A datagram that was begun: on its way straight to the peer, or in a relay's envelope.
#[derive(Debug)]
pub(crate) enum Envelope {
    None(Path),
    Relayed(usize, turn::Mark),
}

/// A client that was taken out to read what came.
#[derive(Debug)]
pub(crate) struct Reader {
    at: usize,
    client: Box<turn::Client>,
    bases: Vec<SocketAddr>,
}

impl Relays {
    /// Whether an address is one on a server.
    pub(crate) fn is_base(&self, local: SocketAddr) -> bool {
        self.of_base(local).is_some()
    }

    /// Begins a datagram: what is appended next is what the peer gets. `None` when nothing can be sent that way.
    pub(crate) fn open(&mut self, buf: &mut Vec<u8>, path: Path) -> Option<Envelope> {
        let Some(at) = self.of_base(path.local) else {
            return Some(Envelope::None(path));
        };
        let client = self.list.get_mut(at)?.client.as_mut()?;
        let mark = client.begin(buf, path.remote).ok()?;
        Some(Envelope::Relayed(at, mark))
    }

    /// Completes a datagram, and says where it goes.
    pub(crate) fn close_envelope(
        &mut self,
        buf: &mut Vec<u8>,
        envelope: Envelope,
    ) -> Option<Transmit> {
        match envelope {
            Envelope::None(path) => Some(Transmit::new(path)),
            Envelope::Relayed(at, mark) => {
                let client = self.list.get_mut(at)?.client.as_mut()?;
                client.seal(buf, mark).ok()
            }
        }
    }

    /// Takes a begun datagram back.
    pub(crate) fn abandon(&mut self, buf: &mut Vec<u8>, envelope: Envelope) {
        if let Envelope::Relayed(at, mark) = envelope
            && let Some(relay) = self.list.get_mut(at)
            && let Some(client) = &mut relay.client
        {
            client.abandon(buf, mark);
        }
    }

    /// Puts what stands behind `start` into an envelope, when its path is a relay's. `None` when it cannot be sent; the
    /// buffer is then cut back.
    pub(crate) fn wrap(
        &mut self,
        buf: &mut Vec<u8>,
        start: usize,
        transmit: Transmit,
    ) -> Option<Transmit> {
        let path = transmit.path;
        if !self.is_base(path.local) {
            return Some(transmit);
        }
        let mut scratch = match &mut self.setup {
            Some(setup) => std::mem::take(&mut setup.scratch),
            None => Vec::new(),
        };
        scratch.clear();
        scratch.extend_from_slice(buf.get(start..).unwrap_or_default());
        buf.truncate(start);
        let sealed = self.open(buf, path).and_then(|envelope| {
            buf.extend_from_slice(&scratch);
            self.close_envelope(buf, envelope)
        });
        if let Some(setup) = &mut self.setup {
            setup.scratch = scratch;
        }
        if sealed.is_none() {
            buf.truncate(start);
        }
        sealed.map(|mut sealed| {
            sealed.probe = transmit.probe;
            sealed
        })
    }

    /// The client whose server this came from, to read it.
    pub(crate) fn reader(&mut self, path: &Path) -> Option<Reader> {
        let at = self.list.iter().position(|relay| relay.is_at(path))?;
        let relay = self.list.get_mut(at)?;
        let client = relay.client.take()?;
        let bases = std::mem::take(&mut relay.bases);
        Some(Reader { at, client, bases })
    }

    /// Gives it back.
    pub(crate) fn restore(&mut self, reader: Reader) {
        if let Some(relay) = self.list.get_mut(reader.at) {
            relay.client = Some(reader.client);
            relay.bases = reader.bases;
        }
    }

    fn of_base(&self, local: SocketAddr) -> Option<usize> {
        self.list
            .iter()
            .position(|relay| relay.bases.contains(&local))
    }
}

impl Reader {
    /// Reads a datagram, or a piece of a stream; what peers sent is handed on as it would have come to the relayed
    /// address itself.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
        mut receive: impl FnMut(Datagram<'_>),
    ) {
        let (ecn, bases) = (datagram.ecn, &self.bases);
        self.client
            .handle_datagram_with(now, datagram, |peer, bytes| {
                let of_family = |base: &&SocketAddr| base.is_ipv4() == peer.is_ipv4();
                if let Some(base) = bases.iter().find(of_family) {
                    let path = Path::udp(*base, peer);
                    receive(Datagram { path, ecn, bytes });
                }
            });
    }
}
