//! What leaves: neighbours for the same place in one send.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use net::{Ecn, Path, Transport};
use turn::server::{Destination, RelayId, Relayed, Transmit};

use super::icmp;
use super::relay::Open;
use super::secure::Secure;
use super::stream::Outlet;
use super::{Counts, Outlets};
use crate::driver::Socket;
use crate::turn_server::RelaySettings;

/// The most that one offloaded send may hold.
const MAX_RUN: usize = 65_000;

/// Everything that can be written to, and the run of equal messages that waits to be sent.
pub(super) struct Out {
    listeners: Vec<Rc<Socket>>,
    pub(super) secure: Vec<Secure>,
    pub(super) relays: HashMap<RelayId, Open>,
    pub(super) streams: Outlets,
    settings: Vec<RelaySettings>,
    /// One message of the machine's, while it is looked at.
    message: Vec<u8>,
    run: Run,
    pub(super) counts: Counts,
}

/// Messages of equal length, the last one perhaps shorter, for one destination.
#[derive(Default)]
struct Run {
    to: Option<(Destination, Ecn)>,
    bytes: Vec<u8>,
    /// The length of each.
    segment: usize,
    /// The last one was shorter.
    is_closed: bool,
    count: usize,
}

impl Run {
    fn takes(&self, to: (Destination, Ecn), length: usize) -> bool {
        self.to == Some(to)
            && !self.is_closed
            && length <= self.segment
            && self.bytes.len() + length <= MAX_RUN
            && self.count < 64
    }

    fn begin(&mut self, to: (Destination, Ecn), length: usize) {
        self.to = Some(to);
        self.bytes.clear();
        self.segment = length;
        self.is_closed = false;
        self.count = 0;
    }

    fn added(&mut self, length: usize) {
        self.count += 1;
        self.is_closed = length < self.segment;
    }
}

impl Out {
    pub(super) fn new(
        listeners: Vec<Rc<Socket>>,
        secure: Vec<Secure>,
        settings: Vec<RelaySettings>,
    ) -> Self {
        Self {
            listeners,
            secure,
            relays: HashMap::new(),
            streams: HashMap::new(),
            settings,
            message: Vec::new(),
            run: Run::default(),
            counts: Counts::default(),
        }
    }

    /// Something that is passed on.
    pub(super) fn push(&mut self, relayed: &Relayed<'_>) {
        let (to, length) = ((relayed.destination, relayed.ecn), relayed.length());
        self.make_room(to, length);
        relayed.append(&mut self.run.bytes);
        self.run.added(length);
    }

    /// The machine's next message, which [`send`](Self::send) takes.
    pub(super) fn poll(&mut self, server: &mut turn::Server, now: Instant) -> Option<Transmit> {
        self.message.clear();
        server.poll_transmit(now, &mut self.message)
    }

    pub(super) fn send(&mut self, transmit: Transmit) {
        let to = (transmit.destination, transmit.ecn);
        let length = self.message.len();
        self.make_room(to, length);
        self.run.bytes.extend_from_slice(&self.message);
        self.run.added(length);
    }

    fn make_room(&mut self, to: (Destination, Ecn), length: usize) {
        if !self.run.takes(to, length) {
            self.flush();
            self.run.begin(to, length);
        }
    }

    pub(super) fn outlet(&self, transport: Transport) -> Option<Rc<Outlet>> {
        match transport {
            Transport::Stream(id) => self.streams.get(&id).cloned(),
            Transport::Udp => None,
        }
    }

    /// Sends the run.
    pub(super) fn flush(&mut self) {
        let Some((destination, ecn)) = self.run.to.take() else {
            return;
        };
        match destination {
            Destination::Client(path) => match path.transport {
                Transport::Udp => {
                    let socket = self.listeners.iter().find(|it| it.serves(path.local));
                    if let Some(socket) = socket.cloned() {
                        self.send_run(&socket, path, ecn);
                    } else {
                        self.send_sealed(path, ecn);
                    }
                }
                Transport::Stream(id) => {
                    let outlet = self.streams.get(&id);
                    let taken = outlet.is_some_and(|outlet| outlet.push(&self.run.bytes));
                    let lost = if taken { 0 } else { self.run.count as u64 };
                    self.counts.stream_dropped += lost;
                }
            },
            Destination::Peer {
                relay,
                peer,
                dont_fragment,
            } => {
                let Some(Open::Udp { socket, .. }) = self.relays.get(&relay) else {
                    return;
                };
                let socket = socket.clone();
                let path = Path::udp(socket.local(), self.inside(peer));
                let held = dont_fragment && socket.forbid_fragments(true).is_ok();
                self.send_run(&socket, path, ecn);
                if held {
                    let _ = socket.forbid_fragments(false);
                }
            }
        }
        self.run.bytes.clear();
    }

    fn send_run(&mut self, socket: &Socket, path: Path, ecn: Ecn) {
        let mut transmit = net::Transmit::new(path);
        transmit.ecn = ecn;
        let (run, segment) = (&self.run, self.run.segment);
        let several = (run.count > 1).then_some(segment);
        let sent = if several.is_none() || run.count <= socket.max_segments() {
            let send = || socket.try_send(&transmit, &run.bytes, several);
            // What is said here may be about a datagram of before, and it is said once.
            send().or_else(|error| {
                if icmp::is_late(&error) {
                    send()
                } else {
                    Err(error)
                }
            })
        } else {
            Err(std::io::ErrorKind::InvalidInput.into())
        };
        match sent {
            Ok(()) => {}
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock && run.count > 1 => {
                // No offload here, or segments that are longer than the path takes in one piece.
                for message in run.bytes.chunks(segment.max(1)) {
                    let lost = socket.try_send(&transmit, message, None).is_err();
                    self.counts.udp_refused += u64::from(lost);
                }
            }
            Err(_) => self.counts.udp_refused += run.count as u64,
        }
    }

    fn send_sealed(&mut self, path: Path, ecn: Ecn) {
        let now = Instant::now();
        let mut secure = self.secure.iter_mut();
        let Some(secure) = secure.find(|it| it.socket.serves(path.local)) else {
            return;
        };
        for message in self.run.bytes.chunks(self.run.segment.max(1)) {
            let sent = secure.send(now, path, ecn, message);
            self.counts.udp_refused += u64::from(!sent);
        }
    }

    /// Where one of our own relays is, for a socket of this host: behind a one-to-one NAT its public address may lead nowhere.
    fn inside(&self, peer: SocketAddr) -> SocketAddr {
        let is_ours =
            |it: &&RelaySettings| it.public == peer.ip() && it.ports.contains(&peer.port());
        match self.settings.iter().find(is_ours) {
            Some(relay) => SocketAddr::new(relay.address, peer.port()),
            None => peer,
        }
    }
}
