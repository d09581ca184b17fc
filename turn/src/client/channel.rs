use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::later;
use crate::{BindError, ChannelNumber};

/// The most channels of a client, and of numbers that may not be used again yet.
pub(super) const MAX_CHANNELS: usize = 64;

/// How long a channel stands (RFC 8656 §12).
const LIFETIME: Duration = Duration::from_secs(600);

/// RFC 8656 §12: a client "MUST NOT … bind the channel number to another peer until 5 minutes after expiry", nor
/// the peer to another number.
const QUARANTINE: Duration = Duration::from_secs(300);

/// The channels of a client; an address keeps its number as long as either might be known to the server.
#[derive(Debug)]
pub(super) struct Channels {
    refresh_after: Duration,
    list: Vec<Channel>,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    number: ChannelNumber,
    step: Step,
    /// Until when it stands on the server, as far as is known.
    expires_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// To be bound at the next opportunity.
    Wanted,
    /// Asked for.
    Asked,
    /// Stands until then without another request.
    Rests(Instant),
    /// Not to be used; free for another peer after this instant.
    Retired(Instant),
}

impl Channels {
    pub(super) const fn new(refresh_after: Duration) -> Self {
        Self {
            refresh_after,
            list: Vec::new(),
        }
    }

    pub(super) fn want(&mut self, peer: SocketAddr) -> Result<(), BindError> {
        if let Some(known) = self.list.iter_mut().find(|it| it.peer == peer) {
            if matches!(known.step, Step::Retired(_)) {
                known.step = Step::Wanted;
            }
            return Ok(());
        }
        if self.list.len() >= MAX_CHANNELS {
            return Err(BindError::Full);
        }
        let number = (ChannelNumber::MIN.get()..=ChannelNumber::MAX.get())
            .filter_map(ChannelNumber::new)
            .find(|number| self.list.iter().all(|it| it.number != *number))
            .ok_or(BindError::Full)?;
        self.list.push(Channel {
            peer,
            number,
            step: Step::Wanted,
            expires_at: None,
        });
        Ok(())
    }

    /// The number for data to a peer.
    pub(super) fn bound_to(&self, peer: SocketAddr) -> Option<ChannelNumber> {
        let found = self
            .list
            .iter()
            .find(|it| it.peer == peer && it.is_usable());
        found.map(|it| it.number)
    }

    /// The peer whose data comes under a number. A channel that was asked for delivers, because the answer may be
    /// lost or overtaken, and one that is not wanted any more still does while the server has it.
    pub(super) fn peer_of(&self, number: ChannelNumber) -> Option<SocketAddr> {
        let is_open = |it: &&Channel| it.expires_at.is_some() || it.step == Step::Asked;
        let mut found = self.list.iter().filter(|it| it.number == number);
        found.find(is_open).map(|it| it.peer)
    }

    pub(super) fn next_wanted(&mut self) -> Option<(ChannelNumber, SocketAddr)> {
        let channel = self.list.iter_mut().find(|it| it.step == Step::Wanted)?;
        channel.step = Step::Asked;
        Some((channel.number, channel.peer))
    }

    /// What was asked for will not be answered; it may have been heard.
    pub(super) fn ask_again(&mut self) {
        for channel in &mut self.list {
            if channel.step == Step::Asked {
                channel.step = Step::Wanted;
            }
        }
    }

    /// The server has bound it; tells whether that is news.
    pub(super) fn on_bound(&mut self, number: ChannelNumber, sent: Instant) -> bool {
        let Some(channel) = self.list.iter_mut().find(|it| it.number == number) else {
            return false;
        };
        if let Step::Retired(_) = channel.step {
            // It was released while the request was on its way, and now stands for a while.
            channel.expires_at = None;
            channel.step = Step::Retired(later(sent, LIFETIME + QUARANTINE));
            return false;
        }
        channel.step = Step::Rests(later(sent, self.refresh_after));
        channel.expires_at.replace(later(sent, LIFETIME)).is_none()
    }

    /// Does not refresh it any more, and does not use it; the number stays with the peer.
    pub(super) fn retire(&mut self, now: Instant, peer: SocketAddr) {
        if let Some(channel) = self.list.iter_mut().find(|it| it.peer == peer) {
            channel.retire(now);
        }
    }

    /// Nobody answered: what stands is asked for again, what never stood is given up; tells whether it was.
    pub(super) fn on_timed_out(&mut self, now: Instant, number: ChannelNumber) -> bool {
        let Some(channel) = self.list.iter_mut().find(|it| it.number == number) else {
            return false;
        };
        match channel.step {
            Step::Retired(_) => false,
            _ if channel.expires_at.is_some() => {
                channel.step = Step::Wanted;
                false
            }
            _ => {
                channel.retire(now);
                true
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.list
            .iter()
            .flat_map(|channel| {
                let step = match channel.step {
                    Step::Rests(at) | Step::Retired(at) => Some(at),
                    Step::Wanted | Step::Asked => None,
                };
                step.into_iter().chain(channel.expires_at)
            })
            .min()
    }

    /// Refreshes what is due, forgets whose quarantine is over, and returns the peers whose channel has expired
    /// against our will.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Vec<SocketAddr> {
        let mut lost = Vec::new();
        for channel in &mut self.list {
            if matches!(channel.step, Step::Rests(at) if at <= now) {
                channel.step = Step::Wanted;
            }
            if channel.expires_at.is_some_and(|at| at <= now) {
                if !matches!(channel.step, Step::Retired(_)) {
                    lost.push(channel.peer);
                    channel.retire(now);
                }
                channel.expires_at = None;
            }
        }
        self.list
            .retain(|it| !matches!(it.step, Step::Retired(at) if at <= now));
        lost
    }
}

impl Channel {
    fn is_usable(&self) -> bool {
        self.expires_at.is_some() && !matches!(self.step, Step::Retired(_))
    }

    /// A request that was never answered may have been heard, so the time counts from the last one.
    fn retire(&mut self, now: Instant) {
        let expires = self.expires_at.unwrap_or_else(|| later(now, LIFETIME));
        self.step = Step::Retired(later(expires, QUARANTINE));
    }
}
