//! SDP: a browser's offer is read and printed, against one copy of its text.

use avocet_benches::samples::CHROMIUM_OFFER;
use avocet_benches::{compare, criterion};
use sdp::SessionDescription;

fn main() {
    let mut criterion = criterion();
    compare(
        &mut criterion,
        &format!("sdp parse Chromium offer of {} bytes", CHROMIUM_OFFER.len()),
        || {
            CHROMIUM_OFFER
                .parse::<SessionDescription>()
                .expect("a real offer")
        },
        || CHROMIUM_OFFER.to_owned(),
    );
    let description: SessionDescription = CHROMIUM_OFFER.parse().expect("a real offer");
    compare(
        &mut criterion,
        "sdp print the same",
        || description.to_string(),
        || CHROMIUM_OFFER.to_owned(),
    );
    criterion.final_summary();
}
