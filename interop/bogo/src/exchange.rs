//! One connection with the runner: a handshake, then an echo.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use avocet_dtls::{
    AlertDescription, Cause, Certificate, Config, Connection, Event, HashAlgorithm, Initiator,
    NamedGroup, PeerCertificate, PreSharedKey, Refusal, Role, SrtpProfile, Ticket, TicketKeys,
    Version, Versions,
};

use crate::flags::{Flags, base64};
use crate::link::{Link, Word};

/// Why the program ends badly.
#[derive(Debug)]
pub enum Failed {
    /// The test wants something that we do not do.
    NotForUs(String),
    /// What went wrong.
    Connection(String),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(format!(":SOCKET: {error}"))
    }
}

fn wrong(what: impl Into<String>) -> Failed {
    Failed::Connection(what.into())
}

const DTLS_1_2: u16 = 0xfefd;
const DTLS_1_3: u16 = 0xfefc;
/// How often a flight is repeated before we give up, as the runner expects it.
const MAX_TIMEOUTS: u64 = 12;
/// Clocks are no better than this.
const FUDGE: Duration = Duration::from_millis(10);

/// One connection, and those that go on from it.
pub fn run(first: &Flags, following: &Flags) -> Result<(), Failed> {
    let mut now = Instant::now();
    // Tickets outlive a connection, so the key does.
    let tickets = TicketKeys::new(seed(), now);
    let mut ticket = connect(first, &mut now, tickets.clone(), None)?;
    for _ in 0..first.resume_count {
        let resumes = Resumes {
            ticket: ticket.clone(),
        };
        let renewed = connect(following, &mut now, tickets.clone(), Some(resumes))?;
        ticket = renewed.or(ticket);
    }
    Ok(())
}

/// A connection that follows another.
struct Resumes {
    /// What the one before brought, to a client.
    ticket: Option<Ticket>,
}

fn connect(
    flags: &Flags,
    now: &mut Instant,
    tickets: TicketKeys,
    resumes: Option<Resumes>,
) -> Result<Option<Ticket>, Failed> {
    let mut config = configure(flags)?;
    if !flags.no_ticket {
        config.tickets = Some(tickets);
        config.accept_tickets = true;
        config.tickets_12 = true;
    }
    let host = if flags.ipv6 { "::1" } else { "127.0.0.1" };
    let role = if flags.server {
        Role::Server
    } else {
        Role::Client
    };
    let mut connection = Connection::new(Arc::new(config), role, seed())
        .map_err(|error| wrong(format!(":CONFIG: {error}")))?;
    let is_resumption = resumes.is_some();
    if let Some(ticket) = resumes.and_then(|resumes| resumes.ticket) {
        connection.offer_ticket(ticket);
    }
    let mut exchange = Exchange {
        flags,
        connection,
        link: Link::connect(host, flags.port, flags.shim_id)?,
        now: *now,
        closed: None,
        is_connected: false,
        is_resumption,
        ticket: None,
        agreed: None,
        answered: 0,
        timeouts: 0,
        hears_flight: false,
    };
    let result = exchange.run();
    // The runner is still writing, perhaps, and wants to read our alert first.
    exchange.link.drain();
    *now = exchange.now;
    let ticket = exchange.ticket.take();
    result.map(|()| ticket)
}

/// Nothing hangs on it here: the peer is a test.
fn seed() -> [u8; 32] {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&now.as_nanos().to_be_bytes());
    seed[16..20].copy_from_slice(&std::process::id().to_be_bytes());
    seed
}

