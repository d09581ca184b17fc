use zeroize::Zeroizing;

use super::key_schedule::psk_pre_master;
use super::{Agreed, Hellos, Peer, Secrets, check_finished, expect, finish, own_certificate};
use crate::crypto::{Authentication, KeyExchange, NamedGroup};
use crate::handshake::{Context, Failure, Message, Progress, Refused};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, DecodeError,
    Extensions, HandshakeType, HelloVerifyRequest, PskClientKeyExchange, PskServerKeyExchange,
    ServerHello, ServerKeyExchange, UseSrtp,
};
use crate::{Role, SrtpProfile};

/// The client's side (RFC 6347 §4.2.4, flights 1 to 6), by the message that it waits for.
pub(crate) enum State {
    ServerHello(Box<ExpectServerHello>),
    Certificate(Box<ExpectCertificate>),
    ServerKeyExchange(Box<ExpectServerKeyExchange>),
    CertificateRequest(Box<ExpectCertificateRequest>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
    Finished(Box<ExpectFinished>),
}

impl State {
    /// Sends the first ClientHello.
    pub(crate) fn start(context: &mut Context<'_>) -> Self {
        let config = context.config;
        let provider = &config.provider;
        let srtp_profiles = &config.srtp_profiles;
        let hello = ClientHello {
            version: DTLS_1_2,
            random: context.random(),
            session_id: Vec::new(),
            cookie: Vec::new(),
            cipher_suites: config.suites().map(|suite| suite.number).collect(),
            compression_methods: vec![0],
            extensions: Extensions {
                groups: Some(provider.groups().iter().map(|g| g.number()).collect()),
                point_formats: true,
                schemes: Some(provider.schemes().to_vec()),
                srtp: (!srtp_profiles.is_empty()).then(|| UseSrtp {
                    profiles: srtp_profiles.clone(),
                    mki: Vec::new(),
                }),
                alpn: (!config.alpn.is_empty()).then(|| config.alpn.clone()),
                extended_master_secret: true,
                renegotiation_info: true,
                unknown: 0,
            },
        };
        send_hello(context, &hello);
        Self::ServerHello(Box::new(ExpectServerHello {
            hello,
            verified: false,
        }))
    }

