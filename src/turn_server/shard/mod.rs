//! A shard: a thread with sockets and a [`turn::Server`].

mod icmp;
mod out;
mod relay;
mod secure;
mod sockets;
mod splice;
mod stream;

pub(super) use sockets::Sockets;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use log::debug;
use net::{Datagram, Path, Transport};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::LocalSet;
use turn::server::{ConnectionId, Credentials, Event, PeerPolicy, RelayId, Stats, shard_of};

use super::RelaySettings;
use super::tls::Certificates;
use crate::driver::{ReceiveBatch, Socket};
use out::Out;
use secure::Secure;
use stream::{BoxedStream, Outlet};

/// Receive calls in a row on one socket: what keeps one busy client, or one flooded relay, from starving the others.
const RECEIVES_PER_TURN: usize = 4;

/// Clients of other shards that are remembered.
const MAX_FOREIGN: usize = 4_096;

/// What a shard is asked to do.
pub(super) enum Control {
    Count(oneshot::Sender<Counts>),
    Drain(Option<SocketAddr>),
    Reload(Box<(Credentials, PeerPolicy)>),
    /// A datagram that came to another shard and is for this one.
    Datagram(Path, Vec<u8>),
    /// A stream that came to another shard and is for this one, with what was read of it.
    Stream(SocketAddr, SocketAddr, BoxedStream, Vec<u8>),
    Stop,
}

/// What a shard has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) server: Stats,
    /// Datagrams that a socket did not take.
    pub(super) udp_refused: u64,
    /// Messages for streams that are read too slowly.
    pub(super) stream_dropped: u64,
    /// Connections whose TLS was refused: too many at once.
    pub(super) tls_refused: u64,
}

/// The other shards.
pub(super) struct Links {
    own: usize,
    all: Vec<mpsc::UnboundedSender<Control>>,
}

impl Links {
    pub(super) const fn new(own: usize, all: Vec<mpsc::UnboundedSender<Control>>) -> Self {
        Self { own, all }
    }

    /// Another shard, if that is what the number says.
    fn other(&self, index: u8) -> Option<&mpsc::UnboundedSender<Control>> {
        let index = usize::from(index);
        self.all.get(index).filter(|_| index != self.own)
    }
}

/// What a shard is made from.
pub(super) struct Setup {
    pub(super) server: turn::Server,
    pub(super) sockets: Sockets,
    pub(super) relays: Vec<RelaySettings>,
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) links: Links,
    pub(super) controls: mpsc::UnboundedReceiver<Control>,
    pub(super) seed: [u8; 32],
    pub(super) log_addresses: bool,
}

/// What the tasks of a shard share. They run on one thread, and none holds it over an await.
pub(crate) struct Shard {
    core: RefCell<Core>,
    links: Links,
    certificates: Option<Arc<Certificates>>,
    /// The next deadline moved forward.
    rearmed: Notify,
    next_stream: Cell<u64>,
    /// TLS handshakes that go on.
    handshakes: Cell<usize>,
    log_addresses: bool,
}

struct Core {
    server: turn::Server,
    out: Out,
    batch: ReceiveBatch,
    /// Connections to peers that no client has joined yet.
    connections: HashMap<ConnectionId, TcpStream>,
    /// Clients whose allocation is another shard's.
    foreign: HashMap<Path, u8>,
    armed: Option<Instant>,
}

/// Where a datagram came in.
#[derive(Clone, Copy)]
enum Door {
    Listener,
    Relay(RelayId),
}

/// Runs a shard until it is told to stop.
pub(super) fn run(setup: Setup) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return;
    };
    let local = LocalSet::new();
    local.block_on(&runtime, serve(setup));
}

