//! A DTLS client or server over UDP on loopback, for other implementations to speak with.
//!
//!     avocet-openssl-peer client|server ADDRESS [--certificate PEM] [--psk IDENTITY KEY] [--suite NUMBER]
//!                                            [--version 1.2|1.3] [--srtp]
//!
//! One connection: it prints a line `connected …` with what was agreed on and 60 exported bytes, sends the line
//! "hello from avocet", prints the first record that comes as `received …`, and closes. The server answers the first
//! hello with a cookie when it speaks 1.2 only.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use avocet_dtls::{
    Certificate, Config, Connection, Event, Listener, PeerCertificate, PreSharedKey, Role,
    SrtpProfile, Versions,
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
            other => return Err(format!("no flag: {other}").into()),
        }
    }
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let until = Instant::now() + PATIENCE;
    let (socket, connection) = match role {
        Role::Client => {
            let socket = UdpSocket::bind((address.ip(), 0))?;
            socket.connect(address)?;
            let mut connection = Connection::new(Arc::new(config), role, seed)?;
            connection.start(Instant::now(), None);
            (socket, connection)
        }
        Role::Server => {
            let socket = UdpSocket::bind(address)?;
            println!("listening");
            accept(socket, config, seed, until)?
        }
    };
    Peer {
        socket,
        connection,
        until,
    }
    .run()
}

/// Waits for a client, with a cookie where the version has one.
fn accept(
    socket: UdpSocket,
    config: Config,
    seed: [u8; 32],
    until: Instant,
) -> Result<(UdpSocket, Connection), Box<dyn Error>> {
    let mut buf = vec![0; 65_536];
    if config.versions != Versions::DTLS_1_2 {
        let (_, from) = socket.peek_from(&mut buf)?;
        socket.connect(from)?;
        let mut connection = Connection::new(Arc::new(config), Role::Server, seed)?;
        connection.start(Instant::now(), None);
        return Ok((socket, connection));
    }
    let mut listener = Listener::new(config, seed)?;
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
            socket.connect(accepted.from)?;
            return Ok((socket, accepted.connection));
        }
    }
    Err("nobody came".into())
}

struct Peer {
    socket: UdpSocket,
    connection: Connection,
    until: Instant,
}

impl Peer {
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
                        self.say("hello from avocet\n")?;
                    }
                    Event::Closed(reason) => return Err(format!("closed: {reason:?}").into()),
                }
            }
            if self.connection.recv(&mut data).is_some() {
                println!("received {}", String::from_utf8_lossy(&data).trim_end());
                self.connection.close(Instant::now());
                return self.flush();
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
        match self.socket.recv(buf) {
            Ok(length) => self
                .connection
                .handle_datagram(Instant::now(), &mut buf[..length]),
            Err(_) => self.connection.handle_timeout(Instant::now()),
        }
        Ok(())
    }

    fn say(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let mut record = Vec::new();
        let mark = self.connection.begin(&mut record).ok_or("not connected")?;
        record.extend_from_slice(line.as_bytes());
        self.connection.seal(Instant::now(), &mut record, mark)?;
        self.socket.send(&record)?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Box<dyn Error>> {
        let mut datagram = Vec::new();
        while self
            .connection
            .poll_transmit(Instant::now(), &mut datagram)
            .is_some()
        {
            self.socket.send(&datagram)?;
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
