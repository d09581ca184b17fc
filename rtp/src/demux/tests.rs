use proptest::prelude::*;

use super::*;
use crate::{Mid, PayloadType, Rid, Ssrc};

const AUDIO: SectionId = SectionId::new(0);
const VIDEO: SectionId = SectionId::new(1);
const SCREEN: SectionId = SectionId::new(2);

fn pt(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

fn ssrc(number: u32) -> Ssrc {
    Ssrc::new(number)
}

/// Two video sections share their payload types, as browsers offer them.
fn bundle() -> Demuxer<u32> {
    let mut demuxer = Demuxer::with_max_bindings(8);
    demuxer.set_section(AUDIO, Mid::new("0"), [pt(111)], &[]);
    demuxer.set_section(VIDEO, Mid::new("1"), [pt(96), pt(97)], &[]);
    demuxer.set_section(SCREEN, Mid::new("2"), [pt(96), pt(97)], &[]);
    demuxer
}

#[test]
fn sections_are_found_by_mid_then_ssrc_then_payload_type() {
    let mut demuxer = bundle();
    assert_eq!(demuxer.route(ssrc(1), None, pt(111)), Route::New(AUDIO));
    assert_eq!(
        demuxer.route(ssrc(1), None, pt(96)),
        Route::Unknown,
        "of two sections"
    );
    assert_eq!(
        demuxer.route(ssrc(1), Mid::new("2"), pt(96)),
        Route::New(SCREEN)
    );
    assert!(demuxer.learn(ssrc(1), SCREEN, 7));
    let Route::Bound(binding) = demuxer.route(ssrc(1), None, pt(96)) else {
        panic!("bound by now");
    };
    assert_eq!((binding.section, binding.role), (SCREEN, 7));
    assert_eq!(
        demuxer.route(ssrc(1), Mid::new("1"), pt(96)),
        Route::Moved(VIDEO)
    );
    let unknown = Mid::new("late");
    assert_eq!(demuxer.route(ssrc(2), unknown, pt(111)), Route::Unknown);
    assert!(matches!(
        demuxer.route(ssrc(1), unknown, pt(96)),
        Route::Bound(_)
    ));
    demuxer.remove_section(SCREEN);
    assert_eq!(demuxer.get(ssrc(1)), None);
    assert_eq!(
        demuxer.route(ssrc(1), None, pt(96)),
        Route::New(VIDEO),
        "of one by now"
    );
}

#[test]
fn the_longest_unused_make_room_and_declared_ones_never_do() {
    let mut demuxer = bundle();
    assert!(demuxer.declare(ssrc(100), VIDEO, 0));
    for number in 0..7 {
        assert!(demuxer.learn(ssrc(number), VIDEO, number));
    }
    assert!(demuxer.is_full());
    assert!(!demuxer.learn(ssrc(50), VIDEO, 0) && !demuxer.declare(ssrc(51), VIDEO, 0));
    demuxer.route(ssrc(0), None, pt(96));
    assert_eq!(demuxer.least_recently_used(2), [ssrc(1), ssrc(2)]);
    let all = demuxer.least_recently_used(100);
    assert_eq!((all.len(), all.contains(&ssrc(100))), (7, false));
    demuxer.remove(ssrc(1));
    assert!(demuxer.learn(ssrc(50), VIDEO, 0));
    assert!(
        demuxer.learn(ssrc(100), VIDEO, 9),
        "a role for one that is known"
    );
    assert_eq!(
        demuxer.get(ssrc(100)).map(|b| (b.role, b.declared)),
        Some((9, true))
    );
}

#[test]
fn repair_streams_find_their_original_by_declaration_encoding_or_alone() {
    let is_media = |role: u32| role < 10;
    let rid = |text| Rid::new(text).unwrap();
    let mut demuxer = bundle();
    demuxer.learn(ssrc(20), VIDEO, 10);
    assert_eq!(demuxer.original(ssrc(20), is_media), None, "no media yet");
    demuxer.learn(ssrc(1), VIDEO, 1);
    demuxer.learn(ssrc(9), SCREEN, 1);
    assert_eq!(
        demuxer.original(ssrc(20), is_media),
        Some(ssrc(1)),
        "the only one"
    );
    demuxer.learn(ssrc(2), VIDEO, 2);
    assert_eq!(demuxer.original(ssrc(20), is_media), None, "one of two");
    demuxer.set_rid(ssrc(1), rid("hi"));
    demuxer.set_rid(ssrc(2), rid("lo"));
    demuxer.set_rid(ssrc(20), rid("lo"));
    assert_eq!(demuxer.original(ssrc(20), is_media), Some(ssrc(2)));
    let pairs = [(ssrc(1), ssrc(20))];
    demuxer.set_section(VIDEO, Mid::new("1"), [pt(96)], &pairs);
    assert_eq!(
        demuxer.original(ssrc(20), is_media),
        Some(ssrc(1)),
        "declared"
    );
    demuxer.remove(ssrc(1));
    assert_eq!(
        demuxer.original(ssrc(20), is_media),
        None,
        "declared, and not there"
    );
}

/// Forged packets never come here (they are not authentic); a peer that makes up SSRCs fills the table and no more.
#[test]
fn a_million_ssrcs_leave_memory_unchanged() {
    let mut demuxer = Demuxer::<u32>::new();
    demuxer.set_section(VIDEO, None, [pt(96)], &[]);
    demuxer.declare(ssrc(7), VIDEO, 0);
    for number in 1_000..1_001_000 {
        let number = ssrc(number);
        if let Route::New(section) = demuxer.route(number, None, pt(96)) {
            if demuxer.is_full() {
                for old in demuxer.least_recently_used(64) {
                    demuxer.remove(old);
                }
            }
            assert!(demuxer.learn(number, section, 1));
        }
        assert!(demuxer.iter().size_hint().0 <= MAX_BINDINGS);
    }
    assert!(demuxer.get(ssrc(7)).is_some());
    assert!(demuxer.iter().count() <= MAX_BINDINGS);
}

proptest! {
    #[test]
    fn any_packets_keep_the_bindings_ordered_and_bounded(
        packets in proptest::collection::vec((0_u32..20, 0_u8..5, 90_u8..112, 0_u8..4), 0..200),
    ) {
        let mut demuxer = bundle();
        for (number, mid, payload_type, act) in packets {
            let number = ssrc(number);
            match demuxer.route(number, Mid::new(&mid.to_string()).filter(|_| mid < 4), pt(payload_type)) {
                Route::New(section) if act > 0 => {
                    if demuxer.is_full() {
                        for old in demuxer.least_recently_used(1) {
                            demuxer.remove(old);
                        }
                    }
                    demuxer.learn(number, section, u32::from(act));
                }
                Route::Moved(section) => {
                    prop_assert!(demuxer.remove(number).is_some_and(|was| was.section != section));
                }
                Route::Bound(binding) => prop_assert_eq!(demuxer.get(number).map(|b| b.section), Some(binding.section)),
                _ => {}
            }
            let all: Vec<_> = demuxer.iter().map(|(ssrc, _)| ssrc).collect();
            prop_assert!(all.len() <= 8 && all.is_sorted());
        }
    }
}
