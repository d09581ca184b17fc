//! The handshake of DTLS 1.3 (RFC 9147, RFC 8446) with ECDHE and mutual certificates.
//!
//! As in the room of 1.2, client and server are one enum each, with a struct per state that is named for the message
//! it waits for.

pub(crate) mod client;
mod key_schedule;
mod psk;
mod retry;
pub(crate) mod server;
#[cfg(test)]
mod tests;

pub(crate) use self::key_schedule::{Derivation, Secret, Secrets, protection};
pub(crate) use self::psk::SharedKey;
pub(crate) use self::retry::{Retry, hello_digest};
use crate::certificate::Leaf;
use crate::crypto::{self, CipherSuite13, Hash, HmacKey, PublicKey, SignatureScheme};
use crate::handshake::{Context, Failure, Message};
use crate::record::{Epochs, Protection13};
use crate::wire::{Certificate13, CertificateVerify, HandshakeType};
use crate::{Certificate, Role, SrtpProfile};

/// What a completed handshake leaves behind.
pub(crate) struct Agreed {
    pub(crate) srtp_profile: Option<SrtpProfile>,
    pub(crate) alpn: Option<Vec<u8>>,
    /// What a server reads a repeated flight of the client with.
    pub(crate) client_handshake: Option<Box<Secret>>,
    pub(crate) secrets: Secrets,
    /// The certificate that the other side proved to own, in this handshake or in the one that is resumed.
    pub(crate) peer: Option<Vec<u8>>,
    /// What it sent behind it in this handshake, where somebody else is to judge.
    pub(crate) issuers: Vec<Vec<u8>>,
    /// Both sides know a key from outside.
    pub(crate) psk: bool,
    /// The handshake goes on from an earlier one.
    pub(crate) resumed: bool,
    /// What a client makes the keys of tickets from, if it wants any.
    pub(crate) resumption: Option<Box<Secret>>,
    /// NewSessionTicket messages of a server.
    pub(crate) tickets: Vec<Vec<u8>>,
}

/// What hello and EncryptedExtensions agree on beside keys.
#[derive(Clone, Default)]
struct Extras {
    srtp_profile: Option<SrtpProfile>,
    alpn: Option<Vec<u8>>,
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
        expect(message, HandshakeType::CERTIFICATE)?;
        let certificate = Certificate13::decode(&message.body)?;
        if !certificate.context.is_empty() {
            return Err(Failure::illegal());
        }
        if certificate.extended {
            return Err(Failure::unsupported_extension());
        }
        let Some(der) = certificate.leaf else {
            return Ok(None);
        };
        let public_key = Leaf::from_der(der)?.public_key;
        context.check_announced(der)?;
        Ok(Some(Self {
            der: der.to_vec(),
            issuers: context.keep_issuers(&certificate.issuers),
            public_key,
        }))
    }

    /// Checks the CertificateVerify of `sender` over all that was said before it (RFC 8446 §4.4.3).
    fn verify(
        &self,
        context: &Context<'_>,
        hash: Hash,
        sender: Role,
        message: &Message,
    ) -> Result<(), Failure> {
        expect(message, HandshakeType::CERTIFICATE_VERIFY)?;
        let proof = CertificateVerify::decode(&message.body)?;
        let provider = &context.config.provider;
        if !provider.schemes().contains(&proof.scheme) || !proof.scheme.suits_13(&self.public_key) {
            return Err(Failure::illegal());
        }
        let signed = signed_content(context, hash, sender);
        provider
            .verify(&self.public_key, proof.scheme, &signed, proof.signature)
            .map_err(|_| Failure::bad_proof())
    }
}

/// The secrets of a handshake under way.
struct Keys {
    suite: CipherSuite13,
    /// The handshake's traffic secrets, the client's first.
    traffic: [Secret; 2],
    /// Under which the secrets of the data are derived.
    master: HmacKey,
    client_random: [u8; 32],
}

/// The traffic secrets of the data, derived when the server's Finished is known.
struct ApplicationKeys {
    traffic: [Secret; 2],
    exporter: Secret,
}

/// Catalogue K-01: wiped when it goes, or this does not compile.
#[cfg(test)]
const _: fn(&Keys, &ApplicationKeys) = |keys, application| {
    crate::testing::wiped(&keys.traffic[0]);
    crate::testing::wiped(&keys.master);
    crate::testing::wiped(&application.traffic[0]);
    crate::testing::wiped(&application.exporter);
};

impl Keys {
    /// Derives the secrets of the handshake from the transcript that ends with ServerHello, and opens epoch 2.
    fn begin(
        context: &mut Context<'_>,
        role: Role,
        suite: CipherSuite13,
        (psk, shared): (Option<&[u8]>, &[u8]),
        client_random: [u8; 32],
    ) -> Result<Self, Failure> {
        let provider = &context.config.provider;
        let derivation = Derivation::new(suite.hash);
        let handshake = derivation.key(&derivation.handshake(&derivation.early(psk), shared));
        context.transcript.begin_hash(suite.hash);
        let hash = context.transcript.hash(suite.hash);
        let traffic = derivation.handshake_traffic(&handshake, &hash);
        let master = derivation.key(&derivation.master(&handshake));
        let (own, theirs) = directions(role, &traffic);
        let own = protection(provider, suite, own)?;
        let theirs = protection(provider, suite, theirs)?;
        let epochs = context.records.begin_epochs();
        epochs.install_write(Epochs::HANDSHAKE, own);
        epochs.install_read(Epochs::HANDSHAKE, theirs);
        Ok(Self {
            suite,
            traffic,
            master,
            client_random,
        })
    }

