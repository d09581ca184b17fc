use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ice::CheckBudget;
use ice::mux::{Mux, Route, SessionId};
use net::{Path, Transport};
use peer::PeerConnection;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::challenges::Challenges;
use super::mailbox::Mailbox;
use super::names::Responder;
use super::outbox::{Outbox, Progress};
use super::relays::Relays;
use super::report::{self, Report};
use super::setup::{Addresses, Command, Counters, Make, Setup};
use super::slab::{Key, Slab};
use super::socket::{ReceiveBatch, Socket};
use super::streams::{self, Streams};
use super::timers::Timers;
use super::{exchange, interfaces, names};

/// Receive calls per turn and socket, commands per turn, datagrams per connection and turn: what keeps one busy
/// source from starving the others.
const RECEIVES_PER_TURN: usize = 8;
const COMMANDS_PER_TURN: usize = 256;
const DATAGRAMS_PER_TURN: usize = 512;

/// Sockets and the connections that share them; one task.
pub(crate) struct Shard {
    sockets: Vec<Socket>,
    commands: mpsc::UnboundedReceiver<Command>,
    mux: Mux,
    slots: Slab<Slot>,
    timers: Timers,
    /// Connections with something to do, each once.
    touched: Vec<usize>,
    outbox: Outbox,
    addresses: Addresses,
    streams: Streams,
    relays: Relays,
    reports: mpsc::Receiver<Report>,
    /// Tasks beside this one, which end with it.
    helpers: Vec<AbortHandle>,
    budget: CheckBudget,
    counters: Arc<Counters>,
    responder: Option<Responder>,
    challenges: Arc<Challenges>,
}

struct Slot {
    peer: PeerConnection,
    mailbox: Arc<Mailbox>,
    key: Key,
    deadline: Option<Instant>,
    /// It is about to close: until then what was written may still go to the association.
    closing: Option<Instant>,
    touched: bool,
}

impl Shard {
    pub(crate) fn new(setup: Setup) -> Self {
        let outbox = Outbox::new(setup.sockets.len());
        let (reporter, reports) = mpsc::channel(report::QUEUE);
        let mut helpers = Vec::new();
        for listener in setup.listeners {
            let task = tokio::spawn(streams::accept(listener, reporter.clone()));
            helpers.push(task.abort_handle());
        }
        if let Some(period) = setup.watch_interfaces {
            let bound = setup.sockets.iter().map(Socket::local).collect();
            let task = tokio::spawn(interfaces::watch(bound, period, reporter.clone()));
            helpers.push(task.abort_handle());
        }
        Self {
            sockets: setup.sockets,
            commands: setup.commands,
            mux: Mux::new(setup.seed),
            slots: Slab::new(),
            timers: Timers::default(),
            touched: Vec::new(),
            outbox,
            addresses: setup.addresses,
            relays: Relays::new(setup.trust, reporter.clone()),
            streams: Streams::new(reporter),
            reports,
            helpers,
            budget: CheckBudget::new(setup.checks_per_second),
            counters: setup.counters,
            responder: setup.responder,
            challenges: setup.challenges,
        }
    }

    /// Runs until every handle is gone and every connection has ended.
    pub(crate) async fn run(mut self) {
        let mut batch = ReceiveBatch::new();
        let mut accepting = true;
        while accepting || self.slots.len() > 0 {
            let next = self.timers.next();
            tokio::select! {
                command = self.commands.recv(), if accepting => match command {
                    Some(command) => self.on_command(command, Instant::now()),
                    None => accepting = false,
                },
                Some(report) = self.reports.recv() => self.on_report(report, Instant::now()),
                () = any_readable(&self.sockets) => {}
                () = until(next), if next.is_some() => {}
                () = self.outbox.writable(&self.sockets), if self.outbox.is_blocked() => {}
                () = tokio::task::yield_now(), if !self.touched.is_empty() && !self.outbox.is_blocked() => {}
            }
            self.turn(&mut batch);
        }
    }

    /// One round: commands, datagrams, timers, output.
    fn turn(&mut self, batch: &mut ReceiveBatch) {
        for _ in 0..COMMANDS_PER_TURN {
            let Ok(command) = self.commands.try_recv() else {
                break;
            };
            self.on_command(command, Instant::now());
        }
        for _ in 0..COMMANDS_PER_TURN {
            let Ok(report) = self.reports.try_recv() else {
                break;
            };
            self.on_report(report, Instant::now());
        }
        self.receive(batch);
        let now = Instant::now();
        while let Some(index) = self.timers.pop_due(now) {
            if let Some(slot) = self.slots.at_mut(index) {
                slot.deadline = None;
                slot.peer.handle_timeout(now);
                self.touch(index);
            }
        }
        self.outbox.retry(&self.sockets);
        self.flush(now);
        let Counters {
            datagrams_refused,
            stream_datagrams_dropped,
            streams_refused,
            ..
        } = &*self.counters;
        datagrams_refused.store(self.outbox.refused, Ordering::Relaxed);
        stream_datagrams_dropped.store(self.streams.dropped, Ordering::Relaxed);
        streams_refused.store(self.streams.refused, Ordering::Relaxed);
    }

