use std::net::SocketAddr;
use std::time::{Duration, Instant};

use net::Path;

use crate::{CandidateKind, CandidateTransport};

/// What an agent counted; see W3C `RTCIceCandidatePairStats` and `RTCTransportStats` for the names that exist
/// there. Everything that is dropped is counted under one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connectivity checks sent for the first time.
    pub requests_sent: u64,
    /// Of these, those to addresses that had not shown that they know the credentials: what an endpoint counts
    /// against its [`CheckBudget`](crate::CheckBudget).
    pub unproved_requests_sent: u64,
    /// Connectivity checks sent again.
    pub retransmissions_sent: u64,
    /// Consent checks sent (RFC 7675); not counted in `requests_sent`.
    pub consent_requests_sent: u64,
    /// Checks sent to find out how large datagrams may be (RFC 8899); not counted in `requests_sent`.
    pub path_mtu_probes_sent: u64,
    /// Requests whose integrity was right.
    pub requests_received: u64,
    /// Responses sent, errors included.
    pub responses_sent: u64,
    /// Responses that belonged to a request of ours and whose integrity was right.
    pub responses_received: u64,
    /// How often another path was selected.
    pub selected_candidate_pair_changes: u32,

    /// Dropped: not STUN, or malformed.
    pub dropped_malformed: u64,
    /// Dropped: FINGERPRINT missing or wrong.
    pub dropped_fingerprint: u64,
    /// Dropped or answered with 400: USERNAME, integrity or a required attribute missing or malformed.
    pub dropped_bad_request: u64,
    /// Dropped: the username fragment is not ours.
    pub dropped_unknown_username: u64,
    /// Dropped or answered with 401: the integrity was wrong.
    pub dropped_integrity: u64,
    /// Dropped: a response to nothing that is outstanding.
    pub dropped_unknown_transaction: u64,
    /// Dropped: an indication or a method that ICE does not use.
    pub dropped_not_a_check: u64,
    /// Dropped: the policy forbids the path it came on, or no candidate of ours has its transport.
    pub dropped_policy: u64,
    /// Dropped: the agent has failed or is closed.
    pub dropped_inactive: u64,
    /// Error answers that were not sent because of the rate limit for the unauthenticated.
    pub rate_limited: u64,
    /// Answers that were not sent because the queue of answers was full.
    pub replies_dropped: u64,
    /// Requests answered with 420.
    pub unknown_attribute_errors: u64,
    /// Role conflicts seen in requests whose integrity was right, and 487 answers received.
    pub role_conflicts: u64,
    /// Nominations that had been seen before, in requests that were repeated or played again; they were answered, and
    /// moved nothing. A controlled agent.
    pub repeated_nominations: u64,
    /// Responses that came from or to another address than the request went (RFC 8445 §7.2.5.2.1).
    pub asymmetric_responses: u64,
    /// Remote candidates that were not taken because of a cap.
    pub remote_candidates_refused: u64,
    /// Pairs that were not formed, or given up, because of the cap of 100.
    pub pairs_refused: u64,
    /// Checks not started because too many transactions were outstanding.
    pub transactions_refused: u64,
    /// Requests sent to STUN servers, retransmissions and keepalives included; not counted in `requests_sent`.
    pub stun_server_requests_sent: u64,
    /// Requests to STUN servers that nobody answered in 5 s.
    pub stun_server_timeouts: u64,
    /// Carried datagrams that were not taken in because nobody took the earlier ones; the peer sends them again.
    pub payloads_dropped: u64,
    /// Events that were not queued because nobody took the earlier ones.
    pub events_dropped: u64,
}

/// The state of a candidate pair (RFC 8445 §6.1.2.6). There is no Frozen: with one component, which BUNDLE and
/// rtcp-mux give, nothing would be in it for longer than a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PairState {
    /// Not checked yet.
    Waiting,
    /// A check is outstanding.
    InProgress,
    /// A check was answered: the pair is valid.
    Succeeded,
    /// A check failed or consent expired.
    Failed,
}

/// One candidate pair (W3C `RTCIceCandidatePairStats`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PairStats {
    /// Its two ends; the local one is the base.
    pub path: Path,
    /// Its state.
    pub state: PairState,
    /// Its priority (RFC 8445 §6.1.2.3).
    pub priority: u64,
    /// Whether it was nominated.
    pub nominated: bool,
    /// The last round trip measured without ambiguity.
    pub current_round_trip_time: Option<Duration>,
    /// When the last valid answer to a check of ours came (on a lite agent, the last valid check): the peer's consent
    /// is as old as that (RFC 7675 §5.1).
    pub last_answer: Option<Instant>,
    /// The sum of all measured round trips.
    pub total_round_trip_time: Duration,
    /// How many round trips were measured.
    pub round_trip_time_measurements: u64,
    /// Checks sent, consent included, each counted once however often it was sent.
    pub requests_sent: u64,
    /// How often one of them was sent again.
    pub retransmissions_sent: u64,
    /// Of the checks, those that asked for consent (RFC 7675).
    pub consent_requests_sent: u64,
    /// Checks received, repeated ones included.
    pub requests_received: u64,
    /// Valid answers received.
    pub responses_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// The kind of the local candidate.
    pub local_candidate_type: CandidateKind,
    /// The kind of the remote candidate.
    pub remote_candidate_type: CandidateKind,
}

/// One candidate (W3C `RTCIceCandidateStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateStats {
    /// Whether it is the peer's.
    pub is_remote: bool,
    /// Its address and port; `None` for a local one that is shown under a name.
    pub address: Option<SocketAddr>,
    /// Its transport.
    pub protocol: CandidateTransport,
    /// Its kind.
    pub candidate_type: CandidateKind,
    /// Its priority.
    pub priority: u32,
    /// Its foundation; empty for one that was learned from a check.
    pub foundation: String,
    /// The related address of a local one.
    pub related_address: Option<SocketAddr>,
    /// The fragment of the credentials that it belongs to.
    pub username_fragment: String,
}
