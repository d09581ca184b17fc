//! A DTLS client or server on wolfSSL over UDP on loopback, for ours to speak with.
//!
//!     avocet-wolfssl-peer client|server ADDRESS CERTIFICATE KEY 1.2|1.3 [LENGTH [move] | known]
//!
//! One connection: it prints a line `connected …`, says "hello from wolfssl", prints the first record that comes as
//! `received …`, updates its keys under 1.3, says "again from wolfssl", and prints what comes next. With the length of a
//! connection id it agrees on ids instead of new keys, and the client says the second thing first, perhaps from elsewhere. With
//! "known" it shows no certificate under 1.3 if the other side knows the key "lamp" as well.

mod cid;
mod psk;

use std::error::Error;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use wolfssl::{
    ContextBuilder, IOCallbackResult, IOCallbacks, Method, Poll, RootCertificate, Secret, Session,
    SessionConfig, SslVerifyMode,
};

struct Link(UdpSocket);

impl Link {
    fn result(result: std::io::Result<usize>) -> IOCallbackResult<usize> {
        match result {
            Ok(length) => IOCallbackResult::Ok(length),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
                ) =>
            {
                IOCallbackResult::WouldBlock
            }
            Err(error) => IOCallbackResult::Err(error),
        }
    }
}

impl IOCallbacks for Link {
    fn recv(&mut self, buf: &mut [u8]) -> IOCallbackResult<usize> {
        Self::result(self.0.recv(buf))
    }

    fn send(&mut self, buf: &[u8]) -> IOCallbackResult<usize> {
        Self::result(self.0.send(buf))
    }
}

/// Does something until it is done; timers run meanwhile.
fn until_ready<T>(
    session: &mut Session<Link>,
    mut action: impl FnMut(&mut Session<Link>) -> Result<Poll<T>, wolfssl::Error>,
) -> Result<T, Box<dyn Error>> {
    let until = Instant::now() + Duration::from_secs(15);
    let mut due = Instant::now() + session.dtls_current_timeout();
    while Instant::now() < until {
        if let Poll::Ready(value) = action(session)? {
            return Ok(value);
        }
        if Instant::now() >= due {
            session.dtls_has_timed_out();
            due = Instant::now() + session.dtls_current_timeout();
        }
    }
    Err("it took too long".into())
}

fn say(session: &mut Session<Link>, text: &str) -> Result<(), Box<dyn Error>> {
    until_ready(session, |session| session.try_write_slice(text.as_bytes())).map(drop)
}

fn hear(session: &mut Session<Link>) -> Result<(), Box<dyn Error>> {
    let mut buf = [0; 2_000];
    let length = until_ready(session, |session| session.try_read_slice(&mut buf))?;
    let text = String::from_utf8_lossy(&buf[..length]);
    println!("received {}", text.trim_end());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, address, certificate, key, version, ids @ ..] = arguments.as_slice() else {
        return Err("five arguments are wanted".into());
    };
    if ids == ["known"] {
        return psk::run((role, address), (certificate, key));
    }
    if let [length, rest @ ..] = ids {
        let moves = !rest.is_empty();
        return cid::run(
            (role, address),
            (certificate, key),
            (length.parse()?, moves),
        );
    }
    let method = match (role.as_str(), version.as_str()) {
        ("client", "1.2") => Method::DtlsClientV1_2,
        ("client", _) => Method::DtlsClientV1_3,
        (_, "1.2") => Method::DtlsServerV1_2,
        _ => Method::DtlsServerV1_3,
    };
    let context = ContextBuilder::new(method)?
        .with_certificate(Secret::PemFile(Path::new(certificate)))?
        .with_private_key(Secret::PemFile(Path::new(key)))?
        .with_root_certificate(RootCertificate::PemFileOrDirectory(Path::new(certificate)))?
        .with_verify_method(SslVerifyMode::SslVerifyPeer)
        .build();
    let socket = if role == "client" {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(address)?;
        socket
    } else {
        let socket = UdpSocket::bind(address)?;
        println!("listening");
        let (_, from) = socket.peek_from(&mut [0])?;
        socket.connect(from)?;
        socket
    };
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let config = SessionConfig::new(Link(socket)).with_dtls_nonblocking(true);
    let pieces = role != "client" && version == "1.3";
    let config = config.when(pieces, |config| config.with_dtls13_allow_ch_frag(true));
    let mut session = context.new_session(config)?;
    until_ready(&mut session, Session::try_negotiate)?;
    let suite = session.get_current_cipher_name().unwrap_or_default();
    println!("connected {} {suite}", session.version().as_str());

    say(&mut session, "hello from wolfssl")?;
    hear(&mut session)?;
    if version == "1.3" {
        until_ready(&mut session, Session::try_trigger_update_key)?;
    }
    say(&mut session, "again from wolfssl")?;
    hear(&mut session)?;
    std::thread::sleep(Duration::from_millis(200));
    Ok(())
}
