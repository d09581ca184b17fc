//! Clients on DTLS: a [`dtls::Listener`] tells them from noise, and each that proved its address has a connection.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::{Datagram, Ecn, Path};

use super::{Core, Shard};
use crate::driver::Socket;
use crate::turn_server::tls::Certificates;

/// Clients of one socket, and those of one address that have not shown who they are yet.
const MAX_SESSIONS: usize = 10_000;
const MAX_HALF_OPEN_PER_SOURCE: usize = 16;

/// How long a client without an allocation may be silent.
const IDLE: Duration = Duration::from_secs(30);

/// A DTLS socket and its clients.
pub(super) struct Secure {
    pub(super) socket: Rc<Socket>,
    certificates: Arc<Certificates>,
    version: u64,
    listener: Option<dtls::Listener>,
    sessions: HashMap<SocketAddr, Session>,
    half_open: HashMap<IpAddr, usize>,
    seed: [u8; 32],
    /// Where datagrams are made.
    buf: Vec<u8>,
    /// What was opened of one datagram: lengths, and bytes behind each other.
    plain: (Vec<usize>, Vec<u8>),
}

struct Session {
    connection: dtls::Connection,
    path: Path,
    is_open: bool,
    heard: Instant,
}

impl Secure {
    pub(super) fn new(socket: Rc<Socket>, certificates: Arc<Certificates>, seed: [u8; 32]) -> Self {
        let mut secure = Self {
            socket,
            certificates,
            version: u64::MAX,
            listener: None,
            sessions: HashMap::new(),
            half_open: HashMap::new(),
            seed,
            buf: Vec::new(),
            plain: (Vec::new(), Vec::new()),
        };
        secure.renew();
        secure
    }

    /// Takes the certificate that was read last for new clients.
    pub(super) fn renew(&mut self) {
        let (certificate, version) = self.certificates.dtls();
        if version == self.version {
            return;
        }
        self.version = version;
        // Another certificate, another stream of chance.
        if let Some(first) = self.seed.first_mut() {
            *first = first.wrapping_add(1);
        }
        self.listener = certificate.and_then(|certificate| {
            let mut config = dtls::Config::new(certificate);
            config.peer_certificate = dtls::PeerCertificate::NotRequested;
            config.srtp_profiles = Vec::new();
            dtls::Listener::new(config, self.seed).ok()
        });
    }

    /// Opens a datagram; what was in it is in `plain` afterwards.
    fn open(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Datagram { path, bytes, .. } = datagram;
        let remote = path.remote;
        let (lengths, plain) = &mut self.plain;
        lengths.clear();
        plain.clear();
        if let Some(session) = self.sessions.get_mut(&remote) {
            session.heard = now;
            session.path = path;
            session.connection.handle_datagram_with(now, bytes, |data| {
                lengths.push(data.len());
                plain.extend_from_slice(data);
            });
            return self.drive(now, remote);
        }
        let crowded = self.half_open.get(&remote.ip()).copied().unwrap_or(0);
        if self.sessions.len() >= MAX_SESSIONS || crowded >= MAX_HALF_OPEN_PER_SOURCE {
            return;
        }
        let Some(listener) = &mut self.listener else {
            return;
        };
        listener.handle_datagram(now, remote, bytes);
        self.buf.clear();
        while listener.poll_transmit(&mut self.buf).is_some() {
            let _ = self
                .socket
                .try_send(&net::Transmit::new(path), &self.buf, None);
            self.buf.clear();
        }
        while let Some(accepted) = listener.poll_event() {
            *self.half_open.entry(remote.ip()).or_insert(0) += 1;
            let session = Session {
                connection: accepted.connection,
                path,
                is_open: false,
                heard: now,
            };
            self.sessions.insert(accepted.from, session);
        }
        self.drive(now, remote);
    }

