//! The crate `str0m`, both ends in one thread; time is simulated.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::channel::{ChannelConfig, ChannelId};
use str0m::net::{DatagramSend, Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use crate::contest::cpu;

/// What it calls its target: its largest datagrams are as long as those of others then, 1,200 bytes at most.
const MTU: usize = 1_220;

/// Two of str0m.
pub struct Ends {
    ends: [End; 2],
    now: Instant,
}

struct End {
    rtc: Rtc,
    address: SocketAddr,
    channel: Option<ChannelId>,
    deadline: Instant,
    open: bool,
    received: usize,
    /// So many more of this message.
    unwritten: usize,
    message: Vec<u8>,
    /// Datagrams for the other end.
    outgoing: Vec<DatagramSend>,
}

impl Ends {
    /// Connected, with so much unacknowledged at most.
    pub fn connected(bound: usize) -> Self {
        let now = Instant::now();
        let mut ends = [1, 2].map(|host| {
            let address: SocketAddr = ([10, 0, 0, host], 1_000).into();
            let rtc = RtcConfig::new()
                .clear_codecs()
                .clear_extension_map()
                .set_mtu(MTU..=1_500)
                .set_sctp_max_buffered_amount(bound)
                .build(now);
            End {
                rtc,
                address,
                channel: None,
                deadline: now,
                open: false,
                received: 0,
                unwritten: 0,
                message: Vec::new(),
                outgoing: Vec::new(),
            }
        });
        let [a, b] = &mut ends;
        introduce(a, b);
        let mut pair = Self { ends, now };
        while !pair.ends.iter().all(|end| end.open) {
            pair.exchange();
        }
        pair
    }

    /// Both say what they have to say; what one says arrives after that.
    fn exchange(&mut self) -> usize {
        let [a, b] = &mut self.ends;
        a.write();
        let mut moved = a.poll();
        moved += deliver(self.now, a, b);
        self.now += Duration::from_micros(100);
        moved += b.poll();
        moved += deliver(self.now, b, a);
        if moved == 0 {
            self.now = self.now.max(a.deadline.min(b.deadline));
        }
        for end in &mut self.ends {
            if end.deadline <= self.now {
                end.rtc.handle_input(Input::Timeout(self.now)).unwrap();
                end.poll();
            }
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
        let sender = &mut self.ends[0];
        (sender.message, sender.unwritten) = (vec![0x5a; size], count);
        let all = self.ends[1].received + count;
        let start = cpu();
        while self.ends[1].received < all {
            self.exchange();
        }
        cpu() - start
    }
}

impl End {
    /// Writes as much as is taken.
    fn write(&mut self) {
        if self.unwritten == 0 {
            return;
        }
        let channel = self.channel.and_then(|id| self.rtc.channel(id));
        let mut channel = channel.unwrap();
        while self.unwritten > 0 && channel.write(true, &self.message).unwrap() {
            self.unwritten -= 1;
        }
    }

    /// Polls until it waits, as its contract wants after whatever changed it.
    fn poll(&mut self) -> usize {
        let before = self.outgoing.len();
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return self.outgoing.len() - before;
                }
                Output::Transmit(transmit) => self.outgoing.push(transmit.contents),
                Output::Event(Event::ChannelOpen(id, _)) => {
                    self.channel = Some(id);
                    self.open = true;
                }
                Output::Event(Event::ChannelData(_)) => self.received += 1,
                Output::Event(_) => {}
            }
        }
    }
}

/// Hands over what there is.
fn deliver(now: Instant, from: &mut End, to: &mut End) -> usize {
    let count = from.outgoing.len();
    for datagram in from.outgoing.drain(..) {
        let receive = Receive {
            proto: Protocol::Udp,
            source: from.address,
            destination: to.address,
            contents: datagram.as_ref().try_into().unwrap(),
        };
        to.rtc.handle_input(Input::Receive(now, receive)).unwrap();
        to.poll();
    }
    count
}

fn introduce(a: &mut End, b: &mut End) {
    let candidates = [&*a, &*b].map(|end| Candidate::host(end.address, "udp").unwrap());
    a.rtc.add_local_candidate(candidates[0].clone()).unwrap();
    a.rtc.add_remote_candidate(candidates[1].clone());
    b.rtc.add_local_candidate(candidates[1].clone()).unwrap();
    b.rtc.add_remote_candidate(candidates[0].clone());
    let fingerprints =
        [&mut *a, &mut *b].map(|end| end.rtc.direct_api().local_dtls_fingerprint().clone());
    let credentials = [&mut *a, &mut *b].map(|end| end.rtc.direct_api().local_ice_credentials());
    for (place, end) in [a, b].into_iter().enumerate() {
        let first = place == 0;
        let mut api = end.rtc.direct_api();
        api.set_remote_fingerprint(fingerprints[1 - place].clone());
        api.set_remote_ice_credentials(credentials[1 - place].clone());
        api.set_ice_controlling(first);
        api.start_dtls(first).unwrap();
        api.start_sctp(first);
        let config = ChannelConfig {
            negotiated: Some(1),
            label: "data".into(),
            ..ChannelConfig::default()
        };
        end.channel = Some(api.create_data_channel(config));
    }
}
