//! What must hold with every implementation.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::{Fact, Message, Ours, Pair, Peer, Wish};

/// How much is lost, of a hundred; with loss comes reordering.
pub const LOSSES: [f64; 3] = [0.0, 1.0, 5.0];

const A_WHILE: Duration = Duration::from_secs(30);

/// Messages from one byte to many packets, on so many streams, numbered so that each is recognised.
pub fn messages(count: usize, streams: u16, largest: usize, seed: u64) -> Vec<Message> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count)
        .map(|number| {
            let size = match number % 4 {
                0 => rng.random_range(8..64),
                1 => rng.random_range(64..1_500),
                2 => rng.random_range(1_100..1_200),
                _ => rng.random_range(1_500..=largest),
            };
            let mut data = vec![0; size];
            rng.fill_bytes(&mut data);
            data[..8].copy_from_slice(&(number as u64).to_be_bytes());
            Message::new(number as u16 % streams, data)
        })
        .collect()
}

fn on_stream(messages: &[Message], stream: u16) -> Vec<Message> {
    messages
        .iter()
        .filter(|message| message.stream == stream)
        .cloned()
        .collect()
}

/// In order on each stream, exactly once, both ways.
pub fn ordered<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    let streams = 5;
    for side in 0..2 {
        let sent = messages(200, streams, 60_000, 10 + side as u64);
        pair.transfer(side, &sent, Wish::default(), sent.len());
        let heard = std::mem::take(&mut pair.heard[1 - side]);
        for stream in 0..streams {
            assert!(
                on_stream(&sent, stream) == on_stream(&heard, stream),
                "stream {stream} from side {side} differs"
            );
        }
    }
}

/// In any order, exactly once, both ways.
pub fn unordered<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    let wish = Wish {
        unordered: true,
        ..Wish::default()
    };
    for side in 0..2 {
        let mut sent = messages(200, 3, 20_000, 20 + side as u64);
        pair.transfer(side, &sent, wish, sent.len());
        let mut heard = std::mem::take(&mut pair.heard[1 - side]);
        sent.sort();
        heard.sort();
        assert!(sent == heard, "what side {side} sent differs");
    }
}

/// Messages of 256 KiB both ways.
pub fn large<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for side in 0..2 {
        let sent: Vec<Message> = (0..8)
            .map(|number| Message::new(1, vec![number; 262_144]))
            .collect();
        pair.transfer(side, &sent, Wish::default(), sent.len());
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// Streams begin anew both ways, and carry messages again, many times.
pub fn reset_and_reuse<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for round in 0..20_u8 {
        let side = usize::from(round % 2);
        let sent = [
            Message::new(7, vec![round; 100]),
            Message::new(7, vec![round; 5_000]),
        ];
        pair.transfer(side, &sent, Wish::default(), 2);
        assert_eq!(std::mem::take(&mut pair.heard[1 - side]), sent);
        for one in [side, 1 - side] {
            reset(pair, one, 7);
        }
        pair.run(Duration::from_millis(200));
    }
}

/// The same with a second end that ends its own direction when it hears of the other's.
pub fn reset_and_reuse_together<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for round in 0..20_u8 {
        let side = usize::from(round % 2);
        let sent = [Message::new(7, vec![round; 5_000])];
        pair.transfer(side, &sent, Wish::default(), 1);
        assert_eq!(std::mem::take(&mut pair.heard[1 - side]), sent);
        pair.facts[0].clear();
        let both = [Fact::IncomingReset(vec![7]), Fact::OutgoingReset(vec![7])];
        if side == 1 {
            pair.reset(1, 7);
            assert!(pair.until(A_WHILE, |pair| pair.facts[0].contains(&both[0])));
        }
        pair.reset(0, 7);
        let done = pair.until(A_WHILE, |pair| {
            both.iter().all(|fact| pair.facts[0].contains(fact))
        });
        assert!(done, "round {round}: {:?}", pair.facts);
        pair.run(Duration::from_secs(5));
    }
}

