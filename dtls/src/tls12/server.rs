use super::{Agreed, Hellos, Peer, Secrets, check_finished, expect, finish, own_certificate};
use crate::crypto::{CipherSuite, KeyExchange, NamedGroup, SignatureScheme};
use crate::handshake::{Context, Failure, Message, Progress, Refused};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, Extensions,
    HandshakeType, ServerHello, ServerKeyExchange, UseSrtp,
};
use crate::{Role, SrtpProfile, Version};

/// The server's side (RFC 6347 §4.2.4, flights 4 to 6), by the message that it waits for. Its life begins with a
/// ClientHello that was found acceptable.
pub(crate) enum State {
    Certificate(Box<ExpectCertificate>),
    ClientKeyExchange(Box<ExpectClientKeyExchange>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(Box<ExpectFinished>),
}

impl State {
    /// Whether the next message has to come protected.
    pub(crate) const fn expects_protected(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Whether the client has not answered our hello yet.
    pub(crate) const fn awaits_first_answer(&self) -> bool {
        matches!(self, Self::Certificate(_))
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
            Self::Certificate(_) => {
                expect(message, HandshakeType::CERTIFICATE)?;
                Peer::read(context, message).map(drop)
            }
            Self::ClientKeyExchange(_) => {
                expect(message, HandshakeType::CLIENT_KEY_EXCHANGE)?;
                ClientKeyExchange::decode(&message.body)?;
                Ok(())
            }
            Self::CertificateVerify(state) => state.check(context, message),
            Self::Finished(state) => {
                expect(message, HandshakeType::FINISHED)?;
                check_finished(context, Role::Client, &state.agreed.secrets, message)
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
            Self::ClientKeyExchange(state) => state.proceed(context, message)?,
            Self::CertificateVerify(state) => state.proceed(context, message)?,
            Self::Finished(state) => {
                return Ok(Progress::Completed(state.proceed(context, message)));
            }
        }))
    }
}

/// What we choose from a ClientHello.
pub(crate) struct Choice {
    suite: CipherSuite,
    group: NamedGroup,
    scheme: SignatureScheme,
    srtp_profile: Option<SrtpProfile>,
    client_random: [u8; 32],
    /// The extensions to be answered.
    answer: Extensions,
}

impl Choice {
    /// Chooses in our own order of preference. Nothing is changed by a hello that is refused.
    pub(crate) fn new(context: &Context<'_>, hello: &ClientHello) -> Result<Self, Failure> {
        // A client of DTLS 1.3 says 1.2 here as well (RFC 9147 §5.3); the numbers fall as the versions rise.
        if hello.version >> 8 != DTLS_1_2 >> 8 || hello.version > DTLS_1_2 {
            return Err(Failure::version());
        }
        let extensions = &hello.extensions;
        let secure = hello
            .cipher_suites
            .contains(&ClientHello::RENEGOTIATION_INFO_SCSV);
        if !hello.compression_methods.contains(&0) || !extensions.extended_master_secret {
            return Err(Failure::incompatible());
        }
        let provider = &context.config.provider;
        let key = context.config.certificate.key();
        let suite = provider
            .suites()
            .iter()
            .copied()
            .filter(|suite| suite.authentication == key.authentication())
            .find(|suite| hello.cipher_suites.contains(&suite.number))
            .ok_or(Failure::incompatible())?;
        let group = context
            .config
            .groups()
            .find(|group| extensions.offers_group(*group))
            .ok_or(Failure::incompatible())?;
        // A client that names no schemes means SHA-1 (RFC 5246 §7.4.1.4.1).
        let schemes = extensions.schemes.as_deref().unwrap_or_default();
        let scheme = key.choose_scheme(schemes).ok_or(Failure::incompatible())?;
        let srtp_profile = context.config.srtp_profiles.iter().copied().find(|own| {
            let offer = extensions.srtp.as_ref();
            offer.is_some_and(|offer| offer.profiles.contains(own))
        });
        Ok(Self {
            suite,
            group,
            scheme,
            srtp_profile,
            client_random: hello.random,
            answer: Extensions {
                point_formats: extensions.point_formats,
                srtp: srtp_profile.map(|profile| UseSrtp {
                    profiles: vec![profile],
                    mki: Vec::new(),
                }),
                extended_master_secret: true,
                renegotiation_info: extensions.renegotiation_info || secure,
                ..Extensions::default()
            },
        })
    }

