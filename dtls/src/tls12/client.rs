use super::{Agreed, Hellos, Peer, Secrets, check_finished, expect, finish, own_certificate};
use crate::crypto::NamedGroup;
use crate::handshake::{Context, Failure, Message, Progress, Refused};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, DecodeError,
    HandshakeType, ServerHello, ServerKeyExchange, UseSrtp,
};
use crate::{Role, SrtpProfile};

/// The client's side behind the ServerHello (RFC 6347 §4.2.4, flights 4 to 6), by the message that it waits for.
pub(crate) enum State {
    Certificate(Box<ExpectCertificate>),
    ServerKeyExchange(Box<ExpectServerKeyExchange>),
    CertificateRequest(Box<ExpectCertificateRequest>),
    ServerHelloDone(Box<ExpectServerHelloDone>),
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
        context.transcript.push(message);
        Ok(Self::Certificate(Box::new(ExpectCertificate { hellos })))
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
        .provider
        .suites()
        .iter()
        .copied()
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
    Ok(Hellos {
        suite,
        srtp_profile: srtp_profile(offer, extensions.srtp.as_ref())?,
        client_random: offer.random,
        server_random: hello.random,
    })
}

/// Exactly one of the profiles on offer, and our empty MKI (RFC 5764 §4.1.1, §4.1.3).
fn srtp_profile(
    offer: &ClientHello,
    answer: Option<&UseSrtp>,
) -> Result<Option<SrtpProfile>, Failure> {
    let Some(answer) = answer else {
        return Ok(None);
    };
    let Some(offer) = &offer.extensions.srtp else {
        return Err(Failure::unsupported_extension());
    };
    match answer.profiles.as_slice() {
        [profile] if offer.profiles.contains(profile) && answer.mki.is_empty() => {
            Ok(Some(*profile))
        }
        _ => Err(Failure::illegal()),
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
    let mut groups = context.config.groups();
    groups
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
        let exchange = context.secrets.key_exchange(group)?;
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