    /// What a task beside this one has to tell.
    fn on_report(&mut self, report: Report, now: Instant) {
        match report {
            Report::Resolved {
                owner,
                name,
                addresses,
            } => self.tell(owner, now, |peer| peer.on_resolved(now, &name, &addresses)),
            Report::Dialed {
                owner,
                stream,
                remote,
            } => {
                let local = stream.local_addr().map(|local| local.ip());
                let opened = self.streams.insert(stream, Some(owner.index));
                let fact = match (opened, local) {
                    (Some(path), _) => ice::StreamFact::Opened(path),
                    (None, Ok(local)) => ice::StreamFact::Refused { local, remote },
                    (None, Err(_)) => return,
                };
                self.tell(owner, now, |peer| peer.on_stream(now, fact));
            }
            Report::Refused {
                owner,
                local,
                remote,
            } => {
                let fact = ice::StreamFact::Refused { local, remote };
                self.tell(owner, now, |peer| peer.on_stream(now, fact));
            }
            Report::Accepted(stream) => drop(self.streams.insert(stream, None)),
            Report::Frame { path, mut bytes } => self.on_frame(now, path, &mut bytes),
            Report::Ended(path) => {
                let owner = self.streams.owner(&path);
                self.streams.close(&path);
                if let Some(slot) = owner.and_then(|index| self.slots.at_mut(index)) {
                    let key = slot.key;
                    let fact = ice::StreamFact::Closed(path);
                    self.tell(key, now, |peer| peer.on_stream(now, fact));
                }
            }
            Report::RelayOpened { owner, opened } => {
                let fact = peer::RelayFact::Opened(opened.id, opened.path);
                if self.relays.on_open(owner.index, opened) {
                    self.tell(owner, now, |peer| peer.on_relay_socket(now, fact));
                }
            }
            Report::RelayEnded { owner, id } => {
                self.relays.close(owner.index, id);
                let fact = peer::RelayFact::Closed(id);
                self.tell(owner, now, |peer| peer.on_relay_socket(now, fact));
            }
            Report::Relayed {
                owner,
                path,
                mut bytes,
            } => {
                if let Some(slot) = self.slots.get_mut(owner) {
                    let datagram = net::Datagram::new(path, &mut bytes);
                    slot.peer.handle_datagram(now, datagram);
                    self.touch(owner.index);
                }
            }
            Report::Interfaces(addresses) => self.on_interfaces(addresses, now),
        }
    }

    fn tell(&mut self, key: Key, now: Instant, fact: impl FnOnce(&mut PeerConnection)) {
        if let Some(slot) = self.slots.get_mut(key) {
            fact(&mut slot.peer);
            self.take_events(key.index, now);
            self.touch(key.index);
        }
    }

    /// A datagram of a TCP connection. A stranger whose first word names nobody is not listened to.
    fn on_frame(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        self.on_datagram(now, net::Datagram::new(path, bytes));
        if self.streams.owner(&path).is_none() {
            self.streams.close(&path);
        }
    }

    /// Tells every connection which addresses came and went.
    fn on_interfaces(&mut self, found: Vec<SocketAddr>, now: Instant) {
        let known = std::mem::take(&mut self.addresses.udp);
        let facts: Vec<_> = known
            .iter()
            .filter(|address| !found.contains(address))
            .map(|address| ice::InterfaceFact::Down(address.ip()))
            .chain(
                found
                    .iter()
                    .filter(|address| !known.contains(address))
                    .map(|address| ice::InterfaceFact::Up(*address)),
            )
            .collect();
        self.addresses.udp = found;
        if facts.is_empty() {
            return;
        }
        for index in 0..self.slots.capacity() {
            let Some(key) = self.slots.at_mut(index).map(|slot| slot.key) else {
                continue;
            };
            self.tell(key, now, |peer| {
                for fact in &facts {
                    peer.on_interface(now, *fact);
                }
            });
        }
    }

