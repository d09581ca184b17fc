use super::{Agreed, Hellos, Peer, Secrets, check_finished, expect, finish, own_certificate};
use crate::crypto::NamedGroup;
use crate::handshake::{Context, Failure, Message, Progress, Refused};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, DecodeError,
    Extensions, HandshakeType, HelloVerifyRequest, ServerHello, ServerKeyExchange, UseSrtp,
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
        let provider = &context.config.provider;
        let srtp_profiles = &context.config.srtp_profiles;
        let hello = ClientHello {
            version: DTLS_1_2,
            random: context.random(),
            session_id: Vec::new(),
            cookie: Vec::new(),
            cipher_suites: provider.suites().map(|suite| suite.number).collect(),
            compression_methods: vec![0],
            extensions: Extensions {
                groups: Some(provider.groups().iter().map(|g| g.number()).collect()),
                point_formats: true,
                schemes: Some(provider.schemes().to_vec()),
                srtp: (!srtp_profiles.is_empty()).then(|| UseSrtp {
                    profiles: srtp_profiles.clone(),
                    mki: Vec::new(),
                }),
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
            Self::CertificateRequest(_) => {
                expect(message, HandshakeType::CERTIFICATE_REQUEST)?;
                CertificateRequest::decode(&message.body)?;
                Ok(())
            }
            Self::ServerHelloDone(_) => {
                expect(message, HandshakeType::SERVER_HELLO_DONE)?;
                if message.body.is_empty() {
                    Ok(())
                } else {
                    Err(DecodeError::Length.into())
                }
            }
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
                return Ok(Progress::Completed(state.agreed));
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
            .provider
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
            client_random: self.hello.random,
            server_random: hello.random,
        })
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
        let peer = Peer::read(context, message)?;
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
    peer: Peer,
}

impl ExpectServerKeyExchange {
    /// The signature covers both randoms: from here on the server is the one that answered us.
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        expect(message, HandshakeType::SERVER_KEY_EXCHANGE)?;
        let params = ServerKeyExchange::decode(&message.body)?;
        group(context, &params)?;
        let signed = self.hellos.signed_params(params.group, params.public);
        self.peer
            .verify(context, params.scheme, &signed, params.signature)
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let params = ServerKeyExchange::decode(&message.body)?;
        context.transcript.push(message);
        Ok(State::CertificateRequest(Box::new(
            ExpectCertificateRequest {
                hellos: self.hellos,
                peer: self.peer,
                group: group(context, &params)?,
                public: params.public.to_vec(),
            },
        )))
    }
}

/// The group of the server's share, which has to be one of ours.
fn group(context: &Context<'_>, params: &ServerKeyExchange<'_>) -> Result<NamedGroup, Failure> {
    let groups = context.config.provider.groups().iter().copied();
    groups
        .into_iter()
        .find(|group| group.number() == params.group)
        .ok_or(Failure::illegal())
}

pub(crate) struct ExpectCertificateRequest {
    hellos: Hellos,
    peer: Peer,
    group: NamedGroup,
    public: Vec<u8>,
}

impl ExpectCertificateRequest {
    /// A server that does not ask who we are is none of WebRTC (RFC 8827 §6.5), and one message less than the legal
    /// sequence.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let request = CertificateRequest::decode(&message.body)?;
        context.transcript.push(message);
        Ok(State::ServerHelloDone(Box::new(ExpectServerHelloDone {
            previous: self,
            request,
        })))
    }
}

pub(crate) struct ExpectServerHelloDone {
    previous: ExpectCertificateRequest,
    request: CertificateRequest,
}

impl ExpectServerHelloDone {
    /// Sends flight 5: Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        context.transcript.push(message);
        let ExpectCertificateRequest {
            hellos,
            peer,
            group,
            public,
        } = self.previous;
        let config = context.config;
        let key = config.certificate.key();
        let scheme = key
            .choose_scheme(&self.request.schemes)
            .ok_or(Failure::incompatible())?;

        context.begin_flight();
        own_certificate(context);
        let exchange = config.provider.key_exchange(group, context.secrets)?;
        let mut body = Vec::new();
        ClientKeyExchange {
            public: exchange.public(),
        }
        .encode(&mut body);
        context.send(HandshakeType::CLIENT_KEY_EXCHANGE, body);

        let pre_master = exchange.agree(&public).map_err(|_| Failure::bad_share())?;
        let secrets = Secrets::extended(
            &config.provider,
            hellos.suite.hash,
            &pre_master,
            context.transcript.bytes(),
            hellos.randoms(),
        );
        let signature = config
            .provider
            .sign(key, scheme, context.transcript.bytes())?;
        let mut body = Vec::new();
        CertificateVerify {
            scheme,
            signature: &signature,
        }
        .encode(&mut body);
        context.send(HandshakeType::CERTIFICATE_VERIFY, body);

        let (own, theirs) = secrets.protections(&config.provider, hellos.suite)?;
        context.records.install(own, theirs);
        finish(context, Role::Client, &secrets);
        Ok(State::Finished(Box::new(ExpectFinished {
            agreed: Agreed {
                suite: hellos.suite,
                srtp_profile: hellos.srtp_profile,
                secrets,
                peer,
            },
        })))
    }
}

pub(crate) struct ExpectFinished {
    agreed: Agreed,
}
