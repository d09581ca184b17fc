use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use avocet::peer::{ConnectionState, DataChannelInit, Message, PieceEnd, SessionDescription};
use avocet::rtp::MediaKind;
use avocet::{DataChannel, Endpoint, Event, PeerConnection, TrackLocal, TrackRemote};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// Calls at one time.
const CALLS: usize = 200;
/// Chat lines waiting for a slow tab; more are not said.
const LINES: usize = 64;
/// The largest message that is sent back, in bytes, where it is read in pieces.
const LARGEST_MESSAGE: usize = 16 << 20;
/// The longest name of a room, in bytes.
const ROOM_NAME_BYTES: usize = 128;

/// The calls of this program, and who is connected with whom.
pub(crate) struct Rooms {
    endpoint: Endpoint,
    ports: Vec<u16>,
    calls: Mutex<HashMap<String, Call>>,
}

/// What the program refuses, and why.
pub(crate) enum CallError {
    NotFound,
    Full,
    Busy,
    Refused(String),
}

struct Call {
    room: String,
    connection: PeerConnection,
    ends: Ends,
    /// Where what this tab sends goes to.
    target: watch::Sender<Ends>,
}

/// What can be sent to a tab.
#[derive(Clone)]
struct Ends {
    audio: TrackLocal,
    video: TrackLocal,
    lines: mpsc::Sender<Message>,
    /// Asks the tab for a key frame.
    wishes: mpsc::Sender<()>,
}

impl Rooms {
    pub(crate) fn new(endpoint: Endpoint, ports: Vec<u16>) -> Self {
        Self {
            endpoint,
            ports,
            calls: Mutex::default(),
        }
    }

    /// A tab calls. With an offer it gets the answer, without one an offer.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        room: &str,
        offer: Option<&str>,
    ) -> Result<Value, CallError> {
        if room.len() > ROOM_NAME_BYTES {
            return Err(CallError::Refused(
                "The name of the room is too long.".into(),
            ));
        }
        if self.calls().len() >= CALLS {
            return Err(CallError::Busy);
        }
        let mut config = self.endpoint.connection_config().map_err(refused)?;
        config.announced_max_message_size = Some(LARGEST_MESSAGE);
        let connection = self.endpoint.peer_connection_with(config);
        let connection = connection.await.map_err(refused)?;
        let audio = connection
            .add_track(MediaKind::Audio, &["avocet"])
            .await
            .map_err(refused)?;
        let video = connection
            .add_track(MediaKind::Video, &["avocet"])
            .await
            .map_err(refused)?;
        let (lines, waiting) = mpsc::channel(LINES);
        let (wishes, wished) = mpsc::channel(1);
        let own = Ends {
            audio: connection.track_local(audio),
            video: connection.track_local(video),
            lines,
            wishes,
        };
        let channel = match offer {
            Some(offer) => {
                let answered = connection.answer(SessionDescription::offer(offer));
                answered.await.map_err(refused)?;
                None
            }
            None => {
                let channel = connection.create_data_channel("chat", DataChannelInit::default());
                let channel = channel.await.map_err(refused)?;
                connection.offer().await.map_err(refused)?;
                Some(channel)
            }
        };
        // The page gets all candidates at once; without servers to ask they are all there.
        connection.gathered().await.map_err(refused)?;
        let description = connection.local_description().await.map_err(refused)?;
        let description = description.ok_or(CallError::Busy)?;
        let id = fresh_id()?;
        let (target, watched) = watch::channel(own.clone());
        let call = Call {
            room: room.to_owned(),
            connection: connection.clone(),
            ends: own,
            target,
        };
        self.admit(id.clone(), call)?;
        let guest = Guest {
            rooms: Arc::clone(self),
            id: id.clone(),
            target: watched,
        };
        tokio::spawn(guest.attend(connection, channel, waiting, wished));
        Ok(json!({ "id": id, "sdp": description.sdp, "ports": self.ports }))
    }

    /// The tab's answer to our offer.
    pub(crate) async fn answer(&self, id: &str, sdp: &str) -> Result<Value, CallError> {
        let connection = self.connection(id)?;
        connection
            .set_remote_description(SessionDescription::answer(sdp))
            .await
            .map_err(refused)?;
        Ok(json!({}))
    }

    /// A candidate of the tab. Unusable ones (names, TCP) are no reason to stop.
    pub(crate) async fn candidate(&self, id: &str, candidate: &str) -> Result<Value, CallError> {
        let taken = self.connection(id)?.add_ice_candidate(candidate).await;
        Ok(json!({ "taken": taken.is_ok() }))
    }

    /// The tab hangs up.
    pub(crate) async fn end(&self, id: &str) -> Result<Value, CallError> {
        let connection = self.connection(id)?;
        connection.close().await;
        Ok(json!({}))
    }

    /// What the program knows of a call.
    pub(crate) async fn stats(&self, id: &str) -> Result<Value, CallError> {
        let connection = self.connection(id)?;
        let stats = connection.stats().await.map_err(|_| CallError::NotFound)?;
        Ok(crate::report::json(&stats))
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connection(&self, id: &str) -> Result<PeerConnection, CallError> {
        self.calls()
            .get(id)
            .map(|call| call.connection.clone())
            .ok_or(CallError::NotFound)
    }

    /// Takes a call in. A named room has two places.
    fn admit(&self, id: String, call: Call) -> Result<(), CallError> {
        let mut calls = self.calls();
        if !call.room.is_empty()
            && calls
                .values()
                .filter(|other| other.room == call.room)
                .count()
                >= 2
        {
            return Err(CallError::Full);
        }
        let room = call.room.clone();
        calls.insert(id, call);
        connect(&calls, &room);
        Ok(())
    }

    fn leave(&self, id: &str) {
        let mut calls = self.calls();
        if let Some(gone) = calls.remove(id) {
            connect(&calls, &gone.room);
        }
    }
}

