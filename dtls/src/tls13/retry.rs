use super::hash_of;
use crate::handshake::{Context, Message};
use crate::wire::{DTLS_1_2, DTLS_1_3, Extensions, HandshakeType, KeyShare, ServerHello};

/// What a HelloRetryRequest says (RFC 8446 §4.1.4). Its bytes follow from this alone, so that a server that kept nothing
/// can tell later what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) suite: u16,
    /// The group that a share is asked for of.
    pub(crate) group: Option<u16>,
    /// What the client has to show (RFC 8446 §4.2.2).
    pub(crate) cookie: Option<Vec<u8>>,
}

impl Retry {
    /// The body of the message. A session id is not echoed (RFC 9147 §5.3).
    pub(crate) fn body(&self) -> Vec<u8> {
        let share = |group| KeyShare {
            group,
            public: Vec::new(),
        };
        let mut body = Vec::new();
        ServerHello {
            version: DTLS_1_2,
            random: ServerHello::RETRY,
            session_id: Vec::new(),
            cipher_suite: self.suite,
            compression_method: 0,
            extensions: Extensions {
                versions: Some(vec![DTLS_1_3]),
                key_shares: self.group.map(|group| vec![share(group)]),
                cookie: self.cookie.clone(),
                ..Extensions::default()
            },
        }
        .encode(&mut body);
        body
    }

    /// The message that it is, a server's first.
    pub(crate) fn message(&self) -> Message {
        Message {
            message_type: HandshakeType::SERVER_HELLO,
            message_seq: 0,
            body: self.body(),
        }
    }

    /// Begins the transcript of the handshake: of the first hello only the hash stays.
    pub(crate) fn begin_transcript(context: &mut Context<'_>, digest: Vec<u8>, retry: &Message) {
        context.transcript.clear_for_13();
        context.transcript.push(&Message {
            message_type: HandshakeType::MESSAGE_HASH,
            message_seq: 0,
            body: digest,
        });
        context.transcript.push(retry);
    }
}

/// What stays of a first ClientHello with this body in the transcript, when the suite of this number is chosen
/// (RFC 8446 §4.4.1).
pub(crate) fn hello_digest(suite: u16, hello: &[u8]) -> Vec<u8> {
    // Hellos have far less than 2^24 bytes.
    let [.., a, b, c] = hello.len().to_be_bytes();
    let mut bytes = vec![HandshakeType::CLIENT_HELLO.0, a, b, c];
    bytes.extend_from_slice(hello);
    hash_of(suite).of(&bytes).to_vec()
}
