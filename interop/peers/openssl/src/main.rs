//! A DTLS client or server over UDP on loopback, for other implementations to speak with.
//!
//!     avocet-openssl-peer client|server ADDRESS [--certificate PEM] [--psk IDENTITY KEY] [--suite NUMBER]
//!                                            [--version 1.2|1.3] [--srtp] [--twice]
//!                                            [--connection-id LENGTH] [--move] [--resume]
//!
//! One connection: it prints a line `connected …` with what was agreed on and 60 exported bytes, sends the line
//! "hello from avocet", prints the first record that comes as `received …`, and closes. The server answers the first
//! hello with a cookie when it speaks 1.2 only.
//!
//! With `--twice` or `--connection-id` it does so twice, the second time with "again from avocet", which a client says
//! first, with `--move` from another socket; a server follows it there, which a line `moved …` tells.
//!
//! With `--resume` a client comes back once by the ticket that it was given, and then prints `resumed`.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use avocet_dtls::{
    Certificate, Config, Connection, Event, Listener, PathId, PeerCertificate, PreSharedKey, Role,
    SrtpProfile, Ticket, Versions,
};

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(15);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let role = match next()?.as_str() {
        "client" => Role::Client,
        "server" => Role::Server,
        other => return Err(format!("no role: {other}").into()),
    };
    let address: SocketAddr = next()?.parse()?;
    let mut config = Config::anonymous();
    config.peer_certificate = PeerCertificate::Requested;
    let mut moves = false;
    let mut twice = false;
    let mut resumes = false;
    while let Ok(flag) = next() {
        match flag.as_str() {
            "--certificate" => {
                let text = std::fs::read_to_string(next()?)?;
                config.certificate = Some(Certificate::from_pem(&text)?);
            }
            "--psk" => {
                let (identity, key) = (next()?, hex(&next()?)?);
                config
                    .psks
                    .push(PreSharedKey::new(identity.as_bytes(), &key)?);
            }
            "--suite" => {
                let number = u16::from_str_radix(next()?.trim_start_matches("0x"), 16)?;
                config.cipher_suites.push(number);
            }
            "--version" => {
                config.versions = match next()?.as_str() {
                    "1.2" => Versions::DTLS_1_2,
                    "1.3" => Versions::DTLS_1_3,
                    other => return Err(format!("no version: {other}").into()),
                }
            }
            "--srtp" => {
                config.srtp_profiles = vec![
                    SrtpProfile::AEAD_AES_128_GCM,
                    SrtpProfile::AES128_CM_SHA1_80,
                ];
            }
            "--connection-id" => config.connection_id = Some(next()?.parse()?),
            "--move" => moves = true,
            "--twice" => twice = true,
            "--resume" => resumes = true,
            other => return Err(format!("no flag: {other}").into()),
        }
    }
    config.accept_tickets = resumes;
    twice |= config.connection_id.is_some();
    let rounds = if twice { 2 } else { 1 };
    if role == Role::Server {
        let socket = UdpSocket::bind(address)?;
        println!("listening");
        let (socket, to, connection) = accept(socket, config)?;
        let mut peer = Peer::new(socket, to, connection);
        (peer.twice, peer.rounds) = (twice, rounds);
        return peer.run();
    }
    let config = Arc::new(config);
    let mut peer = Peer::client(address, Arc::clone(&config), None)?;
    (peer.moves, peer.twice, peer.rounds) = (moves, twice, rounds);
    peer.run()?;
    if !resumes {
        return Ok(());
    }
    // The server has to listen again.
    std::thread::sleep(Duration::from_millis(300));
    let ticket = peer.ticket.take().ok_or("no ticket came")?;
    Peer::client(address, config, Some(ticket))?.run()
}

fn seed() -> Result<[u8; 32], Box<dyn Error>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

/// Waits for a client, with a cookie where the version has one.
fn accept(
    socket: UdpSocket,
    config: Config,
) -> Result<(UdpSocket, SocketAddr, Connection), Box<dyn Error>> {
    let mut buf = vec![0; 65_536];
    if config.versions != Versions::DTLS_1_2 {
        let (_, from) = socket.peek_from(&mut buf)?;
        let mut connection = Connection::new(Arc::new(config), Role::Server, seed()?)?;
        connection.start(Instant::now(), None);
        return Ok((socket, from, connection));
    }
    let until = Instant::now() + PATIENCE;
    let mut listener = Listener::new(config, seed()?)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    while Instant::now() < until {
        let (length, from) = socket.recv_from(&mut buf)?;
        listener.handle_datagram(Instant::now(), from, &mut buf[..length]);
        let mut reply = Vec::new();
        while let Some(to) = listener.poll_transmit(&mut reply) {
            socket.send_to(&reply, to)?;
            reply.clear();
        }
        if let Some(accepted) = listener.poll_event() {
            return Ok((socket, accepted.from, accepted.connection));
        }
    }
    Err("nobody came".into())
}

struct Peer {
    socket: UdpSocket,
    /// Where datagrams came from, the first one is where the connection began.
    paths: Vec<SocketAddr>,
    connection: Connection,
    /// By which a client may come back.
    ticket: Option<Ticket>,
    until: Instant,
    /// Whether the second thing is said from elsewhere.
    moves: bool,
    /// Whether there is a second thing.
    twice: bool,
    /// How many things are still to be heard.
    rounds: u8,
}

