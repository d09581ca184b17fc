//! DTLS to a TURN server (`turns:…?transport=udp`, RFC 8656 §3.1).

use std::io;
use std::sync::Arc;
use std::time::Instant;

use net::Path;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::relays::{OPEN_TIMEOUT, READ_BYTES, Task, WRITE_QUEUE, Way};

/// Opens the connection, and serves it until either end has had enough.
pub(super) async fn run(task: &Task) -> io::Result<()> {
    let socket = task.bind_udp().await?;
    let mut config = dtls::Config::anonymous();
    config.peer_certificate = dtls::PeerCertificate::NotRequested;
    config.handshake_timeout = OPEN_TIMEOUT;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let machine = dtls::Connection::new(Arc::new(config), dtls::Role::Client, seed)
        .map_err(io::Error::other)?;
    let path = Path::udp(socket.local_addr()?, task.server());
    let (queue, waiting) = mpsc::channel(WRITE_QUEUE);
    let mut tunnel = Tunnel {
        task,
        socket,
        machine,
        path,
        waiting,
        queue: Some(queue),
    };
    tunnel.machine.start(Instant::now(), None);
    tunnel.serve().await
}

struct Tunnel<'t> {
    task: &'t Task,
    socket: UdpSocket,
    machine: dtls::Connection,
    path: Path,
    waiting: mpsc::Receiver<Vec<u8>>,
    /// Given away when the handshake is done.
    queue: Option<mpsc::Sender<Vec<u8>>>,
}

impl Tunnel<'_> {
    async fn serve(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            self.transmit().await;
            let deadline = self.machine.poll_timeout();
            tokio::select! {
                received = self.socket.recv(&mut buffer) => {
                    if let Ok(length) = received {
                        self.receive(&mut buffer[..length]).await?;
                    }
                }
                payload = self.waiting.recv() => match payload {
                    Some(payload) => self.send(&payload).await,
                    None => {
                        self.machine.close(Instant::now());
                        self.transmit().await;
                        return Ok(());
                    }
                },
                () = super::shard::until(deadline), if deadline.is_some() => {
                    self.machine.handle_timeout(Instant::now());
                }
            }
            while let Some(event) = self.machine.poll_event() {
                match event {
                    dtls::Event::Connected { .. } => self.on_connected().await?,
                    dtls::Event::Closed(_) => {
                        self.transmit().await;
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    // Tickets and connection ids are not asked for.
                    _ => {}
                }
            }
        }
    }

    /// Nothing is said to a server before its certificate was checked.
    async fn on_connected(&mut self) -> io::Result<()> {
        let certificate = self.machine.peer_certificate().unwrap_or_default();
        let issuers = self.machine.peer_issuers();
        self.task.check(certificate, issuers).await?;
        match self.queue.take() {
            Some(queue) => self.task.opened(self.path, Way::Queue(queue)).await,
            None => Ok(()),
        }
    }

    async fn receive(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let now = Instant::now();
        self.machine.handle_datagram(now, bytes);
        let mut record = Vec::new();
        while self.queue.is_none() && self.machine.recv(&mut record).is_some() {
            self.task.received(self.path, &record).await?;
            record.clear();
        }
        Ok(())
    }

    async fn send(&mut self, payload: &[u8]) {
        let mut buffer = Vec::with_capacity(payload.len() + self.machine.max_overhead());
        let Some(mark) = self.machine.begin(&mut buffer) else {
            return;
        };
        buffer.extend_from_slice(payload);
        if self.machine.seal(Instant::now(), &mut buffer, mark).is_ok() {
            let _ = self.socket.send(&buffer).await;
        }
    }

    async fn transmit(&mut self) {
        let mut buffer = Vec::new();
        while self
            .machine
            .poll_transmit(Instant::now(), &mut buffer)
            .is_some()
        {
            let _ = self.socket.send(&buffer).await;
            buffer.clear();
        }
    }
}
