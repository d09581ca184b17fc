use std::time::Instant;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::crypto::{
    CipherSuite, Hash, KeyExchange, NamedGroup, Provider, SUITES, SignatureScheme,
};
use crate::handshake::{Message, Transcript};
use crate::record::RecordLayer;
use crate::testing::{alice, bob};
use crate::tls12::Secrets;
use crate::wire::{
    CertificateMessage, CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange,
    ContentType, DTLS_1_2, Extensions, Fragment, FragmentHeader, HandshakeType, RecordHeader,
    ServerHello, ServerKeyExchange, UseSrtp,
};
use crate::{Certificate, Connection, Role, SrtpProfile};

/// What a rogue may say, each with correct contents for what was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Hello,
    Certificate,
    NoCertificate,
    ServerKeyExchange,
    CertificateRequest,
    ServerHelloDone,
    ClientKeyExchange,
    CertificateVerify,
    ChangeCipherSpec,
    Finished,
    PlainFinished,
    /// Protected, but about another transcript.
    WrongFinished,
    /// Protected, and only the first eleven bytes.
    ShortFinished,
    /// Protected, with a byte more.
    LongFinished,
    Data,
}

/// A peer that knows the protocol by heart and keeps to it as far as a test wants.
pub(super) struct Rogue {
    role: Role,
    provider: Provider,
    /// What it shows, and the key that it signs with.
    pub(super) certificate: Certificate,
    pub(super) key: Certificate,
    pub(super) scheme: SignatureScheme,
    /// Whether its hello has an extended master secret, and which compression it names.
    pub(super) extended: bool,
    pub(super) compression: u8,
    records: RecordLayer,
    transcript: Transcript,
    next_send: u16,
    exchange: Option<KeyExchange>,
    public: Vec<u8>,
    peer_public: Vec<u8>,
    client_random: [u8; 32],
    server_random: [u8; 32],
    secrets: Option<Secrets>,
}

const SUITE: CipherSuite = SUITES[0];

impl Rogue {
    pub(super) fn new(role: Role) -> Self {
        let provider = Provider::rust_crypto([9; 32]);
        let mut secrets = provider.secrets(&[8; 32]);
        let exchange = secrets.key_exchange(NamedGroup::X25519).unwrap();
        let own = match role {
            Role::Client => alice(),
            Role::Server => bob(),
        };
        Self {
            role,
            public: exchange.public().to_vec(),
            exchange: Some(exchange),
            provider,
            certificate: own.clone(),
            key: own,
            scheme: SignatureScheme::ECDSA_SHA256,
            extended: true,
            compression: 0,
            records: RecordLayer::default(),
            transcript: Transcript::default(),
            next_send: 0,
            peer_public: Vec::new(),
            client_random: [0xc1; 32],
            server_random: [0x5e; 32],
            secrets: None,
        }
    }

