use zeroize::Zeroizing;

use super::{
    Agreed, ApplicationKeys, Derivation, Extras, Keys, Peer, Retry, SharedKey, expect,
    hello_digest, send_finished, send_proof,
};
use crate::crypto::{CipherSuite13, NamedGroup, SignatureScheme};
use crate::handshake::{
    AgreedIds, Circumstances, Context, Failure, Message, Progress, Refused, choose_profile,
    choose_protocol,
};
use crate::record::Epochs;
use crate::ticket::Session;
use crate::wire::{
    CertificateRequest13, ClientHello, DTLS_1_2, DTLS_1_3, EncryptedExtensions, Extensions,
    HandshakeType, KeyShare, NewSessionTicket, Psk, ServerHello, UseSrtp,
};
use crate::{PeerCertificate, Role, TicketKeys};

/// The server's side (RFC 9147 §5.8.1), by the message that it waits for. Its life begins with a ClientHello that was
/// found acceptable.
pub(crate) enum State {
    SecondHello(Box<ExpectSecondHello>),
    Certificate(Box<ExpectCertificate>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(Box<ExpectFinished>),
}

impl State {
    /// Whether the next message has to come protected.
    pub(crate) const fn expects_protected(&self) -> bool {
        !matches!(self, Self::SecondHello(_))
    }

    /// Whether the client has not answered our hello yet.
    pub(crate) const fn awaits_first_answer(&self) -> bool {
        matches!(self, Self::SecondHello(_) | Self::Certificate(_))
    }

    /// Goes on behind a HelloRetryRequest that was sent without anything being kept of it but what the client shows:
    /// `digest` is the hash of its first hello. The second one comes next.
    pub(crate) fn behind_cookie(context: &mut Context<'_>, retry: Retry, digest: Vec<u8>) -> Self {
        let message = retry.message();
        Retry::begin_transcript(context, digest, &message);
        Self::SecondHello(Box::new(ExpectSecondHello {
            first: None,
            retry,
            by_key: false,
        }))
    }

    /// Handles a message. What came protected has the record to vouch for it: whatever is wrong is fatal.
    pub(crate) fn handle(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<Self, Agreed>, Refused<Self>> {
        Ok(Progress::Continue(match self {
            Self::SecondHello(state) => match state.check(context, message) {
                Ok(choice) => state.proceed(context, message, choice)?,
                Err(failure) => {
                    return Err(Refused {
                        failure,
                        survivor: Some(Self::SecondHello(state)),
                    });
                }
            },
            Self::Certificate(state) => return Ok(state.handle(context, message)?),
            Self::CertificateVerify(state) => state.handle(context, message)?,
            Self::Finished(state) => {
                return Ok(Progress::Completed(Box::new(
                    state.handle(context, message)?,
                )));
            }
        }))
    }
}

/// What we choose from a ClientHello.
pub(crate) struct Choice {
    suite: CipherSuite13,
    group: NamedGroup,
    /// The client's share in that group; without one we have to ask for it.
    share: Option<Vec<u8>>,
    schemes: Vec<SignatureScheme>,
    extras: Extras,
    client_random: [u8; 32],
    /// The key that both sides know, and its place in the client's list.
    psk: Option<(u16, SharedKey)>,
    /// The client takes tickets.
    takes_tickets: bool,
    ids: Option<AgreedIds>,
}

impl Choice {
    /// Chooses in our own order of preference. Nothing is changed by a hello that is refused. `said` is the
    /// transcript up to the hello.
    pub(crate) fn new(
        context: Circumstances<'_>,
        hello: &ClientHello,
        (said, body): (&[u8], &[u8]),
    ) -> Result<Self, Failure> {
        // A cookie in that place belongs to DTLS 1.2 (RFC 9147 §5.3).
        if hello.version != DTLS_1_2 || hello.compression_methods != [0] || !hello.cookie.is_empty()
        {
            return Err(Failure::illegal());
        }
        let provider = &context.config.provider;
        let extensions = &hello.extensions;
        let psk = SharedKey::choose(context, hello, (said, body))?;
        if psk.is_none() && context.config.peer_certificate == PeerCertificate::Never {
            return Err(Failure::incompatible());
        }
        let fits = |suite: &CipherSuite13| {
            let hash = psk.as_ref().map_or(suite.hash, |(_, psk)| psk.hash);
            hello.cipher_suites.contains(&suite.number) && suite.hash == hash
        };
        let suite = provider
            .suites_13()
            .find(fits)
            .ok_or(Failure::incompatible())?;
        let (Some(groups), Some(shares)) = (&extensions.groups, &extensions.key_shares) else {
            return Err(Failure::missing_extension());
        };
        let schemes = match &extensions.schemes {
            _ if psk.is_some() => Vec::new(),
            Some(schemes) => schemes.clone(),
            None => return Err(Failure::missing_extension()),
        };
        if psk.is_none() {
            let own = context.config.certificate.as_ref();
            own.and_then(|own| own.key().choose_scheme_13(&schemes))
                .ok_or(Failure::incompatible())?;
        }
        // Shares are of groups on offer (RFC 8446 §4.2.8).
        if shares.iter().any(|share| !groups.contains(&share.group)) {
            return Err(Failure::illegal());
        }
        let share_of = |group: &NamedGroup| {
            let mut all = shares.iter();
            all.find(|share| share.group == group.number())
        };
        // A round trip is worth more than a favourite.
        let own = || context.config.groups();
        let group = own()
            .find(|group| share_of(group).is_some())
            .or_else(|| own().find(|group| groups.contains(&group.number())))
            .ok_or(Failure::incompatible())?;
        let extras = Extras {
            srtp_profile: choose_profile(context.config, extensions.srtp.as_ref()),
            alpn: choose_protocol(&context.config.alpn, extensions.alpn.as_deref())?,
        };
        Ok(Self {
            suite,
            group,
            share: share_of(&group).map(|share| share.public.clone()),
            schemes,
            extras,
            client_random: hello.random,
            psk,
            takes_tickets: extensions.psk_modes == Some(true),
            ids: AgreedIds::choose(extensions),
        })
    }