fn configure(flags: &Flags) -> Result<Config, Failed> {
    // The numbers of DTLS fall as the versions rise.
    if flags.min_version != 0 && flags.min_version < flags.max_version {
        return Err(wrong(":UNSUPPORTED_PROTOCOL: no version is left"));
    }
    let min = if flags.min_version == 0 {
        DTLS_1_2
    } else {
        flags.min_version
    };
    let max = if flags.max_version == 0 {
        DTLS_1_3
    } else {
        flags.max_version
    };
    let within = |version| version <= min && version >= max;
    let versions = match (
        within(DTLS_1_2) && !flags.no_tls12,
        within(DTLS_1_3) && !flags.no_tls13,
    ) {
        (true, true) => Versions::ALL,
        (true, false) => Versions::DTLS_1_2,
        (false, true) => Versions::DTLS_1_3,
        (false, false) if max > DTLS_1_2 => return Err(Failed::NotForUs("dtls 1.0".into())),
        (false, false) => return Err(wrong(":NO_SUPPORTED_VERSIONS_ENABLED:")),
    };
    let mut config = Config::anonymous();
    config.versions = versions;
    config.refusal = Refusal::Close;
    // The runner counts time to the nanosecond, and what leaves unasked.
    config.jitter = false;
    config.repeat_on_ack = false;
    config.handshake_timeout = Duration::from_secs(60 * 60);
    config.mtu = flags.mtu.unwrap_or(1400);
    if let Some(certificate) = &flags.cert_file {
        let key = flags.key_file.as_ref().unwrap_or(certificate);
        config.certificate = Some(read_certificate(certificate, key)?);
    }
    config.peer_certificate = if flags.require_client_certificate {
        PeerCertificate::Required
    } else if flags.verify_peer {
        PeerCertificate::Requested
    } else {
        PeerCertificate::NotRequested
    };
    // A client of the runner asks for no certificate unless it says so.
    if !flags.server {
        config.peer_certificate = PeerCertificate::Requested;
    }
    if let Some(psk) = &flags.psk {
        let psk = PreSharedKey::new(flags.psk_identity.as_bytes(), psk.as_bytes())
            .map_err(|error| wrong(format!(":PSK: {error}")))?;
        config.psks.push(psk);
    }
    for imported in &flags.imported {
        let hash = if imported.is_sha384 {
            HashAlgorithm::Sha384
        } else {
            HashAlgorithm::Sha256
        };
        let psk = PreSharedKey::new(&imported.identity, &imported.key)
            .and_then(|psk| psk.imported(&imported.context, hash))
            .map_err(|error| wrong(format!(":PSK: {error}")))?;
        config.psks.push(psk);
    }
    // Who has nothing but keys, and verifies nobody, talks to those who know them.
    let knows_keys_alone = if flags.server {
        config.certificate.is_none()
    } else {
        !flags.verify_peer
    };
    if !flags.imported.is_empty() && knows_keys_alone {
        config.peer_certificate = PeerCertificate::Never;
    }
    if let Some(profiles) = &flags.srtp_profiles {
        config.srtp_profiles = profiles
            .split(':')
            .map(srtp_profile)
            .collect::<Result<_, _>>()?;
    }
    if let Some(list) = &flags.advertise_alpn {
        config.alpn = protocols(list.as_bytes());
    }
    if let Some(name) = &flags.select_alpn {
        config.alpn = vec![name.clone().into_bytes()];
    }
    if flags.reject_alpn {
        config.alpn = vec![b"no such protocol".to_vec()];
    }
    if !flags.curves.is_empty() {
        let known = |number: &u16| group(*number);
        config.groups = flags.curves.iter().map(known).collect::<Result<_, _>>()?;
    }
    if flags.cipher.is_some() {
        return Err(Failed::NotForUs("cipher strings of OpenSSL".into()));
    }
    Ok(config)
}

fn read_certificate(certificate: &str, key: &str) -> Result<Certificate, Failed> {
    let both = [certificate, key]
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .join("\n");
    Certificate::from_pem(&both).map_err(|error| Failed::NotForUs(format!("certificate: {error}")))
}

fn srtp_profile(name: &str) -> Result<SrtpProfile, Failed> {
    Ok(match name {
        "SRTP_AES128_CM_SHA1_80" => SrtpProfile::AES128_CM_SHA1_80,
        "SRTP_AES128_CM_SHA1_32" => SrtpProfile(2),
        "SRTP_AEAD_AES_128_GCM" => SrtpProfile::AEAD_AES_128_GCM,
        "SRTP_AEAD_AES_256_GCM" => SrtpProfile::AEAD_AES_256_GCM,
        _ => return Err(Failed::NotForUs(format!("srtp profile {name}"))),
    })
}

fn group(number: u16) -> Result<NamedGroup, Failed> {
    Ok(match number {
        23 => NamedGroup::Secp256r1,
        24 => NamedGroup::Secp384r1,
        29 => NamedGroup::X25519,
        0x11ec => NamedGroup::X25519MlKem768,
        _ => return Err(Failed::NotForUs(format!("group {number}"))),
    })
}

/// Names with their lengths in front.
fn protocols(mut list: &[u8]) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    while let [length, rest @ ..] = list {
        let (name, behind) = rest.split_at(usize::from(*length).min(rest.len()));
        names.push(name.to_vec());
        list = behind;
    }
    names
}

struct Exchange<'a> {
    flags: &'a Flags,
    connection: Connection,
    link: Link,
    /// The runner moves it.
    now: Instant,
    closed: Option<(Initiator, Cause)>,
    is_connected: bool,
    /// It follows another one, from which it may go on.
    is_resumption: bool,
    /// The last ticket that came.
    ticket: Option<Ticket>,
    agreed: Option<(Version, u16)>,
    /// Flights of ours, repetitions not counted, and how often the last one was repeated in vain.
    answered: u64,
    timeouts: u64,
    /// A flight is coming in, and nothing was said since it began.
    hears_flight: bool,
}

