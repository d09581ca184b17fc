use bytes::{Bytes, BytesMut};

/// Where the application's messages are copied to, once.
///
/// Small messages share blocks, which makes one allocation serve dozens of them. They leave in about the order in which they
/// came, so a block does not outlive its messages for long.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    block: BytesMut,
}

impl Arena {
    pub(crate) fn copy(&mut self, data: &[u8]) -> Bytes {
        if data.len() > SMALL {
            return Bytes::copy_from_slice(data);
        }
        if self.block.capacity() < data.len() {
            self.block = BytesMut::with_capacity(BLOCK);
        }
        self.block.extend_from_slice(data);
        self.block.split().freeze()
    }

    /// Lets the block go when nothing is left in it.
    pub(crate) fn release(&mut self) {
        self.block = BytesMut::new();
    }
}

const BLOCK: usize = 8192;
const SMALL: usize = BLOCK / 8;
