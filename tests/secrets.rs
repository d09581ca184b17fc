//! Nothing that an application may print shows a secret.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads the clock once"
)]

use std::time::{Duration, Instant};

use avocet::{dtls, ice, peer, session, srtp};

const SEED: [u8; 32] = [0xA7; 32];

#[test]
fn no_debug_output_shows_a_seed_a_password_or_a_key() {
    let certificate = dtls::Certificate::generate(Duration::from_secs(1_700_000_000)).unwrap();
    let clock = session::ClockAnchor {
        instant: Instant::now(),
        unix: Duration::ZERO,
    };
    let config = peer::Config::new(SEED, certificate.clone(), clock);
    let connection = peer::PeerConnection::new(config.clone(), Instant::now()).unwrap();
    let agent = ice::Agent::new(ice::Config::new(SEED)).unwrap();
    let password = agent.local_credentials().pwd.clone();
    let key = srtp::MasterKey::new(srtp::Profile::AeadAes128Gcm, &[0xA7; 16], &[0xA7; 12]).unwrap();
    let printed = [
        format!("{config:?}"),
        format!("{connection:?}"),
        format!("{agent:?}"),
        format!("{:?}", agent.local_credentials()),
        format!("{:?}", ice::Config::new(SEED)),
        format!("{:?}", session::Config::new(SEED, clock)),
        format!("{key:?}"),
        format!("{certificate:?}"),
    ];
    let pem = certificate.to_pem();
    let private = pem
        .split("PRIVATE KEY-----")
        .nth(1)
        .unwrap()
        .trim()
        .lines()
        .next()
        .unwrap();
    for text in printed {
        for secret in [
            "167, 167, 167",
            "a7a7a7",
            "A7A7A7",
            password.as_str(),
            private,
        ] {
            assert!(!text.contains(secret), "{secret} stands in {text}");
        }
    }
}
