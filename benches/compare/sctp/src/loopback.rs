//! Whole stacks over UDP on loopback, with their own drivers, both ends in one process.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use avocet::peer::DataChannelInit;
use avocet::{DataChannel, Endpoint, EndpointConfig, Event, PeerConnection};
use tokio::runtime::{Builder, Runtime};

use crate::contest::{Contestant, contest, cpu};
#[cfg(feature = "libdatachannel")]
use crate::libdatachannel;
use crate::webrtc;

pub fn run() {
    // One after the other: the timers of one that waits would be counted to the one that runs.
    let runtime = runtime();
    let mut ours = runtime.block_on(Ours::connected());
    let transfer = |size, count| runtime.block_on(ours.transfer(size, count));
    contest(WHAT, &mut [Contestant::new("avocet", transfer)]);
    drop((ours, runtime));
    let runtime = self::runtime();
    let mut theirs = runtime.block_on(webrtc::Ends::connected());
    let transfer = |size, count| runtime.block_on(theirs.transfer(size, count));
    contest(WHAT, &mut [Contestant::new("webrtc", transfer)]);
    drop(theirs);
    runtime.shutdown_background();
    #[cfg(feature = "libdatachannel")]
    {
        let runtime = self::runtime();
        let mut theirs = runtime.block_on(libdatachannel::Ends::connected());
        let transfer = |size, count| runtime.block_on(theirs.transfer(size, count));
        contest(WHAT, &mut [Contestant::new("libdatachannel", transfer)]);
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

const WHAT: &str = "over loopback";

struct Ours {
    _ends: [(Endpoint, PeerConnection); 2],
    ours: DataChannel,
    theirs: DataChannel,
}

impl Ours {
    async fn connected() -> Self {
        let mut ends = Vec::new();
        for _ in 0..2 {
            let mut config = EndpointConfig::default();
            config.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
            let endpoint = Endpoint::bind(config).unwrap();
            let connection = endpoint.peer_connection().await.unwrap();
            ends.push((endpoint, connection));
        }
        let [a, b] = ends.try_into().unwrap();
        let ours =
            a.1.create_data_channel("data", DataChannelInit::default())
                .await
                .unwrap();
        let offer = a.1.offer().await.unwrap();
        let answer = b.1.answer(offer).await.unwrap();
        a.1.set_remote_description(answer).await.unwrap();
        let theirs = loop {
            if let Some(Event::DataChannel(channel)) = b.1.next_event().await {
                break channel;
            }
        };
        Self {
            _ends: [a, b],
            ours,
            theirs,
        }
    }

    async fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let start = cpu();
        let message = bytes::Bytes::from(vec![0x5a; size]);
        let (ours, theirs) = (&self.ours, &mut self.theirs);
        let write = async {
            for _ in 0..count {
                ours.send(message.clone()).await.unwrap();
            }
        };
        let read = async {
            for _ in 0..count {
                assert_eq!(theirs.recv().await.unwrap().len(), size);
            }
        };
        tokio::join!(write, read);
        cpu() - start
    }
}
