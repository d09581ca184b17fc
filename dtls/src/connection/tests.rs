use super::*;
use crate::{Certificate, Provider, SrtpProfile};

fn pem(name: &str) -> Certificate {
    Certificate::from_pem(match name {
        "alice" => include_str!("../../../testdata/dtls/alice.pem"),
        "bob" => include_str!("../../../testdata/dtls/bob.pem"),
        _ => include_str!("../../../testdata/dtls/rsa.pem"),
    })
    .unwrap()
}

#[test]
fn connects() {
    for provider in [Provider::ring(), Provider::rust_crypto([3; 32])] {
        let config = |name| {
            let mut config = Config::new(pem(name));
            config.provider = provider.clone();
            Arc::new(config)
        };
        #[expect(clippy::disallowed_methods, reason = "an epoch")]
        let now = Instant::now();
        let mut client = Connection::new(config("alice"), Role::Client, [1; 32]).unwrap();
        let mut server = Connection::new(config("bob"), Role::Server, [2; 32]).unwrap();
        client.set_remote_fingerprints(now, vec![pem("bob").fingerprint()]);
        server.set_remote_fingerprints(now, vec![pem("alice").fingerprint()]);
        client.start(now, None);
        server.start(now, None);
        for _ in 0..4 {
            let mut buf = Vec::new();
            while client.poll_transmit(now, &mut buf).is_some() {
                server.handle_datagram(now, &mut buf);
                buf.clear();
            }
            while server.poll_transmit(now, &mut buf).is_some() {
                client.handle_datagram(now, &mut buf);
                buf.clear();
            }
        }
        println!("{:?} {:?}", client.poll_event(), server.poll_event());
        println!("{:?} {:?}", client.stats(), server.stats());
        assert!(client.is_connected() && server.is_connected());
        let mut a = [0; 60];
        let mut b = [0; 60];
        client
            .export_keying_material("EXTRACTOR-dtls_srtp", None, &mut a)
            .unwrap();
        server
            .export_keying_material("EXTRACTOR-dtls_srtp", None, &mut b)
            .unwrap();
        assert_eq!(a, b);
        let _ = SrtpProfile::AEAD_AES_128_GCM;
    }
}
