/// Protected records that overtook what is needed to open or to deliver them (RFC 6347 §4.1, reordering).
#[derive(Debug, Default)]
pub(crate) struct EarlyRecords(Vec<EarlyRecord>);

/// One of them, still sealed, with its head.
#[derive(Debug)]
struct EarlyRecord {
    bytes: Vec<u8>,
    /// Application data, as far as one can see.
    data: bool,
}

impl EarlyRecords {
    const MAX_RECORDS: usize = 8;
    const MAX_BYTES: usize = 8 * 1024;

    /// Keeps a record if there is room. Nobody vouches for it yet.
    pub(crate) fn push(&mut self, bytes: &[u8], data: bool) -> bool {
        let held: usize = self.0.iter().map(|record| record.bytes.len()).sum();
        let fits = self.0.len() < Self::MAX_RECORDS && held + bytes.len() <= Self::MAX_BYTES;
        if fits {
            self.0.push(EarlyRecord {
                bytes: bytes.to_vec(),
                data,
            });
        }
        fits
    }

    /// Takes those of the handshake that can be opened now, as the first octet tells. The others stay: handed back they
    /// would only come here again.
    pub(crate) fn take_handshake(&mut self, can_open: impl Fn(u8) -> bool) -> Vec<Vec<u8>> {
        let due = |record: &mut EarlyRecord| {
            !record.data && record.bytes.first().is_some_and(|first| can_open(*first))
        };
        let due = self.0.extract_if(.., due);
        due.map(|record| record.bytes).collect()
    }

    /// Takes all.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let all = std::mem::take(&mut self.0);
        all.into_iter().map(|record| record.bytes).collect()
    }
}
