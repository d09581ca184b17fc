//! A DTLS client or server on BoringSSL over UDP on loopback, for ours to speak with.
//!
//!     avocet-boring-peer client|server ADDRESS CERTIFICATE KEY 1.2|1.3
//!
//! One connection; a server of 1.3 takes two, the second one by the ticket of the first. It prints a line `connected …` with
//! the keying material for SRTP, says "hello from boring", and prints the first record that comes as `received …`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use boring::ssl::{Ssl, SslContextBuilder, SslFiletype, SslMethod, SslVerifyMode, SslVersion};

#[derive(Debug)]
struct Link(UdpSocket);

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buf)
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.send(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Who says hello; what the connection before has still to say is thrown away.
fn caller(socket: &UdpSocket) -> io::Result<SocketAddr> {
    const HANDSHAKE: u8 = 22;
    loop {
        let mut first = [0];
        let (_, from) = socket.peek_from(&mut first)?;
        if first == [HANDSHAKE] {
            return Ok(from);
        }
        socket.recv_from(&mut first)?;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, address, certificate, key, version] = arguments.as_slice() else {
        return Err("five arguments are wanted".into());
    };
    let number = match version.as_str() {
        "1.2" => SslVersion::DTLS1_2,
        _ => SslVersion::DTLS1_3,
    };
    let mut context = SslContextBuilder::new(SslMethod::dtls())?;
    context.set_min_proto_version(Some(number))?;
    context.set_max_proto_version(Some(number))?;
    context.set_certificate_file(certificate, SslFiletype::PEM)?;
    context.set_private_key_file(key, SslFiletype::PEM)?;
    context.set_tlsext_use_srtp("SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80")?;
    context.set_session_id_context(b"avocet")?;
    let verify = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
    // Who the other side is does not matter here.
    context.set_verify_callback(verify, |_, _| true);
    let context = context.build();
    let is_client = role == "client";
    for _ in 0..if version == "1.3" && !is_client { 2 } else { 1 } {
        let socket = if is_client {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.connect(address)?;
            socket
        } else {
            let socket = UdpSocket::bind(address)?;
            println!("listening");
            socket.connect(caller(&socket)?)?;
            socket
        };
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let ssl = Ssl::new(&context)?;
        let mut stream = if is_client {
            ssl.connect(Link(socket))
        } else {
            ssl.accept(Link(socket))
        }
        .map_err(|error| format!("the handshake: {error}"))?;
        let mut material = [0; 60];
        let ssl = stream.ssl();
        ssl.export_keying_material(&mut material, "EXTRACTOR-dtls_srtp", None)?;
        let material: String = material.iter().map(|byte| format!("{byte:02X}")).collect();
        println!(
            "connected {} resumed={} exported={material}",
            ssl.version_str(),
            ssl.session_reused()
        );
        stream.write_all(b"hello from boring")?;
        let mut buf = [0; 2_000];
        let length = stream.read(&mut buf)?;
        let text = String::from_utf8_lossy(&buf[..length]);
        println!("received {}", text.trim_end());
        drop(stream.shutdown());
    }
    Ok(())
}