    /// Answers the hello, which `message` is and which the transcript holds already: with our whole flight, or with
    /// a HelloRetryRequest.
    pub(crate) fn accept(
        self,
        context: &mut Context<'_>,
        message: &Message,
        hello: ClientHello,
    ) -> Result<State, Failure> {
        match &self.share {
            Some(share) => {
                let share = share.clone();
                self.send_flight(context, &share)
            }
            None => Ok(self.send_retry(context, message, hello)),
        }
    }

    /// What a HelloRetryRequest with this choice says; `cookie` may be what makes it necessary.
    pub(crate) fn retry(&self, cookie: Option<Vec<u8>>) -> Retry {
        Retry {
            suite: self.suite.number,
            group: self.share.is_none().then_some(self.group.number()),
            cookie,
        }
    }

    fn send_retry(self, context: &mut Context<'_>, message: &Message, hello: ClientHello) -> State {
        let retry = self.retry(None);
        context.begin_flight();
        context.send(HandshakeType::SERVER_HELLO, retry.body());
        let digest = hello_digest(retry.suite, &message.body);
        Retry::begin_transcript(context, digest, &retry.message());
        State::SecondHello(Box::new(ExpectSecondHello {
            first: Some(hello),
            retry,
            by_key: self.psk.is_some(),
        }))
    }

    /// Sends ServerHello, EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify and Finished.
    fn send_flight(mut self, context: &mut Context<'_>, share: &[u8]) -> Result<State, Failure> {
        let provider = &context.config.provider;
        let (public, shared) = context
            .secrets
            .respond(self.group, share)
            .map_err(|_| Failure::bad_share())?;
        let own_share = KeyShare {
            group: self.group.number(),
            public,
        };
        self.ids = self.ids.and_then(|ids| ids.with_own(context));
        let random = context.random();
        let mut body = Vec::with_capacity(128);
        self.hello(random, own_share).encode(&mut body);
        context.begin_flight();
        context.send(HandshakeType::SERVER_HELLO, body);
        AgreedIds::install(self.ids, context);
        let psk = self.psk.as_ref().map(|(_, psk)| psk.key());
        let keys = Keys::begin(
            context,
            Role::Server,
            self.suite,
            (psk, &shared),
            self.client_random,
        )?;

        let mut body = Vec::with_capacity(32);
        EncryptedExtensions {
            extensions: Extensions {
                srtp: self.extras.srtp_profile.map(|profile| UseSrtp {
                    profiles: vec![profile],
                    mki: Vec::new(),
                }),
                alpn: self.extras.alpn.clone().map(|name| vec![name]),
                ..Extensions::default()
            },
        }
        .encode(&mut body);
        context.send_in(Epochs::HANDSHAKE, HandshakeType::ENCRYPTED_EXTENSIONS, body);
        let psk = self.psk.map(|(_, psk)| psk);
        if psk.is_none() && context.config.peer_certificate.is_requested() {
            let mut body = Vec::with_capacity(32);
            CertificateRequest13 {
                context: &[],
                schemes: provider
                    .schemes()
                    .iter()
                    .copied()
                    .filter(|scheme| scheme.signs_handshake_13())
                    .collect(),
            }
            .encode(&mut body);
            context.send_in(Epochs::HANDSHAKE, HandshakeType::CERTIFICATE_REQUEST, body);
        }
        if psk.is_none() {
            send_proof(context, &keys, Role::Server, &self.schemes)?;
        }
        send_finished(context, &keys, Role::Server);
        let application = keys.application(context);
        // What we say from here on, an alert if it comes to that, is behind our Finished.
        let own = application.protection(context, Role::Server, keys.suite)?;
        let epochs = context.records.epochs_mut().ok_or(Failure::crypto())?;
        epochs.install_write(Epochs::APPLICATION, own);
        Ok(State::Certificate(Box::new(ExpectCertificate {
            keys,
            application,
            extras: self.extras,
            psk,
            takes_tickets: self.takes_tickets,
        })))
    }