impl Peer {
    /// A client that says one thing.
    fn client(
        address: SocketAddr,
        config: Arc<Config>,
        ticket: Option<Ticket>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut connection = Connection::new(config, Role::Client, seed()?)?;
        if let Some(ticket) = ticket {
            connection.offer_ticket(ticket);
        }
        connection.start(Instant::now(), None);
        let socket = UdpSocket::bind((address.ip(), 0))?;
        Ok(Self::new(socket, address, connection))
    }

    fn new(socket: UdpSocket, to: SocketAddr, connection: Connection) -> Self {
        Self {
            socket,
            paths: vec![to],
            connection,
            ticket: None,
            until: Instant::now() + PATIENCE,
            moves: false,
            twice: false,
            rounds: 1,
        }
    }

    fn run(&mut self) -> Result<(), Box<dyn Error>> {
        let mut buf = vec![0; 65_536];
        let mut data = Vec::new();
        loop {
            self.flush()?;
            while let Some(event) = self.connection.poll_event() {
                match event {
                    Event::Connected {
                        srtp_profile,
                        version,
                        cipher_suite,
                        peer_fingerprint,
                    } => {
                        let mut exported = [0; 60];
                        self.connection.export_keying_material(
                            "EXTRACTOR-dtls_srtp",
                            None,
                            &mut exported,
                        )?;
                        let exported: String =
                            exported.iter().map(|byte| format!("{byte:02X}")).collect();
                        println!(
                            "connected version={:04x} suite={cipher_suite:04x} srtp={} certificate={} exported={exported}",
                            version.number(),
                            srtp_profile.map_or(0, |profile| profile.0),
                            peer_fingerprint.is_some(),
                        );
                        if self.connection.is_resumed() {
                            println!("resumed");
                        }
                        self.say("hello from avocet\n")?;
                    }
                    Event::Ticket => self.ticket = self.connection.take_ticket(),
                    Event::Closed(reason) => return Err(format!("closed: {reason:?}").into()),
                    // Nobody but the other side sends to this address.
                    Event::NewPath { path } => {
                        self.connection.move_to(path);
                        println!("moved unchecked");
                    }
                    Event::PathValidated { .. } => println!("moved checked"),
                    _ => {}
                }
            }
            if self.connection.recv(&mut data).is_some() {
                println!("received {}", String::from_utf8_lossy(&data).trim_end());
                data.clear();
                self.rounds -= 1;
                let is_client = self.connection.role() == Role::Client;
                if self.rounds > 0 && is_client {
                    if self.moves {
                        self.socket = UdpSocket::bind(("127.0.0.1", 0))?;
                    }
                    self.say("again from avocet\n")?;
                }
                if self.rounds == 0 {
                    if !is_client && self.twice {
                        self.say("again from avocet\n")?;
                    }
                    self.linger(&mut buf)?;
                    self.connection.close(Instant::now());
                    return self.flush();
                }
            }
            self.wait(&mut buf)?;
        }
    }

    /// Until something arrives, or a deadline.
    fn wait(&mut self, buf: &mut [u8]) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        if now >= self.until {
            return Err("it took too long".into());
        }
        let deadline = self
            .connection
            .poll_timeout()
            .map_or(self.until, |at| at.min(self.until));
        let patience = deadline
            .saturating_duration_since(now)
            .max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(patience))?;
        match self.socket.recv_from(buf) {
            Ok((length, from)) => {
                let known = self.paths.iter().position(|path| *path == from);
                let path = known.unwrap_or_else(|| {
                    self.paths.push(from);
                    self.paths.len() - 1
                });
                let path = PathId(u64::try_from(path)?);
                self.connection
                    .handle_datagram_on(Instant::now(), path, &mut buf[..length]);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(_) => self.connection.handle_timeout(Instant::now()),
        }
        Ok(())
    }

    /// Takes what the other side may still say about paths.
    fn linger(&mut self, buf: &mut [u8]) -> Result<(), Box<dyn Error>> {
        let rest = Instant::now() + Duration::from_millis(300);
        if self.connection.connection_ids().is_empty() {
            return Ok(());
        }
        let until = std::mem::replace(&mut self.until, rest);
        while Instant::now() < rest {
            self.flush()?;
            if self.wait(buf).is_err() {
                break;
            }
            while let Some(event) = self.connection.poll_event() {
                if let Event::PathValidated { .. } = event {
                    println!("moved checked");
                }
            }
        }
        self.until = until;
        Ok(())
    }

    /// Where the other side is by now.
    fn to(&self) -> Result<SocketAddr, Box<dyn Error>> {
        let path = usize::try_from(self.connection.path().0)?;
        Ok(*self.paths.get(path).ok_or("an unknown path")?)
    }

    fn say(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let mut record = Vec::new();
        let mark = self.connection.begin(&mut record).ok_or("not connected")?;
        record.extend_from_slice(line.as_bytes());
        self.connection.seal(Instant::now(), &mut record, mark)?;
        self.socket.send_to(&record, self.to()?)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Box<dyn Error>> {
        let mut datagram = Vec::new();
        while self
            .connection
            .poll_transmit(Instant::now(), &mut datagram)
            .is_some()
        {
            self.socket.send_to(&datagram, self.to()?)?;
            datagram.clear();
        }
        while let Some(PathId(path)) = self
            .connection
            .poll_transmit_elsewhere(Instant::now(), &mut datagram)
        {
            let to = self.paths.get(usize::try_from(path)?);
            self.socket
                .send_to(&datagram, to.ok_or("an unknown path")?)?;
            datagram.clear();
        }
        Ok(())
    }
}

fn hex(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    (0..text.len())
        .step_by(2)
        .map(|at| {
            Ok(u8::from_str_radix(
                text.get(at..at + 2).ok_or("odd hex")?,
                16,
            )?)
        })
        .collect()
}