/// Points everybody in a room at the other one, or at themselves when alone.
fn connect(calls: &HashMap<String, Call>, room: &str) {
    if room.is_empty() {
        return;
    }
    let members: Vec<String> = calls
        .iter()
        .filter(|(_, call)| call.room == room)
        .map(|(id, _)| id.clone())
        .collect();
    for id in &members {
        let other = members.iter().find(|other| *other != id).unwrap_or(id);
        let ends = calls[other].ends.clone();
        calls[id].target.send_replace(ends);
    }
}

/// One tab, seen from the task that serves it.
struct Guest {
    rooms: Arc<Rooms>,
    id: String,
    target: watch::Receiver<Ends>,
}

impl Guest {
    /// Serves the tab until its connection is over.
    async fn attend(
        self,
        connection: PeerConnection,
        channel: Option<DataChannel>,
        lines: mpsc::Receiver<Message>,
        wished: mpsc::Receiver<()>,
    ) {
        let mut lines = Some(lines);
        let mut wished = Some(wished);
        if let Some(channel) = channel
            && let Some(lines) = lines.take()
        {
            tokio::spawn(chat(channel, lines, self.target.clone()));
        }
        while let Some(event) = connection.next_event().await {
            match event {
                Event::Track(track) if track.kind() == MediaKind::Audio => {
                    tokio::spawn(carry_audio(track, self.target.clone()));
                }
                Event::Track(track) => {
                    if let Some(wished) = wished.take() {
                        tokio::spawn(carry_video(track, wished, self.target.clone()));
                    }
                }
                // Tests and tinkerers get back what they send.
                Event::DataChannel(channel) if channel.protocol().starts_with("echo") => {
                    if let "echo pieces" | "echo twice" = channel.protocol() {
                        tokio::spawn(echo_in_pieces(channel));
                    } else {
                        tokio::spawn(echo(channel));
                    }
                }
                Event::DataChannel(channel) => {
                    if let Some(lines) = lines.take() {
                        tokio::spawn(chat(channel, lines, self.target.clone()));
                    }
                }
                // What this tab sees comes from the tab that its own media goes to.
                Event::KeyframeRequested(_) => drop(self.target.borrow().wishes.try_send(())),
                Event::ConnectionStateChanged(ConnectionState::Failed) => break,
                _ => {}
            }
        }
        self.rooms.leave(&self.id);
        connection.close().await;
    }
}

async fn carry_audio(mut track: TrackRemote, target: watch::Receiver<Ends>) {
    while let Some(packet) = track.recv().await {
        target.borrow().audio.forward(&packet);
    }
}

/// Carries the picture to where it is seen, and asks for a key frame when that changes or somebody there needs one.
async fn carry_video(
    mut track: TrackRemote,
    mut wished: mpsc::Receiver<()>,
    mut target: watch::Receiver<Ends>,
) {
    loop {
        let wanted = tokio::select! {
            packet = track.recv() => match packet {
                Some(packet) => {
                    target.borrow().video.forward(&packet);
                    false
                }
                None => return,
            },
            changed = target.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            Some(()) = wished.recv() => true,
        };
        if wanted && track.request_keyframe().await.is_err() {
            return;
        }
    }
}

/// Carries chat lines both ways between a tab and the one it is connected with.
async fn chat(
    mut channel: DataChannel,
    mut lines: mpsc::Receiver<Message>,
    target: watch::Receiver<Ends>,
) {
    loop {
        tokio::select! {
            said = channel.recv() => match said {
                Some(message) => drop(target.borrow().lines.try_send(message)),
                None => return,
            },
            Some(message) = lines.recv() => {
                if channel.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Sends every message back. With the protocol "echo once" it closes the channel after the first.
async fn echo(mut channel: DataChannel) {
    let once = channel.protocol() == "echo once";
    while let Some(message) = channel.recv().await {
        if channel.send(message).await.is_err() || once {
            return;
        }
    }
}

/// The same for messages larger than the connection takes in one piece; or each comes back as one of twice the size.
async fn echo_in_pieces(mut channel: DataChannel) {
    let twice = channel.protocol() == "echo twice";
    let mut pieces = Vec::new();
    while let Some(piece) = channel.recv_piece().await {
        let (kind, end) = (piece.kind, piece.end);
        pieces.push(piece.data);
        if end == PieceEnd::More {
            continue;
        }
        if twice {
            pieces.extend_from_within(..);
        }
        let Ok(mut message) = channel.begin(kind).await else {
            return;
        };
        for data in pieces.drain(..) {
            if message.write(data).await.is_err() {
                return;
            }
        }
        if message.finish().await.is_err() {
            return;
        }
    }
}

/// 128 random bits: who does not know the id cannot touch the call.
fn fresh_id() -> Result<String, CallError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(refused)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The whole chain of reasons as one sentence.
fn refused(error: impl std::fmt::Display) -> CallError {
    CallError::Refused(format!("The program cannot serve this call: {error}."))
}
