use bytes::{Bytes, BytesMut};

/// Where the application's messages are copied to, once, and where their memory waits for the next ones.
///
/// Small messages share blocks, which makes one allocation serve dozens of them. They leave in about the order in which they
/// came, so a block does not outlive its messages for long. What comes back with an acknowledgement is used again: it is warm,
/// and what goes back to the system instead has to be cleared before it can return.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    block: BytesMut,
    /// Blocks without messages.
    blocks: Vec<BytesMut>,
    /// Buffers of large messages.
    buffers: Vec<BytesMut>,
    /// What both hold.
    spare_bytes: usize,
}

impl Arena {
    pub(crate) fn copy(&mut self, data: &[u8]) -> Bytes {
        if data.len() > SMALL {
            let mut buffer = self.buffer(data.len());
            buffer.extend_from_slice(data);
            return buffer.freeze();
        }
        if self.block.capacity() < data.len() {
            let spare = self.blocks.pop();
            self.spare_bytes -= spare.as_ref().map_or(0, BytesMut::capacity);
            self.block = spare.unwrap_or_else(|| BytesMut::with_capacity(BLOCK));
        }
        self.block.extend_from_slice(data);
        self.block.split().freeze()
    }

    /// Takes the last piece of a message back, and with it the memory of the whole message if nobody else holds any of it. It is
    /// kept if not more than `most` bytes come together.
    pub(crate) fn take_back(&mut self, payload: Bytes, most: usize) {
        let Ok(mut buffer) = payload.try_into_mut() else {
            return;
        };
        buffer.clear();
        // One byte more than lies behind the piece's beginning: what lies before it is joined, if there is anything.
        let wanted = buffer.capacity() + 1;
        let _joined = buffer.try_reclaim(wanted);
        let bytes = buffer.capacity();
        if self.spare_bytes + bytes > most {
            return;
        }
        self.spare_bytes += bytes;
        if bytes == BLOCK {
            self.blocks.push(buffer);
        } else {
            self.buffers.push(buffer);
        }
    }

    /// What waits for the next messages.
    pub(crate) fn spare_bytes(&self) -> usize {
        self.spare_bytes + self.block.capacity()
    }

    /// Lets go of what waits for the next messages.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    /// A buffer for a large message. Applications that send large messages send many of one size, so the last one that came
    /// back fits or none does.
    fn buffer(&mut self, length: usize) -> BytesMut {
        if let Some(buffer) = self.buffers.pop() {
            self.spare_bytes -= buffer.capacity();
            if (length..=2 * length).contains(&buffer.capacity()) {
                return buffer;
            }
        }
        BytesMut::with_capacity(length)
    }
}

const BLOCK: usize = 8192;
const SMALL: usize = BLOCK / 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_copied_to_where_another_one_was() {
        let mut arena = Arena::default();
        let mut message = arena.copy(&[1; 60_000]);
        let place = message.as_ptr();
        let first = message.split_to(20_000);
        let second = message.split_to(20_000);
        drop((first, second));
        arena.take_back(message, 100_000);
        assert_eq!(arena.spare_bytes(), 60_000);
        let next = arena.copy(&[2; 50_000]);
        assert_eq!((next.as_ptr(), arena.spare_bytes()), (place, 0));
        arena.take_back(next, 59_999);
        assert_eq!(arena.spare_bytes(), 0);
    }

    #[test]
    fn a_block_comes_back_with_the_last_of_its_messages() {
        let mut arena = Arena::default();
        let messages: Vec<_> = (0..BLOCK / SMALL + 1)
            .map(|_| arena.copy(&[3; SMALL]))
            .collect();
        let place = messages[0].as_ptr();
        for (count, message) in messages.into_iter().enumerate() {
            assert!(arena.blocks.is_empty(), "{count}");
            arena.take_back(message, 1 << 20);
            if count == BLOCK / SMALL - 1 {
                assert_eq!(arena.blocks.pop().unwrap().as_ptr(), place);
            }
        }
    }
}
