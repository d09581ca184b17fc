use super::{Agreed, Extras, Keys, Peer, SharedKey, expect, send_finished, send_proof};
use crate::Role;
use crate::crypto::{CipherSuite13, SignatureScheme};
use crate::handshake::{
    Context, Failure, Message, Progress, Refused, accepted_profile, accepted_protocol,
};
use crate::record::Epochs;
use crate::wire::{
    CertificateRequest13, ClientHello, DTLS_1_2, EncryptedExtensions, Extensions, HandshakeType,
    KeyShare, Psk, ServerHello,
};

/// The client's side behind the ServerHello (RFC 9147 §5.8.1), by the message that it waits for.
pub(crate) enum State {
    EncryptedExtensions(Box<ExpectEncryptedExtensions>),
    CertificateRequest(Box<ExpectCertificateRequest>),
    Certificate(Box<ExpectCertificate>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(Box<ExpectFinished>),
}

/// What a HelloRetryRequest settled.
pub(crate) struct Retried {
    pub(crate) suite: u16,
}

/// All that can be wrong with a ServerHello or HelloRetryRequest, apart from its share; the suite that it chose.
pub(crate) fn check_hello(
    context: &Context<'_>,
    psks: &[SharedKey],
    answer: &ServerHello,
    retried: Option<&Retried>,
) -> Result<CipherSuite13, Failure> {
    if answer.version != DTLS_1_2 || answer.compression_method != 0 {
        return Err(Failure::illegal());
    }
    // A session id is never echoed (RFC 9147 §5.3); ours is empty anyway, or goes with a ticket of 1.2.
    if !answer.session_id.is_empty() {
        return Err(Failure::illegal());
    }
    if answer.is_retry() && retried.is_some() {
        return Err(Failure::unexpected());
    }
    let mut suites = context.config.provider.suites_13();
    let suite = suites
        .find(|suite| suite.number == answer.cipher_suite)
        .ok_or(Failure::illegal())?;
    if retried.is_some_and(|retried| retried.suite != suite.number) {
        return Err(Failure::illegal());
    }
    let known = Extensions {
        versions: answer.extensions.versions.clone(),
        key_shares: answer.extensions.key_shares.clone(),
        psk: answer.extensions.psk.clone(),
        cookie: answer
            .extensions
            .cookie
            .clone()
            .filter(|_| answer.is_retry()),
        connection_id: answer
            .extensions
            .connection_id
            .clone()
            .filter(|_| !answer.is_retry()),
        return_routability: answer.extensions.return_routability && !answer.is_retry(),
        ..Extensions::default()
    };
    if answer.extensions != known {
        return Err(Failure::unsupported_extension());
    }
    check_psk(psks, answer, suite)?;
    Ok(suite)
}

/// A server takes one of the keys that we offered, with the hash that goes with it, or none.
fn check_psk(
    psks: &[SharedKey],
    answer: &ServerHello,
    suite: CipherSuite13,
) -> Result<(), Failure> {
    match &answer.extensions.psk {
        None => Ok(()),
        Some(_) if answer.is_retry() || psks.is_empty() => Err(Failure::unsupported_extension()),
        Some(Psk::Selected(index)) => match psks.get(usize::from(*index)) {
            Some(psk) if psk.hash == suite.hash => Ok(()),
            _ => Err(Failure::illegal()),
        },
        Some(Psk::Offer { .. }) => Err(Failure::illegal()),
    }
}

/// The share of a ServerHello. Without one there is no forward secrecy, and we did not offer that.
pub(crate) fn server_share(answer: &ServerHello) -> Result<&KeyShare, Failure> {
    match answer.extensions.key_shares.as_deref() {
        Some([share]) => Ok(share),
        _ => Err(Failure::missing_extension()),
    }
}

impl State {
    /// Goes on from a ServerHello, which is the end of the transcript.
    pub(crate) fn accept(
        context: &mut Context<'_>,
        offer: &ClientHello,
        suite: CipherSuite13,
        psk: Option<SharedKey>,
        shared: &[u8],
    ) -> Result<Self, Failure> {
        let key = psk.as_ref().map(SharedKey::key);
        let keys = Keys::begin(context, Role::Client, suite, (key, shared), offer.random)?;
        Ok(Self::EncryptedExtensions(Box::new(
            ExpectEncryptedExtensions {
                keys,
                psk,
                offer: offer.clone(),
            },
        )))
    }

