//! How requests are answered.

use net::{Ecn, Path};
use stun::{
    AttributeType, Class, ErrorCode, IntegrityKey, Message, MessageBuilder, Method, TransactionId,
};

use super::{Destination, Server, Transmit};

/// To whom an answer goes, and what proves whose it is.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) path: Path,
    method: Method,
    id: TransactionId,
    /// The key, and whether the request was signed with SHA-256. None for strangers.
    signer: Option<(IntegrityKey, bool)>,
    fingerprint: bool,
    pub(super) destination: Path,
}

impl Reply {
    pub(super) fn to(path: Path, request: &Message<'_>) -> Self {
        Self {
            path,
            method: request.method(),
            id: request.transaction_id(),
            signer: None,
            fingerprint: request.has_fingerprint(),
            destination: path,
        }
    }

    pub(super) fn signed(mut self, key: IntegrityKey, strong: bool) -> Self {
        self.signer = Some((key, strong));
        self
    }

    pub(super) const fn id(&self) -> TransactionId {
        self.id
    }

    fn write(&self, buf: &mut Vec<u8>, class: Class, fill: impl FnOnce(&mut MessageBuilder<'_>)) {
        let mut builder = MessageBuilder::new(buf, class, self.method, self.id);
        fill(&mut builder);
        // What is too long leaves the buffer as it was, so nothing goes out.
        let _ = match (&self.signer, self.fingerprint) {
            (Some((key, true)), true) => builder.integrity_sha256(key).fingerprint().finish(),
            (Some((key, true)), false) => builder.integrity_sha256(key).finish(),
            (Some((key, false)), true) => builder.integrity(key).fingerprint().finish(),
            (Some((key, false)), false) => builder.integrity(key).finish(),
            (None, true) => builder.fingerprint().finish(),
            (None, false) => builder.finish(),
        };
    }
}

impl Server {
    /// Answers.
    pub(super) fn answer(
        &mut self,
        reply: &Reply,
        class: Class,
        fill: impl FnOnce(&mut MessageBuilder<'_>),
    ) {
        let transmit = Transmit {
            destination: Destination::Client(reply.destination),
            ecn: Ecn::NotEct,
        };
        let written = self
            .outbox
            .push(transmit, |buf| reply.write(buf, class, fill));
        if !written {
            self.stats.drops.overflow += 1;
        } else if class == Class::Success {
            self.stats.answers.success += 1;
        }
    }

    pub(super) fn succeed(&mut self, reply: &Reply) {
        self.answer(reply, Class::Success, |_| {});
    }

    pub(super) fn refuse(&mut self, reply: &Reply, code: ErrorCode) {
        self.stats.answers.count(code.get());
        self.answer(reply, Class::Error, |builder| {
            builder.error_code(code.get());
        });
    }

    /// 420 and the attributes that are not understood.
    pub(super) fn refuse_attributes(&mut self, reply: &Reply, unknown: &[AttributeType]) {
        self.stats.answers.count(420);
        self.answer(reply, Class::Error, |builder| {
            builder
                .error_code(ErrorCode::UNKNOWN_ATTRIBUTE.get())
                .unknown_attributes(unknown.iter().copied());
        });
    }
}
