use proptest::prelude::*;

use super::Message;
use super::inbox::{Inbox, Inserted};
use crate::wire::{Fragment, FragmentHeader, HandshakeType};

const CAPACITY: usize = 40 * 1024;

fn fragment<'a>(message: &'a Message, from: usize, to: usize) -> Fragment<'a> {
    let bytes = &message.body[from..to];
    Fragment {
        header: FragmentHeader {
            message_type: message.message_type,
            length: u32::try_from(message.body.len()).unwrap(),
            message_seq: message.message_seq,
            offset: u32::try_from(from).unwrap(),
            fragment_length: u32::try_from(bytes.len()).unwrap(),
        },
        bytes,
    }
}

fn message(message_seq: u16, length: usize) -> Message {
    let pattern =
        (0..length).map(|i| u8::try_from(i % 251).unwrap() ^ message_seq.to_be_bytes()[1]);
    Message {
        message_type: HandshakeType::CERTIFICATE,
        message_seq,
        body: pattern.collect(),
    }
}

fn whole(message: &Message) -> Fragment<'_> {
    fragment(message, 0, message.body.len())
}

proptest! {
    /// Catalogue D-02.
    ///
    /// D-6, T-8.
    #[test]
    fn any_cut_order_overlap_and_repetition_gives_the_same_messages(
        lengths in prop::collection::vec(0_usize..400, 1..6),
        cuts in prop::collection::vec((0_usize..6, 0_usize..400, 1_usize..120), 0..80),
        seed in any::<u64>(),
    ) {
        let messages: Vec<_> = (0..).zip(&lengths).map(|(seq, length)| message(seq, *length)).collect();
        // Random pieces, then everything in pieces of 50, all of it shuffled.
        let mut pieces: Vec<(usize, usize, usize)> = Vec::new();
        for (which, from, length) in cuts {
            let which = which % messages.len();
            let total = messages[which].body.len();
            if from < total {
                pieces.push((which, from, (from + length).min(total)));
            }
        }
        for (which, message) in messages.iter().enumerate() {
            let total = message.body.len();
            for from in (0..total.max(1)).step_by(50) {
                pieces.push((which, from, (from + 50).min(total)));
            }
        }
        use rand::SeedableRng as _;
        use rand::seq::SliceRandom as _;
        pieces.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));

        let mut inbox = Inbox::new(0, CAPACITY);
        let mut taken = Vec::new();
        for (which, from, to) in pieces {
            inbox.insert(0, 0, &fragment(&messages[which], from, to));
            while let Some(message) = inbox.take(0) {
                taken.push(message);
            }
        }
        prop_assert_eq!(taken, messages);
        prop_assert_eq!(inbox.held(), 0);
    }
}

#[test]
fn the_first_bytes_win() {
    let genuine = message(0, 100);
    let mut other = genuine.clone();
    other.body.fill(0xff);
    let mut inbox = Inbox::new(0, CAPACITY);
    inbox.insert(0, 0, &fragment(&genuine, 10, 60));
    inbox.insert(0, 0, &fragment(&other, 0, 100));
    let taken = inbox.take(0).unwrap();
    assert_eq!(taken.body[10..60], genuine.body[10..60]);
    assert!(
        taken.body[..10]
            .iter()
            .chain(&taken.body[60..])
            .all(|byte| *byte == 0xff)
    );
}

/// Catalogue D-02.
#[test]
fn messages_are_kept_apart_by_number_not_by_type() {
    let (one, other) = (message(1, 50), message(2, 200));
    let mut inbox = Inbox::new(1, CAPACITY);
    inbox.insert(0, 0, &fragment(&other, 50, 200));
    inbox.insert(0, 0, &whole(&one));
    assert_eq!(inbox.take(0), Some(one));
    assert_eq!(inbox.take(0), None);
    inbox.insert(0, 0, &fragment(&other, 0, 50));
    assert_eq!(inbox.take(0), Some(other));
}

