//! The crate `rtc`, both ends in one thread; time is simulated.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::data_channel::{RTCDataChannelId, RTCDataChannelInit};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::contest::cpu;

/// As many datagrams as are polled before they are sent: what suits it best.
const BATCH: usize = 64;

/// Two of them.
pub struct Ends {
    ends: [End; 2],
    now: Instant,
    /// What may be unacknowledged before the next message.
    bound: usize,
}

struct End {
    connection: RTCPeerConnection,
    address: SocketAddr,
    channel: RTCDataChannelId,
    open: bool,
    received: usize,
    outgoing: Vec<BytesMut>,
}

impl Ends {
    /// Connected, with so much unacknowledged at most.
    pub fn connected(bound: usize) -> Self {
        let now = Instant::now();
        let [mut a, mut b] = [(1, RTCDtlsRole::Server), (2, RTCDtlsRole::Client)]
            .map(|(host, role)| End::new(now, ([10, 0, 0, host], 1_000).into(), role));
        let offer = a.connection.create_offer(None).unwrap();
        let description = offer.clone();
        a.connection.set_local_description(now, offer).unwrap();
        b.connection
            .set_remote_description(now, description)
            .unwrap();
        let answer = b.connection.create_answer(None).unwrap();
        let description = answer.clone();
        b.connection.set_local_description(now, answer).unwrap();
        a.connection
            .set_remote_description(now, description)
            .unwrap();
        let mut pair = Self {
            ends: [a, b],
            now,
            bound,
        };
        let limit = now + Duration::from_secs(30);
        while !pair.ends.iter().all(|end| end.open) {
            assert!(pair.now < limit, "no connection");
            pair.exchange();
        }
        pair
    }

    /// A batch each way.
    fn exchange(&mut self) -> usize {
        let [a, b] = &mut self.ends;
        let mut moved = carry(self.now, a, b);
        self.now += Duration::from_micros(100);
        moved += carry(self.now, b, a);
        if moved == 0 {
            let due = self
                .ends
                .iter_mut()
                .filter_map(|end| end.connection.poll_timeout());
            if let Some(due) = due.min() {
                self.now = self.now.max(due);
            }
        }
        for end in &mut self.ends {
            if end
                .connection
                .poll_timeout()
                .is_some_and(|due| due <= self.now)
            {
                end.connection.handle_timeout(self.now).unwrap();
            }
            end.hear();
        }
        moved
    }

    /// Lets so much time pass.
    pub fn idle(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.exchange();
        }
        for end in &mut self.ends {
            end.outgoing = Vec::new();
        }
    }

    pub fn transfer(&mut self, size: usize, count: usize) -> Duration {
        let message = vec![0x5a; size];
        let (mut sent, all) = (0, self.ends[1].received + count);
        let start = cpu();
        while self.ends[1].received < all {
            let sender = &mut self.ends[0];
            let mut channel = sender.connection.data_channel(sender.channel).unwrap();
            while sent < count && channel.outstanding_bytes() < self.bound {
                channel
                    .send(self.now, BytesMut::from(message.as_slice()))
                    .unwrap();
                sent += 1;
            }
            self.exchange();
        }
        cpu() - start
    }
}

impl End {
    fn new(now: Instant, address: SocketAddr, role: RTCDtlsRole) -> Self {
        let settings = SettingEngineBuilder::new()
            .with_answering_dtls_role(role)
            .build();
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings)
            .build(now)
            .unwrap();
        let candidate = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".to_owned(),
                address: address.ip().to_string(),
                port: address.port(),
                component: 1,
                ..CandidateConfig::default()
            },
            ..CandidateHostConfig::default()
        };
        let candidate = RTCIceCandidate::from(&candidate.new_candidate_host().unwrap());
        connection
            .add_local_candidate(candidate.to_json().unwrap())
            .unwrap();
        let init = RTCDataChannelInit {
            ordered: true,
            negotiated: Some(1),
            ..RTCDataChannelInit::default()
        };
        let channel = connection
            .create_data_channel("data", Some(init))
            .unwrap()
            .id();
        Self {
            connection,
            address,
            channel,
            open: false,
            received: 0,
            outgoing: Vec::new(),
        }
    }

    fn hear(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if let RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(_)) = event {
                self.open = true;
            }
        }
        while let Some(read) = self.connection.poll_read() {
            self.received +=
                usize::from(matches!(read.message, RTCMessage::DataChannelMessage(..)));
        }
    }
}

/// A batch of what one says to the other.
fn carry(now: Instant, from: &mut End, to: &mut End) -> usize {
    while from.outgoing.len() < BATCH
        && let Some(datagram) = from.connection.poll_write()
    {
        from.outgoing.push(datagram.message);
    }
    let count = from.outgoing.len();
    for message in from.outgoing.drain(..) {
        let read = TaggedBytesMut {
            now,
            transport: TransportContext {
                local_addr: to.address,
                peer_addr: from.address,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            },
            message,
        };
        to.connection.handle_read(read).unwrap();
    }
    count
}
