//! Every message: from a capture, written again, cut short at every byte.

use super::codec::DecodeError;
use super::{
    CertificateMessage, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange,
    HelloVerifyRequest, ServerHello, ServerKeyExchange,
};
use crate::SrtpProfile;
use crate::crypto::SignatureScheme;
use crate::testing::{CHROMIUM, FIREFOX, browser_hello, captured};

/// Every captured message of a type decodes, and no beginning of one does.
fn check(message_type: u64, decode: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let all = captured(message_type);
    assert!(all.len() >= 3);
    for body in all {
        assert_eq!(decode(&body).as_ref(), Some(&body));
        for end in 0..body.len() {
            assert_eq!(decode(&body[..end]), None, "cut at {end}");
        }
        let mut longer = body.clone();
        longer.push(0);
        assert_eq!(decode(&longer), None);
    }
}

fn written(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut buf = vec![0xaa];
    encode(&mut buf);
    assert_eq!(buf.remove(0), 0xaa);
    buf
}

#[test]
fn hello_verify_request() {
    check(3, |body| {
        let message = HelloVerifyRequest::decode(body).ok()?;
        Some(written(|buf| message.encode(buf)))
    });
}

/// D-25.
#[test]
fn certificate() {
    check(11, |body| {
        let message = CertificateMessage::decode(body).ok()?;
        Some(written(|buf| message.encode(buf)))
    });
    assert_eq!(
        CertificateMessage::decode(&[0, 0, 0]),
        Ok(CertificateMessage {
            leaf: None,
            issuers: Vec::new()
        })
    );
    // An empty certificate, and a chain of eleven.
    assert_eq!(
        CertificateMessage::decode(&[0, 0, 3, 0, 0, 0]),
        Err(DecodeError::Length)
    );
    let chain = [&[0, 0, 44][..], &[0, 0, 1, 7].repeat(11)].concat();
    assert_eq!(CertificateMessage::decode(&chain), Err(DecodeError::Length));
    assert!(
        CertificateMessage::decode(&[&[0, 0, 40][..], &[0, 0, 1, 7].repeat(10)].concat()).is_ok()
    );
}

#[test]
fn server_key_exchange() {
    check(12, |body| {
        let message = ServerKeyExchange::decode(body).ok()?;
        assert_eq!(message.group, 29);
        Some(written(|buf| message.encode(buf)))
    });
}

#[test]
fn certificate_request() {
    check(13, |body| {
        let message = CertificateRequest::decode(body).ok()?;
        assert!(message.schemes.contains(&SignatureScheme::ECDSA_SHA256));
        Some(written(|buf| message.encode(buf)))
    });
}

#[test]
fn certificate_verify() {
    check(15, |body| {
        let message = CertificateVerify::decode(body).ok()?;
        Some(written(|buf| message.encode(buf)))
    });
}

#[test]
fn client_key_exchange() {
    check(16, |body| {
        let message = ClientKeyExchange::decode(body).ok()?;
        Some(written(|buf| message.encode(buf)))
    });
}

#[test]
fn client_hello() {
    let mut all = captured(1);
    for text in [CHROMIUM, FIREFOX] {
        let datagrams = browser_hello(text);
        all.push([&datagrams[0][25..], &datagrams[1][25..]].concat());
    }
    for body in all {
        let hello = ClientHello::decode(&body).unwrap();
        assert_eq!(hello.version, 0xfefd);
        assert!(hello.extensions.extended_master_secret);
        assert!(
            hello
                .extensions
                .srtp
                .as_ref()
                .is_some_and(|srtp| srtp.mki.is_empty())
        );
        // Extensions that we do not know are not written again, so the second reading is compared.
        let again = ClientHello::decode(&written(|buf| hello.encode(buf))).unwrap();
        let mut known = hello.clone();
        known.extensions.unknown = 0;
        assert_eq!(again, known);
        for end in 0..body.len() {
            let cut = ClientHello::decode(&body[..end]);
            // A hello may end where its extensions would begin.
            let ends_there = cut
                .as_ref()
                .is_ok_and(|hello| hello.extensions == Default::default());
            assert!(cut.is_err() || ends_there, "cut at {end}");
        }
    }
}

