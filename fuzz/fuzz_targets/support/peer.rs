//! Connections whose bytes depend on the input alone.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use peer::{Config, PeerConnection};

/// A fresh connection, and the instant of its birth.
pub fn connection(seed: u8) -> (PeerConnection, Instant) {
    static START: OnceLock<Instant> = OnceLock::new();
    let now = *START.get_or_init(Instant::now);
    let pem = include_str!("../../../testdata/peer/a.pem");
    let certificate = dtls::Certificate::from_pem(pem).unwrap();
    let clock = session::ClockAnchor {
        instant: now,
        unix: Duration::from_secs(1_790_000_000),
    };
    let mut config = Config::new([seed; 32], certificate, clock);
    config.dtls_provider = dtls::Provider::rust_crypto([seed; 32]);
    (PeerConnection::new(config, now).unwrap(), now)
}