async fn serve(setup: Setup) {
    let Setup {
        server,
        sockets,
        relays,
        certificates,
        links,
        mut controls,
        seed,
        log_addresses,
    } = setup;
    let Ok(sockets) = sockets.register() else {
        return;
    };
    let secure = certificates.iter().flat_map(|certificates| {
        let secure = |(at, socket): (usize, &Rc<Socket>)| {
            Secure::new(socket.clone(), certificates.clone(), seed_of(seed, at))
        };
        sockets
            .dtls
            .iter()
            .enumerate()
            .map(secure)
            .collect::<Vec<_>>()
    });
    let secure = secure.collect();
    let shard = Rc::new(Shard {
        core: RefCell::new(Core {
            server,
            out: Out::new(sockets.udp.clone(), secure, relays),
            batch: ReceiveBatch::new(),
            connections: HashMap::new(),
            foreign: HashMap::new(),
            armed: None,
        }),
        links,
        certificates,
        rearmed: Notify::new(),
        next_stream: Cell::new(1),
        handshakes: Cell::new(0),
        log_addresses,
    });
    for socket in sockets.udp {
        tokio::task::spawn_local(shard.clone().receive_from(socket, Door::Listener));
    }
    if !sockets.dtls.is_empty() {
        tokio::task::spawn_local(shard.clone().watch_secure());
    }
    for (at, socket) in sockets.dtls.into_iter().enumerate() {
        tokio::task::spawn_local(shard.clone().receive_from_secure(socket, at));
    }
    for (listener, tls) in sockets.tcp {
        tokio::task::spawn_local(stream::accept(shard.clone(), listener, tls));
    }
    tokio::task::spawn_local(shard.clone().watch_deadlines());
    while let Some(control) = controls.recv().await {
        if matches!(control, Control::Stop) {
            return;
        }
        shard.obey(control);
    }
}

/// Another seed for each socket.
fn seed_of(mut seed: [u8; 32], at: usize) -> [u8; 32] {
    if let Some(last) = seed.last_mut() {
        *last ^= at.to_le_bytes().first().copied().unwrap_or_default();
    }
    seed
}

impl Shard {
    fn obey(self: &Rc<Self>, control: Control) {
        match control {
            Control::Count(reply) => {
                let core = self.core.borrow();
                let _ = reply.send(Counts {
                    server: core.server.stats(),
                    ..core.out.counts
                });
            }
            Control::Drain(alternate) => self.core.borrow_mut().server.drain(alternate),
            Control::Reload(fresh) => {
                let (credentials, peers) = *fresh;
                let core = &mut *self.core.borrow_mut();
                core.server.set_credentials(credentials);
                core.server.set_peer_policy(peers);
                core.out.secure.iter_mut().for_each(Secure::renew);
            }
            Control::Datagram(path, mut bytes) => {
                self.act(|core, now| {
                    let Core { server, out, .. } = core;
                    let datagram = Datagram::new(path, &mut bytes);
                    server.handle_datagram_with(now, datagram, |it| out.push(&it));
                });
            }
            Control::Stream(local, remote, stream, read) => {
                let task = stream::serve(self.clone(), stream, (local, remote), read);
                tokio::task::spawn_local(task);
            }
            Control::Stop => {}
        }
    }

    /// Gives the machine something, and does all that follows from it.
    fn act<R>(self: &Rc<Self>, input: impl FnOnce(&mut Core, Instant) -> R) -> R {
        let now = Instant::now();
        let core = &mut *self.core.borrow_mut();
        let result = input(core, now);
        self.settle(core, now);
        result
    }