    /// Sends what a connection has to say, and hears how it is.
    fn drive(&mut self, now: Instant, remote: SocketAddr) {
        let Some(session) = self.sessions.get_mut(&remote) else {
            return;
        };
        self.buf.clear();
        while session
            .connection
            .poll_transmit(now, &mut self.buf)
            .is_some()
        {
            let transmit = net::Transmit::new(session.path);
            let _ = self.socket.try_send(&transmit, &self.buf, None);
            self.buf.clear();
        }
        while let Some(event) = session.connection.poll_event() {
            let is_over = matches!(event, dtls::Event::Closed(_));
            if !session.is_open {
                session.is_open = true;
                if let Some(listener) = &mut self.listener {
                    listener.on_connected(remote);
                }
                if let Some(count) = self.half_open.get_mut(&remote.ip()) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        self.half_open.remove(&remote.ip());
                    }
                }
            }
            if is_over {
                self.sessions.remove(&remote);
                return;
            }
        }
    }

    /// Seals a message for a client. False when it cannot be sent.
    pub(super) fn send(&mut self, now: Instant, path: Path, ecn: Ecn, message: &[u8]) -> bool {
        let Some(session) = self.sessions.get_mut(&path.remote) else {
            return false;
        };
        self.buf.clear();
        let Some(mark) = session.connection.begin(&mut self.buf) else {
            return false;
        };
        self.buf.extend_from_slice(message);
        let sealed = session.connection.seal(now, &mut self.buf, mark);
        let mut transmit = net::Transmit::new(path);
        transmit.ecn = ecn;
        sealed.is_ok() && self.socket.try_send(&transmit, &self.buf, None).is_ok()
    }

    /// Repeats what was lost, and ends who has nothing to say.
    fn tick(&mut self, now: Instant, server: &turn::Server) {
        let is_due = |session: &Session| {
            let due = session.connection.poll_timeout();
            due.is_some_and(|at| at <= now)
        };
        let is_idle = |session: &Session| {
            let silent = now.saturating_duration_since(session.heard) > IDLE;
            silent && !server.has_allocation(&session.path)
        };
        let touched: Vec<SocketAddr> = self
            .sessions
            .iter()
            .filter(|(_, session)| is_due(session) || is_idle(session))
            .map(|(remote, _)| *remote)
            .collect();
        for remote in touched {
            if let Some(session) = self.sessions.get_mut(&remote) {
                session.connection.handle_timeout(now);
                if is_idle(session) {
                    session.connection.close(now);
                }
            }
            self.drive(now, remote);
        }
    }
}

impl Shard {
    /// Takes one batch from a DTLS socket; false when nothing was there.
    fn receive_secure(self: &Rc<Self>, at: usize) -> bool {
        let now = Instant::now();
        let core = &mut *self.core.borrow_mut();
        let Core {
            server, out, batch, ..
        } = core;
        let Some(socket) = out.secure.get(at).map(|it| it.socket.clone()) else {
            return false;
        };
        if let Err(error) = socket.receive(batch) {
            return error.kind() != std::io::ErrorKind::WouldBlock;
        }
        for datagram in batch.datagrams(socket.local()) {
            let (path, ecn) = (datagram.path, datagram.ecn);
            let Some(secure) = out.secure.get_mut(at) else {
                continue;
            };
            secure.open(now, datagram);
            let (lengths, mut plain) = std::mem::take(&mut secure.plain);
            let mut rest = &mut plain[..];
            for length in &lengths {
                let (message, after) = std::mem::take(&mut rest)
                    .split_at_mut_checked(*length)
                    .unwrap_or_default();
                rest = after;
                let mut datagram = Datagram::new(path, message);
                datagram.ecn = ecn;
                server.handle_datagram_with(now, datagram, |it| out.push(&it));
            }
            if let Some(secure) = out.secure.get_mut(at) {
                secure.plain = (lengths, plain);
            }
        }
        self.settle(core, now);
        true
    }

    /// Serves a DTLS socket for as long as it is there.
    pub(super) async fn receive_from_secure(self: Rc<Self>, socket: Rc<Socket>, at: usize) {
        loop {
            if socket.readable().await.is_err() {
                return;
            }
            for _ in 0..super::RECEIVES_PER_TURN {
                if !self.receive_secure(at) {
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// The timers of DTLS, which are a matter of tenths of a second.
    pub(super) async fn watch_secure(self: Rc<Self>) {
        loop {
            let busy = {
                let core = &mut *self.core.borrow_mut();
                let now = Instant::now();
                let Core { server, out, .. } = core;
                let mut busy = false;
                for secure in &mut out.secure {
                    secure.tick(now, server);
                    busy |= !secure.half_open.is_empty();
                }
                busy
            };
            let pause = if busy { 50 } else { 500 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
}
