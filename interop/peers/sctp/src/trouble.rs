//! What must hold with every implementation when streams are many, messages huge, and paths bad.

use std::time::Duration;

use crate::scenario::messages;
use crate::{Fact, Message, Pair, Peer, Wish};

const A_WHILE: Duration = Duration::from_secs(60);

/// Messages on a thousand streams and on the last one, three on each, both ways.
pub fn many_streams<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    let streams: Vec<u16> = (0..1_000).chain([65_534]).collect();
    for side in 0..2 {
        let mut sent = Vec::new();
        for number in 0..3_u16 {
            let message = |&stream: &u16| {
                Message::new(stream, [stream, number].map(u16::to_be_bytes).concat())
            };
            sent.extend(streams.iter().map(message));
        }
        pair.transfer(side, &sent, Wish::default(), sent.len());
        let mut heard = std::mem::take(&mut pair.heard[1 - side]);
        // Those of a stream stay in their order.
        heard.sort_by_key(|message| message.stream);
        sent.sort_by_key(|message| message.stream);
        assert!(heard == sent, "what side {side} sent differs");
    }
}

/// A short message of another stream overtakes a long one that has begun, both ways.
pub fn overtaking<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for side in 0..2 {
        let sent = [
            Message::new(1, vec![1; 250_000]),
            Message::new(2, vec![2; 100]),
        ];
        pair.transfer(side, &sent, Wish::default(), 2);
        let [long, short] = sent;
        assert!(std::mem::take(&mut pair.heard[1 - side]) == [short, long]);
    }
}

/// Large messages on so many streams at once, more than any window holds together, both ways.
pub fn large_at_once<A: Peer, B: Peer>(pair: &mut Pair<A, B>, streams: u16) {
    for side in 0..2 {
        let message = |stream: u16| Message::new(stream, vec![stream as u8; 262_144]);
        let mut sent: Vec<Message> = (0..streams).map(message).collect();
        pair.transfer(side, &sent, Wish::default(), sent.len());
        let mut heard = std::mem::take(&mut pair.heard[1 - side]);
        heard.sort();
        sent.sort();
        assert!(heard == sent, "what side {side} sent differs");
    }
}

/// One message of 10 MB and a short one behind it, both ways.
pub fn huge<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for side in 0..2 {
        let bytes = (0..10_usize << 20).map(|at| (at * 31 + (at >> 16)) as u8);
        let sent = [
            Message::new(1, bytes.collect::<Vec<_>>()),
            Message::new(1, *b"after"),
        ];
        pair.transfer(side, &sent, Wish::default(), 2);
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// A stream that begins anew right behind what these sides wrote: all of that arrives first, and what is written afterwards too. The other side
/// ends its direction when it hears of it.
pub fn reset_behind_data<A: Peer, B: Peer>(pair: &mut Pair<A, B>, sides: &[usize]) {
    for &side in sides {
        let sent = messages(40, 1, 20_000, 80);
        for facts in &mut pair.facts {
            facts.clear();
        }
        for message in &sent {
            assert!(pair.send(side, message, Wish::default()));
        }
        pair.reset(side, 0);
        let told = Fact::IncomingReset(vec![0]);
        assert!(pair.until(A_WHILE, |pair| pair.facts[1 - side].contains(&told)));
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
        pair.reset(1 - side, 0);
        let done = Fact::OutgoingReset(vec![0]);
        assert!(pair.until(A_WHILE, |pair| pair.facts[side].contains(&done)));
        pair.run(Duration::from_secs(5));
        pair.transfer(side, &sent, Wish::default(), sent.len());
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// Both sides write and end in order at the same moment. Those who hear of the end are told; what these sides wrote arrives.
pub fn shutdown_together<A: Peer, B: Peer>(
    pair: &mut Pair<A, B>,
    told: &[usize],
    writers: &[usize],
) {
    let sent = messages(40, 1, 20_000, 90);
    for side in 0..2 {
        for message in &sent {
            assert!(pair.send(side, message, Wish::default()));
        }
    }
    for side in 0..2 {
        pair.shut_down(side);
    }
    let over = |pair: &Pair<A, B>| {
        told.iter()
            .all(|side| pair.facts[*side].contains(&Fact::ShutDown))
    };
    assert!(pair.until(A_WHILE, over), "no end: {:?}", pair.facts);
    assert!(writers.iter().all(|side| pair.heard[1 - side] == sent));
}

/// Nothing passes for twenty seconds in the middle of transfers both ways, and everything arrives afterwards.
pub fn outage<A: Peer, B: Peer>(pair: &mut Pair<A, B>, loss_percent: f64) {
    for side in 0..2 {
        let sent = messages(200, 1, 60_000, 100);
        pair.transfer(side, &sent[..100], Wish::default(), 20);
        pair.lose(100.0);
        pair.run(Duration::from_secs(20));
        pair.lose(loss_percent);
        pair.transfer(side, &sent[100..], Wish::default(), 0);
        let all = |pair: &Pair<A, B>| pair.heard[1 - side].len() == sent.len();
        assert!(pair.until(A_WHILE, all), "{}", pair.heard[1 - side].len());
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// Nothing passes any more: these sides give up, each in a time of its own.
pub fn dead_path<A: Peer, B: Peer>(pair: &mut Pair<A, B>, sides: &[usize]) {
    pair.lose(100.0);
    for side in 0..2 {
        assert!(pair.send(side, &Message::new(1, *b"nobody hears it"), Wish::default()));
    }
    let aborted = |fact: &Fact| matches!(fact, Fact::Aborted(_));
    let over = |pair: &Pair<A, B>| {
        let mut sides = sides.iter();
        sides.all(|side| pair.facts[*side].iter().any(aborted))
    };
    assert!(
        pair.until(Duration::from_secs(600), over),
        "{:?}",
        pair.facts
    );
}
