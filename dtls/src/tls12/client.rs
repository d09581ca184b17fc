use zeroize::Zeroizing;

use super::key_schedule::psk_pre_master;
use super::{
    Agreed, Hellos, Peer, Resumption, Secrets, check_finished, expect, finish, own_certificate,
    take_ticket,
};
use crate::Role;
use crate::crypto::{Authentication, KeyExchange, NamedGroup};
use crate::handshake::{
    Context, Failure, Message, Progress, Refused, accepted_profile, accepted_protocol,
};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, DecodeError,
    HandshakeType, PskClientKeyExchange, PskServerKeyExchange, ServerHello, ServerKeyExchange,
    SessionTicket,
};

/// The client's side behind the ServerHello (RFC 6347 §4.2.4, flights 4 to 6), by the message that it waits for.
pub(crate) enum State {
    Certificate(Box<ExpectCertificate>),
    ServerKeyExchange(Box<ExpectServerKeyExchange>),
    CertificateRequest(Box<ExpectCertificateRequest>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
    Ticket(Box<ExpectTicket>),
    Finished(Box<ExpectFinished>),
}

impl State {
    /// Goes on from a ServerHello that answers this hello of ours.
    pub(crate) fn accept(
        context: &mut Context<'_>,
        offer: &ClientHello,
        message: &Message,
        answer: &ServerHello,
    ) -> Result<Self, Failure> {
        let hellos = negotiate(context, offer, answer)?;
        // By this the server says that it took our ticket (RFC 5077 §3.4).
        if !answer.session_id.is_empty() && answer.session_id == offer.session_id {
            let agreed = Resumption::accepted(context, &hellos)?.agree(hellos)?;
            let secrets = &agreed.secrets;
            let (own, theirs) = secrets.protections(&context.config.provider, agreed.suite)?;
            context.transcript.push(message);
            context.records.install(own, theirs);
            return Ok(Self::ending(agreed));
        }
        context.transcript.push(message);
        if hellos.suite.authentication == Authentication::Psk {
            return Ok(Self::ServerKeyExchange(Box::new(ExpectServerKeyExchange {
                hellos,
                peer: None,
            })));
        }
        Ok(Self::Certificate(Box::new(ExpectCertificate { hellos })))
    }

    /// What the server says last.
    fn ending(agreed: Agreed) -> Self {
        if agreed.gives_ticket {
            Self::Ticket(Box::new(ExpectTicket { agreed }))
        } else {
            Self::Finished(Box::new(ExpectFinished { agreed }))
        }
    }

