/// What a [`Connection`](crate::Connection) counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Datagrams handed out, the handshake's and alerts; sealed records are not datagrams yet.
    pub datagrams_sent: u64,
    /// Flights sent, repeated ones included.
    pub flights_sent: u64,
    /// Flights repeated because a timer ran out.
    pub timeouts: u64,
    /// Flights repeated because the other side repeated its own.
    pub repeats: u64,
    /// Records of application data sealed.
    pub records_sealed: u64,
    /// Records opened, any content.
    pub records_opened: u64,
    /// What was dropped on arrival, by reason.
    pub dropped: Dropped,
}

/// Records, fragments and messages dropped on arrival, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Headers cut short, unknown types or versions, lengths that do not fit.
    pub malformed: u64,
    /// Records beyond the 32nd of a datagram.
    pub too_many: u64,
    /// Records of an epoch that is not open.
    pub epoch: u64,
    /// Protected records with a connection id that is not ours, or without the one that was agreed on.
    pub connection_id: u64,
    /// Application data in the clear.
    pub plaintext_data: u64,
    /// Alerts and handshake messages in the clear after keys exist, or alerts that nobody authenticated.
    pub plaintext: u64,
    /// Records seen before, or older than the replay window.
    pub replayed: u64,
    /// Records whose tag did not verify.
    pub unauthentic: u64,
    /// Fragments that contradict their message, or exceed a bound of the reassembly.
    pub fragments: u64,
    /// Complete hello messages that were refused; the handshake waited for a better one.
    pub hellos: u64,
    /// Messages behind the hellos that were refused; the handshake waited for better ones, twice.
    pub messages: u64,
    /// Application data beyond what is kept for [`recv`](crate::Connection::recv), or before the handshake ends.
    pub overflow: u64,
    /// Anything after the end.
    pub closed: u64,
}