#[test]
fn a_later_message_keeps_its_type_and_length_and_the_next_one_takes_the_latest() {
    let mut inbox = Inbox::new(0, CAPACITY);
    for (seq, expected) in [(3, Inserted::Refused), (0, Inserted::Replaced)] {
        let (short, long) = (message(seq, 100), message(seq, 101));
        assert_eq!(inbox.insert(0, 0, &fragment(&short, 0, 10)), Inserted::Kept);
        assert_eq!(inbox.insert(0, 0, &fragment(&long, 0, 10)), expected);
    }
    inbox.insert(0, 0, &whole(&message(0, 101)));
    assert_eq!(inbox.take(0), Some(message(0, 101)));
}

#[test]
fn the_protected_epoch_wins_over_the_clear_one_and_never_the_other_way_round() {
    let forged = message(4, 12);
    let mut genuine = forged.clone();
    genuine.body.fill(9);
    let mut inbox = Inbox::new(3, CAPACITY);
    inbox.insert(0, 0, &whole(&forged));
    inbox.insert(1, 0, &whole(&genuine));
    assert_eq!(inbox.insert(0, 0, &whole(&forged)), Inserted::Refused);
    inbox.insert(0, 0, &whole(&message(3, 1)));
    assert_eq!(inbox.take(0), Some(message(3, 1)));
    assert_eq!(inbox.insert(0, 1, &whole(&forged)), Inserted::Refused);
    assert_eq!(inbox.take(1), Some(genuine));
}

#[test]
fn a_message_of_the_wrong_epoch_is_not_handed_out() {
    let mut inbox = Inbox::new(0, CAPACITY);
    inbox.insert(0, 0, &whole(&message(1, 5)));
    inbox.insert(0, 0, &whole(&message(0, 5)));
    assert!(inbox.take(0).is_some());
    assert_eq!(inbox.take(1), None);
    assert_eq!(inbox.held(), 0);
}

#[test]
fn every_bound_holds() {
    let mut inbox = Inbox::new(5, CAPACITY);
    assert_eq!(inbox.insert(0, 0, &whole(&message(4, 1))), Inserted::Old);
    assert_eq!(
        inbox.insert(0, 0, &whole(&message(5 + 16, 1))),
        Inserted::Kept
    );
    assert_eq!(
        inbox.insert(0, 0, &whole(&message(5 + 17, 1))),
        Inserted::Refused
    );
    let long = message(6, Inbox::MAX_MESSAGE + 1);
    assert_eq!(
        inbox.insert(0, 0, &fragment(&long, 0, 1)),
        Inserted::Refused
    );

    // A claim counts in full from its first byte on.
    let claim = message(7, Inbox::MAX_MESSAGE);
    assert_eq!(inbox.insert(0, 0, &fragment(&claim, 0, 1)), Inserted::Kept);
    let more = message(8, CAPACITY - Inbox::MAX_MESSAGE);
    assert_eq!(
        inbox.insert(0, 0, &fragment(&more, 0, 1)),
        Inserted::Refused
    );
    assert!(inbox.held() <= CAPACITY);
    // The next message finds room all the same.
    let next = message(5, Inbox::MAX_MESSAGE);
    assert_eq!(inbox.insert(0, 0, &whole(&next)), Inserted::Kept);
    assert!(inbox.held() <= CAPACITY);
    assert_eq!(inbox.take(0), Some(next));
}

#[test]
fn a_message_is_kept_in_sixty_four_pieces_at_most() {
    let message = message(0, 400);
    let mut inbox = Inbox::new(0, CAPACITY);
    for piece in 0..64 {
        let at = piece * 4;
        assert_eq!(
            inbox.insert(0, 0, &fragment(&message, at, at + 1)),
            Inserted::Kept
        );
    }
    assert_eq!(
        inbox.insert(0, 0, &fragment(&message, 300, 301)),
        Inserted::Refused
    );
    // What joins pieces is welcome.
    assert_eq!(
        inbox.insert(0, 0, &fragment(&message, 0, 100)),
        Inserted::Kept
    );
    assert_eq!(
        inbox.insert(0, 0, &fragment(&message, 300, 301)),
        Inserted::Kept
    );
    inbox.insert(0, 0, &whole(&message));
    assert_eq!(inbox.take(0), Some(message));
}