    /// Whether the next message has to come protected.
    pub(crate) const fn expects_protected(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Handles a message. A state survives a message that is refused.
    pub(crate) fn handle(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<Self>, Refused<Self>> {
        match self.check(context, message) {
            Ok(peer) => self.proceed(context, message, peer).map_err(Refused::from),
            Err(failure) => Err(Refused {
                failure,
                survivor: Some(self),
            }),
        }
    }

    /// All that can be wrong with a message, before anything is used up or changed; and the certificate in it, if that is
    /// what it is, since it takes long to read.
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<Option<Peer>, Failure> {
        match self {
            Self::Certificate(state) => return state.read(context, message).map(Some),
            Self::ServerKeyExchange(state) => state.check(context, message)?,
            Self::CertificateRequest(state) => state.check(context, message)?,
            Self::ServerHelloDone(_) => check_done(message)?,
            Self::Ticket(_) => {
                expect(message, HandshakeType::NEW_SESSION_TICKET)?;
                SessionTicket::decode(&message.body)?;
            }
            Self::Finished(state) => {
                expect(message, HandshakeType::FINISHED)?;
                check_finished(context, Role::Server, &state.agreed.secrets, message)?;
            }
        }
        Ok(None)
    }

    /// Goes on with a message that passed the check.
    fn proceed(
        self,
        context: &mut Context<'_>,
        message: &Message,
        peer: Option<Peer>,
    ) -> Result<Progress<Self>, Failure> {
        Ok(Progress::Continue(match self {
            Self::Certificate(state) => state.proceed(context, message, peer),
            Self::ServerKeyExchange(state) => state.proceed(context, message)?,
            Self::CertificateRequest(state) => state.proceed(context, message)?,
            Self::ServerHelloDone(state) => state.proceed(context, message)?,
            Self::Ticket(state) => state.proceed(context, message)?,
            Self::Finished(state) => {
                let ExpectFinished { agreed } = *state;
                if agreed.resumed {
                    context.transcript.push(message);
                    context.begin_flight();
                    finish(context, Role::Client, &agreed.secrets);
                } else {
                    context.end_flight();
                }
                return Ok(Progress::Completed(Box::new(agreed)));
            }
        }))
    }
}

/// What a ServerHello agreed on. Whether it is a downgrade was looked at before.
fn negotiate(
    context: &Context<'_>,
    offer: &ClientHello,
    hello: &ServerHello,
) -> Result<Hellos, Failure> {
    if hello.version != DTLS_1_2 {
        return Err(Failure::version());
    }
    let suite = context
        .config
        .suites()
        .find(|suite| suite.number == hello.cipher_suite)
        .ok_or(Failure::illegal())?;
    let extensions = &hello.extensions;
    if hello.compression_method != 0 {
        return Err(Failure::illegal());
    }
    let of_13 = extensions.key_shares.is_some() || extensions.cookie.is_some();
    if extensions.unknown > 0 || extensions.schemes.is_some() || of_13 {
        return Err(Failure::unsupported_extension());
    }
    if !extensions.extended_master_secret {
        return Err(Failure::incompatible());
    }
    if extensions.session_ticket.is_some() && offer.extensions.session_ticket.is_none() {
        return Err(Failure::unsupported_extension());
    }
    Ok(Hellos {
        gives_ticket: extensions.session_ticket.is_some(),
        suite,
        srtp_profile: accepted_profile(offer, extensions.srtp.as_ref())?,
        alpn: accepted_protocol(offer, extensions.alpn.as_deref())?,
        client_random: offer.random,
        server_random: hello.random,
    })
}

pub(crate) struct ExpectCertificate {
    hellos: Hellos,
}

impl ExpectCertificate {
    fn read(&self, context: &Context<'_>, message: &Message) -> Result<Peer, Failure> {
        expect(message, HandshakeType::CERTIFICATE)?;
        let peer = Peer::read(context, message)?.ok_or(Failure::no_certificate())?;
        if peer.public_key.authentication() != self.hellos.suite.authentication {
            return Err(Failure::illegal());
        }
        Ok(peer)
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message, peer: Option<Peer>) -> State {
        context.transcript.push(message);
        State::ServerKeyExchange(Box::new(ExpectServerKeyExchange {
            hellos: self.hellos,
            peer,
        }))
    }
}

pub(crate) struct ExpectServerKeyExchange {
    hellos: Hellos,
    /// `None` with a pre-shared key and in no other case.
    peer: Option<Peer>,
}

/// The server's share: its group and public value.
struct Share {
    group: NamedGroup,
    public: Vec<u8>,
}

impl ExpectServerKeyExchange {
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        // Only a hint would be in it (RFC 4279 §2).
        let optional = self.peer.is_none() && !self.hellos.suite.ephemeral;
        if optional && message.message_type == HandshakeType::SERVER_HELLO_DONE {
            return check_done(message);
        }
        expect(message, HandshakeType::SERVER_KEY_EXCHANGE)?;
        self.share(context, message)?;
        self.verify(context, message)
    }

    /// The signature covers both randoms: from here on the server is the one that answered us. With a pre-shared key
    /// Finished tells.
    fn verify(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        let Some(peer) = &self.peer else {
            return Ok(());
        };
        let params = ServerKeyExchange::decode(&message.body)?;
        let signed = self.hellos.signed_params(params.group, params.public);
        peer.verify(context, params.scheme, &signed, params.signature)
    }

    fn share(&self, context: &Context<'_>, message: &Message) -> Result<Option<Share>, Failure> {
        if self.peer.is_none() {
            let ephemeral = self.hellos.suite.ephemeral;
            let params = PskServerKeyExchange::decode(&message.body, ephemeral)?;
            return params
                .share
                .map(|(group, public)| Share::new(context, group, public))
                .transpose();
        }
        let params = ServerKeyExchange::decode(&message.body)?;
        Share::new(context, params.group, params.public).map(Some)
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let share = if message.message_type == HandshakeType::SERVER_KEY_EXCHANGE {
            let share = self.share(context, message)?;
            context.transcript.push(message);
            share
        } else {
            None
        };
        let state = ExpectCertificateRequest {
            hellos: self.hellos,
            peer: self.peer,
            share,
        };
        if message.message_type == HandshakeType::SERVER_HELLO_DONE {
            return state.proceed(context, message);
        }
        Ok(State::CertificateRequest(Box::new(state)))
    }
}

impl Share {
    /// The group has to be one of ours.
    fn new(context: &Context<'_>, group: u16, public: &[u8]) -> Result<Self, Failure> {
        let mut groups = context.config.groups_12();
        Ok(Self {
            group: groups
                .find(|own| own.number() == group)
                .ok_or(Failure::illegal())?,
            public: public.to_vec(),
        })
    }
}

/// ServerHelloDone has no content.
fn check_done(message: &Message) -> Result<(), Failure> {
    expect(message, HandshakeType::SERVER_HELLO_DONE)?;
    if message.body.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::Length.into())
    }
}

pub(crate) struct ExpectCertificateRequest {
    hellos: Hellos,
    peer: Option<Peer>,
    share: Option<Share>,
}

