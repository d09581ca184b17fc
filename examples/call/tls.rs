use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use qrcode::QrCode;
use qrcode::render::unicode;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// HTTPS with a certificate made now: getUserMedia needs a secure origin.
pub(crate) fn acceptor(address: IpAddr) -> Result<TlsAcceptor, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(vec![address.to_string()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// An address as a picture that a phone's camera reads off the terminal.
pub(crate) fn qr_code(url: &str) -> Result<String, Box<dyn Error>> {
    Ok(QrCode::new(url)?
        .render::<unicode::Dense1x2>()
        .quiet_zone(true)
        .build())
}
