use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            pub(crate) const fn new(id: u32) -> Self {
                Self(id)
            }

            /// The number, for tables of the caller; a session never gives one out twice.
            pub const fn get(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// Names one outgoing stream of a session.
    SenderId
}

id! {
    /// Names one receiving media section of a session; several streams may arrive for it.
    ReceiverId
}

/// Names one unbroken run of a received stream, across all sessions of the process.
///
/// A forwarder tells by it that the source of a subscriber has changed: SSRCs of two publishers may be equal, and
/// a stream whose sequence numbers leapt has the same SSRC but a new key. It is drawn from the session's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StreamKey(u64);

impl StreamKey {
    /// Makes a key for packets that did not come out of a session.
    pub const fn new(key: u64) -> Self {
        Self(key)
    }

    /// The key of the next run of the same stream: as good as drawn.
    pub(crate) const fn successor(self) -> Self {
        // The finalizer of SplitMix64 is a bijection without short cycles in practice.
        let mut key = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(key ^ (key >> 31))
    }
}
