//! Two whole peer connections, joined in memory; time is simulated.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dtls::Certificate;
use net::{Datagram, Path};
use peer::{
    ChannelId, Config, DataChannelInit, Direction, Event, PeerConnection, TransceiverId,
    TransceiverInit,
};
use rtp::MediaKind;
use session::ClockAnchor;

/// What a pair negotiates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// One data channel.
    Data,
    /// Video, the first peer sending.
    Video,
    /// Audio and video in both directions, and one data channel.
    Everything,
}

/// A peer connection and its place in the network.
#[derive(Debug)]
pub struct End {
    /// The connection.
    pub connection: Box<PeerConnection>,
    /// Its data channel, once it is open.
    pub channel: Option<ChannelId>,
    /// Its tracks, in the order of the m-lines.
    pub tracks: Vec<TransceiverId>,
    /// Messages arrived on the channel.
    pub readable: bool,
    connected: bool,
    local: SocketAddr,
    remote: SocketAddr,
}

/// Two of them.
#[derive(Debug)]
pub struct Pair {
    /// The one that offered.
    pub offerer: End,
    /// The one that answered.
    pub answerer: End,
    /// The present.
    pub now: Instant,
    batch: Batch,
}

/// Datagrams on their way, one after the other in one buffer.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// As many datagrams as a driver polls before it sends.
const BATCH: usize = 16;

/// One way.
const DELAY: Duration = Duration::from_millis(5);

/// How long a batch takes at 1.5 Gbit/s.
const BATCH_TIME: Duration = Duration::from_micros(100);

impl Pair {
    /// Two peers that have not met; what they say of themselves is exchanged already.
    pub fn new(now: Instant, content: Content, certificates: &[Certificate; 2], seed: u64) -> Self {
        let addresses: [SocketAddr; 2] =
            [([10, 0, 0, 1], 1_111).into(), ([10, 0, 0, 2], 2_222).into()];
        let [ours, theirs] = certificates;
        let mut pair = Self {
            offerer: End::new(now, ours, 2 * seed, addresses[0], addresses[1]),
            answerer: End::new(now, theirs, 2 * seed + 1, addresses[1], addresses[0]),
            now,
            batch: Batch::default(),
        };
        pair.offerer.add(now, content);
        pair.introduce();
        pair
    }

    /// Two peers that are connected, and whose channel is open if they have one.
    pub fn connected(
        now: Instant,
        content: Content,
        certificates: &[Certificate; 2],
        seed: u64,
    ) -> Self {
        let mut pair = Self::new(now, content, certificates, seed);
        pair.connect();
        pair
    }

    /// Lets them connect.
    pub fn connect(&mut self) {
        for _ in 0..1_000 {
            self.run();
            if self.offerer.is_ready() && self.answerer.is_ready() {
                return;
            }
            self.skip();
        }
        panic!("no connection within {:?}", self.now);
    }

    /// Both say what they have to say, once, and time passes.
    pub fn run(&mut self) -> usize {
        let mut moved = 0;
        loop {
            let sent = self
                .offerer
                .send_to(self.now, &mut self.answerer, &mut self.batch);
            let answered = self
                .answerer
                .send_to(self.now, &mut self.offerer, &mut self.batch);
            moved += sent + answered;
            if sent + answered == 0 {
                break;
            }
        }
        self.now += DELAY;
        moved
    }

    /// One batch each way, and the time that it takes on a fast network.
    pub fn exchange(&mut self) -> usize {
        let (now, batch) = (self.now, &mut self.batch);
        let sent = self.offerer.send_to(now, &mut self.answerer, batch);
        self.now += BATCH_TIME;
        self.offerer.wake(self.now);
        self.answerer.wake(self.now);
        sent + self
            .answerer
            .send_to(self.now, &mut self.offerer, &mut self.batch)
    }

    /// Goes to the next deadline.
    pub fn skip(&mut self) {
        let deadlines = [&self.offerer, &self.answerer].map(|end| end.connection.poll_timeout());
        if let Some(next) = deadlines.into_iter().flatten().min() {
            self.now = self.now.max(next);
        }
        self.offerer.wake(self.now);
        self.answerer.wake(self.now);
    }

    /// Lets so much time pass, with nothing but what the protocols say of themselves.
    pub fn idle(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.run();
            self.skip();
        }
    }

    fn introduce(&mut self) {
        let now = self.now;
        let (offerer, answerer) = (&mut self.offerer.connection, &mut self.answerer.connection);
        let offer = offerer.create_offer(now).expect("something to offer");
        offerer.set_local_description(now, offer).expect("our own");
        let offer = offerer.local_description().expect("it was set");
        answerer.set_remote_description(now, offer).expect("sound");
        let answer = answerer.create_answer(now).expect("an offer was set");
        answerer.set_local_description(now, answer).expect("ours");
        let answer = answerer.local_description().expect("it was set");
        offerer.set_remote_description(now, answer).expect("sound");
        self.offerer.hear();
        self.answerer.hear();
    }
}

