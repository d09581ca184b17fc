use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ice::mux::{Mux, Route, SessionId};
use peer::PeerConnection;
use tokio::sync::mpsc;

use super::exchange;
use super::mailbox::Mailbox;
use super::outbox::{Outbox, Progress};
use super::slab::{Key, Slab};
use super::socket::{ReceiveBatch, Socket};
use super::timers::Timers;

/// Receive calls per turn and socket, commands per turn, datagrams per connection and turn: what keeps one busy
/// source from starving the others.
const RECEIVES_PER_TURN: usize = 8;
const COMMANDS_PER_TURN: usize = 256;
const DATAGRAMS_PER_TURN: usize = 512;

/// A piece of work for a shard, done between two datagrams.
pub(crate) type Call = Box<dyn FnOnce(&mut PeerConnection, Instant) + Send>;

/// What a handle asks of its shard.
pub(crate) enum Command {
    /// Take a connection in and answer with its key.
    Add(Make),
    /// Run something on a connection.
    Call(Key, Call),
    /// Its mailbox holds something.
    Wake(Key),
    /// Its last handle is gone.
    Release(Key),
}

/// Builds a connection on the shard, with the addresses that its candidates are made of.
pub(crate) type Make = Box<
    dyn FnOnce(&[SocketAddr], Instant) -> Option<(PeerConnection, Arc<Mailbox>, KeyReply)> + Send,
>;

/// Tells the one who asked the key of the new connection.
pub(crate) type KeyReply = tokio::sync::oneshot::Sender<Key>;

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
    addresses: Vec<SocketAddr>,
}

struct Slot {
    peer: PeerConnection,
    mailbox: Arc<Mailbox>,
    deadline: Option<Instant>,
    touched: bool,
}

impl Shard {
    pub(crate) fn new(
        sockets: Vec<Socket>,
        addresses: Vec<SocketAddr>,
        commands: mpsc::UnboundedReceiver<Command>,
        seed: [u8; 32],
    ) -> Self {
        let outbox = Outbox::new(sockets.len());
        Self {
            sockets,
            commands,
            mux: Mux::new(seed),
            slots: Slab::new(),
            timers: Timers::default(),
            touched: Vec::new(),
            outbox,
            addresses,
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
            Command::Release(key) => {
                if let Some(slot) = self.slots.get_mut(key) {
                    slot.peer.close(now);
                    self.touch(key.index);
                }
            }
        }
    }

    fn add(&mut self, make: Make, now: Instant) {
        let Some((peer, mailbox, reply)) = make(&self.addresses, now) else {
            return;
        };
        let key = self.slots.insert_with(|_| Slot {
            peer,
            mailbox,
            deadline: None,
            touched: false,
        });
        if reply.send(key).is_err() {
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
        let mux = &mut self.mux;
        let progress = self.outbox.drain(&self.sockets, DATAGRAMS_PER_TURN, |buf| {
            let start = buf.len();
            let transmit = slot.peer.poll_transmit(now, buf)?;
            mux.on_request_sent(now, SessionId::new(index), &buf[start..]);
            Some(transmit)
        });
        let next = slot.peer.poll_timeout();
        self.timers.set(index, slot.deadline, next);
        slot.deadline = next;
        self.take_events(index, now);
        self.reap(index);
        progress
    }

    /// Moves events up, and acts on the one that is the driver's.
    fn take_events(&mut self, index: usize, now: Instant) {
        let Some(slot) = self.slots.at_mut(index) else {
            return;
        };
        while let Some(event) = slot.peer.poll_event() {
            match event {
                peer::Event::PathProved(path) => self.mux.bind(SessionId::new(index), path),
                peer::Event::LocalUfrag(fragment) => {
                    self.mux.insert_fragment(&fragment, SessionId::new(index));
                }
                event => {
                    if let peer::Event::PathSelected(path) = &event {
                        self.mux.bind_selected(SessionId::new(index), *path);
                    }
                    exchange::on_event(event, &mut slot.peer, &slot.mailbox, now);
                }
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
        self.slots.remove(index);
    }
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