    /// One datagram with what a step says.
    pub(super) fn say(&mut self, step: Step) -> Vec<u8> {
        let mut body = Vec::new();
        let message_type = match step {
            Step::Hello => return self.hello(),
            Step::Certificate | Step::NoCertificate => {
                let leaf = (step == Step::Certificate).then_some(self.certificate.der());
                CertificateMessage {
                    leaf,
                    issuers: Vec::new(),
                }
                .encode(&mut body);
                HandshakeType::CERTIFICATE
            }
            Step::ServerKeyExchange => {
                let mut signed = [self.client_random, self.server_random].concat();
                ServerKeyExchange::encode_params(29, &self.public, &mut signed);
                let signature = self.sign(&signed);
                ServerKeyExchange {
                    group: 29,
                    public: &self.public,
                    scheme: self.scheme,
                    signature: &signature,
                }
                .encode(&mut body);
                HandshakeType::SERVER_KEY_EXCHANGE
            }
            Step::CertificateRequest => {
                CertificateRequest {
                    certificate_types: vec![CertificateRequest::ECDSA_SIGN],
                    schemes: vec![SignatureScheme::ECDSA_SHA256],
                }
                .encode(&mut body);
                HandshakeType::CERTIFICATE_REQUEST
            }
            Step::ServerHelloDone => HandshakeType::SERVER_HELLO_DONE,
            Step::ClientKeyExchange => {
                ClientKeyExchange {
                    public: &self.public,
                }
                .encode(&mut body);
                let datagram = self.message(HandshakeType::CLIENT_KEY_EXCHANGE, body);
                self.derive();
                return datagram;
            }
            Step::CertificateVerify => {
                let signature = self.sign(self.transcript.bytes());
                CertificateVerify {
                    scheme: self.scheme,
                    signature: &signature,
                }
                .encode(&mut body);
                HandshakeType::CERTIFICATE_VERIFY
            }
            Step::ChangeCipherSpec => {
                return self.record(0, ContentType::ChangeCipherSpec, &[1]);
            }
            Step::Finished
            | Step::PlainFinished
            | Step::WrongFinished
            | Step::ShortFinished
            | Step::LongFinished => {
                let Some(secrets) = &self.secrets else {
                    return self.message(HandshakeType::FINISHED, vec![0; 12]);
                };
                let hash = self.transcript.hash(Hash::Sha256);
                let mut data = secrets.verify_data(self.role, &hash).to_vec();
                match step {
                    Step::WrongFinished => data[11] ^= 1,
                    Step::ShortFinished => data.truncate(11),
                    Step::LongFinished => data.push(0),
                    _ => {}
                }
                if step == Step::PlainFinished {
                    return self.message(HandshakeType::FINISHED, data);
                }
                return self.message_in(RecordLayer::PROTECTED, HandshakeType::FINISHED, data);
            }
            Step::Data => {
                let epoch = u16::from(self.secrets.is_some());
                return self.record(epoch, ContentType::ApplicationData, b"let me in");
            }
        };
        self.message(message_type, body)
    }

    /// Tells a connection one step.
    pub(super) fn tell(&mut self, connection: &mut Connection, now: Instant, step: Step) {
        connection.handle_datagram(now, &mut self.say(step));
    }

    /// Listens to all that a connection has to say.
    /// Connects to a server that waits for the first hello.
    pub(super) fn connect(&mut self, server: &mut Connection, now: Instant) {
        self.tell(server, now, Step::Hello);
        self.listen(server, now);
        for step in [
            Step::Certificate,
            Step::ClientKeyExchange,
            Step::CertificateVerify,
            Step::ChangeCipherSpec,
            Step::Finished,
        ] {
            self.tell(server, now, step);
        }
        self.listen(server, now);
    }

    pub(super) fn listen(&mut self, connection: &mut Connection, now: Instant) {
        let mut datagram = Vec::new();
        while connection.poll_transmit(now, &mut datagram).is_some() {
            let mut rest = datagram.as_slice();
            while let Ok((header, body)) = RecordHeader::decode(&mut rest) {
                let mut plaintext = body.to_vec();
                let plaintext = if header.epoch == 0 {
                    plaintext.as_slice()
                } else {
                    let id = crate::ConnectionId::EMPTY;
                    let opened = self.records.open(&header, &id, &mut plaintext);
                    &*opened.unwrap().plaintext
                };
                if header.content_type == ContentType::Handshake {
                    self.hear(Fragment::decode(&mut &*plaintext).unwrap());
                }
            }
            datagram.clear();
        }
    }

    /// What is in a protected record.
    pub(super) fn open(&mut self, mut record: &[u8]) -> (ContentType, Vec<u8>) {
        let (header, body) = RecordHeader::decode(&mut record).unwrap();
        let mut body = body.to_vec();
        let id = crate::ConnectionId::EMPTY;
        let opened = self.records.open(&header, &id, &mut body).unwrap();
        (opened.content_type, opened.plaintext.to_vec())
    }