impl End {
    fn new(
        now: Instant,
        certificate: &Certificate,
        seed: u64,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let clock = ClockAnchor {
            instant: now,
            unix: Duration::from_secs(1_700_000_000),
        };
        let config = Config::new(bytes, certificate.clone(), clock);
        let mut connection = PeerConnection::new(config, now).expect("a good configuration");
        connection
            .add_local_address(now, local)
            .expect("a host address");
        connection.end_of_local_addresses(now);
        Self {
            connection: Box::new(connection),
            channel: None,
            tracks: Vec::new(),
            readable: false,
            connected: false,
            local,
            remote,
        }
    }

    fn add(&mut self, now: Instant, content: Content) {
        let (kinds, direction): (&[MediaKind], _) = match content {
            Content::Data => (&[], Direction::SendRecv),
            Content::Video => (&[MediaKind::Video], Direction::SendOnly),
            Content::Everything => (&[MediaKind::Audio, MediaKind::Video], Direction::SendRecv),
        };
        for kind in kinds {
            let init = TransceiverInit::default();
            let track = self.connection.add_transceiver(*kind, direction, init);
            self.tracks.push(track.expect("a known kind"));
        }
        if content != Content::Video {
            self.connection
                .create_data_channel(now, "data", DataChannelInit::default())
                .expect("the first one");
        }
    }

    /// Connected, and its channel open if there is one.
    pub fn is_ready(&self) -> bool {
        self.connected && (self.channel.is_some() || !self.has_channel())
    }

    fn has_channel(&self) -> bool {
        self.connection
            .local_description()
            .is_some_and(|description| description.sdp.contains("m=application"))
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Instant) {
        let deadline = self.connection.poll_timeout();
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.connection.handle_timeout(now);
            self.hear();
        }
    }

    /// Takes what was reported.
    pub fn hear(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::ConnectionStateChanged(state) => {
                    self.connected = state == peer::ConnectionState::Connected;
                }
                Event::DataChannelOpened(id) => self.channel = Some(id),
                Event::DataChannelReadable(_) => self.readable = true,
                Event::TrackAdded { transceiver, .. } if !self.tracks.contains(&transceiver) => {
                    self.tracks.push(transceiver);
                }
                _ => {}
            }
        }
    }

    /// Polls until dry, a batch at a time, and hands every datagram to the other end.
    pub fn send_to(&mut self, now: Instant, other: &mut Self, batch: &mut Batch) -> usize {
        let sent = batch.fill(now, &mut self.connection, BATCH);
        batch.deliver(now, other);
        sent
    }

    /// Hands in one datagram.
    pub fn receive(&mut self, now: Instant, bytes: &mut [u8]) {
        let path = Path::udp(self.local, self.remote);
        self.connection
            .handle_datagram(now, Datagram::new(path, bytes));
    }
}

impl Batch {
    /// Polls so many datagrams at most.
    pub fn fill(&mut self, now: Instant, from: &mut PeerConnection, most: usize) -> usize {
        self.bytes.clear();
        self.ends.clear();
        while self.ends.len() < most && from.poll_transmit(now, &mut self.bytes).is_some() {
            self.ends.push(self.bytes.len());
        }
        self.ends.len()
    }

    /// Hands them in.
    pub fn deliver(&mut self, now: Instant, to: &mut End) {
        self.deliver_if(now, to, |_| true);
    }

    /// Hands in those that are wanted, and tells how many that were.
    pub fn deliver_if(
        &mut self,
        now: Instant,
        to: &mut End,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> usize {
        let mut delivered = 0;
        let mut rest = self.bytes.as_mut_slice();
        let mut start = 0;
        for end in &self.ends {
            let (datagram, behind) = rest.split_at_mut(end - start);
            if wanted(datagram) {
                to.receive(now, datagram);
                delivered += 1;
            }
            (rest, start) = (behind, *end);
        }
        if delivered > 0 {
            to.hear();
        }
        delivered
    }
}

/// Two certificates, which serve all connections of a process.
pub fn certificates() -> [Certificate; 2] {
    let date = Duration::from_secs(1_700_000_000);
    [(); 2].map(|()| Certificate::generate(date).expect("keys can be made"))
}
