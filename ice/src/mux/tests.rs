use stun::{IntegrityKey, MessageBuilder, Method};

use super::*;

const FIRST: SessionId = SessionId::new(1);
const SECOND: SessionId = SessionId::new(2);

fn mux() -> Mux {
    Mux::new([3; 32])
}

fn now() -> Instant {
    // The one clock reading of these tests; only differences count.
    netsim::epoch()
}

fn path(port: u16) -> Path {
    Path::udp(([10, 0, 0, 1], 5_000).into(), ([10, 0, 0, 2], port).into())
}

fn message(class: Class, id: u8, username: &str) -> Vec<u8> {
    let mut buf = Vec::new();
    let id = TransactionId::new([id; 12]);
    let mut builder = MessageBuilder::new(&mut buf, class, Method::BINDING, id);
    builder.username(username);
    let key = IntegrityKey::short_term("any password will do here");
    builder.integrity(&key).fingerprint().finish().unwrap();
    buf
}

fn request(username: &str) -> Vec<u8> {
    message(Class::Request, 1, username)
}

#[test]
fn a_request_finds_its_session_by_fragment_and_data_by_the_bound_path() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    let check = request("first:peer");
    assert_eq!(mux.route(now(), &path(1), &check), Route::ByFragment(FIRST));
    // The request alone binds nothing.
    assert_eq!(mux.route(now(), &path(1), b"\x16data"), Route::Unknown);
    mux.bind(FIRST, path(1));
    assert_eq!(mux.route(now(), &path(1), b"\x16data"), Route::Bound(FIRST));
    assert_eq!(mux.route(now(), &path(1), &check), Route::Bound(FIRST));
    assert_eq!(mux.route(now(), &path(2), b"\x16data"), Route::Unknown);
}

#[test]
fn a_request_that_names_another_session_goes_there_and_binding_moves_the_path() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    mux.insert_fragment("second", SECOND);
    mux.bind(FIRST, path(1));
    let check = request("second:peer");
    assert_eq!(
        mux.route(now(), &path(1), &check),
        Route::ByFragment(SECOND)
    );
    // Not before its integrity was verified does the path change hands.
    assert_eq!(mux.route(now(), &path(1), b"data"), Route::Bound(FIRST));
    mux.bind(SECOND, path(1));
    assert_eq!(mux.route(now(), &path(1), b"data"), Route::Bound(SECOND));
    assert_eq!(mux.stats().rebound_paths, 1);
    // The first one's end does not touch what it has lost.
    mux.remove_session(FIRST);
    assert_eq!(mux.route(now(), &path(1), b"data"), Route::Bound(SECOND));
}

#[test]
fn responses_find_their_session_by_transaction_even_on_another_sessions_path() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    mux.insert_fragment("second", SECOND);
    mux.bind(FIRST, path(1));
    mux.on_request_sent(now(), SECOND, &message(Class::Request, 9, "peer:second"));
    let answer = message(Class::Success, 9, "");
    assert_eq!(
        mux.route(now(), &path(1), &answer),
        Route::ByTransaction(SECOND)
    );
    // Once: the same bytes again are routed like any others.
    assert_eq!(mux.route(now(), &path(1), &answer), Route::Bound(FIRST));
}

#[test]
fn an_outstanding_request_is_forgotten_after_40_s() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    let request = message(Class::Request, 9, "peer:first");
    mux.on_request_sent(now(), FIRST, &request);
    // A retransmission counts anew.
    let again = now() + Duration::from_secs(31);
    mux.on_request_sent(again, FIRST, &request);
    let answer = message(Class::Success, 9, "");
    let late = again + Duration::from_secs(39);
    assert_eq!(
        mux.route(late, &path(1), &answer),
        Route::ByTransaction(FIRST)
    );
    mux.on_request_sent(again, FIRST, &request);
    let too_late = again + Duration::from_secs(81);
    for _ in 0..3 {
        mux.route(too_late, &path(1), b"");
    }
    assert_eq!(mux.route(too_late, &path(1), &answer), Route::Unknown);
}

#[test]
fn i03_strangers_leave_nothing_behind() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    for port in 1..=10_000 {
        let requests = [
            request("first:peer"),
            request("nobody:peer"),
            request("none"),
        ];
        for bytes in requests
            .iter()
            .map(Vec::as_slice)
            .chain([&b"\x80rtp"[..], b""])
        {
            mux.route(now(), &path(port), bytes);
        }
        mux.on_request_sent(now(), SECOND, &requests[0]);
    }
    assert!(mux.paths.is_empty() && mux.transactions.is_empty());
    assert_eq!((mux.fragments.len(), mux.sessions.len()), (1, 1));
}

#[test]
fn a_session_keeps_eight_paths_and_never_loses_the_selected_one() {
    let mut mux = mux();
    mux.bind_selected(FIRST, path(1));
    for port in 2..=20 {
        mux.bind(FIRST, path(port));
    }
    let bound: Vec<u16> = (1..=20)
        .filter(|port| mux.route(now(), &path(*port), b"data") == Route::Bound(FIRST))
        .collect();
    assert_eq!(bound, [1, 14, 15, 16, 17, 18, 19, 20]);
    assert_eq!(mux.stats().evicted_paths, 12);
}

#[test]
fn transactions_are_capped() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    let mut bytes = message(Class::Request, 0, "peer:first");
    for number in 0..=u32::try_from(MAX_TRANSACTIONS).unwrap() {
        bytes[8..12].copy_from_slice(&number.to_be_bytes());
        mux.on_request_sent(now(), FIRST, &bytes);
    }
    assert_eq!(mux.transactions.len(), MAX_TRANSACTIONS);
    assert_eq!(mux.stats().evicted_transactions, 1);
}

#[test]
fn a_removed_session_is_gone_from_every_table() {
    let mut mux = mux();
    mux.insert_fragment("first", FIRST);
    mux.bind(FIRST, path(1));
    mux.on_request_sent(now(), FIRST, &message(Class::Request, 9, "peer:first"));
    mux.remove_session(FIRST);
    assert_eq!(
        mux.route(now(), &path(1), &request("first:peer")),
        Route::Unknown
    );
    let answer = message(Class::Success, 9, "");
    assert_eq!(mux.route(now(), &path(1), &answer), Route::Unknown);
    assert!(mux.paths.is_empty() && mux.fragments.is_empty() && mux.sessions.is_empty());
}

#[test]
fn fragments_of_a_session_are_capped_and_a_restart_keeps_the_old_one() {
    let mut mux = mux();
    for name in ["aaaa", "bbbb", "cccc", "dddd", "eeee"] {
        mux.insert_fragment(name, FIRST);
    }
    assert_eq!(
        mux.route(now(), &path(1), &request("aaaa:x")),
        Route::Unknown
    );
    for name in ["bbbb:x", "eeee:x"] {
        assert_eq!(
            mux.route(now(), &path(1), &request(name)),
            Route::ByFragment(FIRST)
        );
    }
}