    fn hear(&mut self, fragment: Fragment<'_>) {
        let message = Message {
            message_type: fragment.header.message_type,
            message_seq: fragment.header.message_seq,
            body: fragment.bytes.to_vec(),
        };
        self.transcript.push(&message);
        match message.message_type {
            HandshakeType::CLIENT_HELLO => {
                self.client_random = ClientHello::decode(&message.body).unwrap().random;
            }
            HandshakeType::SERVER_HELLO => {
                self.server_random = ServerHello::decode(&message.body).unwrap().random;
            }
            HandshakeType::SERVER_KEY_EXCHANGE => {
                let exchange = ServerKeyExchange::decode(&message.body).unwrap();
                self.peer_public = exchange.public.to_vec();
            }
            HandshakeType::CLIENT_KEY_EXCHANGE => {
                let exchange = ClientKeyExchange::decode(&message.body).unwrap();
                self.peer_public = exchange.public.to_vec();
                self.derive();
            }
            _ => {}
        }
    }

    fn hello(&mut self) -> Vec<u8> {
        let mut extensions = Extensions {
            srtp: Some(UseSrtp {
                profiles: vec![SrtpProfile::AEAD_AES_128_GCM],
                mki: Vec::new(),
            }),
            extended_master_secret: self.extended,
            ..Extensions::default()
        };
        let mut body = Vec::new();
        if self.role == Role::Client {
            extensions.schemes = Some(vec![SignatureScheme::ECDSA_SHA256]);
            ClientHello {
                version: DTLS_1_2,
                random: self.client_random,
                session_id: Vec::new(),
                cookie: Vec::new(),
                cipher_suites: vec![SUITE.number],
                compression_methods: vec![self.compression],
                extensions,
            }
            .encode(&mut body);
            self.message(HandshakeType::CLIENT_HELLO, body)
        } else {
            ServerHello {
                version: DTLS_1_2,
                random: self.server_random,
                session_id: Vec::new(),
                cipher_suite: SUITE.number,
                compression_method: self.compression,
                extensions,
            }
            .encode(&mut body);
            self.message(HandshakeType::SERVER_HELLO, body)
        }
    }

    fn derive(&mut self) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let pre_master = exchange.agree(&self.peer_public).unwrap();
        let secrets = Secrets::extended(
            Hash::Sha256,
            &pre_master,
            &self.transcript.hash(Hash::Sha256),
            (&self.client_random, &self.server_random),
        );
        let (client, server) = secrets.protections(&self.provider, SUITE).unwrap();
        match self.role {
            Role::Client => self.records.install(client, server),
            Role::Server => self.records.install(server, client),
        }
        self.secrets = Some(secrets);
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let scheme = SignatureScheme::ECDSA_SHA256;
        self.provider.sign(self.key.key(), scheme, message).unwrap()
    }

    fn message(&mut self, message_type: HandshakeType, body: Vec<u8>) -> Vec<u8> {
        self.message_in(0, message_type, body)
    }

    fn message_in(&mut self, epoch: u16, message_type: HandshakeType, body: Vec<u8>) -> Vec<u8> {
        let message = Message {
            message_type,
            message_seq: self.next_send,
            body,
        };
        self.next_send += 1;
        self.transcript.push(&message);
        let length = u32::try_from(message.body.len()).unwrap();
        let mut bytes = Vec::new();
        FragmentHeader {
            message_type,
            length,
            message_seq: message.message_seq,
            offset: 0,
            fragment_length: length,
        }
        .encode(&mut bytes);
        bytes.extend_from_slice(&message.body);
        self.record(epoch, ContentType::Handshake, &bytes)
    }

    pub(super) fn record(&mut self, epoch: u16, content_type: ContentType, body: &[u8]) -> Vec<u8> {
        let mut buf = Vec::new();
        self.records
            .write(epoch.into(), content_type, DTLS_1_2, &mut buf, |buf| {
                buf.extend_from_slice(body);
            })
            .unwrap();
        buf
    }
}

/// A source of test randomness.
pub(super) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}