impl Exchange<'_> {
    fn run(&mut self) -> Result<(), Failed> {
        self.start()?;
        self.handshake()?;
        self.forget_early_data();
        self.check()?;
        self.speak()?;
        self.echo()
    }

    fn start(&mut self) -> Result<(), Failed> {
        // The timer is twice the round trip.
        let round_trip = Duration::from_millis(self.flags.initial_timeout_ms) / 2;
        self.connection.start(self.now, Some(round_trip));
        self.flush()
    }

    /// Sends what is due and hears what happened.
    fn flush(&mut self) -> Result<(), Failed> {
        let mut datagram = Vec::new();
        while self
            .connection
            .poll_transmit(self.now, &mut datagram)
            .is_some()
        {
            self.hears_flight = false;
            // The runner may have hung up by now; that shows when we listen.
            drop(self.link.send(&datagram));
            datagram.clear();
        }
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Connected {
                    version,
                    cipher_suite,
                    ..
                } => {
                    self.is_connected = true;
                    self.agreed = Some((version, cipher_suite));
                }
                Event::Ticket => {
                    self.ticket = self.connection.take_ticket();
                    while self.connection.take_ticket().is_some() {}
                }
                Event::Closed(reason) => self.closed = Some((reason.initiator, reason.cause)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes one word of the runner; `false` when it hung up.
    fn step(&mut self) -> Result<bool, Failed> {
        match self.link.hear()? {
            Word::Datagram(mut datagram) => {
                self.pass_time(&datagram);
                self.connection.handle_datagram(self.now, &mut datagram);
            }
            Word::Timeout(passed) => {
                self.now += passed;
                let before = self.connection.stats();
                // A timer that is due in a moment is due.
                let due = self.connection.poll_timeout().unwrap_or(self.now);
                let now = if due <= self.now + FUDGE {
                    due
                } else {
                    self.now
                };
                self.connection.handle_timeout(now.max(self.now));
                let after = self.connection.stats();
                let answered = after.flights_sent - after.timeouts - after.repeats;
                if answered > self.answered {
                    (self.answered, self.timeouts) = (answered, 0);
                }
                self.timeouts += after.timeouts - before.timeouts;
                if self.timeouts > MAX_TIMEOUTS {
                    return Err(wrong(":READ_TIMEOUT_EXPIRED:"));
                }
            }
            Word::Mtu(mtu) => self.connection.set_mtu(self.now, mtu),
            Word::SetTimeout(timeout) => self.connection.set_round_trip(self.now, timeout / 2),
            Word::ExpectTimeout(expected) => self.check_timeout(expected)?,
            Word::End => return Ok(false),
        }
        self.flush()?;
        Ok(true)
    }

    /// The clock of the runner stands still while it repeats the flight before our last one; we repeat ours once per
    /// first timeout at most. Nothing else has its time there under 1.2.
    fn pass_time(&mut self, datagram: &[u8]) {
        let is_over = self.is_connected && matches!(self.agreed, Some((Version::Dtls12, _)));
        let in_clear = datagram.get(3..5) == Some(&[0, 0]);
        if is_over && in_clear && !self.hears_flight {
            self.now += Duration::from_secs(3);
        }
        self.hears_flight = in_clear;
    }

    fn check_timeout(&self, expected: Option<Duration>) -> Result<(), Failed> {
        let timeout = self
            .connection
            .poll_timeout()
            .map(|at| at.saturating_duration_since(self.now));
        // Far away is the limit of the whole handshake, which the runner knows nothing of.
        let timeout = timeout.filter(|timeout| *timeout < Duration::from_secs(1000));
        if timeout == expected {
            Ok(())
        } else {
            Err(wrong(format!(
                "expected a timeout in {expected:?}, it is in {timeout:?}"
            )))
        }
    }

    fn handshake(&mut self) -> Result<(), Failed> {
        while !self.is_connected {
            if let Some(closed) = self.closed {
                return Err(wrong(describe(closed)));
            }
            if !self.step()? {
                return Err(wrong(":HANDSHAKE_ENDED: the runner hung up"));
            }
        }
        Ok(())
    }

    /// Under 1.2 data may overtake the Finished in front of it: it was kept, and the runner expects that we do not care
    /// for it, as RFC 6347 §4.1 allows.
    fn forget_early_data(&mut self) {
        if matches!(self.agreed, Some((Version::Dtls12, _))) {
            while self.connection.recv(&mut Vec::new()).is_some() {}
        }
    }

    /// What the flags expect of the connection.
    fn check(&mut self) -> Result<(), Failed> {
        let flags = self.flags;
        let resumed = self.connection.is_resumed();
        if resumed != (self.is_resumption && !flags.expect_session_miss) {
            return Err(wrong(format!("resumed: {resumed}")));
        }
        // Who was resumed is known already.
        let judges = flags.verify_peer || flags.custom_verify || flags.require_client_certificate;
        if flags.verify_fail && judges && (!resumed || flags.reverify_on_resume) {
            let alert = if flags.custom_verify {
                AlertDescription(46)
            } else {
                AlertDescription::HANDSHAKE_FAILURE
            };
            self.connection.abort(self.now, alert);
            self.flush()?;
            while self.step()? {}
            return Err(wrong(":CERTIFICATE_VERIFY_FAILED:"));
        }
        let (version, suite) = self.agreed.map_or((0, 0), |(v, s)| (v.number(), s));
        if flags.expect_version != 0 && flags.expect_version != version {
            return Err(wrong(format!("version {version:04x}")));
        }
        if flags.expect_cipher != 0 && flags.expect_cipher != suite {
            return Err(wrong(format!("cipher suite {suite:04x}")));
        }
        let alpn = self.connection.application_protocol().unwrap_or_default();
        if flags
            .expect_alpn
            .as_ref()
            .is_some_and(|expected| expected.as_bytes() != alpn)
        {
            return Err(wrong("another application protocol"));
        }
        let peer = self.connection.peer_certificate();
        if flags.expect_no_peer_cert && peer.is_some() {
            return Err(wrong("a certificate that should not be there"));
        }
        if let Some(path) = &flags.expect_peer_cert_file {
            let text = std::fs::read_to_string(path)?;
            let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap_or(0);
            let expected = decode_pem(&text[begin..]);
            if peer != Some(expected.as_slice()) {
                return Err(wrong("another certificate than expected"));
            }
        }
        Ok(())
    }

    /// What we say before the runner does.
    fn speak(&mut self) -> Result<(), Failed> {
        let flags = self.flags;
        if flags.export_length > 0 {
            let mut material = vec![0; flags.export_length];
            let context = flags
                .use_export_context
                .then_some(flags.export_context.as_bytes());
            self.connection
                .export_keying_material(&flags.export_label, context, &mut material)
                .map_err(|error| wrong(format!(":EXPORT: {error}")))?;
            self.write(&material)?;
        }
        if flags.send_alert {
            self.connection.abort(self.now, AlertDescription(30));
            self.flush()?;
        }
        if flags.shim_writes_first {
            self.write(b"hello")?;
        }
        if flags.shim_shuts_down {
            self.connection.close(self.now);
            self.flush()?;
        }
        Ok(())
    }

    fn echo(&mut self) -> Result<(), Failed> {
        let mut reads = false;
        loop {
            let mut data = Vec::new();
            // Once per message, however many datagrams it takes until it is there.
            if self.flags.key_update_before_read && !reads {
                reads = true;
                self.connection.update_own_keys(self.now);
                self.flush()?;
            }
            while self.connection.recv(&mut data).is_some() {
                if self.flags.key_update {
                    self.connection.update_own_keys(self.now);
                    self.flush()?;
                }
                data.iter_mut().for_each(|byte| *byte ^= 0xff);
                self.write(&data)?;
                data.clear();
                reads = false;
            }
            if self.flags.key_update_before_read && !reads && self.closed.is_none() {
                continue;
            }
            match self.closed {
                Some((Initiator::Remote, Cause::CloseNotify)) => {
                    if self.flags.expect_ticket_renewal
                        && self.is_resumption
                        && self.ticket.is_none()
                    {
                        return Err(wrong("no new ticket came"));
                    }
                    if self.flags.expect_no_session && self.ticket.is_some() {
                        return Err(wrong("a ticket that should not be there"));
                    }
                    // Our own close_notify is out; the runner still has to read it.
                    return Ok(());
                }
                // We said good-bye ourselves, and wait for the runner to hang up.
                Some((Initiator::Local, Cause::CloseNotify | Cause::Alert(_))) => {}
                Some(closed) => return Err(wrong(describe(closed))),
                None => {}
            }
            if !self.step()? {
                return Ok(());
            }
        }
    }

    fn write(&mut self, data: &[u8]) -> Result<(), Failed> {
        let mut record = Vec::new();
        let mark = self
            .connection
            .begin(&mut record)
            .ok_or(wrong(":NOT_CONNECTED:"))?;
        record.extend_from_slice(data);
        self.connection
            .seal(self.now, &mut record, mark)
            .map_err(|error| wrong(format!(":SEAL: {error}")))?;
        Ok(self.link.send(&record)?)
    }
}

/// The first certificate of a PEM text, by way of our own reader of base64.
fn decode_pem(text: &str) -> Vec<u8> {
    let body = text.lines().skip(1);
    let body: String = body.take_while(|line| !line.starts_with("-----")).collect();
    base64(&body)
}

fn describe((initiator, cause): (Initiator, Cause)) -> String {
    let what = match cause {
        Cause::Alert(alert) => format!(":ALERT: {alert:?}"),
        cause => format!(":{cause:?}:"),
    };
    format!("{what} by {initiator:?}")
}
