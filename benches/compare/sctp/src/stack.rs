//! Whole stacks, ICE and DTLS and all, both ends in one thread; time is simulated.

use std::time::{Duration, Instant};

use avocet_benches::pair::{Content, Pair, certificates};
use peer::SendError;

use crate::contest::{Contestant, contest, cpu};
use crate::{rtc, str0m};

pub fn run() {
    let certificates = certificates();
    let mut ours = Pair::connected(Instant::now(), Content::Data, &certificates, 1);
    contest(
        "whole stack",
        &mut [
            Contestant::new("avocet", move |size, count| {
                transfer(&mut ours, size, count)
            }),
            Contestant::with_bounds("str0m", |bound| {
                let mut ends = str0m::Ends::connected(bound);
                move |size, count| ends.transfer(size, count)
            }),
            Contestant::with_bounds("rtc", |bound| {
                let mut ends = rtc::Ends::connected(bound);
                move |size, count| ends.transfer(size, count)
            }),
        ],
    );
}

/// Two of ours, with nothing but data.
pub fn ours() -> Pair {
    Pair::connected(Instant::now(), Content::Data, &certificates(), 1)
}

fn transfer(pair: &mut Pair, size: usize, count: usize) -> Duration {
    let message = vec![0x5a; size];
    let (mut sent, mut read) = (0, 0);
    let start = cpu();
    while read < count {
        let now = pair.now;
        let id = pair.offerer.channel.unwrap();
        let mut channel = pair.offerer.connection.data_channel(id).unwrap();
        while sent < count {
            match channel.send_binary(now, &message) {
                Ok(()) => sent += 1,
                Err(SendError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let moved = pair.exchange();
        if std::mem::take(&mut pair.answerer.readable) {
            let id = pair.answerer.channel.unwrap();
            let mut channel = pair.answerer.connection.data_channel(id).unwrap();
            while let Some(arrived) = channel.recv(now) {
                assert_eq!(arrived.len(), size);
                read += 1;
            }
        }
        if moved == 0 {
            pair.skip();
        }
    }
    cpu() - start
}
