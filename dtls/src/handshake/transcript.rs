use super::inbox::Message;
use crate::wire::FragmentHeader;

/// The messages of a handshake in the form in which Finished covers them: each with its head, as if it had come in
/// one piece (RFC 6347 §4.2.6).
///
/// The bytes are kept, not a running hash: under TLS 1.2 a CertificateVerify may sign them with another hash than
/// the cipher suite's, which nobody knows in advance.
#[derive(Debug, Default)]
pub(crate) struct Transcript(Vec<u8>);

impl Transcript {
    pub(crate) fn push(&mut self, message: &Message) {
        // The inbox and our own messages keep far below 2^24.
        let length = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
        FragmentHeader {
            message_type: message.message_type,
            length,
            message_seq: message.message_seq,
            offset: 0,
            fragment_length: length,
        }
        .encode(&mut self.0);
        self.0.extend_from_slice(&message.body);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A first ClientHello that was answered with HelloVerifyRequest does not count (RFC 6347 §4.2.6).
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether the first message is this one.
    pub(crate) fn begins_with(&self, message: &Message) -> bool {
        let mut first = Self::default();
        first.push(message);
        self.0.starts_with(&first.0)
    }
}
