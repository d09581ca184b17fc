use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A year of certificates, and the middle of it.
const DATES: [(i32, u8, u8); 2] = [(2026, 1, 1), (2027, 1, 1)];
const NOW: Duration = Duration::from_secs(1_782_000_000);

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let [from, to] = DATES.map(|(year, month, day)| rcgen::date_time_ymd(year, month, day));
    (params.not_before, params.not_after) = (from, to);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

/// A root, one that it vouches for, and the certificate of a server from the latter.
struct World {
    root: Issuer,
    between: Issuer,
    server: Vec<u8>,
}

fn world(root: &str) -> World {
    let key = || KeyPair::generate().unwrap();
    let root = CertifiedIssuer::self_signed(authority(root), key()).unwrap();
    let between = CertifiedIssuer::signed_by(authority("between"), key(), &root).unwrap();
    let server = params(&["turn.example.org", "192.0.2.1"]);
    let server = server.signed_by(&key(), &between).unwrap().der().to_vec();
    World {
        root,
        between,
        server,
    }
}

/// Whether a server with this name is believed by who believes this root.
fn is_believed(root: &Issuer, chain: &Chain<'_>, name: &'static str, at: Duration) -> bool {
    let verifier = ServerTrust::from_pem(&root.pem()).unwrap().verifier();
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(at);
    chain.verify(&verifier.unwrap(), &name, now).is_ok()
}

/// T-11: what DTLS servers show is followed to a root.
#[test]
fn a_chain_is_believed_that_leads_to_a_root_in_its_time_and_for_its_names() {
    let here = world("root");
    let behind = [here.between.der().to_vec()];
    let whole = Chain::new(&here.server, &behind);
    for name in ["turn.example.org", "192.0.2.1"] {
        assert!(is_believed(&here.root, &whole, name, NOW), "{name}");
    }
    for name in ["example.org", "other.example.org", "192.0.2.2"] {
        assert!(!is_believed(&here.root, &whole, name, NOW), "{name}");
    }
    let year = Duration::from_secs(365 * 86_400);
    for at in [NOW - year, NOW + year] {
        assert!(!is_believed(&here.root, &whole, "turn.example.org", at));
    }
}

/// T-11
#[test]
fn a_chain_with_a_gap_or_to_an_unknown_root_is_not_believed() {
    let (here, elsewhere) = (world("root"), world("root"));
    let name = "turn.example.org";
    let alone = Chain::new(&here.server, &[]);
    assert!(!is_believed(&here.root, &alone, name, NOW));
    // Who believes the one in between needs no more.
    assert!(is_believed(&here.between, &alone, name, NOW));
    let behind = [here.between.der().to_vec()];
    let whole = Chain::new(&here.server, &behind);
    assert!(!is_believed(&elsewhere.root, &whole, name, NOW));
    let behind = [elsewhere.between.der().to_vec(), vec![7; 200]];
    let mixed = Chain::new(&here.server, &behind);
    assert!(!is_believed(&here.root, &mixed, name, NOW));
    // A server is no authority: what it vouches for is worth nothing.
    let key = KeyPair::generate().unwrap();
    let server = CertifiedIssuer::signed_by(params(&[name]), key, &here.between).unwrap();
    let key = KeyPair::generate().unwrap();
    let forged = params(&[name]).signed_by(&key, &server).unwrap();
    let behind = [server.der().to_vec(), here.between.der().to_vec()];
    let forged = Chain::new(forged.der(), &behind);
    assert!(!is_believed(&here.root, &forged, name, NOW));
    assert!(!is_believed(&here.root, &Chain::new(&[], &[]), name, NOW));
}
