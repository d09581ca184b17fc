//! libdatachannel over UDP on loopback, with its own threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use datachannel::{
    ConnectionState, DataChannelHandler, DataChannelInfo, IceCandidate, PeerConnectionHandler,
    RtcConfig, RtcDataChannel, RtcPeerConnection, SessionDescription,
};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::contest::cpu;

/// What may be buffered before a sender waits, and down to where it does.
const SEND_BUFFER: usize = 1 << 20;
const LOW: usize = SEND_BUFFER / 2;

pub struct Ends {
    ours: Box<RtcDataChannel<Channel>>,
    heard: Arc<Heard>,
    _ends: [Box<RtcPeerConnection<Connection>>; 2],
}

/// What both ends have told.
#[derive(Default)]
struct Heard {
    open: Notify,
    room: Notify,
    received: AtomicUsize,
    message: Notify,
}

/// What one end says for the other one.
enum Signal {
    Description(SessionDescription),
    Candidate(IceCandidate),
    /// The other end's channel, to be kept.
    Channel(Box<RtcDataChannel<Channel>>),
}

struct Connection {
    place: usize,
    heard: Arc<Heard>,
    signals: UnboundedSender<(usize, Signal)>,
}

impl PeerConnectionHandler for Connection {
    type DCH = Channel;

    fn data_channel_handler(&mut self, _: DataChannelInfo) -> Channel {
        Channel(Arc::clone(&self.heard))
    }

    fn on_description(&mut self, description: SessionDescription) {
        let signal = Signal::Description(description);
        self.signals.send((self.place, signal)).unwrap();
    }

    fn on_candidate(&mut self, candidate: IceCandidate) {
        let signal = Signal::Candidate(candidate);
        self.signals.send((self.place, signal)).unwrap();
    }

    fn on_connection_state_change(&mut self, state: ConnectionState) {
        assert!(!matches!(state, ConnectionState::Failed), "no connection");
    }

    fn on_data_channel(&mut self, channel: Box<RtcDataChannel<Channel>>) {
        let signal = Signal::Channel(channel);
        self.signals.send((self.place, signal)).unwrap();
    }
}

struct Channel(Arc<Heard>);

impl DataChannelHandler for Channel {
    fn on_open(&mut self) {
        self.0.open.notify_one();
    }

    fn on_message(&mut self, _: &[u8]) {
        self.0.received.fetch_add(1, Ordering::Relaxed);
        self.0.message.notify_one();
    }

    fn on_buffered_amount_low(&mut self) {
        self.0.room.notify_one();
    }
}

impl Ends {
    pub async fn connected() -> Self {
        let heard = Arc::new(Heard::default());
        let (signals, mut said) = unbounded_channel();
        let mut ends = [0, 1].map(|place| {
            let config = RtcConfig::new::<&str>(&[]).bind_address(&"127.0.0.1");
            let handler = Connection {
                place,
                heard: Arc::clone(&heard),
                signals: signals.clone(),
            };
            RtcPeerConnection::new(&config, handler).unwrap()
        });
        let handler = Channel(Arc::clone(&heard));
        let mut ours = ends[0].create_data_channel("data", handler).unwrap();
        ours.set_buffered_amount_low_threshold(LOW).unwrap();
        let mut theirs = None;
        // Theirs opens with the first message, and both are told where.
        while theirs.is_none() {
            let wait = tokio::time::timeout(Duration::from_secs(20), said.recv());
            let (place, signal) = wait.await.unwrap().unwrap();
            let other = &mut ends[1 - place];
            match signal {
                Signal::Description(description) => {
                    other.set_remote_description(&description).unwrap();
                }
                Signal::Candidate(candidate) => other.add_remote_candidate(&candidate).unwrap(),
                Signal::Channel(channel) => theirs = Some(channel),
            }
        }
        heard.open.notified().await;
        // It lives as long as its connection.
        std::mem::forget(theirs);
        Self {
            ours,
            heard,
            _ends: ends,
        }
    }

    pub async fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let start = cpu();
        let message = vec![0x5a; size];
        let all = self.heard.received.load(Ordering::Relaxed) + count;
        for _ in 0..count {
            while self.ours.buffered_amount() > SEND_BUFFER {
                self.heard.room.notified().await;
            }
            self.ours.send(&message).unwrap();
        }
        while self.heard.received.load(Ordering::Relaxed) < all {
            self.heard.message.notified().await;
        }
        cpu() - start
    }
}
