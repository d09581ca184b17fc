use super::{AgreedIds, Context, Failure, Message};
use crate::crypto::{KeyExchange, NamedGroup};
use crate::tls13::SharedKey;
use crate::wire::{
    ClientHello, DTLS_1_2, DTLS_1_3, Extensions, HandshakeType, HelloVerifyRequest, KeyShare, Psk,
    ServerHello, UseSrtp,
};
use crate::{PeerCertificate, Version, tls12, tls13};

/// What a client says first, whichever version the server answers in.
pub(crate) struct Offer {
    pub(crate) hello: ClientHello,
    /// The private halves of the key shares in it.
    shares: Vec<(NamedGroup, KeyExchange)>,
    /// The keys that it names.
    psks: Vec<SharedKey>,
    /// A HelloVerifyRequest was answered. There is no second one.
    verified: bool,
    /// A HelloRetryRequest was answered. There is no second one, and the version is settled.
    retried: Option<tls13::client::Retried>,
}

/// How large a first ClientHello may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// With the share of a hybrid group, if that is wanted.
    Any,
    /// Small enough for one datagram.
    Small,
}

/// What an answer of the server led to.
pub(crate) enum Answer {
    /// Another ClientHello is under way.
    Again,
    Tls12(tls12::client::State),
    Tls13(tls13::client::State),
}

impl Offer {
    /// Sends the first ClientHello; `size` says whether it may take more than one datagram.
    pub(crate) fn start(context: &mut Context<'_>, size: Size) -> Self {
        let config = context.config;
        let provider = &config.provider;
        let (tls12, tls13) = (
            config.speaks(Version::Dtls12),
            config.versions.contains(Version::Dtls13),
        );
        let mut cipher_suites: Vec<u16> = Vec::new();
        if tls13 {
            cipher_suites.extend(provider.suites_13().map(|suite| suite.number));
        }
        if tls12 {
            cipher_suites.extend(config.suites().map(|suite| suite.number));
        }
        let mut shares = Vec::new();
        let groups = config
            .groups()
            .filter(|group| size == Size::Any || !group.is_hybrid());
        // A share for the favourite, and for a classical one beside a hybrid one: a server that wants another group
        // asks for it.
        let hybrid = groups.clone().next().filter(|group| group.is_hybrid());
        let classical = groups.clone().find(|group| !group.is_hybrid());
        for group in hybrid.into_iter().chain(classical).filter(|_| tls13) {
            // A source that fails here fails again, and then says so.
            if let Ok(exchange) = context.secrets.key_exchange(group) {
                shares.push((group, exchange));
            }
        }
        let srtp_profiles = &config.srtp_profiles;
        let psks = if tls13 {
            SharedKey::offered(context.now, config, context.ticket)
        } else {
            Vec::new()
        };
        let takes_tickets = tls13 && config.accept_tickets;
        let ticket = tls12.then(|| tls12::ticket_of(context)).flatten();
        let wants_ticket = tls12 && config.tickets_12 && config.accept_tickets;
        let session_ticket = ticket.map(|ticket| ticket.identity().to_vec());
        // By it the server says that it took the ticket (RFC 5077 §3.4).
        let session_id = ticket.map(|_| context.random().to_vec());
        let mut versions = Vec::new();
        versions.extend(tls13.then_some(DTLS_1_3));
        versions.extend((tls12 && tls13).then_some(DTLS_1_2));
        let mut hello = ClientHello {
            version: DTLS_1_2,
            random: context.random(),
            session_id: session_id.unwrap_or_default(),
            cookie: Vec::new(),
            cipher_suites,
            compression_methods: vec![0],
            extensions: Extensions {
                groups: Some(
                    groups
                        .filter(|group| tls13 || !group.is_hybrid())
                        .map(NamedGroup::number)
                        .collect(),
                ),
                point_formats: tls12,
                schemes: Some(provider.schemes().to_vec()),
                srtp: (!srtp_profiles.is_empty()).then(|| UseSrtp {
                    profiles: srtp_profiles.clone(),
                    mki: Vec::new(),
                }),
                alpn: (!config.alpn.is_empty()).then(|| config.alpn.clone()),
                extended_master_secret: tls12,
                renegotiation_info: tls12,
                session_ticket: session_ticket.or_else(|| wants_ticket.then(Vec::new)),
                versions: tls13.then_some(versions),
                key_shares: tls13.then(|| key_shares(&shares)),
                psk_modes: (takes_tickets || !psks.is_empty()).then_some(true),
                psk: SharedKey::offer(&psks, context.now),
                ..Extensions::default()
            },
        };
        AgreedIds::offer(context, &mut hello.extensions);
        send(context, &hello, &psks);
        Self {
            hello,
            shares,
            psks,
            verified: false,
            retried: None,
        }
    }

