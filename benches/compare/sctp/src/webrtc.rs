//! The crate `webrtc` over UDP on loopback, with its own driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::Notify;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
};
use webrtc::runtime::default_runtime;

use crate::contest::cpu;

/// What may be unacknowledged before a sender waits.
const SEND_BUFFER: usize = 1 << 20;

pub struct Ends {
    _ends: [Box<dyn PeerConnection>; 2],
    ours: Arc<dyn DataChannel>,
    heard: Arc<Heard>,
}

/// What an end has told.
#[derive(Default)]
struct Heard {
    gathered: Notify,
    open: Notify,
    received: AtomicUsize,
    message: Notify,
}

struct Listener(Arc<Heard>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Listener {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.gathered.notify_one();
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        tokio::spawn(listen(channel, Arc::clone(&self.0)));
    }
}

async fn listen(channel: Arc<dyn DataChannel>, heard: Arc<Heard>) {
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => heard.open.notify_one(),
            DataChannelEvent::OnMessage(_) => {
                heard.received.fetch_add(1, Ordering::Relaxed);
                heard.message.notify_one();
            }
            _ => {}
        }
    }
}

impl Ends {
    pub async fn connected() -> Self {
        let heard = [(); 2].map(|()| Arc::new(Heard::default()));
        let a = connection(&heard[0]).await;
        let b = connection(&heard[1]).await;
        let ours = a.create_data_channel("data", None).await.unwrap();
        tokio::spawn(listen(Arc::clone(&ours), Arc::clone(&heard[0])));
        let offer = a.create_offer(None).await.unwrap();
        a.set_local_description(offer).await.unwrap();
        heard[0].gathered.notified().await;
        b.set_remote_description(a.local_description().await.unwrap())
            .await
            .unwrap();
        let answer = b.create_answer(None).await.unwrap();
        b.set_local_description(answer).await.unwrap();
        heard[1].gathered.notified().await;
        a.set_remote_description(b.local_description().await.unwrap())
            .await
            .unwrap();
        tokio::time::timeout(Duration::from_secs(20), heard[0].open.notified())
            .await
            .unwrap();
        let [_, heard] = heard;
        Self {
            _ends: [a, b],
            ours,
            heard,
        }
    }

    pub async fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let start = cpu();
        let message = vec![0x5a; size];
        let all = self.heard.received.load(Ordering::Relaxed) + count;
        for _ in 0..count {
            self.ours
                .send(BytesMut::from(message.as_slice()))
                .await
                .unwrap();
        }
        while self.heard.received.load(Ordering::Relaxed) < all {
            self.heard.message.notified().await;
        }
        cpu() - start
    }
}

async fn connection(heard: &Arc<Heard>) -> Box<dyn PeerConnection> {
    let connection = PeerConnectionBuilder::new()
        .with_handler(Arc::new(Listener(Arc::clone(heard))))
        .with_runtime(default_runtime().unwrap())
        .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
        .with_data_channel_send_buffer_limit(SEND_BUFFER)
        .build()
        .await
        .unwrap();
    Box::new(connection)
}
