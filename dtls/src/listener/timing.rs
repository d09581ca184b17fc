use netsim::epoch;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::cookie::CookieSecrets;
use crate::crypto::timing::{assert_silent, wrong};

/// Catalogue K-02.
#[test]
fn the_time_of_refusing_a_cookie_does_not_tell() {
    let mut random = StdRng::from_seed([1; 32]);
    let mut secrets = CookieSecrets::new(&mut random);
    secrets.rotate(epoch(), &mut random);
    let from = ([192, 0, 2, 1], 5).into();
    let genuine = secrets.make(from, b"hello");
    assert_silent("a cookie", &wrong(&genuine, 0), |shown| {
        !secrets.is_good(from, b"hello", (shown, CookieSecrets::LENGTH))
    });
}
