//! One error for each command. None of them is ever caused by a datagram.

use thiserror::Error;

use crate::{SdpType, SignalingState};

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Two codecs, or a codec and a retransmission, have the same preferred payload type.
    #[error("payload type {0} is given to two codecs")]
    DuplicatePayloadType(u8),
    /// A preferred payload type is outside 0 to 127 or in the range that RTCP needs (RFC 5761 §4).
    #[error("payload type {0} cannot be used with rtcp-mux")]
    PayloadType(u8),
    /// A codec's name, parameters or feedback hold characters that SDP cannot carry.
    #[error("codec {0} holds characters that a description cannot carry")]
    CodecText(usize),
    /// A codec asks for feedback that is not implemented.
    #[error("codec {0} asks for feedback that is not implemented")]
    Feedback(usize),
    /// The URI of a header extension holds characters that SDP cannot carry, or is longer than 255.
    #[error("a header extension holds characters that a description cannot carry")]
    Extension,
    /// `udp_payload_bytes` is outside 576 to 65,507.
    #[error("a UDP payload of {0} bytes is out of range")]
    UdpPayload(usize),
    /// `max_message_size` is 0 or below what a DCEP message needs.
    #[error("a maximum message size of {0} bytes is too small")]
    MessageSize(usize),
    /// `max_data_channels` is 0 or above 65,535.
    #[error("{0} data channels are out of range")]
    DataChannels(usize),
    /// No SRTP profile is configured, or one that is not implemented.
    #[error("the SRTP profiles are empty or hold an unknown one")]
    SrtpProfiles,
    /// A lite agent cannot be the DTLS client: it never starts (RFC 8445 §2.5).
    #[error("a lite agent answers passive")]
    LiteIsPassive,
    /// The ICE agent refuses its part.
    #[error(transparent)]
    Ice(ice::ConfigError),
    /// The DTLS connection refuses its part.
    #[error(transparent)]
    Dtls(dtls::ConfigError),
    /// The SCTP association refuses its part.
    #[error(transparent)]
    Sctp(sctp::ConfigError),
}

/// Why no offer or answer can be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateDescriptionError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// An answer was asked for while no remote offer stands, or an offer while one does.
    #[error("a description cannot be created in signaling state {0}")]
    InvalidState(SignalingState),
    /// There is nothing to negotiate: no transceiver and no data channel was added.
    #[error("there is nothing to offer: add a transceiver or a data channel first")]
    Nothing,
    /// The text would break the grammar or the limits of a description.
    #[error("the description cannot be written: {0}")]
    Text(#[from] sdp::BuildError),
}

/// Why a description was not set. The connection stands as it stood before the call.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetDescriptionError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The signaling state does not allow this kind of description (W3C WebRTC §4.4.1.5).
    #[error("{kind} cannot be set in signaling state {state}")]
    InvalidState {
        /// What was to be set.
        kind: SdpType,
        /// The state it met.
        state: SignalingState,
    },
    /// The local description is not the text that `create_offer` or `create_answer` returned last.
    #[error("the local description is not the one that was created")]
    Modified,
    /// The text is not a session description.
    #[error("the description cannot be read: {0}")]
    Parse(#[from] sdp::ParseError),
    /// The description as a whole cannot be used.
    #[error("{0}")]
    Session(SessionFault),
    /// One m-line makes the description unusable.
    #[error("m-line {index} (mid {mid:?}): {fault}")]
    Section {
        /// Its place, counted from 0.
        index: usize,
        /// Its identification tag, empty where it has none.
        mid: String,
        /// What is wrong.
        fault: SectionFault,
    },
    /// Every m-line of the offer had to be rejected; this is the first one and its reason.
    #[error("nothing in the offer can be served; m-line {index} (mid {mid:?}): {fault}")]
    NothingToServe {
        /// The place of the first m-line.
        index: usize,
        /// Its identification tag, empty where it has none.
        mid: String,
        /// Why it is rejected.
        fault: SectionFault,
    },
}