impl ExpectCertificateRequest {
    /// A server that does not ask who we are is none of WebRTC (RFC 8827 §6.5), and one message less than the legal
    /// sequence. Elsewhere it may do without, and with a pre-shared key it must (RFC 4279 §2).
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        let mutual = context.config.peer_certificate.is_mutual();
        match message.message_type {
            HandshakeType::CERTIFICATE_REQUEST if self.peer.is_some() => {
                CertificateRequest::decode(&message.body)?;
                Ok(())
            }
            HandshakeType::SERVER_HELLO_DONE if self.peer.is_none() || !mutual => {
                check_done(message)
            }
            _ => Err(Failure::unexpected()),
        }
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        if message.message_type == HandshakeType::SERVER_HELLO_DONE {
            let done = ExpectServerHelloDone {
                previous: self,
                request: None,
            };
            return done.proceed(context, message);
        }
        let request = CertificateRequest::decode(&message.body)?;
        context.transcript.push(message);
        Ok(State::ServerHelloDone(Box::new(ExpectServerHelloDone {
            previous: self,
            request: Some(request),
        })))
    }
}

pub(crate) struct ExpectServerHelloDone {
    previous: ExpectCertificateRequest,
    /// `None` if the server does not want to know who we are.
    request: Option<CertificateRequest>,
}

impl ExpectServerHelloDone {
    /// Sends flight 5: Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished; without the
    /// first and the third if nobody asked.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        context.transcript.push(message);
        let ExpectCertificateRequest {
            hellos,
            peer,
            share,
        } = self.previous;
        let config = context.config;
        // A key that the server could not verify stays unused.
        let identity = match (&self.request, &config.certificate) {
            (Some(request), Some(certificate)) => certificate
                .key()
                .choose_scheme(&request.schemes)
                .map(|scheme| (certificate, scheme)),
            _ => None,
        };
        if self.request.is_some() && identity.is_none() && config.peer_certificate.is_mutual() {
            return Err(Failure::incompatible());
        }

        context.begin_flight();
        if self.request.is_some() {
            own_certificate(context, identity.map(|(certificate, _)| certificate));
        }
        let pre_master = key_exchange(context, &hellos, share)?;
        context.transcript.begin_hash(hellos.suite.hash);
        let secrets = Secrets::extended(
            hellos.suite.hash,
            &pre_master,
            &context.transcript.hash(hellos.suite.hash),
            hellos.randoms(),
        );
        if let Some((certificate, scheme)) = identity {
            let said = context.transcript.bytes();
            let signature = config.provider.sign(certificate.key(), scheme, said)?;
            let mut body = Vec::with_capacity(signature.len() + 4);
            CertificateVerify {
                scheme,
                signature: &signature,
            }
            .encode(&mut body);
            context.send(HandshakeType::CERTIFICATE_VERIFY, body);
        }

        context.transcript.keep_hash_alone();
        let (own, theirs) = secrets.protections(&config.provider, hellos.suite)?;
        context.records.install(own, theirs);
        finish(context, Role::Client, &secrets);
        Ok(State::ending(hellos.agreed(secrets, peer)))
    }
}

/// Sends ClientKeyExchange and computes the premaster secret.
fn key_exchange(
    context: &mut Context<'_>,
    hellos: &Hellos,
    share: Option<Share>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let config = context.config;
    let exchange = match &share {
        Some(share) => Some(context.secrets.key_exchange(share.group)?),
        None => None,
    };
    let psk = (hellos.suite.authentication == Authentication::Psk)
        .then(|| config.psks_12().next().ok_or(Failure::crypto()))
        .transpose()?;
    let public = exchange.as_ref().map(KeyExchange::public);
    let mut body = Vec::new();
    match (psk, public) {
        (Some(psk), public) => PskClientKeyExchange {
            identity: psk.identity(),
            public,
        }
        .encode(&mut body),
        (None, Some(public)) => ClientKeyExchange { public }.encode(&mut body),
        (None, None) => return Err(Failure::crypto()),
    }
    context.send(HandshakeType::CLIENT_KEY_EXCHANGE, body);
    let agreed = exchange
        .zip(share)
        .map(|(exchange, share)| exchange.agree(&share.public))
        .transpose()
        .map_err(|_| Failure::bad_share())?;
    match (psk, agreed) {
        (Some(psk), agreed) => Ok(psk_pre_master(
            agreed.as_ref().map(|a| a.as_slice()),
            psk.key(),
        )),
        (None, Some(agreed)) => Ok(agreed),
        (None, None) => Err(Failure::crypto()),
    }
}

pub(crate) struct ExpectFinished {
    agreed: Agreed,
}

/// In front of Finished, and in the clear (RFC 5077 §3.3).
pub(crate) struct ExpectTicket {
    agreed: Agreed,
}

impl ExpectTicket {
    fn proceed(mut self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        take_ticket(context, message, &mut self.agreed)?;
        context.transcript.push(message);
        Ok(State::Finished(Box::new(ExpectFinished {
            agreed: self.agreed,
        })))
    }
}
