//! What an idle connection holds, counted by the allocator when it is let go.

#![allow(
    clippy::disallowed_methods,
    reason = "simulated time has to begin somewhere"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use avocet_benches::pair::{Content, End, Pair, certificates};
use peer::SessionDescription;

/// Bytes that go when a value goes.
fn bytes_of<T>(value: T) -> i64 {
    -measure(|| drop(value)).bytes_current
}

/// A connected pair ten seconds later.
fn idle(content: Content) -> Pair {
    let mut pair = Pair::connected(Instant::now(), content, &certificates(), 1);
    pair.idle(Duration::from_secs(10));
    assert!(pair.offerer.is_ready() && pair.answerer.is_ready());
    pair
}

/// Bytes of an end's connection, the connection itself included, without the text of the descriptions.
fn bytes_of_end(end: End) -> i64 {
    let length = |text: Option<SessionDescription>| text.map_or(0, |text| text.sdp.len() as i64);
    let texts =
        length(end.connection.local_description()) + length(end.connection.remote_description());
    bytes_of(end.connection) - texts
}

#[test]
fn an_idle_connection_holds_no_more_than_it_did() {
    for (content, most) in [(Content::Data, 0), (Content::Everything, 0)] {
        let Pair {
            offerer, answerer, ..
        } = idle(content);
        let (offerer, answerer) = (bytes_of_end(offerer), bytes_of_end(answerer));
        println!("{content:?}: {offerer} bytes where offered, {answerer} where answered");
        assert!(offerer.max(answerer) <= most, "{content:?}");
    }
}
