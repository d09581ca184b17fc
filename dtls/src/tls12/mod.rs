//! The handshake of DTLS 1.2 (RFC 6347, RFC 5246) with ECDHE, mutual certificates and the extended master secret.
//!
//! Client and server are one enum each, with a struct per state that is named for the message it waits for. A state
//! is consumed by the message it handles: there is no way from one to another but the legal one.

pub(crate) mod client;
mod key_schedule;
mod resumption;
pub(crate) mod server;
#[cfg(test)]
mod tests;

pub(crate) use self::key_schedule::Secrets;
pub(crate) use self::resumption::ticket_of;
use self::resumption::{Resumption, give_ticket, take_ticket};
use crate::certificate::Leaf;
use crate::crypto::{self, CipherSuite, PublicKey, SignatureScheme};
use crate::handshake::{Context, Failure, Message};
use crate::wire::{CertificateMessage, HandshakeType, ServerKeyExchange};
use crate::{Certificate, Role, SrtpProfile, Ticket};

/// What a completed handshake leaves behind.
pub(crate) struct Agreed {
    pub(crate) suite: CipherSuite,
    pub(crate) srtp_profile: Option<SrtpProfile>,
    pub(crate) secrets: Secrets,
    /// The certificate that the other side proved to own.
    pub(crate) peer: Option<Peer>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// The server said that it gives a ticket in front of its Finished.
    gives_ticket: bool,
    /// What a client was given, once Finished vouches for it.
    pub(crate) ticket: Option<Box<Ticket>>,
    /// It went on from an earlier connection.
    pub(crate) resumed: bool,
}

/// The certificate of the other side.
pub(crate) struct Peer {
    pub(crate) der: Vec<u8>,
    /// What it sent behind it, where somebody else is to judge.
    pub(crate) issuers: Vec<Vec<u8>>,
    public_key: PublicKey,
}

impl Peer {
    /// Reads the certificate message. The fingerprint is compared here if it is known already, to fail early; the
    /// gate that nobody passes without it is the connection's. `None` if the message says that there is none.
    fn read(context: &Context<'_>, message: &Message) -> Result<Option<Self>, Failure> {
        let CertificateMessage { leaf, issuers } = CertificateMessage::decode(&message.body)?;
        let Some(der) = leaf else {
            return Ok(None);
        };
        let public_key = Leaf::from_der(der)?.public_key;
        context.check_announced(der)?;
        Ok(Some(Self {
            der: der.to_vec(),
            issuers: context.keep_issuers(&issuers),
            public_key,
        }))
    }

    /// That of an earlier connection.
    fn known(der: &[u8]) -> Result<Self, Failure> {
        Ok(Self {
            public_key: Leaf::from_der(der)?.public_key,
            der: der.to_vec(),
            // They were judged then.
            issuers: Vec::new(),
        })
    }

    /// Checks a signature of the other side, made in a way that we offered.
    fn verify(
        &self,
        context: &Context<'_>,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Failure> {
        let provider = &context.config.provider;
        if !provider.schemes().contains(&scheme) {
            return Err(Failure::illegal());
        }
        provider
            .verify(&self.public_key, scheme, message, signature)
            .map_err(|_| Failure::bad_proof())
    }
}

/// What both sides agreed on in their hellos.
struct Hellos {
    suite: CipherSuite,
    srtp_profile: Option<SrtpProfile>,
    alpn: Option<Vec<u8>>,
    gives_ticket: bool,
    client_random: [u8; 32],
    server_random: [u8; 32],
}

impl Hellos {
    /// What the signature of ServerKeyExchange covers (RFC 8422 §5.4).
    fn signed_params(&self, group: u16, public: &[u8]) -> Vec<u8> {
        let mut signed = Vec::with_capacity(64 + 4 + public.len());
        signed.extend_from_slice(&self.client_random);
        signed.extend_from_slice(&self.server_random);
        ServerKeyExchange::encode_params(group, public, &mut signed);
        signed
    }

    /// What is agreed on with these secrets.
    fn agreed(self, secrets: Secrets, peer: Option<Peer>) -> Agreed {
        Agreed {
            suite: self.suite,
            srtp_profile: self.srtp_profile,
            secrets,
            peer,
            alpn: self.alpn,
            gives_ticket: self.gives_ticket,
            ticket: None,
            resumed: false,
        }
    }

    const fn randoms(&self) -> (&[u8; 32], &[u8; 32]) {
        (&self.client_random, &self.server_random)
    }
}

/// Our own Certificate message, which may say that we have none to show.
fn own_certificate(context: &mut Context<'_>, certificate: Option<&Certificate>) {
    let length = certificate.map_or(0, |own| own.der().len());
    let mut body = Vec::with_capacity(length + 16);
    CertificateMessage {
        leaf: certificate.map(Certificate::der),
        issuers: certificate.map_or_else(Vec::new, Certificate::issuers),
    }
    .encode(&mut body);
    context.send(HandshakeType::CERTIFICATE, body);
}

/// ChangeCipherSpec and Finished; the keys have to be installed.
fn finish(context: &mut Context<'_>, role: Role, secrets: &Secrets) {
    let verify_data = secrets.verify_data(role, &context.transcript.hash(secrets.hash()));
    context.flight.push_change_cipher_spec();
    context.send_protected(HandshakeType::FINISHED, verify_data.to_vec());
}

/// Checks the other side's Finished against all that came before it.
fn check_finished(
    context: &Context<'_>,
    sender: Role,
    secrets: &Secrets,
    message: &Message,
) -> Result<(), Failure> {
    let expected = secrets.verify_data(sender, &context.transcript.hash(secrets.hash()));
    // Another length is unequal as well.
    if crypto::equal(&message.body, &expected) {
        Ok(())
    } else {
        Err(Failure::bad_proof())
    }
}

/// Only the message that a state waits for.
fn expect(message: &Message, message_type: HandshakeType) -> Result<(), Failure> {
    if message.message_type == message_type {
        Ok(())
    } else {
        Err(Failure::unexpected())
    }
}
