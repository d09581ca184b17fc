use super::key_schedule::psk_pre_master;
use super::{
    Agreed, Hellos, Peer, Resumption, Secrets, check_finished, expect, finish, give_ticket,
    own_certificate,
};
use crate::crypto::{Authentication, CipherSuite, KeyExchange, NamedGroup, SignatureScheme};
use crate::handshake::{
    AgreedIds, Context, Failure, Message, Progress, Refused, choose_profile, choose_protocol,
};
use crate::wire::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DTLS_1_2, Extensions,
    HandshakeType, PskClientKeyExchange, PskServerKeyExchange, ServerHello, ServerKeyExchange,
    UseSrtp,
};
use crate::{Certificate, PreSharedKey, Role, SrtpProfile, Version};

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
        match self {
            Self::Certificate(_) => true,
            Self::ClientKeyExchange(state) => state.is_first,
            Self::Finished(state) => state.agreed.resumed,
            Self::CertificateVerify(_) => false,
        }
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
            Self::Certificate(_) => {
                expect(message, HandshakeType::CERTIFICATE)?;
                let peer = Peer::read(context, message)?;
                if peer.is_none() && context.config.peer_certificate.is_mutual() {
                    return Err(Failure::no_certificate());
                }
                return Ok(peer);
            }
            Self::ClientKeyExchange(state) => {
                expect(message, HandshakeType::CLIENT_KEY_EXCHANGE)?;
                state.read(context, message)?;
            }
            Self::CertificateVerify(state) => state.check(context, message)?,
            Self::Finished(state) => {
                expect(message, HandshakeType::FINISHED)?;
                check_finished(context, Role::Client, &state.agreed.secrets, message)?;
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
            Self::ClientKeyExchange(state) => state.proceed(context, message)?,
            Self::CertificateVerify(state) => state.proceed(context, message)?,
            Self::Finished(state) => {
                return Ok(Progress::Completed(Box::new(
                    state.proceed(context, message),
                )));
            }
        }))
    }
}

/// What we choose from a ClientHello.
pub(crate) struct Choice {
    suite: CipherSuite,
    /// Where the suite agrees on keys by ECDHE.
    group: Option<NamedGroup>,
    /// Where the suite has the server sign.
    identity: Option<(Certificate, SignatureScheme)>,
    alpn: Option<Vec<u8>>,
    srtp_profile: Option<SrtpProfile>,
    ids: Option<AgreedIds>,
    client_random: [u8; 32],
    /// What the client may go on from, and the session id by which it knows that it does.
    resumption: Option<(Resumption, Vec<u8>)>,
    /// The extensions to be answered.
    answer: Extensions,
}

impl Choice {
    /// Chooses in our own order of preference. Nothing is changed by a hello that is refused.
    pub(crate) fn new(context: &Context<'_>, hello: &ClientHello) -> Result<Self, Failure> {
        // A client of DTLS 1.3 says 1.2 here as well (RFC 9147 §5.3); the numbers fall as the versions rise, and one
        // that knows something yet newer takes 1.2 too (RFC 5246 E.1).
        if hello.version > DTLS_1_2 {
            return Err(Failure::version());
        }
        let extensions = &hello.extensions;
        let secure = hello
            .cipher_suites
            .contains(&ClientHello::RENEGOTIATION_INFO_SCSV);
        if !hello.compression_methods.contains(&0) || !extensions.extended_master_secret {
            return Err(Failure::incompatible());
        }
        let config = context.config;
        let group = config
            .groups_12()
            .find(|group| extensions.offers_group(*group));
        // A client that names no schemes means SHA-1 (RFC 5246 §7.4.1.4.1).
        let schemes = extensions.schemes.as_deref().unwrap_or_default();
        let identity = config.certificate.clone().and_then(|certificate| {
            let scheme = certificate.key().choose_scheme(schemes)?;
            Some((certificate, scheme))
        });
        let usable = |suite: &CipherSuite| {
            let signer = identity.as_ref().map(|(own, _)| own.key().authentication());
            hello.cipher_suites.contains(&suite.number)
                && (group.is_some() || !suite.ephemeral)
                && (suite.authentication == Authentication::Psk
                    || signer == Some(suite.authentication))
        };
        let resumption = Resumption::find(context, hello);
        let suite = match &resumption {
            Some(known) => known.suite,
            None => config
                .suites()
                .find(usable)
                .ok_or(Failure::incompatible())?,
        };
        let gives_ticket =
            config.tickets_12 && config.tickets.is_some() && extensions.session_ticket.is_some();
        let alpn = choose_protocol(&config.alpn, extensions.alpn.as_deref())?;
        let srtp_profile = choose_profile(config, extensions.srtp.as_ref());
        let ids = AgreedIds::choose(extensions).and_then(|ids| ids.with_own(context));
        let mut choice = Self {
            suite,
            ids,
            group: group.filter(|_| suite.ephemeral),
            identity: identity.filter(|_| suite.authentication != Authentication::Psk),
            srtp_profile,
            client_random: hello.random,
            resumption: resumption.map(|known| (known, hello.session_id.clone())),
            answer: Extensions {
                session_ticket: gives_ticket.then(Vec::new),
                point_formats: extensions.point_formats,
                srtp: srtp_profile.map(|profile| UseSrtp {
                    profiles: vec![profile],
                    mki: Vec::new(),
                }),
                alpn: alpn.clone().map(|name| vec![name]),
                extended_master_secret: true,
                renegotiation_info: extensions.renegotiation_info || secure,
                ..Extensions::default()
            },
            alpn,
        };
        if let Some(ids) = &ids {
            ids.answer(&mut choice.answer);
        }
        Ok(choice)
    }