/// One side resets, and the other hears it.
fn reset<A: Peer, B: Peer>(pair: &mut Pair<A, B>, side: usize, stream: u16) {
    let heard = |pair: &Pair<A, B>| {
        let incoming = pair.facts[1 - side].iter().filter(
            |fact| matches!(fact, Fact::IncomingReset(streams) if streams.contains(&stream)),
        );
        let outgoing = pair.facts[side].iter().filter(
            |fact| matches!(fact, Fact::OutgoingReset(streams) if streams.contains(&stream)),
        );
        (incoming.count(), outgoing.count())
    };
    let before = heard(pair);
    pair.reset(side, stream);
    let done = pair.until(A_WHILE, |pair| {
        let after = heard(pair);
        after.0 > before.0 && after.1 > before.1
    });
    assert!(done, "no reset from side {side}: {:?}", pair.facts);
}

/// What was written is delivered, then both sides end in order.
pub fn shutdown<A: Peer, B: Peer>(pair: &mut Pair<A, B>, side: usize) {
    let sent = end_in_order(pair, side, side, &[0, 1]);
    assert!(pair.heard[1 - side] == sent);
}

/// One side writes and one shuts down; until the end was told to those who hear of it.
pub fn end_in_order<A: Peer, B: Peer>(
    pair: &mut Pair<A, B>,
    writer: usize,
    side: usize,
    told: &[usize],
) -> Vec<Message> {
    let sent = messages(40, 1, 20_000, 30);
    for message in &sent {
        assert!(pair.send(writer, message, Wish::default()));
    }
    pair.shut_down(side);
    let done = pair.until(A_WHILE, |pair| {
        told.iter()
            .all(|side| pair.facts[*side].contains(&Fact::ShutDown))
    });
    assert!(done, "no end: {:?}", pair.facts);
    sent
}

/// One side gives up, and the other hears it at once.
pub fn abort<A: Peer, B: Peer>(pair: &mut Pair<A, B>, side: usize) {
    let now = pair.now;
    if side == 0 {
        pair.a.abort(now);
    } else {
        pair.b.abort(now);
    }
    let over = |fact: &Fact| matches!(fact, Fact::Aborted(_) | Fact::ShutDown);
    let done = pair.until(Duration::from_secs(1), |pair| {
        pair.facts[1 - side].iter().any(over)
    });
    assert!(done, "no end: {:?}", pair.facts);
}

/// Unreliable messages arrive whole or not at all, at most once, in order unless that was not wished for, and reliable ones beside them arrive all.
pub fn partial_reliability<A: Peer, B: Peer>(pair: &mut Pair<A, B>, wish: Wish) {
    for side in 0..2 {
        let lossy = messages(200, 1, 8_000, 40 + side as u64);
        let mut sure = messages(50, 1, 8_000, 50 + side as u64);
        for message in &mut sure {
            message.stream = 3;
        }
        pair.transfer(side, &lossy, wish, 0);
        pair.transfer(side, &sure, Wish::default(), 0);
        let done = pair.until(Duration::from_secs(300), |pair| {
            on_stream(&pair.heard[1 - side], 3).len() == sure.len()
        });
        assert!(done, "side {side} got stuck");
        pair.run(A_WHILE);
        let heard = std::mem::take(&mut pair.heard[1 - side]);
        assert!(on_stream(&heard, 3) == sure);
        let arrived = on_stream(&heard, 0);
        assert!(arrived.len() < lossy.len(), "the weather was too fine");
        assert!(!arrived.is_empty());
        if wish.unordered {
            let mut left = lossy.iter().collect::<Vec<_>>();
            for message in &arrived {
                let place = left.iter().position(|one| *one == message);
                left.swap_remove(place.expect("a message is not whole, or came twice"));
            }
            continue;
        }
        let mut expected = lossy.iter();
        for message in &arrived {
            assert!(
                expected.any(|one| one == message),
                "a message is not whole, or out of order"
            );
        }
    }
}

/// Half an hour without a message, in which both sides look after the path, and then some. Who hears no answer would have given up.
pub fn idle<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    ordered(pair);
    let facts = pair.facts.clone();
    let before = pair.packets();
    pair.run(Duration::from_secs(1_800));
    assert_eq!(pair.facts, facts, "neither may give up");
    let heartbeats = pair.packets() - before;
    assert!((50..3_000).contains(&heartbeats), "{heartbeats} packets");
    ordered(pair);
}