    /// Whether the next message has to come protected.
    pub(crate) const fn expects_protected(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Whether nothing of the server has been accepted yet.
    pub(crate) const fn awaits_hello(&self) -> bool {
        matches!(self, Self::ServerHello(_))
    }

    /// Begins again behind a ClientHello that was sent: what was accepted since may have been anybody's.
    pub(crate) fn resume(context: &mut Context<'_>, sent: &Message) -> Result<Self, Failure> {
        let hello = ClientHello::decode(&sent.body)?;
        context.transcript.clear();
        context.transcript.push(sent);
        Ok(Self::ServerHello(Box::new(ExpectServerHello {
            verified: !hello.cookie.is_empty(),
            hello,
        })))
    }

    /// Handles a message. A state survives a message that is refused.
    pub(crate) fn handle(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<Self>, Refused<Self>> {
        if let Err(failure) = self.check(context, message) {
            return Err(Refused {
                failure,
                survivor: Some(self),
            });
        }
        self.proceed(context, message).map_err(Refused::from)
    }

    /// All that can be wrong with a message, before anything is used up or changed.
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        match self {
            Self::ServerHello(state) => state.check(context, message),
            Self::Certificate(state) => state.check(context, message),
            Self::ServerKeyExchange(state) => state.check(context, message),
            Self::CertificateRequest(state) => state.check(context, message),
            Self::ServerHelloDone(_) => check_done(message),
            Self::Finished(state) => {
                expect(message, HandshakeType::FINISHED)?;
                check_finished(context, Role::Server, &state.agreed.secrets, message)
            }
        }
    }

    /// Goes on with a message that passed the check.
    fn proceed(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<Self>, Failure> {
        Ok(Progress::Continue(match self {
            Self::ServerHello(state) => state.proceed(context, message)?,
            Self::Certificate(state) => state.proceed(context, message)?,
            Self::ServerKeyExchange(state) => state.proceed(context, message)?,
            Self::CertificateRequest(state) => state.proceed(context, message)?,
            Self::ServerHelloDone(state) => state.proceed(context, message)?,
            Self::Finished(state) => {
                context.end_flight();
                return Ok(Progress::Completed(Box::new(state.agreed)));
            }
        }))
    }
}

fn send_hello(context: &mut Context<'_>, hello: &ClientHello) {
    let mut body = Vec::new();
    hello.encode(&mut body);
    context.begin_flight();
    context.send(HandshakeType::CLIENT_HELLO, body);
}

pub(crate) struct ExpectServerHello {
    hello: ClientHello,
    /// A HelloVerifyRequest was answered. There is no second one.
    verified: bool,
}

impl ExpectServerHello {
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        match message.message_type {
            HandshakeType::HELLO_VERIFY_REQUEST if !self.verified => {
                HelloVerifyRequest::decode(&message.body)?;
                Ok(())
            }
            HandshakeType::SERVER_HELLO => self.negotiate(context, message).map(drop),
            _ => Err(Failure::unexpected()),
        }
    }

    fn proceed(
        mut self: Box<Self>,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<State, Failure> {
        if message.message_type == HandshakeType::HELLO_VERIFY_REQUEST {
            self.hello.cookie = HelloVerifyRequest::decode(&message.body)?.cookie;
            self.verified = true;
            context.transcript.clear();
            send_hello(context, &self.hello);
            return Ok(State::ServerHello(self));
        }
        let hellos = self.negotiate(context, message)?;
        context.transcript.push(message);
        if hellos.suite.authentication == Authentication::Psk {
            return Ok(State::ServerKeyExchange(Box::new(
                ExpectServerKeyExchange { hellos, peer: None },
            )));
        }
        Ok(State::Certificate(Box::new(ExpectCertificate { hellos })))
    }

    /// A server that knows DTLS 1.3 but answers with 1.2 marks its random (RFC 8446 §4.1.3). We offer nothing above
    /// 1.2 here, so the mark means nothing; with 1.3 on offer it must be refused.
    fn negotiate(&self, context: &Context<'_>, message: &Message) -> Result<Hellos, Failure> {
        let hello = ServerHello::decode(&message.body)?;
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
        if extensions.unknown > 0 || extensions.schemes.is_some() {
            return Err(Failure::unsupported_extension());
        }
        if !extensions.extended_master_secret {
            return Err(Failure::incompatible());
        }
        Ok(Hellos {
            suite,
            srtp_profile: self.srtp_profile(extensions.srtp.as_ref())?,
            alpn: self.alpn(extensions.alpn.as_deref())?,
            client_random: self.hello.random,
            server_random: hello.random,
        })
    }

    /// Exactly one of the protocols on offer (RFC 7301 §3.1).
    fn alpn(&self, answer: Option<&[Vec<u8>]>) -> Result<Option<Vec<u8>>, Failure> {
        match (answer, &self.hello.extensions.alpn) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(Failure::unsupported_extension()),
            (Some([name]), Some(offer)) if offer.contains(name) => Ok(Some(name.clone())),
            _ => Err(Failure::illegal()),
        }
    }

    /// Exactly one of the profiles on offer, and our empty MKI (RFC 5764 §4.1.1, §4.1.3).
    fn srtp_profile(&self, answer: Option<&UseSrtp>) -> Result<Option<SrtpProfile>, Failure> {
        let Some(answer) = answer else {
            return Ok(None);
        };
        let Some(offer) = &self.hello.extensions.srtp else {
            return Err(Failure::unsupported_extension());
        };
        match answer.profiles.as_slice() {
            [profile] if offer.profiles.contains(profile) && answer.mki.is_empty() => {
                Ok(Some(*profile))
            }
            _ => Err(Failure::illegal()),
        }
    }
}

pub(crate) struct ExpectCertificate {
    hellos: Hellos,
}

impl ExpectCertificate {
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        expect(message, HandshakeType::CERTIFICATE)?;
        let peer = Peer::read(context, message)?.ok_or(Failure::no_certificate())?;
        if peer.public_key.authentication() != self.hellos.suite.authentication {
            return Err(Failure::illegal());
        }
        Ok(())
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let peer = Peer::read(context, message)?;
        context.transcript.push(message);
        Ok(State::ServerKeyExchange(Box::new(
            ExpectServerKeyExchange {
                hellos: self.hellos,
                peer,
            },
        )))
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
        self.share(context, message).map(drop)
    }

    /// The signature covers both randoms: from here on the server is the one that answered us. With a pre-shared key
    /// Finished tells.
    fn share(&self, context: &Context<'_>, message: &Message) -> Result<Option<Share>, Failure> {
        let Some(peer) = &self.peer else {
            let ephemeral = self.hellos.suite.ephemeral;
            let params = PskServerKeyExchange::decode(&message.body, ephemeral)?;
            return params
                .share
                .map(|(group, public)| Share::new(context, group, public))
                .transpose();
        };
        let params = ServerKeyExchange::decode(&message.body)?;
        let share = Share::new(context, params.group, params.public)?;
        let signed = self.hellos.signed_params(params.group, params.public);
        peer.verify(context, params.scheme, &signed, params.signature)?;
        Ok(Some(share))
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
        let mut groups = context.config.provider.groups().iter().copied();
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
        let secrets = Secrets::extended(
            &config.provider,
            hellos.suite.hash,
            &pre_master,
            context.transcript.bytes(),
            hellos.randoms(),
        );
        if let Some((certificate, scheme)) = identity {
            let said = context.transcript.bytes();
            let signature = config.provider.sign(certificate.key(), scheme, said)?;
            let mut body = Vec::new();
            CertificateVerify {
                scheme,
                signature: &signature,
            }
            .encode(&mut body);
            context.send(HandshakeType::CERTIFICATE_VERIFY, body);
        }

        let (own, theirs) = secrets.protections(&config.provider, hellos.suite)?;
        context.records.install(own, theirs);
        finish(context, Role::Client, &secrets);
        Ok(State::Finished(Box::new(ExpectFinished {
            agreed: Agreed {
                suite: hellos.suite,
                srtp_profile: hellos.srtp_profile,
                secrets,
                peer,
                alpn: hellos.alpn,
            },
        })))
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
        .then(|| config.psks.first().ok_or(Failure::crypto()))
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
