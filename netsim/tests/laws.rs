//! The battery passes an honest machine at every stage, and catches each twin by the law that it breaks.

mod toy;

use std::collections::BTreeSet;
use std::time::Duration;

use avocet_netsim::laws::{Battery, Law, Resists, Stage, Violation};
use avocet_netsim::{Machine, Pair};
use toy::{Flaw, Toy};

/// A pair at a stage: A is sound, B has the flaw.
fn pair_at(flaw: Flaw, stage: Stage, seed: u64) -> Pair<Toy> {
    let a = Toy::new(flaw, seed, seed * 2);
    let b = Toy::new(flaw, seed, seed * 2 + 1);
    let mut pair = Pair::new(a, b);
    let now = pair.now();
    pair.a_mut().connect(now);
    match stage {
        Stage::New => {}
        Stage::MidHandshake => pair.run_datagrams(1),
        Stage::Established | Stage::Closing => {
            let both = |pair: &Pair<Toy>| pair.a().is_established() && pair.b().is_established();
            assert!(pair.run_until(Duration::from_secs(1), both));
        }
    }
    if stage == Stage::Closing {
        let now = pair.now();
        pair.a_mut().send(now, b"last words");
        pair.a_mut().close(now);
    }
    pair
}

fn violations(flaw: Flaw) -> Vec<Violation> {
    Battery::new("Toy", move |stage, seed| pair_at(flaw, stage, seed))
        .traffic(|pair, round| {
            let now = pair.now();
            pair.a_mut().send(now, &[1, round.to_be_bytes()[3]]);
            pair.b_mut().send(now, &[2, round.to_be_bytes()[3]]);
            pair.b_mut().send(now, b"another one");
        })
        .resists(Resists::Forgeries)
        .violations()
}

#[test]
fn an_honest_machine_obeys_every_law_at_every_stage() {
    let violations = violations(Flaw::None);
    assert!(violations.is_empty(), "{violations:#?}");
}

/// The twin breaks this law and no other.
fn breaks_only(flaw: Flaw, law: Law) {
    let violations = violations(flaw);
    let broken: BTreeSet<Law> = violations.iter().map(|violation| violation.law).collect();
    assert_eq!(broken, BTreeSet::from([law]), "{violations:#?}");
    assert!(violations[0].to_string().contains(&law.to_string()));
}

#[test]
fn work_inside_poll_event_breaks_commuting_polls() {
    breaks_only(Flaw::WorksInPollEvent, Law::PollsCommute);
}

#[test]
fn a_drain_before_the_next_datagram_rule_breaks_commuting_polls() {
    breaks_only(Flaw::NeedsPollBetweenDatagrams, Law::PollsCommute);
}

#[test]
fn a_deadline_that_stands_still_breaks_progress() {
    breaks_only(Flaw::DeadlineStandsStill, Law::DeadlinesProgress);
}

#[test]
fn a_machine_that_is_never_silent_breaks_progress() {
    breaks_only(Flaw::NeverSilent, Law::DeadlinesProgress);
}

#[test]
fn speaking_without_a_cause_breaks_progress() {
    breaks_only(Flaw::SpeaksUnasked, Law::DeadlinesProgress);
}

#[test]
fn a_hidden_timer_breaks_progress() {
    breaks_only(Flaw::HiddenTimer, Law::DeadlinesProgress);
}

#[test]
fn a_far_future_sentinel_breaks_progress() {
    breaks_only(Flaw::FarFutureDeadline, Law::DeadlinesProgress);
}

#[test]
fn clearing_the_buffer_breaks_the_prefix() {
    breaks_only(Flaw::ClearsBuffer, Law::PrefixUntouched);
}

#[test]
fn aligning_to_the_callers_buffer_breaks_the_prefix() {
    breaks_only(Flaw::AlignsToBuffer, Law::PrefixUntouched);
}

#[test]
fn an_empty_datagram_breaks_the_prefix() {
    breaks_only(Flaw::EmptyDatagram, Law::PrefixUntouched);
}

#[test]
fn ambient_randomness_breaks_same_bytes() {
    breaks_only(Flaw::AmbientNonce, Law::SameSeedSameBytes);
}

#[test]
fn a_believed_length_breaks_total_input() {
    breaks_only(Flaw::BelievesLengths, Law::InputIsTotal);
}

#[test]
fn an_unauthenticated_close_breaks_total_input() {
    breaks_only(Flaw::TrustsStrangers, Law::InputIsTotal);
}

#[test]
fn a_note_for_every_datagram_breaks_bounded_memory() {
    breaks_only(Flaw::KeepsEverything, Law::NotPollingIsBounded);
}

#[test]
fn subtracting_instants_breaks_leaping_time() {
    breaks_only(Flaw::SubtractsInstants, Law::TimeMayLeap);
}

#[test]
#[should_panic(expected = "Toy breaks the law \"deadlines are facts and progress\", new, seed 0")]
fn a_failed_check_names_machine_law_stage_and_seed() {
    Battery::new("Toy", |stage, seed| {
        pair_at(Flaw::DeadlineStandsStill, stage, seed)
    })
    .seeds(0..1)
    .check();
}

#[test]
fn the_same_pair_has_the_same_outcome_twice() {
    let run = || {
        let mut pair = pair_at(Flaw::None, Stage::Closing, 5);
        pair.run_for(Duration::from_secs(10));
        (pair.trace_hash(), pair.a().outcome())
    };
    assert_eq!(run(), run());
}
