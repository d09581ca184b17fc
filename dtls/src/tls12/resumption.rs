//! Tickets of DTLS 1.2 (RFC 5077), and connections that go on by them: three flights, and nothing fresh in the keys but
//! the randoms.

use super::{Agreed, Hellos, Peer, Secrets};
use crate::crypto::{Authentication, CipherSuite};
use crate::handshake::{Context, Failure, Message};
use crate::ticket::Session;
use crate::wire::{ClientHello, HandshakeType, SessionTicket};
use crate::{Config, Ticket, TicketKeys};

/// An earlier connection to go on from.
pub(super) struct Resumption {
    session: Session,
    pub(super) suite: CipherSuite,
    peer: Option<Peer>,
}

impl Resumption {
    /// The suite of a session of DTLS 1.2, if it is still one of ours.
    fn suite(config: &Config, session: &Session) -> Option<CipherSuite> {
        let mut suites = config.suites();
        suites.find(|suite| Some(suite.number) == session.suite && suite.hash == session.hash)
    }

    fn new(config: &Config, session: Session) -> Option<Self> {
        let suite = Self::suite(config, &session)?;
        let peer = session.peer.as_deref().map(Peer::known);
        Some(Self {
            suite,
            peer: peer.transpose().ok()?,
            session,
        })
    }

    /// What a server knows by the ticket of a client.
    pub(super) fn find(context: &Context<'_>, hello: &ClientHello) -> Option<Self> {
        let config = context.config;
        let tickets = config.tickets.as_ref().filter(|_| config.tickets_12)?;
        let ticket = hello.extensions.session_ticket.as_deref()?;
        let session = tickets.open(&config.provider, context.now, ticket)?;
        let known = Self::new(config, session)?;
        let offered = hello.cipher_suites.contains(&known.suite.number);
        (offered && known.session.suffices(context.circumstances())).then_some(known)
    }

    /// What a client goes on from when the server took its ticket.
    pub(super) fn accepted(context: &Context<'_>, hellos: &Hellos) -> Result<Self, Failure> {
        let ticket = context.ticket.ok_or(Failure::illegal())?;
        let known = Self::new(context.config, ticket.session.clone());
        let known = known.ok_or(Failure::illegal())?;
        if known.suite.number != hellos.suite.number {
            return Err(Failure::illegal());
        }
        if let Some(peer) = &known.peer {
            context.check_announced(&peer.der)?;
        }
        Ok(known)
    }

    /// What both sides agree on by it.
    pub(super) fn agree(self, hellos: Hellos) -> Result<Agreed, Failure> {
        let secrets = Secrets::resumed(self.suite.hash, &self.session.key, hellos.randoms());
        let mut agreed = hellos.agreed(secrets.ok_or(Failure::crypto())?, self.peer);
        agreed.resumed = true;
        Ok(agreed)
    }
}

/// The ticket that a client may show to a server of DTLS 1.2.
pub(crate) fn ticket_of<'a>(context: &Context<'a>) -> Option<&'a Ticket> {
    let config = context.config;
    context.ticket.filter(|ticket| {
        config.tickets_12
            && ticket.expires() > context.now
            && Resumption::suite(config, &ticket.session).is_some()
    })
}

fn session(agreed: &Agreed) -> Session {
    Session {
        hash: agreed.suite.hash,
        key: zeroize::Zeroizing::new(agreed.secrets.master().to_vec()),
        peer: agreed.peer.as_ref().map(|peer| peer.der.clone()),
        psk: agreed.suite.authentication == Authentication::Psk,
        suite: Some(agreed.suite.number),
    }
}

/// Sends the ticket that our hello promised; an empty one if there is nothing to be said in it after all.
pub(super) fn give_ticket(context: &mut Context<'_>, agreed: &Agreed) {
    let session = session(agreed);
    let fits = |peer: &Vec<u8>| peer.len() <= Session::MAX_PEER;
    let [salt @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = context.random();
    let config = context.config;
    let tickets = config.tickets.as_ref();
    let ticket = tickets
        .filter(|_| session.peer.as_ref().is_none_or(fits))
        .and_then(|keys| keys.seal(&config.provider, context.now, salt, &session));
    let mut body = Vec::new();
    SessionTicket {
        lifetime: u32::try_from(TicketKeys::LIFETIME.as_secs()).unwrap_or(u32::MAX),
        ticket: ticket.as_deref().unwrap_or_default(),
    }
    .encode(&mut body);
    context.send(HandshakeType::NEW_SESSION_TICKET, body);
}

/// Keeps the ticket that came. Finished will tell whether it is the server's.
pub(super) fn take_ticket(
    context: &Context<'_>,
    message: &Message,
    agreed: &mut Agreed,
) -> Result<(), Failure> {
    let ticket = SessionTicket::decode(&message.body)?;
    agreed.ticket = Ticket::new_12(context.now, &ticket, session(agreed)).map(Box::new);
    Ok(())
}
