//! What the exchanges of ETSI TS 102 369 leave out, and which of them are not played.

use avocet_sctp::chunk::ChunkType;

/// Before an association was begun, packets that belong to none are dropped without a word: they may be the first data of a peer that has
/// our INIT from our description, and an ABORT would end what is about to stand. The number is the line that is not answered.
pub const SILENT: &[(&str, usize)] = &[("sctp-dm-o-4-6-2", 1), ("sctp-fh-o-5-3-1", 1)];

/// Not played, and why.
pub const NOT_APPLICABLE: &[(&str, &str)] = &[
    (
        "sctp-as-i-1-12-2",
        "addresses mean nothing over DTLS (RFC 8261 §5)",
    ),
    (
        "sctp-as-o-1-9-2",
        "addresses mean nothing over DTLS (RFC 8261 §5)",
    ),
    (
        "sctp-as-v-1-12-1",
        "addresses mean nothing over DTLS (RFC 8261 §5)",
    ),
    (
        "sctp-bdc-i-7-2",
        "an INIT ACK's company is dropped, the INIT ACK is taken",
    ),
    (
        "sctp-bdc-i-7-3",
        "a SHUTDOWN COMPLETE's company is dropped, the SHUTDOWN COMPLETE is taken",
    ),
    (
        "sctp-d-v-8-9",
        "a gap shows the loss by time (RFC 8985), and the repair precedes the new chunk",
    ),
    ("sctp-rt-i-11-3", "two addresses"),
];

/// Where the exchange names two ways to say the same, of which we choose the first: the line of the second.
pub const ALTERNATIVES: &[(&str, usize)] = &[
    ("sctp-a-o-9-3", 10),
    ("sctp-as-i-1-8-1", 2),
    ("sctp-as-i-1-8-2", 2),
    ("sctp-as-i-1-8-3", 2),
    ("sctp-as-i-1-8-4", 2),
];

/// Chunks that go with a line, by their titles; the list shows the first chunk of a packet only.
pub const COMPANY: &[(&str, usize, &str)] = &[
    (
        "sctp-a-v-9-2",
        4,
        "DATA[flgs=BE, len=116, tsn=2, sid=0, ssn=1, ppid=0];DATA[flgs=BE, len=116, tsn=3, sid=0, ssn=2, ppid=0]",
    ),
    (
        "sctp-bdc-i-7-1",
        0,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-bdc-v-7-4",
        2,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-bdc-v-7-5",
        3,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-bdc-v-7-6",
        4,
        "SACK[cum_tsn=0, a_rwnd=1500, gaps=[], dups=[]]",
    ),
    (
        "sctp-bdc-v-7-7",
        4,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-bdc-v-7-8",
        5,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-m-i-10-1",
        4,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-m-i-10-2",
        4,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-m-i-10-3",
        4,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    (
        "sctp-m-i-10-4",
        4,
        "DATA[flgs=BE, len=116, tsn=1, sid=0, ssn=0, ppid=0]",
    ),
    ("sctp-e-i-6-6", 2, "ERROR[UNRECOGNIZED_PARAMETERS]"),
];

/// Chunks of ours that the list leaves out, because it shows the first one of a packet only, or not every repetition (2-5).
pub const UNLISTED: &[(&str, ChunkType)] = &[
    ("sctp-at-i-2-5", ChunkType::SHUTDOWN),
    ("sctp-at-i-2-8", ChunkType::SACK),
    ("sctp-bdc-v-7-4", ChunkType::SACK),
    ("sctp-e-i-6-3", ChunkType::SACK),
    ("sctp-e-i-6-5", ChunkType::ERROR),
    ("sctp-m-i-10-1", ChunkType::SACK),
];