    /// Whether a HelloRetryRequest was answered.
    pub(crate) const fn is_retried(&self) -> bool {
        self.retried.is_some()
    }

    /// Whether the hello is a large one that a small one could take the place of.
    pub(crate) fn may_shrink(&self) -> bool {
        self.retried.is_none()
            && !self.verified
            && self.shares.iter().any(|(group, _)| group.is_hybrid())
            && self.shares.len() > 1
    }

    /// Begins again behind the ClientHello that was sent last: what was accepted since may have been anybody's.
    pub(crate) fn resume(&self, context: &mut Context<'_>, sent: &Message) {
        context.transcript.clear();
        context.transcript.push(sent);
    }

    /// Handles an answer. Nothing is changed by one that is refused.
    pub(crate) fn answer(
        &mut self,
        context: &mut Context<'_>,
        message: &Message,
    ) -> Result<Answer, Failure> {
        match message.message_type {
            HandshakeType::HELLO_VERIFY_REQUEST
                if !self.verified
                    && self.retried.is_none()
                    && context.config.speaks(Version::Dtls12) =>
            {
                self.hello.cookie = HelloVerifyRequest::decode(&message.body)?.cookie;
                self.verified = true;
                context.transcript.clear();
                send(context, &self.hello, &self.psks);
                return Ok(Answer::Again);
            }
            // What only servers of older versions say.
            HandshakeType::HELLO_VERIFY_REQUEST if !context.config.speaks(Version::Dtls12) => {
                return Err(Failure::version());
            }
            HandshakeType::SERVER_HELLO => {}
            _ => return Err(Failure::unexpected()),
        }
        let hello = ServerHello::decode(&message.body)?;
        match hello.extensions.versions.as_deref() {
            None if self.retried.is_some() => Err(Failure::illegal()),
            None => self.answer_12(context, message, &hello),
            Some([DTLS_1_3])
                if context.config.versions.contains(Version::Dtls13) && !self.verified =>
            {
                self.answer_13(context, message, &hello)
            }
            // 1.2 is never named here (RFC 8446 §4.2.1).
            Some(_) => Err(Failure::illegal()),
        }
    }

    fn answer_12(
        &self,
        context: &mut Context<'_>,
        message: &Message,
        hello: &ServerHello,
    ) -> Result<Answer, Failure> {
        let versions = &context.config.versions;
        if !context.config.speaks(Version::Dtls12) {
            return Err(Failure::version());
        }
        // A server that knows DTLS 1.3 marks an answer in 1.2. If we offered 1.3, somebody took it out of our hello
        // (RFC 8446 §4.1.3).
        let mark = hello.random.last_chunk::<8>();
        let downgraded = versions.contains(Version::Dtls13)
            && mark == Some(&ServerHello::DOWNGRADE)
            || mark == Some(&ServerHello::DOWNGRADE_BELOW);
        if downgraded {
            return Err(Failure::illegal());
        }
        let ids = AgreedIds::accepted(context, &hello.extensions)?;
        let state = tls12::client::State::accept(context, &self.hello, message, hello)?;
        AgreedIds::install(ids, context);
        Ok(Answer::Tls12(state))
    }