/// What makes a whole description unusable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SessionFault {
    /// It has no m-line.
    #[error("the description has no m-line")]
    Empty,
    /// An answer has another number of m-lines than its offer (RFC 3264 §6).
    #[error("the answer has {answer} m-lines, the offer {offer}")]
    SectionCount {
        /// M-lines of the offer.
        offer: usize,
        /// M-lines of the answer.
        answer: usize,
    },
    /// A later offer has fewer m-lines than the session (RFC 3264 §8).
    #[error("the offer has {offer} m-lines, the session already {session}")]
    SectionsVanished {
        /// M-lines of the offer.
        offer: usize,
        /// M-lines of the session.
        session: usize,
    },
    /// More m-lines than [`MAX_SECTIONS`](crate::MAX_SECTIONS).
    #[error("the description has {0} m-lines, more than are served")]
    TooManySections(usize),
    /// A BUNDLE group names a tag that no m-line has, or names it twice (RFC 9143 §7.1).
    #[error("the BUNDLE group names a tag that is not one of one m-line")]
    BundleGroup,
    /// Neither side would run connectivity checks: both are lite (RFC 8445 §2.5 needs one full agent).
    #[error("both sides are lite")]
    BothLite,
}

/// What is wrong with one m-line, or why it is answered with port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SectionFault {
    /// No codec of the m-line is one of ours (RFC 3264 §6).
    #[error("no codec in common")]
    NoCommonCodec,
    /// The transport protocol is not one we speak.
    #[error("unknown transport protocol")]
    UnknownProtocol,
    /// The medium is neither audio, video nor application.
    #[error("unknown medium")]
    UnknownMedia,
    /// It is outside the BUNDLE group and would need a transport of its own.
    #[error("not in the BUNDLE group")]
    NotBundled,
    /// It lacks `a=rtcp-mux` (RFC 5761 §5.1.1); RTCP on a port of its own is not served.
    #[error("no rtcp-mux")]
    NoRtcpMux,
    /// It lacks `a=cryptex` (RFC 9335 §4), without which we were told not to send.
    #[error("no cryptex")]
    NoCryptex,
    /// It has no certificate fingerprint, at the m-line or for the session.
    #[error("no fingerprint")]
    NoFingerprint,
    /// No fingerprint uses SHA-256, SHA-384 or SHA-512, or one has the wrong length.
    #[error("no usable fingerprint")]
    Fingerprint,
    /// It has no ICE user fragment and password.
    #[error("no ICE credentials")]
    NoIceCredentials,
    /// The ICE credentials break the grammar (RFC 8839 §5.4).
    #[error("bad ICE credentials")]
    IceCredentials,
    /// The certificate is another one than the association in use was made with, without an ICE restart (RFC 8842 §5.5).
    #[error("the fingerprint changed")]
    FingerprintChanged,
    /// `a=setup` is missing, unknown, or not one that may stand here (RFC 8842 §5).
    #[error("bad setup role")]
    Setup,
    /// Its identification tag is missing beside others, empty, not a token, or used twice.
    #[error("bad identification tag")]
    Mid,
    /// Its identification tag differs from the one this place has.
    #[error("the identification tag changed")]
    MidChanged,
    /// Its medium differs from the one this place has.
    #[error("the medium changed")]
    MediaChanged,
    /// The answer accepts an m-line that the offer rejects.
    #[error("the answer accepts what the offer rejects")]
    Revived,
    /// An extension id stands for two URIs, or changed its meaning during the session (RFC 8843 §10).
    #[error("an extension id has two meanings")]
    ExtensionId,
    /// A payload type changed its meaning during the session.
    #[error("a payload type changed its meaning")]
    PayloadTypeChanged,
    /// A second application m-line: one association per connection.
    #[error("a second application m-line")]
    SecondApplication,
    /// No SCTP port, or 0 (RFC 8841 §5).
    #[error("bad SCTP port")]
    SctpPort,
    /// The attributes of the m-line cannot be read.
    #[error("an attribute cannot be read")]
    Attribute,
}