    /// The secrets of the data, from the transcript that ends with the server's Finished.
    fn application(&self, context: &Context<'_>) -> ApplicationKeys {
        let derivation = Derivation::new(self.suite.hash);
        let hash = context.transcript.hash(self.suite.hash);
        ApplicationKeys {
            traffic: derivation.application_traffic(&self.master, &hash),
            exporter: derivation.exporter_master(&self.master, &hash),
        }
    }

    /// The content of the Finished of `sender` at this point.
    fn verify_data(&self, context: &Context<'_>, sender: Role) -> Secret {
        let derivation = Derivation::new(self.suite.hash);
        let hash = context.transcript.hash(self.suite.hash);
        let (own, _) = directions(sender, &self.traffic);
        derivation.verify_data(own, &hash)
    }

    /// Checks the Finished of `sender` against all that came before it.
    fn check_finished(
        &self,
        context: &Context<'_>,
        sender: Role,
        message: &Message,
    ) -> Result<(), Failure> {
        expect(message, HandshakeType::FINISHED)?;
        let expected = self.verify_data(context, sender);
        // Another length is unequal as well.
        if crypto::equal(&message.body, &expected) {
            Ok(())
        } else {
            Err(Failure::bad_proof())
        }
    }

    /// What tickets start from, at the end of the transcript.
    fn resumption(&self, context: &Context<'_>) -> Secret {
        let derivation = Derivation::new(self.suite.hash);
        let hash = context.transcript.hash(self.suite.hash);
        derivation.resumption_master(&self.master, &hash)
    }

    fn into_secrets(self, context: &Context<'_>, application: ApplicationKeys) -> Secrets {
        Secrets {
            suite: self.suite,
            traffic: application.traffic,
            updates: [0; 2],
            handshake: context.config.key_log.then(|| Box::new(self.traffic)),
            exporter: application.exporter,
            client_random: self.client_random,
        }
    }
}

impl ApplicationKeys {
    /// The protection of what `sender` says.
    fn protection(
        &self,
        context: &Context<'_>,
        sender: Role,
        suite: CipherSuite13,
    ) -> Result<Protection13, Failure> {
        let (secret, _) = directions(sender, &self.traffic);
        Ok(protection(&context.config.provider, suite, secret)?)
    }
}

/// Our secret and that of the other side.
pub(crate) fn directions(role: Role, [client, server]: &[Secret; 2]) -> (&Secret, &Secret) {
    match role {
        Role::Client => (client, server),
        Role::Server => (server, client),
    }
}

/// What a CertificateVerify signs (RFC 8446 §4.4.3).
fn signed_content(context: &Context<'_>, hash: Hash, sender: Role) -> Vec<u8> {
    let label: &[u8] = match sender {
        Role::Client => b"TLS 1.3, client CertificateVerify",
        Role::Server => b"TLS 1.3, server CertificateVerify",
    };
    let transcript_hash = context.transcript.hash(hash);
    let mut content = Vec::with_capacity(64 + label.len() + 1 + transcript_hash.len());
    content.resize(64, b' ');
    content.extend_from_slice(label);
    content.push(0);
    content.extend_from_slice(&transcript_hash);
    content
}

/// Certificate and CertificateVerify, by which a side says who it is; without a certificate of ours only the former,
/// which says so.
fn send_proof(
    context: &mut Context<'_>,
    keys: &Keys,
    role: Role,
    offered: &[SignatureScheme],
) -> Result<(), Failure> {
    let config = context.config;
    let own = config.certificate.as_ref();
    let length = own.map_or(0, |own| own.der().len());
    let mut body = Vec::with_capacity(length + 16);
    Certificate13 {
        context: &[],
        leaf: own.map(Certificate::der),
        issuers: own.map_or_else(Vec::new, Certificate::issuers),
        extended: false,
    }
    .encode(&mut body);
    context.send_in(Epochs::HANDSHAKE, HandshakeType::CERTIFICATE, body);
    let Some(own) = own else {
        return Ok(());
    };
    let scheme = own
        .key()
        .choose_scheme_13(offered)
        .ok_or(Failure::incompatible())?;
    let signed = signed_content(context, keys.suite.hash, role);
    let signature = config.provider.sign(own.key(), scheme, &signed)?;
    let mut body = Vec::with_capacity(signature.len() + 4);
    CertificateVerify {
        scheme,
        signature: &signature,
    }
    .encode(&mut body);
    context.send_in(Epochs::HANDSHAKE, HandshakeType::CERTIFICATE_VERIFY, body);
    Ok(())
}

fn send_finished(context: &mut Context<'_>, keys: &Keys, role: Role) {
    let verify_data = keys.verify_data(context, role).to_vec();
    context.send_in(Epochs::HANDSHAKE, HandshakeType::FINISHED, verify_data);
}

/// The hash of a suite.
pub(crate) fn hash_of(suite: u16) -> Hash {
    let suite = CipherSuite13::ALL.iter().find(|own| own.number == suite);
    suite.map_or(Hash::Sha256, |suite| suite.hash)
}

/// Only the message that a state waits for.
fn expect(message: &Message, message_type: HandshakeType) -> Result<(), Failure> {
    if message.message_type == message_type {
        Ok(())
    } else {
        Err(Failure::unexpected())
    }
}
