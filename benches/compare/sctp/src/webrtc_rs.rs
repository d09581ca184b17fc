//! Two connections of the crate `webrtc` over UDP on loopback.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState,
};
use webrtc::runtime::{Runtime, default_runtime};

use crate::cpu;

/// As much may be unsent as our send buffer holds at first.
const UNSENT: usize = 2 << 20;

pub struct Webrtc {
    _ends: [Box<dyn PeerConnection>; 2],
    ours: Arc<dyn DataChannel>,
    arrived: UnboundedReceiver<usize>,
}

/// What happens on one end.
struct Ear {
    runtime: Arc<dyn Runtime>,
    gathered: UnboundedSender<()>,
    arrived: UnboundedSender<usize>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Ear {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.send(());
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let arrived = self.arrived.clone();
        self.runtime.spawn(Box::pin(async move {
            while let Some(event) = channel.poll().await {
                if let DataChannelEvent::OnMessage(message) = event {
                    let _ = arrived.send(message.data.len());
                }
            }
        }));
    }
}

impl Webrtc {
    pub async fn connected() -> Self {
        let runtime = default_runtime().unwrap();
        let (arrived_tx, arrived) = unbounded_channel();
        let (a, mut a_gathered) = end(&runtime, &arrived_tx).await;
        let (b, mut b_gathered) = end(&runtime, &arrived_tx).await;
        let ours = a.create_data_channel("data", None).await.unwrap();
        let offer = a.create_offer(None).await.unwrap();
        a.set_local_description(offer).await.unwrap();
        a_gathered.recv().await;
        let offer = a.local_description().await.unwrap();
        b.set_remote_description(offer).await.unwrap();
        let answer = b.create_answer(None).await.unwrap();
        b.set_local_description(answer).await.unwrap();
        b_gathered.recv().await;
        let answer = b.local_description().await.unwrap();
        a.set_remote_description(answer).await.unwrap();
        while !matches!(ours.poll().await.unwrap(), DataChannelEvent::OnOpen) {}
        let events = Arc::clone(&ours);
        runtime.spawn(Box::pin(async move { while events.poll().await.is_some() {} }));
        Self {
            _ends: [a, b],
            ours,
            arrived,
        }
    }

    pub async fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let start = cpu();
        let message = vec![0x5a; size];
        let (ours, arrived) = (&self.ours, &mut self.arrived);
        let write = async {
            for _ in 0..count {
                ours.send(BytesMut::from(&message[..])).await.unwrap();
            }
        };
        let read = async {
            for _ in 0..count {
                assert_eq!(arrived.recv().await, Some(size));
            }
        };
        tokio::join!(write, read);
        cpu() - start
    }
}

async fn end(
    runtime: &Arc<dyn Runtime>,
    arrived: &UnboundedSender<usize>,
) -> (Box<dyn PeerConnection>, UnboundedReceiver<()>) {
    let (gathered, done) = unbounded_channel();
    let ear = Ear {
        runtime: Arc::clone(runtime),
        gathered,
        arrived: arrived.clone(),
    };
    let connection = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_handler(Arc::new(ear))
        .with_runtime(Arc::clone(runtime))
        .with_udp_addrs(vec!["127.0.0.1:0".to_string()])
        .with_data_channel_send_buffer_limit(UNSENT)
        .build()
        .await
        .unwrap();
    (Box::new(connection), done)
}
