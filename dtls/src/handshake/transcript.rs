use super::inbox::Message;
use crate::crypto::{Digest, Hash, Hasher};
use crate::wire::FragmentHeader;

/// The messages of a handshake in the form in which Finished covers them, as if each had come in one piece: under
/// DTLS 1.2 with its whole head (RFC 6347 §4.2.6), under 1.3 with that of TLS (RFC 9147 §5.2).
///
/// Under TLS 1.2 the bytes are kept beside their hash up to CertificateVerify, which may sign them with another hash than
/// the cipher suite's, and nobody knows in advance which. Under 1.3 the hash of the suite is all that counts once there is
/// one, and takes their place.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    bytes: Vec<u8>,
    short_heads: bool,
    running: Option<Box<Hasher>>,
    is_hash_alone: bool,
}

impl Transcript {
    /// Begins anew for DTLS 1.2. A first ClientHello that was answered with HelloVerifyRequest does not count
    /// (RFC 6347 §4.2.6).
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Begins anew for DTLS 1.3.
    pub(crate) fn clear_for_13(&mut self) {
        *self = Self {
            short_heads: true,
            ..Self::default()
        };
    }

    pub(crate) fn push(&mut self, message: &Message) {
        // The inbox and our own messages keep far below 2^24.
        let length = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
        let start = self.bytes.len();
        if !self.is_hash_alone {
            self.bytes
                .reserve(FragmentHeader::LENGTH + message.body.len());
        }
        FragmentHeader {
            message_type: message.message_type,
            length,
            message_seq: message.message_seq,
            offset: 0,
            fragment_length: length,
        }
        .encode(&mut self.bytes);
        if self.short_heads {
            self.bytes.truncate(start + FragmentHeader::SHORT_LENGTH);
        }
        if let Some(running) = &mut self.running {
            running.update(self.bytes.get(start..).unwrap_or_default());
            running.update(&message.body);
        }
        if self.is_hash_alone {
            self.bytes.clear();
        } else {
            self.bytes.extend_from_slice(&message.body);
        }
    }

    /// From here on nothing is hashed twice; under DTLS 1.3 there is nothing but the hash.
    pub(crate) fn begin_hash(&mut self, hash: Hash) {
        let mut running = Box::new(Hasher::new(hash));
        running.update(&self.bytes);
        self.running = Some(running);
        if self.short_heads {
            self.keep_hash_alone();
        }
    }

    /// Nobody signs what was said any more.
    pub(crate) fn keep_hash_alone(&mut self) {
        if self.running.is_some() {
            self.is_hash_alone = true;
            self.bytes = Vec::new();
        }
    }

    /// The hash of all that was said.
    pub(crate) fn hash(&self, hash: Hash) -> Digest {
        match &self.running {
            Some(running) => running.output(),
            None => hash.of(&self.bytes),
        }
    }

    /// What was said, as long as there is not a hash for it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HandshakeType;

    /// Whether it runs along, and whether the bytes are kept beside it, makes no difference to a hash.
    #[test]
    fn a_hash_that_runs_along_is_that_of_all_messages() {
        let messages = [3, 0, 200, 64].map(|length| Message {
            message_type: HandshakeType::CERTIFICATE,
            message_seq: 2,
            body: vec![7; length],
        });
        for is_13 in [false, true] {
            let begin = || {
                let mut transcript = Transcript::default();
                if is_13 {
                    transcript.clear_for_13();
                }
                transcript
            };
            let mut whole = begin();
            messages.iter().for_each(|message| whole.push(message));
            for at in 0..messages.len() {
                let mut running = begin();
                for (index, message) in messages.iter().enumerate() {
                    if index == at {
                        running.begin_hash(Hash::Sha384);
                    }
                    if index == at + 1 {
                        running.keep_hash_alone();
                    }
                    running.push(message);
                }
                assert_eq!(running.hash(Hash::Sha384), whole.hash(Hash::Sha384));
                assert!(running.bytes().len() < whole.bytes().len() || !is_13 && at == 3);
            }
        }
    }
}