    /// Sends what is to be sent, and opens and closes what is to be.
    fn settle(self: &Rc<Self>, core: &mut Core, now: Instant) {
        loop {
            while let Some(transmit) = core.out.poll(&mut core.server, now) {
                core.out.send(transmit);
            }
            let Some(event) = core.server.poll_event() else {
                break;
            };
            self.on_event(core, now, event);
        }
        core.out.flush();
        let next = core.server.poll_timeout();
        if next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed)) {
            core.armed = next;
            self.rearmed.notify_one();
        }
    }

    fn on_event(self: &Rc<Self>, core: &mut Core, now: Instant, event: Event) {
        match event {
            Event::OpenRelay {
                relay,
                transport,
                local,
            } => {
                let opened = relay::open(self, &mut core.out, relay, (transport, local));
                if let Err(error) = &opened {
                    debug!("no relay could be opened: {error:?}");
                }
                core.server.on_relay_opened(now, relay, opened);
            }
            Event::CloseRelay { relay } => {
                // What is to leave through it leaves first.
                core.out.flush();
                core.out.relays.remove(&relay);
            }
            Event::CloseStream { path } => {
                if let Some(outlet) = core.out.outlet(path.transport) {
                    core.out.flush();
                    outlet.close();
                }
            }
            Event::ConnectPeer {
                connection,
                relay,
                peer,
            } => {
                let local = core.out.relays.get(&relay).and_then(relay::Open::local);
                tokio::task::spawn_local(splice::connect(self.clone(), connection, local, peer));
            }
            Event::Join { connection, path } => {
                let peer = core.connections.remove(&connection);
                core.out.flush();
                let outlet = core.out.outlet(path.transport);
                if let (Some(peer), Some(outlet)) = (peer, outlet) {
                    outlet.join(connection, peer);
                }
            }
            Event::CloseConnection { connection } => {
                core.connections.remove(&connection);
            }
        }
    }

    async fn watch_deadlines(self: Rc<Self>) {
        loop {
            let next = {
                let mut core = self.core.borrow_mut();
                core.armed = core.server.poll_timeout();
                core.armed
            };
            match next {
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at.into()) => {
                            self.act(|core, now| core.server.handle_timeout(now));
                        }
                        () = self.rearmed.notified() => {}
                    }
                }
                None => self.rearmed.notified().await,
            }
        }
    }

    /// Serves a socket for as long as it is there.
    async fn receive_from(self: Rc<Self>, socket: Rc<Socket>, door: Door) {
        let mut errors = icmp::Errors::default();
        loop {
            if icmp::ready(&socket).await.is_err() {
                return;
            }
            if let Door::Relay(relay) = door {
                for (peer, error) in errors.of(&socket) {
                    self.act(|core, now| core.server.on_icmp(now, relay, peer, error));
                }
            }
            for _ in 0..RECEIVES_PER_TURN {
                if !self.receive(&socket, door) {
                    break;
                }
            }
            // The next one's turn.
            tokio::task::yield_now().await;
        }
    }

    /// Takes one batch; false when nothing was there.
    fn receive(self: &Rc<Self>, socket: &Socket, door: Door) -> bool {
        let now = Instant::now();
        let core = &mut *self.core.borrow_mut();
        if let Err(error) = socket.receive(&mut core.batch) {
            return error.kind() != std::io::ErrorKind::WouldBlock;
        }
        let Core {
            server,
            out,
            batch,
            foreign,
            ..
        } = core;
        for datagram in batch.datagrams(socket.local()) {
            match door {
                Door::Listener => {
                    if self.is_foreign(foreign, &datagram) {
                        continue;
                    }
                    server.handle_datagram_with(now, datagram, |it| out.push(&it));
                }
                Door::Relay(relay) => {
                    let from = (datagram.path.remote, datagram.ecn);
                    let bytes = &*datagram.bytes;
                    server.handle_relayed_with(now, relay, from, bytes, |it| out.push(&it));
                }
            }
        }
        self.settle(core, now);
        true
    }

    /// Passes on what is another shard's: what it said before, or who has followed its allocation there.
    fn is_foreign(&self, foreign: &mut HashMap<Path, u8>, datagram: &Datagram<'_>) -> bool {
        if self.links.all.len() == 1 {
            return false;
        }
        let named = match datagram.bytes.first() {
            Some(0..=3) => shard_of(datagram.bytes).filter(|it| self.links.other(*it).is_some()),
            _ => None,
        };
        if let Some(shard) = named
            && foreign.len() < MAX_FOREIGN
        {
            foreign.insert(datagram.path, shard);
        }
        let known = if foreign.is_empty() {
            None
        } else {
            foreign.get(&datagram.path).copied()
        };
        let Some(link) = named.or(known).and_then(|it| self.links.other(it)) else {
            return false;
        };
        let bytes = datagram.bytes.to_vec();
        link.send(Control::Datagram(datagram.path, bytes)).is_ok()
    }

    fn outlet_closed(self: &Rc<Self>, path: Path) {
        self.act(|core, now| {
            if let Transport::Stream(id) = path.transport {
                core.out.streams.remove(&id);
            }
            core.server.on_stream_closed(now, path);
        });
    }

    /// For log lines.
    fn shown(&self, address: SocketAddr) -> String {
        if self.log_addresses {
            address.to_string()
        } else {
            "a client".to_owned()
        }
    }
}

/// A stream's end for what is to be written.
type Outlets = HashMap<net::StreamId, Rc<Outlet>>;