#[test]
fn a_browser_hello_says_what_we_expect_of_it() {
    let datagrams = browser_hello(CHROMIUM);
    let body = [&datagrams[0][25..], &datagrams[1][25..]].concat();
    let hello = ClientHello::decode(&body).unwrap();
    assert!(hello.cipher_suites.contains(&0xc02b) && hello.cipher_suites.contains(&0x1301));
    assert_eq!(
        hello.extensions.groups.as_deref(),
        Some(&[0x11ec, 29, 23, 24][..])
    );
    let srtp = hello.extensions.srtp.unwrap();
    assert_eq!(
        srtp.profiles,
        [SrtpProfile(1), SrtpProfile(8), SrtpProfile(7)]
    );
    assert_eq!(
        hello.extensions.versions.as_deref(),
        Some(&[0xfefc, 0xfefd][..])
    );
    let shares = hello.extensions.key_shares.unwrap();
    let shares: Vec<_> = shares.iter().map(|s| (s.group, s.public.len())).collect();
    assert_eq!(shares, [(0x11ec, 1184 + 32), (29, 32)]);
    assert_eq!(hello.extensions.unknown, 0);
}

#[test]
fn server_hello() {
    for body in captured(2) {
        let hello = ServerHello::decode(&body).unwrap();
        assert!(hello.extensions.renegotiation_info && hello.extensions.extended_master_secret);
        assert_eq!(
            hello
                .extensions
                .srtp
                .as_ref()
                .map(|srtp| srtp.profiles.len()),
            Some(1)
        );
        let again = ServerHello::decode(&written(|buf| hello.encode(buf))).unwrap();
        assert_eq!(again.extensions.srtp, hello.extensions.srtp);
        assert_eq!(
            (again.random, again.cipher_suite),
            (hello.random, hello.cipher_suite)
        );
        for end in 0..body.len() {
            let cut = ServerHello::decode(&body[..end]);
            let ends_there = cut
                .as_ref()
                .is_ok_and(|hello| hello.extensions == Default::default());
            assert!(cut.is_err() || ends_there, "cut at {end}");
        }
    }
}

/// A hello with these extensions only.
fn with_extensions(extensions: &[u8]) -> Result<ClientHello, DecodeError> {
    let mut body = vec![0xfe, 0xfd];
    body.extend_from_slice(&[0; 32]);
    body.extend_from_slice(&[0, 0, 0, 2, 0xc0, 0x2b, 1, 0]);
    body.extend_from_slice(&u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend_from_slice(extensions);
    ClientHello::decode(&body)
}

/// D-20, Catalogue D-10.
#[test]
fn malformed_extensions_are_errors() {
    assert!(with_extensions(&[]).is_ok());
    for (name, extensions) in [
        ("twice the same", &[0, 23, 0, 0, 0, 23, 0, 0][..]),
        ("unknown twice", &[9, 9, 0, 0, 9, 9, 0, 0]),
        (
            "use_srtp with half a profile",
            &[0, 14, 0, 6, 0, 3, 0, 1, 0, 0],
        ),
        ("use_srtp without a profile", &[0, 14, 0, 3, 0, 0, 0]),
        ("use_srtp without mki", &[0, 14, 0, 4, 0, 2, 0, 1]),
        (
            "use_srtp with more behind",
            &[0, 14, 0, 6, 0, 2, 0, 1, 0, 0],
        ),
        (
            "extended_master_secret that is not empty",
            &[0, 23, 0, 1, 0],
        ),
        (
            "renegotiation_info of a renegotiation",
            &[0xff, 1, 0, 2, 1, 7],
        ),
        ("renegotiation_info without length", &[0xff, 1, 0, 0]),
        ("no groups", &[0, 10, 0, 2, 0, 0]),
        ("half a group", &[0, 10, 0, 3, 0, 1, 0]),
        ("no signature schemes", &[0, 13, 0, 2, 0, 0]),
        (
            "point formats without the uncompressed",
            &[0, 11, 0, 2, 1, 1],
        ),
        ("an extension longer than the rest", &[9, 9, 0, 1]),
        ("half a head", &[9, 9, 0]),
    ] {
        assert!(with_extensions(extensions).is_err(), "{name}");
    }
    let many: Vec<u8> = (0..65).flat_map(|n| [0xf0, n, 0, 0]).collect();
    assert!(with_extensions(&many).is_err());
    assert!(with_extensions(&many[..64 * 4]).is_ok());
}
