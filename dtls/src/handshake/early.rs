use crate::wire::{ContentType, RecordHeader};

/// Protected records that overtook what is needed to open or to deliver them (RFC 6347 §4.1, reordering).
#[derive(Debug, Default)]
pub(crate) struct EarlyRecords(Vec<EarlyRecord>);

/// One of them, still sealed.
#[derive(Debug)]
pub(crate) struct EarlyRecord {
    pub(crate) header: RecordHeader,
    pub(crate) body: Vec<u8>,
}

impl EarlyRecords {
    const MAX_RECORDS: usize = 8;
    const MAX_BYTES: usize = 8 * 1024;

    /// Keeps a record if there is room. Nobody vouches for it yet.
    pub(crate) fn push(&mut self, header: RecordHeader, body: &[u8]) -> bool {
        let held: usize = self.0.iter().map(|record| record.body.len()).sum();
        let fits = self.0.len() < Self::MAX_RECORDS && held + body.len() <= Self::MAX_BYTES;
        if fits {
            self.0.push(EarlyRecord {
                header,
                body: body.to_vec(),
            });
        }
        fits
    }

    /// Takes those that belong to the handshake.
    pub(crate) fn take_handshake(&mut self) -> Vec<EarlyRecord> {
        let (data, handshake) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|record| record.header.content_type == ContentType::ApplicationData);
        self.0 = data;
        handshake
    }

    /// Takes all.
    pub(crate) fn take(&mut self) -> Vec<EarlyRecord> {
        std::mem::take(&mut self.0)
    }
}