/// A reader that sleeps stops the writer, and nothing is lost when it wakes.
pub fn slow_reader<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for side in 0..2 {
        let sent = messages(600, 1, 60_000, 60 + side as u64);
        pair.reading = false;
        let mut taken = 0;
        while taken < sent.len() && pair.send(side, &sent[taken], Wish::default()) {
            taken += 1;
        }
        pair.run(Duration::from_secs(60));
        pair.reading = true;
        pair.transfer(side, &sent[taken..], Wish::default(), sent.len());
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// What kinds of payload there are arrive as what they were sent.
pub fn payload_kinds<A: Peer, B: Peer>(pair: &mut Pair<A, B>) {
    for side in 0..2 {
        let sent: Vec<Message> = [50, 51, 53, 56, 57]
            .map(|ppid| Message {
                ppid,
                ..Message::new(2, vec![ppid as u8; 10])
            })
            .into();
        pair.transfer(side, &sent, Wish::default(), sent.len());
        assert_eq!(std::mem::take(&mut pair.heard[1 - side]), sent);
    }
}

/// Many small messages of these sides travel in few packets, each as large as may be.
pub fn bundling<A: Peer, B: Peer>(pair: &mut Pair<A, B>, sides: &[usize]) {
    for &side in sides {
        let sent: Vec<Message> = (0..1_000_u32)
            .map(|number| Message::new(number as u16 % 3, number.to_be_bytes()))
            .collect();
        let before = pair.packets();
        pair.transfer(side, &sent, Wish::default(), sent.len());
        let packets = pair.packets() - before;
        // 20 bytes of chunk each: more than fifty in a packet, and acknowledgements.
        assert!(packets < 100, "{packets} packets from side {side}");
        let heard = std::mem::take(&mut pair.heard[1 - side]);
        for stream in 0..3 {
            assert!(on_stream(&sent, stream) == on_stream(&heard, stream));
        }
    }
}

/// So many messages on one stream: beyond 2^16 their numbers begin at zero again, and in the first direction TSNs do when the first end is
/// [`Ours::before_the_wrap`].
pub fn numbers_wrap<A: Peer, B: Peer>(pair: &mut Pair<A, B>, count: u32) {
    for side in 0..2 {
        let sent: Vec<Message> = (0..count)
            .map(|number| Message::new(1, number.to_be_bytes()))
            .collect();
        pair.transfer(side, &sent, Wish::default(), sent.len());
        assert!(std::mem::take(&mut pair.heard[1 - side]) == sent);
    }
}

/// Ours sends larger and smaller packets in the middle of a transfer.
pub fn packet_sizes<B: Peer>(pair: &mut Pair<Ours, B>) {
    for size in [1_400, 600, 1_191] {
        let sent = messages(60, 1, 40_000, 70);
        pair.transfer(0, &sent[..30], Wish::default(), 10);
        let now = pair.now;
        pair.a.0.set_max_datagram(now, size);
        pair.transfer(0, &sent[30..], Wish::default(), 0);
        let done = pair.until(A_WHILE, |pair| pair.heard[1].len() == sent.len());
        assert!(done, "{} of {} came", pair.heard[1].len(), sent.len());
        assert!(std::mem::take(&mut pair.heard[1]) == sent);
    }
}

/// A probe of this size is answered; one that is lost is made again.
pub fn probe<B: Peer>(pair: &mut Pair<Ours, B>, size: usize) {
    for _ in 0..20 {
        pair.facts[0].clear();
        let now = pair.now;
        pair.a.0.probe(now, size).unwrap();
        let ended = |fact: &Fact| matches!(fact, Fact::Probed(_));
        assert!(pair.until(A_WHILE, |pair| pair.facts[0].iter().any(ended)));
        if pair.facts[0].contains(&Fact::Probed(true)) {
            return;
        }
    }
    panic!("no answer to a probe of {size} bytes");
}