    /// Sends flight 4: ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone.
    pub(crate) fn accept(self, context: &mut Context<'_>) -> Result<State, Failure> {
        let config = context.config;
        let provider = &config.provider;
        // A server that knows DTLS 1.3 and answers with 1.2 says so in its random, which Finished and the signature
        // cover: nobody can take the higher version out of a hello unnoticed (RFC 8446 §4.1.3).
        let mut server_random = context.random();
        if config.versions.contains(Version::Dtls13)
            && let Some(mark) = server_random.last_chunk_mut()
        {
            *mark = ServerHello::DOWNGRADE;
        }
        let hellos = Hellos {
            suite: self.suite,
            srtp_profile: self.srtp_profile,
            client_random: self.client_random,
            server_random,
        };
        let exchange = context.secrets.key_exchange(self.group)?;

        context.begin_flight();
        let mut body = Vec::new();
        ServerHello {
            version: DTLS_1_2,
            random: hellos.server_random,
            session_id: Vec::new(),
            cipher_suite: self.suite.number,
            compression_method: 0,
            extensions: self.answer,
        }
        .encode(&mut body);
        context.send(HandshakeType::SERVER_HELLO, body);
        own_certificate(context);

        let group = self.group.number();
        let signed = hellos.signed_params(group, exchange.public());
        let signature = provider.sign(config.certificate.key(), self.scheme, &signed)?;
        let mut body = Vec::new();
        ServerKeyExchange {
            group,
            public: exchange.public(),
            scheme: self.scheme,
            signature: &signature,
        }
        .encode(&mut body);
        context.send(HandshakeType::SERVER_KEY_EXCHANGE, body);

        let mut body = Vec::new();
        CertificateRequest {
            certificate_types: vec![CertificateRequest::ECDSA_SIGN, CertificateRequest::RSA_SIGN],
            schemes: provider.schemes().to_vec(),
        }
        .encode(&mut body);
        context.send(HandshakeType::CERTIFICATE_REQUEST, body);
        context.send(HandshakeType::SERVER_HELLO_DONE, Vec::new());
        Ok(State::Certificate(Box::new(ExpectCertificate {
            hellos,
            exchange,
        })))
    }
}

pub(crate) struct ExpectCertificate {
    hellos: Hellos,
    exchange: KeyExchange,
}

impl ExpectCertificate {
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let peer = Peer::read(context, message)?;
        context.transcript.push(message);
        Ok(State::ClientKeyExchange(Box::new(
            ExpectClientKeyExchange {
                hellos: self.hellos,
                exchange: self.exchange,
                peer,
            },
        )))
    }
}

pub(crate) struct ExpectClientKeyExchange {
    hellos: Hellos,
    exchange: KeyExchange,
    peer: Peer,
}

impl ExpectClientKeyExchange {
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let share = ClientKeyExchange::decode(&message.body)?;
        let pre_master = self
            .exchange
            .agree(share.public)
            .map_err(|_| Failure::bad_share())?;
        context.transcript.push(message);
        let secrets = Secrets::extended(
            &context.config.provider,
            self.hellos.suite.hash,
            &pre_master,
            context.transcript.bytes(),
            self.hellos.randoms(),
        );
        Ok(State::CertificateVerify(Box::new(
            ExpectCertificateVerify {
                agreed: Agreed {
                    suite: self.hellos.suite,
                    srtp_profile: self.hellos.srtp_profile,
                    secrets,
                    peer: self.peer,
                },
            },
        )))
    }
}

pub(crate) struct ExpectCertificateVerify {
    agreed: Agreed,
}

impl ExpectCertificateVerify {
    /// The signature covers all that was said: from here on the client is the one whose certificate we saw.
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<(), Failure> {
        expect(message, HandshakeType::CERTIFICATE_VERIFY)?;
        let proof = CertificateVerify::decode(&message.body)?;
        let said = context.transcript.bytes();
        self.agreed
            .peer
            .verify(context, proof.scheme, said, proof.signature)
    }

    /// Only the proof of the client's key opens the protected epoch: without it there is nobody to talk to.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        context.transcript.push(message);
        let Agreed { suite, secrets, .. } = &self.agreed;
        let (theirs, own) = secrets.protections(&context.config.provider, *suite)?;
        context.records.install(own, theirs);
        Ok(State::Finished(Box::new(ExpectFinished {
            agreed: self.agreed,
        })))
    }
}

pub(crate) struct ExpectFinished {
    agreed: Agreed,
}

impl ExpectFinished {
    /// Sends flight 6: ChangeCipherSpec and Finished.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Agreed {
        context.transcript.push(message);
        context.begin_flight();
        finish(context, Role::Server, &self.agreed.secrets);
        self.agreed
    }
}
