use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_core::Stream;
use peer::{
    AddCandidateError, CreateDataChannelError, CreateDescriptionError, DataChannelInit, Direction,
    SessionDescription, SetDescriptionError, Stats, Transceiver, TransceiverError, TransceiverId,
    TransceiverInit,
};
use rtp::MediaKind;
use tokio::sync::{mpsc, oneshot};

use crate::data_channel::ChannelInfo;
use crate::driver::{Command, Key, Mailbox};
use crate::error::{CallError, Closed, NegotiateError};
use crate::{DataChannel, Event, TrackLocal};

/// A peer connection that an [`Endpoint`](crate::Endpoint) drives.
///
/// A cheap handle: clones speak of the same connection, and dropping the last one closes it. Tracks and data channels
/// are handles of their own and do not keep the connection alive. Every future may be dropped at any await point.
#[derive(Clone, Debug)]
pub struct PeerConnection {
    owner: Arc<Owner>,
}

/// What every handle of a connection holds.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) mailbox: Arc<Mailbox>,
    commands: mpsc::UnboundedSender<Command>,
    key: Key,
}

/// Closes the connection when the last handle goes.
#[derive(Debug)]
struct Owner {
    link: Link,
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Without a shard there is nothing left to close.
        let _ = self.link.commands.send(Command::Close(self.link.key));
    }
}

impl Link {
    pub(crate) const fn new(
        mailbox: Arc<Mailbox>,
        commands: mpsc::UnboundedSender<Command>,
        key: Key,
    ) -> Self {
        Self {
            mailbox,
            commands,
            key,
        }
    }

    /// Tells the shard that the mailbox holds something.
    pub(crate) fn wake(&self) {
        if self.mailbox.mark() {
            let _ = self.commands.send(Command::Wake(self.key));
        }
    }

    /// Runs something on the shard and brings back what it returned.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut peer::PeerConnection, Instant) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (reply, answer) = oneshot::channel();
        let call = Box::new(move |peer: &mut peer::PeerConnection, now: Instant| {
            // The one who asked may have lost interest.
            let _ = reply.send(f(peer, now));
        });
        self.commands
            .send(Command::Call(self.key, call))
            .map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }

    async fn attempt<R: Send + 'static, E: Send + 'static>(
        &self,
        f: impl FnOnce(&mut peer::PeerConnection, Instant) -> Result<R, E> + Send + 'static,
    ) -> Result<R, CallError<E>> {
        self.call(f).await?.map_err(CallError::Refused)
    }
}

