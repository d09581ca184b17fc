//! Two sessions of OpenSSL in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use openssl::pkey::PKey;
use openssl::ssl::{
    ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;

use crate::{ALICE, BOB, KEY};

pub struct Setup([SslContext; 2]);

impl Setup {
    pub fn new() -> Self {
        Self([ALICE, BOB].map(|text| {
            let mut context = SslContext::builder(SslMethod::dtls()).expect("a context");
            let certificate = X509::from_pem(text.as_bytes()).expect("a certificate");
            let key = PKey::private_key_from_pem(text.as_bytes()).expect("a key");
            context
                .set_certificate(&certificate)
                .expect("a certificate");
            context.set_private_key(&key).expect("a key");
            context.set_verify_callback(
                SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
                |_, _| true,
            );
            context
                .set_min_proto_version(Some(SslVersion::DTLS1_2))
                .expect("a version");
            context
                .set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256")
                .expect("a suite");
            context.set_groups_list("X25519:P-256").expect("a group");
            context
                .set_tlsext_use_srtp("SRTP_AES128_CM_SHA1_80")
                .expect("a profile");
            context.set_options(SslOptions::NO_QUERY_MTU | SslOptions::NO_TICKET);
            context.build()
        }))
    }

    /// With a key that both sides know, and a suite that all have.
    pub fn with_key() -> Self {
        Self([(); 2].map(|()| {
            let mut context = SslContext::builder(SslMethod::dtls()).expect("a context");
            context
                .set_cipher_list("PSK-AES128-CCM8:@SECLEVEL=0")
                .expect("a suite");
            context.set_psk_client_callback(|_, _, name, key| {
                name[..9].copy_from_slice(b"somebody\0");
                key[..KEY.len()].copy_from_slice(KEY);
                Ok(KEY.len())
            });
            context.set_psk_server_callback(|_, _, key| {
                key[..KEY.len()].copy_from_slice(KEY);
                Ok(KEY.len())
            });
            context.set_options(SslOptions::NO_QUERY_MTU | SslOptions::NO_TICKET);
            context.build()
        }))
    }

    pub fn connect(&self) -> Pair {
        let links: [Queue; 2] = Default::default();
        let side = |index: usize| {
            let mut ssl = Ssl::new(&self.0[index]).expect("a session");
            ssl.set_mtu(1_200).expect("a size");
            if index == 0 {
                ssl.set_connect_state();
            } else {
                ssl.set_accept_state();
            }
            let link = Link {
                incoming: links[index].clone(),
                outgoing: links[1 - index].clone(),
            };
            SslStream::new(ssl, link).expect("a stream")
        };
        let mut pair = Pair {
            client: side(0),
            server: side(1),
        };
        let mut done = [false; 2];
        while done != [true; 2] {
            for (side, done) in [&mut pair.client, &mut pair.server]
                .into_iter()
                .zip(&mut done)
            {
                match side.do_handshake() {
                    Ok(()) => *done = true,
                    Err(error) => assert_eq!(error.code(), ErrorCode::WANT_READ, "{error}"),
                }
            }
        }
        pair
    }
}

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// Datagrams in and out.
struct Link {
    incoming: Queue,
    outgoing: Queue,
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let datagram = self.incoming.borrow_mut().pop_front();
        let datagram = datagram.ok_or(io::ErrorKind::WouldBlock)?;
        let length = datagram.len().min(buf.len());
        buf[..length].copy_from_slice(&datagram[..length]);
        Ok(length)
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().push_back(buf.to_vec());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Pair {
    client: SslStream<Link>,
    server: SslStream<Link>,
}

impl Pair {
    /// The records stay in the queue of the server.
    pub fn seal(&mut self, payload: &[u8]) {
        self.client.ssl_write(payload).expect("a connection");
    }

    pub fn open(&mut self, buf: &mut [u8]) -> usize {
        self.server.ssl_read(buf).expect("a good record")
    }

    /// Forgets what was sealed.
    pub fn clear(&mut self) {
        self.server.get_mut().incoming.borrow_mut().clear();
    }
}