    /// A ServerHello with our choice. A session id is not echoed (RFC 9147 §5.3).
    fn hello(&self, random: [u8; 32], share: KeyShare) -> ServerHello {
        let mut hello = ServerHello {
            version: DTLS_1_2,
            random,
            session_id: Vec::new(),
            cipher_suite: self.suite.number,
            compression_method: 0,
            extensions: Extensions {
                versions: Some(vec![DTLS_1_3]),
                key_shares: Some(vec![share]),
                psk: self.psk.as_ref().map(|(index, _)| Psk::Selected(*index)),
                ..Extensions::default()
            },
        };
        if let Some(ids) = self.ids {
            ids.answer(&mut hello.extensions);
        }
        hello
    }
}

pub(crate) struct ExpectSecondHello {
    /// `None` of a client that had to show a cookie: the hash in the transcript stands for it.
    first: Option<ClientHello>,
    retry: Retry,
    /// The first one named a key that we would have taken.
    by_key: bool,
}

impl ExpectSecondHello {
    /// The same hello, with the share that we asked for (RFC 8446 §4.1.2).
    fn check(&self, context: &Context<'_>, message: &Message) -> Result<Choice, Failure> {
        expect(message, HandshakeType::CLIENT_HELLO)?;
        let hello = ClientHello::decode(&message.body)?;
        if let Some(first) = &self.first {
            let mut as_before = hello.clone();
            let (extensions, before) = (&mut as_before.extensions, &first.extensions);
            extensions.key_shares.clone_from(&before.key_shares);
            // Its proofs are other ones, and keys that do not go with our suite are gone.
            extensions.psk.clone_from(&before.psk);
            if as_before != *first {
                return Err(Failure::illegal());
            }
        }
        if hello.extensions.cookie != self.retry.cookie {
            return Err(Failure::illegal());
        }
        if self.by_key && hello.extensions.psk.is_none() {
            return Err(Failure::missing_extension());
        }
        let said = (context.transcript.bytes(), message.body.as_slice());
        let choice = match Choice::new(context.circumstances(), &hello, said) {
            Ok(choice) if self.by_key && choice.psk.is_none() => return Err(Failure::illegal()),
            Err(failure) if self.by_key && failure == Failure::incompatible() => {
                return Err(Failure::illegal());
            }
            choice => choice?,
        };
        let shares = hello.extensions.key_shares.as_deref().unwrap_or_default();
        let answers = match self.retry.group {
            Some(group) => matches!(shares, [share] if share.group == group),
            None => true,
        };
        let fits = choice.suite.number == self.retry.suite && choice.share.is_some();
        if answers && fits {
            Ok(choice)
        } else {
            Err(Failure::illegal())
        }
    }

