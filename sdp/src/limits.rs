//! What the parser takes from a stranger, and no more.
//!
//! Policy for all but the last four: the text is refused with a
//! [`ParseError`](crate::ParseError) that names the line. Nothing grows with the input except the copy
//! of the text itself and eight bytes per line.

/// Bytes of a whole description (256 KiB).
pub const MAX_DESCRIPTION_BYTES: usize = 256 * 1024;
/// Bytes of one line without its line ending (8 KiB).
pub const MAX_LINE_BYTES: usize = 8 * 1024;
/// Lines of a whole description.
pub const MAX_LINES: usize = 4096;
/// Media sections of a description.
pub const MAX_MEDIA_SECTIONS: usize = 256;
/// Formats (payload types) of one m-line.
pub const MAX_FORMATS: usize = 128;
/// `a=extmap` lines per level (session or media section).
pub const MAX_EXTENSIONS: usize = 64;
/// `a=rid` lines per media section.
pub const MAX_RIDS: usize = 64;
/// Different SSRCs in the `a=ssrc` lines of a media section.
pub const MAX_SOURCES: usize = 64;
/// `a=candidate` lines per media section.
pub const MAX_CANDIDATES: usize = 256;
/// `a=fingerprint` lines per level (session or media section).
pub const MAX_FINGERPRINTS: usize = 16;
/// `a=group` lines at session level.
pub const MAX_GROUPS: usize = 64;
/// Bytes of one token: an attribute name, a field of the `o=` and `m=` lines, an identifier of a typed
/// attribute. Values that are free text (`a=fmtp`, unknown attributes) are bounded by their line only.
pub const MAX_TOKEN_BYTES: usize = 256;
/// Ports of one m-line (`m=audio 9/2 …`), a number nobody should allocate by.
pub const MAX_PORT_COUNT: u8 = u8::MAX;

/// Feedback messages kept per codec; further `a=rtcp-fb` lines for it are left out of the typed view.
/// Without this cap one line `a=rtcp-fb:* x` would cost 128 entries.
pub const MAX_FEEDBACK: usize = 32;
/// Streams kept per direction of `a=simulcast`, and alternatives kept per stream; more are left out.
pub const MAX_SIMULCAST_STREAMS: usize = 64;
/// SSRCs kept per `a=ssrc-group`; a longer group is left out of the typed view.
pub const MAX_GROUP_SOURCES: usize = 64;
/// Bytes of a RID or MID, which must fit an RTP header extension (RFC 8852 §3.1, RFC 9143 §15.1).
pub const MAX_IDENTIFIER_BYTES: usize = 255;