impl PeerConnection {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            owner: Arc::new(Owner { link }),
        }
    }

    fn link(&self) -> &Link {
        &self.owner.link
    }

    /// Answers an offer: applies it, creates the answer, applies that and returns it, with this side's candidates in
    /// it. All that a server does with a browser's offer.
    ///
    /// # Errors
    ///
    /// The offer cannot be served; the connection is as it was.
    pub async fn answer(
        &self,
        offer: SessionDescription,
    ) -> Result<SessionDescription, CallError<NegotiateError>> {
        let negotiate = |peer: &mut peer::PeerConnection, now| {
            peer.set_remote_description(now, offer)?;
            let answer = peer.create_answer(now)?;
            peer.set_local_description(now, answer)?;
            peer.local_description()
                .ok_or(NegotiateError::NoDescription)
        };
        self.link().attempt(negotiate).await
    }

    /// Offers: creates an offer, applies it and returns it, with this side's candidates in it. The answer goes to
    /// [`Self::set_remote_description`].
    ///
    /// # Errors
    ///
    /// There is nothing to offer, or another negotiation is under way.
    pub async fn offer(&self) -> Result<SessionDescription, CallError<NegotiateError>> {
        let negotiate = |peer: &mut peer::PeerConnection, now| {
            let offer = peer.create_offer(now)?;
            peer.set_local_description(now, offer)?;
            peer.local_description()
                .ok_or(NegotiateError::NoDescription)
        };
        self.link().attempt(negotiate).await
    }

    /// Creates an offer (RFC 9429 §4.1.8). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// See [`CreateDescriptionError`].
    pub async fn create_offer(
        &self,
    ) -> Result<SessionDescription, CallError<CreateDescriptionError>> {
        self.link()
            .attempt(|peer, now| peer.create_offer(now))
            .await
    }

    /// Creates an answer (RFC 9429 §4.1.9). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// See [`CreateDescriptionError`].
    pub async fn create_answer(
        &self,
    ) -> Result<SessionDescription, CallError<CreateDescriptionError>> {
        self.link()
            .attempt(|peer, now| peer.create_answer(now))
            .await
    }

    /// Applies a description of this side (RFC 9429 §4.1.10).
    ///
    /// # Errors
    ///
    /// See [`SetDescriptionError`]; the connection is as it was.
    pub async fn set_local_description(
        &self,
        description: SessionDescription,
    ) -> Result<(), CallError<SetDescriptionError>> {
        self.link()
            .attempt(|peer, now| peer.set_local_description(now, description))
            .await
    }

    /// Applies a description of the other side (RFC 9429 §4.1.11).
    ///
    /// # Errors
    ///
    /// See [`SetDescriptionError`]; the connection is as it was.
    pub async fn set_remote_description(
        &self,
        description: SessionDescription,
    ) -> Result<(), CallError<SetDescriptionError>> {
        self.link()
            .attempt(|peer, now| peer.set_remote_description(now, description))
            .await
    }

    /// The description of this side that stands, with the candidates known by now.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn local_description(&self) -> Result<Option<SessionDescription>, Closed> {
        self.link().call(|peer, _| peer.local_description()).await
    }

    /// Waits until every STUN and TURN server has answered, or was given up (10 s at most): descriptions are complete
    /// from then on, for signalling that carries no single candidates (W3C `iceGatheringState`).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn gathered(&self) -> Result<(), Closed> {
        let link = self.link();
        loop {
            let seen = link.mailbox.lock().gathered;
            if !link.call(|peer, _| peer.is_gathering()).await? {
                return Ok(());
            }
            poll_fn(|cx| link.mailbox.lock().poll_gathered(cx, seen)).await;
        }
    }

    /// Takes a candidate of the other side: the value of a candidate attribute (RFC 8839 §5.1), or an empty string
    /// for the end of candidates.
    ///
    /// # Errors
    ///
    /// See [`AddCandidateError`]; all of them are harmless.
    pub async fn add_ice_candidate(
        &self,
        candidate: &str,
    ) -> Result<(), CallError<AddCandidateError>> {
        let candidate = candidate.to_owned();
        self.link()
            .attempt(move |peer, now| peer.add_ice_candidate(now, &candidate))
            .await
    }

    /// Sends a track: on a transceiver of its own that the next offer negotiates, or on the one of a remote offer's
    /// m-line (RFC 9429 §5.10). `streams` are the ids of the media streams that it belongs to. What is sent goes into
    /// [`Self::track_local`].
    ///
    /// # Errors
    ///
    /// See [`TransceiverError`].
    pub async fn add_track(
        &self,
        kind: MediaKind,
        streams: &[&str],
    ) -> Result<TransceiverId, CallError<TransceiverError>> {
        let streams: Vec<String> = streams.iter().map(|&stream| stream.to_owned()).collect();
        let add = move |peer: &mut peer::PeerConnection, _| {
            let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
            peer.add_track(kind, &streams)
        };
        self.link().attempt(add).await
    }

    /// Adds a transceiver, to be negotiated by the next offer.
    ///
    /// # Errors
    ///
    /// See [`TransceiverError`].
    pub async fn add_transceiver(
        &self,
        kind: MediaKind,
        direction: Direction,
        init: TransceiverInit,
    ) -> Result<TransceiverId, CallError<TransceiverError>> {
        self.link()
            .attempt(move |peer, _| peer.add_transceiver(kind, direction, init))
            .await
    }

    /// The transceivers as they stand.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn transceivers(&self) -> Result<Vec<Transceiver>, Closed> {
        self.link()
            .call(|peer, _| peer.transceivers().cloned().collect())
            .await
    }

    /// What a transceiver sends.
    pub fn track_local(&self, transceiver: TransceiverId) -> TrackLocal {
        TrackLocal::new(self.link().clone(), transceiver)
    }

    /// Opens a data channel. It may be written to at once: what is written leaves as soon as the channel is open.
    /// The first one needs an offer and an answer, unless a description had a channel before; later ones open by themselves.
    ///
    /// # Errors
    ///
    /// See [`CreateDataChannelError`].
    pub async fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, CallError<CreateDataChannelError>> {
        let label = label.to_owned();
        let link = self.link().clone();
        let create = move |peer: &mut peer::PeerConnection, now| {
            let id = peer.create_data_channel(now, &label, init)?;
            let info = peer.data_channel(id).map(|view| ChannelInfo::of(&view));
            // The handle is made here: when nobody waits for it any more, it is dropped, and the channel closes.
            Ok(DataChannel::new(
                link,
                id,
                Arc::new(info.unwrap_or_default()),
            ))
        };
        self.link().attempt(create).await
    }

    /// Sets the most that all data channels together may send ([`peer::PeerConnection::set_data_rate_limit`]).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn set_data_rate_limit(&self, bits_per_second: Option<u64>) -> Result<(), Closed> {
        let set = move |peer: &mut peer::PeerConnection, now| {
            peer.set_data_rate_limit(now, bits_per_second);
        };
        self.link().call(set).await
    }

    /// The next event; `None` once the connection is over and every event was taken. Where several tasks wait, each event goes to one
    /// of them.
    pub async fn next_event(&self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Events that were dropped, the oldest first, because nobody took them.
    pub fn events_dropped(&self) -> u64 {
        self.link().mailbox.lock().events_dropped
    }

    /// The events as a stream.
    pub fn events(&self) -> Events {
        Events {
            connection: self.clone(),
        }
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let link = self.link();
        loop {
            let notice = ready!(link.mailbox.lock().poll_event(cx));
            match notice.map(|notice| Event::new(notice, link)) {
                None => return Poll::Ready(None),
                Some(Some(event)) => return Poll::Ready(Some(event)),
                Some(None) => {}
            }
        }
    }

    /// Counters and states with the names of W3C `webrtc-stats`.
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub async fn stats(&self) -> Result<Stats, Closed> {
        self.link().call(|peer, now| peer.stats(now)).await
    }

    /// Ends the connection: hands over what was written to data channels, says goodbye, and waits for all of it to arrive, for
    /// each of the two at most [`peer::Config::close_timeout`]. What has not arrived by then is lost: where that matters, let the other side
    /// say that it has everything. Returns when it is over. Idempotent.
    pub async fn close(&self) {
        let link = self.link();
        // Without a shard it is over already.
        let _ = link.commands.send(Command::Close(link.key));
        poll_fn(|cx| link.mailbox.lock().poll_closed(cx)).await;
    }
}

/// The events of a connection as a stream; it keeps the connection alive as every handle does.
#[derive(Clone, Debug)]
pub struct Events {
    connection: PeerConnection,
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.connection.poll_event(cx)
    }
}