    fn answer_13(
        &mut self,
        context: &mut Context<'_>,
        message: &Message,
        answer: &ServerHello,
    ) -> Result<Answer, Failure> {
        let suite = tls13::client::check_hello(context, &self.psks, answer, self.retried.as_ref())?;
        if answer.is_retry() {
            self.retry(context, message, answer, suite.number)?;
            return Ok(Answer::Again);
        }
        if context.config.peer_certificate == PeerCertificate::Never
            && answer.extensions.psk.is_none()
        {
            return Err(Failure::missing_extension());
        }
        let share = tls13::client::server_share(answer)?;
        let ids = AgreedIds::accepted(context, &answer.extensions)?;
        let index = self
            .shares
            .iter()
            .position(|(group, _)| group.number() == share.group)
            .ok_or(Failure::illegal())?;
        let (_, exchange) = self.shares.swap_remove(index);
        let shared = exchange
            .agree(&share.public)
            .map_err(|_| Failure::bad_share())?;
        if self.retried.is_none() {
            let sent = context
                .flight
                .only_message()
                .cloned()
                .ok_or(Failure::unexpected())?;
            context.transcript.clear_for_13();
            context.transcript.push(&sent);
        }
        context.transcript.push(message);
        let psk = match answer.extensions.psk {
            Some(Psk::Selected(index)) => self.psks.get(usize::from(index)).cloned(),
            _ => None,
        };
        let state = tls13::client::State::accept(context, &self.hello, suite, psk, &shared)?;
        AgreedIds::install(ids, context);
        Ok(Answer::Tls13(state))
    }

    /// Sends the second ClientHello (RFC 8446 §4.1.2, §4.1.4).
    fn retry(
        &mut self,
        context: &mut Context<'_>,
        message: &Message,
        answer: &ServerHello,
        suite: u16,
    ) -> Result<(), Failure> {
        let wanted = answer.extensions.key_shares.as_deref();
        let wanted = match wanted {
            Some([share]) => Some(self.retry_group(context, share.group)?),
            Some(_) => return Err(Failure::illegal()),
            None => None,
        };
        // A request that changes nothing is refused (RFC 8446 §4.1.4).
        if wanted.is_none() && answer.extensions.cookie.is_none() {
            return Err(Failure::illegal());
        }
        let exchange = match wanted {
            Some(group) => Some((group, context.secrets.key_exchange(group)?)),
            None => None,
        };
        let sent = context
            .flight
            .only_message()
            .cloned()
            .ok_or(Failure::unexpected())?;
        if let Some(share) = exchange {
            self.shares = vec![share];
            self.hello.extensions.key_shares = Some(key_shares(&self.shares));
        }
        self.hello
            .extensions
            .cookie
            .clone_from(&answer.extensions.cookie);
        // Keys that do not go with the suite are out of the question, and the others are older by now.
        let hash = tls13::hash_of(suite);
        self.psks.retain(|psk| psk.hash == hash);
        self.hello.extensions.psk = SharedKey::offer(&self.psks, context.now);
        self.retried = Some(tls13::client::Retried { suite });
        let digest = tls13::hello_digest(suite, &sent.body);
        tls13::Retry::begin_transcript(context, digest, message);
        send(context, &self.hello, &self.psks);
        Ok(())
    }

    /// A group that a server asks for is one that we have and did not send a share of.
    fn retry_group(&self, context: &Context<'_>, number: u16) -> Result<NamedGroup, Failure> {
        let mut groups = context.config.groups();
        let known = groups.find(|group| group.number() == number);
        let group = known.ok_or(Failure::illegal())?;
        if self.shares.iter().any(|(own, _)| *own == group) {
            return Err(Failure::illegal());
        }
        Ok(group)
    }
}

fn key_shares(shares: &[(NamedGroup, KeyExchange)]) -> Vec<KeyShare> {
    let share = |(group, exchange): &(NamedGroup, KeyExchange)| KeyShare {
        group: group.number(),
        public: exchange.public().to_vec(),
    };
    shares.iter().map(share).collect()
}

fn send(context: &mut Context<'_>, hello: &ClientHello, psks: &[SharedKey]) {
    let mut body = Vec::with_capacity(256);
    hello.encode(&mut body);
    // The proofs cover all that stands before them, and stand at the end.
    if hello.extensions.psk.is_some() {
        let said = context.transcript.bytes();
        SharedKey::prove(psks, said, &mut body);
    }
    context.begin_flight();
    context.send(HandshakeType::CLIENT_HELLO, body);
}