    /// Sends flight 4: ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone; of which a
    /// suite with a pre-shared key needs the first and the last, and the third for ECDHE.
    pub(crate) fn accept(self, context: &mut Context<'_>) -> Result<State, Failure> {
        let config = context.config;
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
            alpn: self.alpn,
            gives_ticket: self.answer.session_ticket.is_some(),
            client_random: self.client_random,
            server_random,
        };
        let (resumption, session_id) = self.resumption.unzip();
        let exchange = match self.group.filter(|_| resumption.is_none()) {
            Some(group) => Some((group, context.secrets.key_exchange(group)?)),
            None => None,
        };

        AgreedIds::install(self.ids, context);
        context.begin_flight();
        let mut body = Vec::with_capacity(128);
        ServerHello {
            version: DTLS_1_2,
            random: hellos.server_random,
            session_id: session_id.unwrap_or_default(),
            cipher_suite: self.suite.number,
            compression_method: 0,
            extensions: self.answer,
        }
        .encode(&mut body);
        context.send(HandshakeType::SERVER_HELLO, body);
        if let Some(known) = resumption {
            return ExpectFinished::resume(context, known.agree(hellos)?);
        }

        let mut asks = false;
        if let (Some((certificate, scheme)), Some((group, exchange))) = (&self.identity, &exchange)
        {
            own_certificate(context, Some(certificate));
            let public = exchange.public();
            send_signed_share(context, &hellos, (certificate, *scheme), (*group, public))?;
            asks = config.peer_certificate.is_requested();
        } else if let Some((group, exchange)) = &exchange {
            let mut body = Vec::new();
            PskServerKeyExchange {
                hint: &[],
                share: Some((group.number(), exchange.public())),
            }
            .encode(&mut body);
            context.send(HandshakeType::SERVER_KEY_EXCHANGE, body);
        }
        if asks {
            let mut body = Vec::with_capacity(32);
            CertificateRequest {
                certificate_types: vec![
                    CertificateRequest::ECDSA_SIGN,
                    CertificateRequest::RSA_SIGN,
                ],
                schemes: config.provider.schemes().to_vec(),
            }
            .encode(&mut body);
            context.send(HandshakeType::CERTIFICATE_REQUEST, body);
        }
        context.send(HandshakeType::SERVER_HELLO_DONE, Vec::new());

        let exchange = exchange.map(|(_, exchange)| exchange);
        Ok(if asks {
            State::Certificate(Box::new(ExpectCertificate { hellos, exchange }))
        } else {
            State::ClientKeyExchange(Box::new(ExpectClientKeyExchange {
                hellos,
                exchange,
                peer: None,
                is_first: true,
            }))
        })
    }
}

/// Sends ServerKeyExchange with a signature that covers both randoms.
fn send_signed_share(
    context: &mut Context<'_>,
    hellos: &Hellos,
    (certificate, scheme): (&Certificate, SignatureScheme),
    (group, public): (NamedGroup, &[u8]),
) -> Result<(), Failure> {
    let signed = hellos.signed_params(group.number(), public);
    let provider = &context.config.provider;
    let signature = provider.sign(certificate.key(), scheme, &signed)?;
    let mut body = Vec::with_capacity(public.len() + signature.len() + 8);
    ServerKeyExchange {
        group: group.number(),
        public,
        scheme,
        signature: &signature,
    }
    .encode(&mut body);
    context.send(HandshakeType::SERVER_KEY_EXCHANGE, body);
    Ok(())
}

pub(crate) struct ExpectCertificate {
    hellos: Hellos,
    exchange: Option<KeyExchange>,
}

