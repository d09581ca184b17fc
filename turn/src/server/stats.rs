/// What a server has counted since it began; what is there now is [`allocations`](Self::allocations) and its like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Allocations that stand.
    pub allocations: u64,
    /// Streams that are open.
    pub streams: u64,
    /// Allocations that were made.
    pub allocated: u64,
    /// Allocations that ended by the client's wish.
    pub released: u64,
    /// Allocations that were not refreshed.
    pub expired: u64,
    /// Binding requests that were answered.
    pub bindings: u64,
    /// Answers, by what they say.
    pub answers: Answers,
    /// Datagrams from clients to peers.
    pub packets_to_peers: u64,
    /// Their payload in bytes.
    pub bytes_to_peers: u64,
    /// Datagrams from peers to clients.
    pub packets_to_clients: u64,
    /// Their payload in bytes.
    pub bytes_to_clients: u64,
    /// What was thrown away.
    pub drops: Drops,
}

/// Answers to requests, by their code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the code is the name")]
pub struct Answers {
    pub success: u64,
    pub code_300: u64,
    pub code_400: u64,
    pub code_401: u64,
    pub code_403: u64,
    pub code_405: u64,
    pub code_420: u64,
    pub code_437: u64,
    pub code_438: u64,
    pub code_440: u64,
    pub code_441: u64,
    pub code_442: u64,
    pub code_443: u64,
    pub code_446: u64,
    pub code_447: u64,
    pub code_486: u64,
    pub code_500: u64,
    pub code_508: u64,
}

impl Answers {
    pub(super) fn count(&mut self, code: u16) {
        let counter = match code {
            300 => &mut self.code_300,
            400 => &mut self.code_400,
            401 => &mut self.code_401,
            403 => &mut self.code_403,
            405 => &mut self.code_405,
            420 => &mut self.code_420,
            437 => &mut self.code_437,
            438 => &mut self.code_438,
            440 => &mut self.code_440,
            441 => &mut self.code_441,
            442 => &mut self.code_442,
            443 => &mut self.code_443,
            446 => &mut self.code_446,
            447 => &mut self.code_447,
            486 => &mut self.code_486,
            508 => &mut self.code_508,
            _ => &mut self.code_500,
        };
        *counter += 1;
    }
}

/// What was thrown away, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drops {
    /// Neither STUN nor ChannelData, or malformed, or of a kind that a server does not get.
    pub malformed: u64,
    /// Questions of the unauthenticated beyond what is answered.
    pub strangers: u64,
    /// Data of a client that has no allocation.
    pub no_allocation: u64,
    /// Data to or from a peer without a permission.
    pub no_permission: u64,
    /// ChannelData on a channel that is not bound.
    pub no_channel: u64,
    /// Data from an address that may not be a peer.
    pub forbidden: u64,
    /// Data beyond the bandwidth.
    pub rate: u64,
    /// Data from a peer that is longer than what a client can be sent.
    pub too_long: u64,
    /// Output that found no room: 256 messages wait at most.
    pub overflow: u64,
    /// Streams beyond the limit, or without an allocation for too long, or out of step.
    pub streams: u64,
    /// Reports about sockets that are not there any more.
    pub stale: u64,
}