    fn proceed(
        self,
        context: &mut Context<'_>,
        message: &Message,
        choice: Choice,
    ) -> Result<State, Failure> {
        context.transcript.push(message);
        let share = choice.share.clone().ok_or(Failure::illegal())?;
        choice.send_flight(context, &share)
    }
}

pub(crate) struct ExpectCertificate {
    keys: Keys,
    application: ApplicationKeys,
    extras: Extras,
    /// Both sides know a key: the client says nothing but its Finished.
    psk: Option<SharedKey>,
    takes_tickets: bool,
}

impl ExpectCertificate {
    fn handle(
        self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Progress<State, Agreed>, Failure> {
        // The client has all of our flight, or it could not go on.
        context.end_flight();
        let judgement = context.config.peer_certificate;
        if self.psk.is_some() || !judgement.is_requested() {
            let state = ExpectFinished {
                previous: self,
                peer: None,
            };
            let agreed = state.handle(context, message)?;
            return Ok(Progress::Completed(Box::new(agreed)));
        }
        let peer = Peer::read(context, message)?;
        context.transcript.push(message);
        Ok(Progress::Continue(match peer {
            Some(peer) => State::CertificateVerify(Box::new(ExpectCertificateVerify {
                previous: self,
                peer,
            })),
            None if judgement.is_mutual() => return Err(Failure::no_certificate()),
            None => State::Finished(Box::new(ExpectFinished {
                previous: self,
                peer: None,
            })),
        }))
    }
}

pub(crate) struct ExpectCertificateVerify {
    previous: ExpectCertificate,
    peer: Peer,
}

impl ExpectCertificateVerify {
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<State, Failure> {
        let hash = self.previous.keys.suite.hash;
        self.peer.verify(context, hash, Role::Client, message)?;
        context.transcript.push(message);
        Ok(State::Finished(Box::new(ExpectFinished {
            previous: self.previous,
            peer: Some(self.peer),
        })))
    }
}

pub(crate) struct ExpectFinished {
    previous: ExpectCertificate,
    peer: Option<Peer>,
}

impl ExpectFinished {
    /// Opens the epoch of data. What is left to say is an acknowledgement.
    fn handle(self, context: &mut Context<'_>, message: &Message) -> Result<Agreed, Failure> {
        let Self { previous, peer } = self;
        let ExpectCertificate {
            keys,
            application,
            extras,
            psk,
            takes_tickets,
        } = previous;
        keys.check_finished(context, Role::Client, message)?;
        context.transcript.push(message);
        let theirs = application.protection(context, Role::Client, keys.suite)?;
        let epochs = context.records.epochs_mut().ok_or(Failure::unexpected())?;
        epochs.install_read(Epochs::APPLICATION, theirs);
        // Nothing of ours is left to repeat. The client may still repeat its flight: the secret is enough for that.
        epochs.retire_write(Epochs::APPLICATION);
        epochs.retire_read(Epochs::APPLICATION);
        let [client_handshake, _] = keys.traffic.clone();
        let (peer, issuers) = peer.map(|it| (it.der, it.issuers)).unzip();
        let peer = peer.or_else(|| psk.as_ref()?.peer().map(<[u8]>::to_vec));
        let resumed = psk.as_ref().is_some_and(SharedKey::is_resumption);
        let psk = psk.is_some_and(|psk| psk.is_from_outside());
        let config = context.config;
        let tickets = match &config.tickets {
            Some(own) if takes_tickets => {
                issue_tickets(context, own, &keys, (peer.as_deref(), psk))
            }
            _ => Vec::new(),
        };
        Ok(Agreed {
            srtp_profile: extras.srtp_profile,
            alpn: extras.alpn,
            client_handshake: Some(Box::new(client_handshake)),
            resumption: None,
            tickets,
            secrets: keys.into_secrets(context, application),
            resumed,
            peer,
            issuers: issuers.unwrap_or_default(),
            psk,
        })
    }
}

/// Tickets that a client gets at a time: each is to be used once (RFC 8446 C.4), and two connections may follow at once.
const TICKETS: u8 = 2;

/// NewSessionTicket messages with all that is to be known when the client comes back.
fn issue_tickets(
    context: &mut Context<'_>,
    own: &TicketKeys,
    keys: &Keys,
    (peer, psk): (Option<&[u8]>, bool),
) -> Vec<Vec<u8>> {
    if peer.is_some_and(|der| der.len() > Session::MAX_PEER) {
        return Vec::new();
    }
    let (provider, now) = (&context.config.provider, context.now);
    let derivation = Derivation::new(keys.suite.hash);
    let resumption = keys.resumption(context);
    let issue = |nonce: u8| {
        let session = Session {
            hash: keys.suite.hash,
            key: Zeroizing::new(derivation.ticket_key(&resumption, &[nonce]).to_vec()),
            peer: peer.map(<[u8]>::to_vec),
            psk,
            suite: None,
        };
        let random = context.random();
        let (salt, rest) = random.split_first_chunk()?;
        let age_add = u32::from_be_bytes(*rest.first_chunk()?);
        let ticket = own.seal(provider, now, *salt, &session)?;
        let mut body = Vec::new();
        NewSessionTicket {
            lifetime: u32::try_from(TicketKeys::LIFETIME.as_secs()).unwrap_or(0),
            age_add,
            nonce: &[nonce],
            ticket: &ticket,
        }
        .encode(&mut body);
        Some(body)
    };
    (0..TICKETS).filter_map(issue).collect()
}