impl ExpectCertificate {
    fn proceed(self, context: &mut Context<'_>, message: &Message, peer: Option<Peer>) -> State {
        context.transcript.push(message);
        State::ClientKeyExchange(Box::new(ExpectClientKeyExchange {
            hellos: self.hellos,
            exchange: self.exchange,
            peer,
            is_first: false,
        }))
    }
}

pub(crate) struct ExpectClientKeyExchange {
    hellos: Hellos,
    exchange: Option<KeyExchange>,
    /// `None` if the client was not asked who it is, or had nothing to show and did not need to.
    peer: Option<Peer>,
    /// It is the first message that answers our flight.
    is_first: bool,
}

impl ExpectClientKeyExchange {
    /// The client's share, and the key that both sides know.
    fn read<'m, 'c>(
        &self,
        context: &Context<'c>,
        message: &'m Message,
    ) -> Result<(Option<&'m [u8]>, Option<&'c PreSharedKey>), Failure> {
        let CipherSuite {
            authentication,
            ephemeral,
            ..
        } = self.hellos.suite;
        if authentication != Authentication::Psk {
            let share = ClientKeyExchange::decode(&message.body)?;
            return Ok((Some(share.public), None));
        }
        let share = PskClientKeyExchange::decode(&message.body, ephemeral)?;
        let mut psks = context.config.psks_12();
        let psk = psks.find(|psk| psk.identity() == share.identity);
        Ok((share.public, Some(psk.ok_or(Failure::unknown_identity())?)))
    }

    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let (public, psk) = self.read(context, message)?;
        let agreed = self
            .exchange
            .zip(public)
            .map(|(exchange, public)| exchange.agree(public))
            .transpose()
            .map_err(|_| Failure::bad_share())?;
        let pre_master = match (psk, agreed) {
            (Some(psk), agreed) => psk_pre_master(agreed.as_ref().map(|a| a.as_slice()), psk.key()),
            (None, Some(agreed)) => agreed,
            (None, None) => return Err(Failure::crypto()),
        };
        context.transcript.push(message);
        let hash = self.hellos.suite.hash;
        context.transcript.begin_hash(hash);
        let secrets = Secrets::extended(
            hash,
            &pre_master,
            &context.transcript.hash(hash),
            self.hellos.randoms(),
        );
        let agreed = self.hellos.agreed(secrets, self.peer);
        if agreed.peer.is_some() {
            let state = ExpectCertificateVerify { agreed };
            return Ok(State::CertificateVerify(Box::new(state)));
        }
        ExpectFinished::begin(context, agreed)
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
        let peer = self.agreed.peer.as_ref().ok_or(Failure::no_certificate())?;
        peer.verify(context, proof.scheme, said, proof.signature)
    }

    /// Only the proof of the client's key opens the protected epoch: without it there is nobody to talk to.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        context.transcript.keep_hash_alone();
        context.transcript.push(message);
        ExpectFinished::begin(context, self.agreed)
    }
}

pub(crate) struct ExpectFinished {
    agreed: Agreed,
}

impl ExpectFinished {
    /// Opens the protected epoch.
    fn begin(context: &mut Context<'_>, agreed: Agreed) -> Result<State, Failure> {
        let Agreed { suite, secrets, .. } = &agreed;
        let (theirs, own) = secrets.protections(&context.config.provider, *suite)?;
        context.records.install(own, theirs);
        Ok(State::Finished(Box::new(Self { agreed })))
    }

    /// Goes on from an earlier connection: the ticket that was promised, ChangeCipherSpec and Finished follow our hello
    /// at once.
    fn resume(context: &mut Context<'_>, agreed: Agreed) -> Result<State, Failure> {
        if agreed.gives_ticket {
            give_ticket(context, &agreed);
        }
        let Agreed { suite, secrets, .. } = &agreed;
        let (theirs, own) = secrets.protections(&context.config.provider, *suite)?;
        context.records.install(own, theirs);
        finish(context, Role::Server, secrets);
        Ok(State::Finished(Box::new(Self { agreed })))
    }

    /// Sends flight 6: a ticket if one was promised, ChangeCipherSpec and Finished; unless they left already.
    fn proceed(self, context: &mut Context<'_>, message: &Message) -> Agreed {
        if self.agreed.resumed {
            context.end_flight();
            return self.agreed;
        }
        context.transcript.push(message);
        context.begin_flight();
        if self.agreed.gives_ticket {
            give_ticket(context, &self.agreed);
        }
        finish(context, Role::Server, &self.agreed.secrets);
        self.agreed
    }
}
