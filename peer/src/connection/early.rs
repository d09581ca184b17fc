//! Datagrams that come before their time.
//!
//! A ClientHello may overtake the description that says who sends it (D-28), and media may overtake the keys that
//! open it. Both are kept within small bounds, and replayed when their time has come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use net::Path;

/// DTLS datagrams kept before there is a handshake: today's ClientHello is two.
pub(crate) const MAX_EARLY_HELLOS: usize = 4;
/// Their bytes.
pub(crate) const MAX_EARLY_HELLO_BYTES: usize = 8 * 1024;
/// SRTP and SRTCP datagrams kept before there are keys.
pub(crate) const MAX_EARLY_MEDIA: usize = 16;
/// Their bytes.
pub(crate) const MAX_EARLY_MEDIA_BYTES: usize = 64 * 1024;
/// How long they are kept.
pub(crate) const EARLY_MEDIA_PATIENCE: Duration = Duration::from_millis(500);

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Early {
    hellos: Vec<(Path, Vec<u8>)>,
    media: VecDeque<(Instant, Vec<u8>)>,
}

impl Early {
    /// Keeps a DTLS datagram; `false` when there is no room.
    pub(crate) fn keep_hello(&mut self, path: Path, bytes: &[u8]) -> bool {
        let held: usize = self.hellos.iter().map(|(_, hello)| hello.len()).sum();
        if self.hellos.len() >= MAX_EARLY_HELLOS || held + bytes.len() > MAX_EARLY_HELLO_BYTES {
            return false;
        }
        self.hellos.push((path, bytes.to_vec()));
        true
    }

    /// Takes out the DTLS datagrams of the paths that are proved by now.
    pub(crate) fn take_hellos(&mut self, proved: impl Fn(&Path) -> bool) -> Vec<Vec<u8>> {
        let (taken, kept) = self.hellos.drain(..).partition(|(path, _)| proved(path));
        self.hellos = kept;
        let taken: Vec<(Path, Vec<u8>)> = taken;
        taken.into_iter().map(|(_, hello)| hello).collect()
    }

    /// Whether a DTLS datagram of a proved path waits.
    pub(crate) fn has_hello(&self, proved: impl Fn(&Path) -> bool) -> bool {
        self.hellos.iter().any(|(path, _)| proved(path))
    }

    /// Keeps an SRTP or SRTCP datagram; `false` when there is no room.
    pub(crate) fn keep_media(&mut self, now: Instant, bytes: &[u8]) -> bool {
        let held: usize = self.media.iter().map(|(_, packet)| packet.len()).sum();
        if self.media.len() >= MAX_EARLY_MEDIA || held + bytes.len() > MAX_EARLY_MEDIA_BYTES {
            return false;
        }
        self.media.push_back((now, bytes.to_vec()));
        true
    }

    /// Takes out all SRTP and SRTCP datagrams, in the order of arrival.
    pub(crate) fn take_media(&mut self) -> VecDeque<(Instant, Vec<u8>)> {
        std::mem::take(&mut self.media)
    }

    /// When the oldest has waited too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.media.front()?.0.checked_add(EARLY_MEDIA_PATIENCE)
    }

    /// Drops what has waited too long, and says how many.
    pub(crate) fn expire(&mut self, now: Instant) -> u64 {
        let before = self.media.len();
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.media.pop_front();
        }
        (before - self.media.len()) as u64
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        Path::udp(([10, 0, 0, 1], 1).into(), ([10, 0, 0, 2], port).into())
    }

    #[test]
    fn four_hellos_of_eight_kilobytes_are_kept_and_no_more() {
        let mut early = Early::default();
        assert!(early.keep_hello(path(1), &[22; 4_000]));
        assert!(early.keep_hello(path(2), &[22; 4_000]));
        assert!(!early.keep_hello(path(1), &[22; 4_000]));
        assert!(early.keep_hello(path(1), &[22; 10]));
        assert!(early.keep_hello(path(1), &[22; 10]));
        assert!(!early.keep_hello(path(1), &[22; 10]));
        let taken = early.take_hellos(|p| *p == path(1));
        assert_eq!(taken.len(), 3);
        assert!(early.has_hello(|p| *p == path(2)));
        assert!(!early.has_hello(|p| *p == path(1)));
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs one instant to begin with"
    )]
    fn early_media_waits_for_half_a_second() {
        let start = Instant::now();
        let mut early = Early::default();
        for _ in 0..MAX_EARLY_MEDIA {
            assert!(early.keep_media(start, &[0x80; 100]));
        }
        assert!(!early.keep_media(start, &[0x80; 100]));
        assert_eq!(early.deadline(), Some(start + EARLY_MEDIA_PATIENCE));
        assert_eq!(early.expire(start + Duration::from_millis(499)), 0);
        assert_eq!(early.expire(start + EARLY_MEDIA_PATIENCE), 16);
        assert_eq!(early.deadline(), None);
    }
}