    /// Handles a message. The record that it came in vouches for it: what is wrong with it is fatal.
    pub(crate) fn handle(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<Self, Agreed>, Refused<Self>> {
        Ok(Progress::Continue(match self {
            Self::EncryptedExtensions(state) => state.handle(context, message)?,
            Self::CertificateRequest(state) => state.handle(context, message)?,
            Self::Certificate(state) => state.handle(context, message)?,
            Self::CertificateVerify(state) => state.handle(context, message)?,
            Self::Finished(state) => {
                return Ok(Progress::Completed(Box::new(
                    state.handle(context, message)?,
                )));
            }
        }))
    }
}

pub(crate) struct ExpectEncryptedExtensions {
    keys: Keys,
    psk: Option<SharedKey>,
    offer: ClientHello,
}

impl ExpectEncryptedExtensions {
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        expect(message, HandshakeType::ENCRYPTED_EXTENSIONS)?;
        let EncryptedExtensions { extensions } = EncryptedExtensions::decode(&message.body)?;
        let allowed = Extensions {
            // The server's groups are news for the next connection, and we have none.
            groups: extensions.groups.clone(),
            srtp: extensions.srtp.clone(),
            alpn: extensions.alpn.clone(),
            unknown: extensions.unknown,
            ..Extensions::default()
        };
        if extensions != allowed {
            return Err(Failure::illegal());
        }
        if extensions.unknown > 0 {
            return Err(Failure::unsupported_extension());
        }
        let extras = Extras {
            srtp_profile: accepted_profile(&self.offer, extensions.srtp.as_ref())?,
            alpn: accepted_protocol(&self.offer, extensions.alpn.as_deref())?,
        };
        context.transcript.push(message);
        if self.psk.is_some() {
            return Ok(State::Finished(Box::new(ExpectFinished {
                previous: ExpectCertificate {
                    keys: self.keys,
                    extras,
                    schemes: None,
                },
                psk: self.psk,
                peer: None,
            })));
        }
        Ok(State::CertificateRequest(Box::new(
            ExpectCertificateRequest {
                keys: self.keys,
                extras,
            },
        )))
    }
}

pub(crate) struct ExpectCertificateRequest {
    keys: Keys,
    extras: Extras,
}

impl ExpectCertificateRequest {
    /// A server that does not ask who we are is none of WebRTC (RFC 8827 §6.5); others may leave it out.
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let mut next = ExpectCertificate {
            keys: self.keys,
            extras: self.extras,
            schemes: None,
        };
        let mutual = context.config.peer_certificate.is_mutual();
        if !mutual && message.message_type == HandshakeType::CERTIFICATE {
            return next.handle(context, message);
        }
        expect(message, HandshakeType::CERTIFICATE_REQUEST)?;
        let request = CertificateRequest13::decode(&message.body)?;
        if !request.context.is_empty() {
            return Err(Failure::illegal());
        }
        next.schemes = Some(request.schemes);
        context.transcript.push(message);
        Ok(State::Certificate(Box::new(next)))
    }
}

pub(crate) struct ExpectCertificate {
    keys: Keys,
    extras: Extras,
    /// The signatures that the server takes from us, if it asks for one.
    schemes: Option<Vec<SignatureScheme>>,
}

impl ExpectCertificate {
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let peer = Peer::read(context, message)?.ok_or(Failure::no_server_certificate())?;
        context.transcript.push(message);
        Ok(State::CertificateVerify(Box::new(
            ExpectCertificateVerify {
                previous: self,
                peer,
            },
        )))
    }
}

pub(crate) struct ExpectCertificateVerify {
    previous: ExpectCertificate,
    peer: Peer,
}

impl ExpectCertificateVerify {
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let hash = self.previous.keys.suite.hash;
        self.peer.verify(context, hash, Role::Server, message)?;
        context.transcript.push(message);
        Ok(State::Finished(Box::new(ExpectFinished {
            previous: self.previous,
            psk: None,
            peer: Some(self.peer),
        })))
    }
}

pub(crate) struct ExpectFinished {
    previous: ExpectCertificate,
    psk: Option<SharedKey>,
    /// `None` with a pre-shared key and in no other case.
    peer: Option<Peer>,
}

impl ExpectFinished {
    /// Sends Certificate, CertificateVerify and Finished, and opens the epoch of data.
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<Agreed, Failure> {
        let Self {
            previous,
            psk,
            peer,
        } = self;
        let ExpectCertificate {
            keys,
            extras,
            schemes,
        } = previous;
        keys.check_finished(context, Role::Server, message)?;
        context.transcript.push(message);
        let application = keys.application(context);
        let own = application.protection(context, Role::Client, keys.suite)?;
        let theirs = application.protection(context, Role::Server, keys.suite)?;

        context.begin_flight();
        if let Some(schemes) = schemes {
            send_proof(context, &keys, Role::Client, &schemes)?;
        }
        send_finished(context, &keys, Role::Client);
        let epochs = context.records.epochs_mut().ok_or(Failure::unexpected())?;
        epochs.install_write(Epochs::APPLICATION, own);
        epochs.install_read(Epochs::APPLICATION, theirs);
        let wants = context.config.accept_tickets;
        let (peer, issuers) = peer.map(|it| (it.der, it.issuers)).unzip();
        Ok(Agreed {
            srtp_profile: extras.srtp_profile,
            alpn: extras.alpn,
            client_handshake: None,
            resumption: wants.then(|| Box::new(keys.resumption(context))),
            tickets: Vec::new(),
            secrets: keys.into_secrets(context, application),
            resumed: psk.as_ref().is_some_and(SharedKey::is_resumption),
            peer: peer.or_else(|| psk.as_ref()?.peer().map(<[u8]>::to_vec)),
            issuers: issuers.unwrap_or_default(),
            psk: psk.is_some_and(|psk| psk.is_from_outside()),
        })
    }
}
