//! A DTLS 1.2 client or server on Mbed TLS over UDP on loopback, for ours to speak with.
//!
//!     avocet-mbedtls-peer client|server ADDRESS CERTIFICATE KEY
//!
//! One connection, behind a cookie where it is the server: it prints a line `connected …`, says "hello from mbedtls", and
//! prints the first record that comes as `received …`.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mbedtls::pk::Pk;
use mbedtls::rng::{CtrDrbg, OsEntropy};
use mbedtls::ssl::config::{AuthMode, Endpoint, Preset, Transport};
use mbedtls::ssl::context::Timer;
use mbedtls::ssl::io::ConnectedUdpSocket;
use mbedtls::ssl::{Config, Context, CookieContext, Io as _};
use mbedtls::x509::Certificate;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A text as the library wants it.
fn text(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut text = std::fs::read(path)?;
    text.push(0);
    Ok(text)
}

fn socket(role: &str, address: &str) -> Result<(ConnectedUdpSocket, SocketAddr), Box<dyn Error>> {
    let (socket, to) = if role == "client" {
        (UdpSocket::bind("127.0.0.1:0")?, address.parse()?)
    } else {
        let socket = UdpSocket::bind(address)?;
        println!("listening");
        let (_, from) = socket.peek_from(&mut [0])?;
        (socket, from)
    };
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let connected = ConnectedUdpSocket::connect(socket, to).map_err(|(error, _)| error)?;
    Ok((connected, to))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [role, address, certificate, key] = arguments.as_slice() else {
        return Err("four arguments are wanted".into());
    };
    let is_client = role == "client";
    let random = Arc::new(CtrDrbg::new(Arc::new(OsEntropy::new()), None)?);
    let endpoint = if is_client {
        Endpoint::Client
    } else {
        Endpoint::Server
    };
    let mut config = Config::new(endpoint, Transport::Datagram, Preset::Default);
    // Who the other side is does not matter here, but it has to show something.
    config.set_authmode(AuthMode::Optional);
    let chain = Arc::new(Certificate::from_pem_multiple(&text(certificate)?)?);
    let own = Pk::from_private_key(&text(key)?, None)?;
    config.set_ca_list(chain.clone(), None);
    config.push_cert(chain, Arc::new(own))?;
    if !is_client {
        config.set_dtls_cookies(Arc::new(CookieContext::new(random.clone())?));
    }
    config.set_rng(random);
    let config = Arc::new(config);

    let until = Instant::now() + PATIENCE;
    let (socket, to) = socket(role, address)?;
    let mut context = Context::new(config);
    context.set_timer_callback(Box::new(Timer::new()));
    if !is_client {
        context.set_client_transport_id_once(to.to_string().as_bytes());
    }
    let mut result = context.establish(socket, None);
    // The hello without a cookie is answered and forgotten; what waits is asked for again.
    while let Err(error) = result {
        if Instant::now() > until {
            return Err(error.into());
        }
        if !is_client {
            context.set_client_transport_id_once(to.to_string().as_bytes());
        }
        result = context.handshake();
    }
    println!(
        "connected {:?} {:?}",
        context.version(),
        context.ciphersuite()?
    );
    context.send(b"hello from mbedtls")?;
    let mut buf = [0; 2_000];
    let length = loop {
        match context.recv(&mut buf) {
            Ok(length) => break length,
            Err(error) if Instant::now() > until => return Err(error.into()),
            Err(_) => {}
        }
    };
    println!(
        "received {}",
        String::from_utf8_lossy(&buf[..length]).trim_end()
    );
    Ok(())
}