    fn on_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Add(make) => self.add(make, now),
            Command::Call(key, call) => {
                if let Some(slot) = self.slots.get_mut(key) {
                    call(&mut slot.peer, now);
                    self.take_events(key.index, now);
                    self.touch(key.index);
                }
            }
            Command::Wake(key) => {
                if self.slots.get_mut(key).is_some() {
                    self.touch(key.index);
                }
            }
            Command::Close(key) => {
                if let Some(slot) = self.slots.get_mut(key) {
                    let deadline = now.checked_add(slot.peer.close_timeout());
                    slot.closing.get_or_insert_with(|| deadline.unwrap_or(now));
                    slot.mailbox.lock().stop_writing();
                    self.touch(key.index);
                }
            }
        }
    }

    fn add(&mut self, make: Make, now: Instant) {
        let Some((peer, mailbox, reply)) = make(&self.addresses, now) else {
            return;
        };
        let key = self.slots.insert_with(|key| Slot {
            peer,
            mailbox,
            key,
            deadline: None,
            closing: None,
            touched: false,
        });
        if !reply(key) {
            // The one who asked has gone away meanwhile.
            self.slots.remove(key.index);
            return;
        }
        self.take_events(key.index, now);
        self.touch(key.index);
    }

    fn receive(&mut self, batch: &mut ReceiveBatch) {
        for socket in 0..self.sockets.len() {
            for _ in 0..RECEIVES_PER_TURN {
                let bound = self.sockets[socket].local();
                match self.sockets[socket].receive(batch) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => {
                        // A report of an earlier send (ICMP) may surface here; the socket itself lives on.
                        log::debug!("receive: {error}");
                        break;
                    }
                }
                let now = Instant::now();
                for datagram in batch.datagrams(bound) {
                    self.on_datagram(now, datagram);
                }
            }
        }
    }

    fn on_datagram(&mut self, now: Instant, datagram: net::Datagram<'_>) {
        let (session, bound) = match self.mux.route(now, &datagram.path, datagram.bytes) {
            Route::Bound(session) => (session, true),
            Route::ByFragment(session) | Route::ByTransaction(session) => (session, false),
            Route::Unknown => return,
        };
        let index = session.get();
        let Some(slot) = self.slots.at_mut(index) else {
            return;
        };
        slot.peer.handle_datagram(now, datagram);
        self.touch(index);
        if !bound {
            // Only what passed the integrity check binds, and it does so before the next datagram is routed.
            self.take_events(index, now);
        }
    }

    fn touch(&mut self, index: usize) {
        if let Some(slot) = self.slots.at_mut(index)
            && !slot.touched
        {
            slot.touched = true;
            self.touched.push(index);
        }
    }

    /// Serves every touched connection, as long as the sockets take its output.
    fn flush(&mut self, now: Instant) {
        let mut waiting = std::mem::take(&mut self.touched);
        let mut later = Vec::new();
        for index in waiting.drain(..) {
            if let Some(slot) = self.slots.at_mut(index) {
                slot.touched = false;
                if self.serve(index, now) == Progress::More {
                    later.push(index);
                }
            }
        }
        // The same allocation serves the next turn.
        self.touched = waiting;
        for index in later {
            self.touch(index);
        }
    }

    fn serve(&mut self, index: usize, now: Instant) -> Progress {
        self.take_events(index, now);
        let Some(slot) = self.slots.at_mut(index) else {
            return Progress::Dry;
        };
        exchange::outbound(&mut slot.peer, &slot.mailbox, now);
        exchange::inbound(&mut slot.peer, &slot.mailbox);
        let may_close =
            |deadline: &mut Instant| now >= *deadline || !slot.mailbox.lock().has_outbound();
        if slot.closing.take_if(may_close).is_some() {
            slot.peer.close(now);
        }
        if let Some(until) = self.budget.wait_until(now) {
            slot.peer.hold_checks(now, until);
            self.counters.checks_held.fetch_add(1, Ordering::Relaxed);
        }
        let before = slot.peer.unproved_checks();
        let (mux, streams, relays) = (&mut self.mux, &mut self.streams, &mut self.relays);
        let mut left = DATAGRAMS_PER_TURN;
        let progress = self.outbox.drain(&self.sockets, DATAGRAMS_PER_TURN, |buf| {
            loop {
                let start = buf.len();
                let transmit = slot.peer.poll_transmit(now, buf)?;
                if relays.contains(&transmit.path) {
                    relays.send(&transmit.path, &buf[start..]);
                } else {
                    mux.on_request_sent(now, SessionId::new(index), &buf[start..]);
                    if transmit.path.transport == Transport::Udp {
                        return Some(transmit);
                    }
                    streams.send(&transmit.path, &buf[start..]);
                }
                buf.truncate(start);
                left = left.checked_sub(1)?;
            }
        });
        let spent = slot.peer.unproved_checks().saturating_sub(before);
        self.budget.spend(now, spent);
        for failure in self.outbox.take_failures() {
            if failure.is_too_large {
                slot.peer.on_too_large(now, &failure.path, failure.bytes);
            } else {
                slot.peer.on_send_error(now, &failure.path);
            }
        }
        let next = slot.peer.poll_timeout().into_iter();
        let next = next.chain(slot.closing).min();
        self.timers.set(index, slot.deadline, next);
        slot.deadline = next;
        self.take_events(index, now);
        self.reap(index);
        if left == 0 { Progress::More } else { progress }
    }

    /// Moves events up, and acts on the one that is the driver's.
    fn take_events(&mut self, index: usize, now: Instant) {
        let Some(slot) = self.slots.at_mut(index) else {
            return;
        };
        let mut taken: Vec<(SessionId, Path)> = Vec::new();
        while let Some(event) = slot.peer.poll_event() {
            match event {
                peer::Event::PathProved(path) => {
                    self.streams.adopt(&path, index);
                    taken.extend(
                        self.mux
                            .bind(SessionId::new(index), path)
                            .map(|from| (from, path)),
                    );
                }
                peer::Event::ResolveName(name) => {
                    resolve(slot.key, name, &mut self.responder, self.streams.reporter());
                }
                peer::Event::OpenStream { local, remote } => {
                    self.streams.dial(slot.key, local, remote);
                }
                peer::Event::CloseStream(path) => self.streams.close(&path),
                peer::Event::OpenRelaySocket(socket) => {
                    let (key, id) = (slot.key, socket.id);
                    let stream = self.streams.next_id();
                    if !self.relays.open(key, socket, stream) {
                        let fact = peer::RelayFact::Refused(id);
                        slot.peer.on_relay_socket(now, fact);
                    }
                }
                peer::Event::CloseRelaySocket(id) => self.relays.close(index, id),
                peer::Event::RelayChallenge {
                    host,
                    username,
                    challenge,
                } => self.challenges.keep(host, username, *challenge),
                peer::Event::LocalUfrag(fragment) => {
                    self.mux.insert_fragment(&fragment, SessionId::new(index));
                }
                event => {
                    if let peer::Event::PathSelected(path) = &event {
                        let from = self.mux.bind_selected(SessionId::new(index), *path);
                        taken.extend(from.map(|from| (from, *path)));
                    }
                    exchange::on_event(event, &mut slot.peer, &slot.mailbox, now);
                }
            }
        }
        for (from, path) in taken {
            if let Some(slot) = self.slots.at_mut(from.get()) {
                slot.peer.on_path_taken(now, &path);
                self.touch(from.get());
            }
        }
    }

    /// A connection that has ended and said its last word leaves; its handles keep what the mailbox holds.
    fn reap(&mut self, index: usize) {
        let Some(slot) = self.slots.at_mut(index) else {
            return;
        };
        if !slot.mailbox.lock().closed {
            return;
        }
        self.timers.set(index, slot.deadline, None);
        self.mux.remove_session(SessionId::new(index));
        self.streams.close_all_of(index);
        self.relays.close_all_of(index);
        self.slots.remove(index);
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.helpers.iter().for_each(AbortHandle::abort);
        // The runtime may end before the handles do.
        for index in 0..self.slots.capacity() {
            if let Some(slot) = self.slots.at_mut(index) {
                slot.mailbox.lock().close();
            }
        }
        if let Some(responder) = &self.responder {
            for (_, name) in std::mem::take(&mut self.addresses.names) {
                let _ = responder.send(names::Request::Unregister(name));
            }
        }
    }
}

/// Has a name resolved beside the shard; a report follows.
fn resolve(
    owner: Key,
    name: String,
    responder: &mut Option<Responder>,
    reports: mpsc::Sender<Report>,
) {
    let is_multicast = name.to_ascii_lowercase().ends_with(".local");
    let way = is_multicast.then(|| responder.get_or_insert_with(names::responder).clone());
    tokio::spawn(async move {
        let addresses = names::resolve(name.clone(), way).await;
        let report = Report::Resolved {
            owner,
            name,
            addresses,
        };
        let _ = reports.send(report).await;
    });
}

async fn any_readable(sockets: &[Socket]) {
    match sockets {
        [] => std::future::pending().await,
        [one] => drop(one.readable().await),
        [one, rest @ ..] => {
            tokio::select! {
                _ = one.readable() => {}
                () = Box::pin(any_readable(rest)) => {}
            }
        }
    }
}

pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