/// Why a candidate was not taken. Trickled lines that the agent cannot use (mDNS, TCP, unknown kinds) are
/// harmless: the call goes on with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddCandidateError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The line breaks the grammar of RFC 8839 §5.1.
    #[error("the candidate line cannot be read")]
    Syntax,
    /// It carries the user fragment of other credentials than the current ones.
    #[error("the candidate belongs to other credentials")]
    Stale,
    /// It is one that this agent cannot use.
    #[error("the candidate cannot be used")]
    Unusable,
    /// More came before the remote description than [`MAX_EARLY_CANDIDATES`](crate::MAX_EARLY_CANDIDATES), or
    /// more than the agent keeps.
    #[error("too many candidates")]
    TooMany,
}

/// Why a transceiver was not added or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransceiverError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// There is no such transceiver.
    #[error("no such transceiver")]
    Unknown,
    /// It was stopped.
    #[error("the transceiver is stopped")]
    Stopped,
    /// The connection has [`MAX_SECTIONS`](crate::MAX_SECTIONS) already.
    #[error("too many transceivers")]
    TooMany,
    /// A stream id is empty, longer than 64 characters or not a token (RFC 8830 §2).
    #[error("bad stream id")]
    StreamId,
    /// The codec preferences hold none that the configuration has for this medium.
    #[error("no codec preference is configured")]
    Codecs,
}

/// Why a channel was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateDataChannelError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The label and the protocol are longer than 65,535 bytes together.
    #[error("the label and the protocol are too long")]
    TextTooLong,
    /// The stream id is 65,535, which is reserved (RFC 8831 §6.5), or beyond the streams of the association.
    #[error("the stream id is out of range")]
    StreamId,
    /// Another channel has the stream id.
    #[error("the stream id is taken")]
    StreamIdTaken,
    /// There are as many channels as the configuration allows, or no id is left.
    #[error("too many channels")]
    TooMany,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The channel is not open yet.
    #[error("the channel is not open yet")]
    Connecting,
    /// The channel is closing or closed.
    #[error("the channel is closed")]
    Closed,
    /// The message is larger than the peer takes.
    #[error("the message is larger than the peer takes")]
    TooLarge,
    /// The message is larger than the send buffer ever becomes
    /// ([`Config::send_buffer_bytes`](crate::Config::send_buffer_bytes)): write it in parts
    /// ([`DataChannel::begin_message`](crate::DataChannel::begin_message)).
    #[error("the message is larger than the send buffer")]
    LargerThanBuffer,
    /// The send buffer is full: wait for `DataChannelWritable`.
    #[error("the send buffer is full")]
    Full,
    /// A message that was begun is not finished.
    #[error("another message is being written")]
    Unfinished,
    /// No message was begun.
    #[error("no message was begun")]
    NotBegun,
    /// What was written to a text is not UTF-8.
    #[error("the text is not UTF-8")]
    Utf8,
}

/// Why an RTP packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendRtpError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// There is no such transceiver, or it was stopped.
    #[error("no such transceiver")]
    Unknown,
    /// It does not send: nothing negotiated, or its direction forbids it.
    #[error("the transceiver does not send")]
    NotSending,
    /// The payload type is not one that was negotiated for sending.
    #[error("the payload type was not negotiated")]
    PayloadType,
    /// The packet is larger than the path carries.
    #[error("the packet is too large")]
    TooLarge,
    /// The send queue is full.
    #[error("the send queue is full")]
    Full,
}

/// Why credentials for a TURN server are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelayCredentialsError {
    /// No TURN server of the configuration has this host.
    #[error("no TURN server of that host is used")]
    UnknownHost,
    /// The name or the password is empty, too long or not prepared.
    #[error("the name or the password cannot be used")]
    Text,
}
