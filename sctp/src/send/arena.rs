use bytes::Bytes;

use crate::grow;

/// What an application gives to be sent.
pub(crate) trait Keep: AsRef<[u8]> {
    /// Makes it last until it is acknowledged.
    fn keep(self, arena: &mut Arena) -> Payload;
}

impl Keep for &[u8] {
    #[inline]
    fn keep(self, arena: &mut Arena) -> Payload {
        arena.copy(self)
    }
}

impl Keep for Bytes {
    fn keep(self, arena: &mut Arena) -> Payload {
        // A small one would hold more than itself, and its memory would go to and fro.
        if self.len() > SMALL {
            arena.hold(self)
        } else {
            arena.copy(&self)
        }
    }
}

/// A message in an [`Arena`], or a piece of one.
///
/// Its block counts it until it is given back with [`Arena::release`]: plain numbers, where shared pointers would need atomic ones.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    block: u32,
    start: u32,
    length: u32,
}

impl Payload {
    pub(crate) fn len(&self) -> usize {
        self.length as usize
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// One of which only the length is looked at.
    #[cfg(test)]
    pub(crate) fn of_length(length: usize) -> Self {
        Self {
            block: u32::MAX,
            start: 0,
            length: length as u32,
        }
    }
}

/// Payloads that are to be given back.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    /// A block, and how many of its payloads came one after the other.
    runs: Vec<(u32, u32)>,
}

impl Spent {
    #[inline]
    pub(crate) fn push(&mut self, payload: &Payload) {
        if payload.is_empty() {
            return;
        }
        match self.runs.last_mut() {
            Some((block, count)) if *block == payload.block => *count += 1,
            _ => self.runs.push((payload.block, 1)),
        }
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.runs.shrink_to_fit();
    }
}

/// Where the application's messages are copied to, once, and where their memory waits for the next ones.
///
/// Small messages share blocks, which makes one allocation serve dozens of them. They leave in about the order in which they
/// came, so a block does not outlive its messages for long. What comes back with an acknowledgement is used again: it is warm,
/// and what goes back to the system instead has to be cleared before it can return.
#[derive(Debug)]
pub(crate) struct Arena {
    blocks: Vec<Block>,
    /// Places in `blocks` that hold nothing.
    free: Vec<u32>,
    /// The block that the next small message goes to, if it exists.
    current: u32,
    /// Memory of blocks without messages.
    spare_blocks: Vec<Vec<u8>>,
    /// Memory of large messages.
    spare_buffers: Vec<Vec<u8>>,
    /// What both hold.
    spare_bytes: usize,
}

#[derive(Debug)]
struct Block {
    memory: Memory,
    /// How many payloads lie in it.
    live: u32,
}

#[derive(Debug, Default)]
enum Memory {
    #[default]
    Nothing,
    Own(Vec<u8>),
    Given(Bytes),
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            free: Vec::new(),
            current: NONE,
            spare_blocks: Vec::new(),
            spare_buffers: Vec::new(),
            spare_bytes: 0,
        }
    }
}

impl Arena {
    /// Copies a message of at most [`LARGEST`] bytes.
    #[inline]
    pub(crate) fn copy(&mut self, data: &[u8]) -> Payload {
        if let Some(block) = self.blocks.get_mut(self.current as usize)
            && let Memory::Own(memory) = &mut block.memory
            && data.len() <= memory.capacity() - memory.len()
            && data.len() <= SMALL
        {
            let start = memory.len() as u32;
            memory.extend_from_slice(data);
            block.live += 1;
            return Payload {
                block: self.current,
                start,
                length: data.len() as u32,
            };
        }
        self.copy_elsewhere(data)
    }

    fn copy_elsewhere(&mut self, data: &[u8]) -> Payload {
        let small = data.len() <= SMALL;
        let mut memory = if small {
            self.block()
        } else {
            self.buffer(data.len())
        };
        memory.extend_from_slice(data);
        let payload = self.put(Memory::Own(memory), data.len());
        if small {
            self.current = payload.block;
        }
        payload
    }

    /// Holds bytes without copying them, at most [`LARGEST`].
    pub(crate) fn hold(&mut self, data: Bytes) -> Payload {
        let length = data.len();
        self.put(Memory::Given(data), length)
    }

    /// The bytes of a payload.
    #[inline]
    pub(crate) fn bytes(&self, payload: &Payload) -> &[u8] {
        let memory = match self.blocks.get(payload.block as usize) {
            Some(Block {
                memory: Memory::Own(memory),
                ..
            }) => memory.as_slice(),
            Some(Block {
                memory: Memory::Given(data),
                ..
            }) => data,
            _ => &[],
        };
        let start = payload.start as usize;
        memory.get(start..start + payload.len()).unwrap_or_default()
    }

    /// Takes the first `length` bytes off a payload.
    #[inline]
    pub(crate) fn split(&mut self, payload: &mut Payload, length: usize) -> Payload {
        if length >= payload.len() {
            return std::mem::take(payload);
        }
        if let Some(block) = self.blocks.get_mut(payload.block as usize) {
            block.live += 1;
        }
        let first = Payload {
            length: length as u32,
            ..*payload
        };
        payload.start += first.length;
        payload.length -= first.length;
        first
    }

    /// Takes payloads back. When nothing else lies in a block, its memory is kept for others if not more than `most` bytes come
    /// together.
    pub(crate) fn release(&mut self, spent: &mut Spent, most: usize) {
        for (index, count) in spent.runs.drain(..) {
            let Some(block) = self.blocks.get_mut(index as usize) else {
                continue;
            };
            block.live = block.live.saturating_sub(count);
            if block.live == 0 {
                self.vacate(index, most);
            }
        }
    }

    /// What waits for the next messages, and the table.
    pub(crate) fn spare_bytes(&self) -> usize {
        let current = match self.blocks.get(self.current as usize) {
            Some(Block {
                memory: Memory::Own(memory),
                ..
            }) => memory.capacity() - memory.len(),
            _ => 0,
        };
        let table = self.blocks.capacity() * size_of::<Block>() + self.free.capacity() * 4;
        self.spare_bytes + current + table
    }

    /// Whether nothing lies here.
    pub(crate) fn is_idle(&self) -> bool {
        self.blocks.iter().all(|block| block.live == 0)
    }

    /// Lets go of what waits for the next messages.
    pub(crate) fn clear_spare(&mut self) {
        if self.is_idle() {
            *self = Self::default();
        } else {
            self.spare_blocks = Vec::new();
            self.spare_buffers = Vec::new();
            self.spare_bytes = 0;
        }
    }

    fn put(&mut self, memory: Memory, length: usize) -> Payload {
        let block = Block { memory, live: 1 };
        let index = match self.free.pop() {
            Some(index) => {
                self.blocks[index as usize] = block;
                index
            }
            None => {
                grow::push(&mut self.blocks, block);
                (self.blocks.len() - 1) as u32
            }
        };
        Payload {
            block: index,
            start: 0,
            length: length as u32,
        }
    }

    /// The last payload of a block is gone.
    fn vacate(&mut self, index: u32, most: usize) {
        let memory = &mut self.blocks[index as usize].memory;
        if index == self.current {
            if let Memory::Own(memory) = memory {
                memory.clear();
            }
            return;
        }
        grow::push(&mut self.free, index);
        let Memory::Own(mut memory) = std::mem::take(memory) else {
            return;
        };
        let bytes = memory.capacity();
        if self.spare_bytes + bytes > most {
            return;
        }
        memory.clear();
        self.spare_bytes += bytes;
        if bytes == BLOCK {
            self.spare_blocks.push(memory);
        } else {
            self.spare_buffers.push(memory);
        }
    }

    /// Memory for small messages.
    fn block(&mut self) -> Vec<u8> {
        let Some(memory) = self.spare_blocks.pop() else {
            return Vec::with_capacity(BLOCK);
        };
        self.spare_bytes -= memory.capacity();
        memory
    }

    /// Memory for a large message. Applications that send large messages send many of one size, so the last one that came
    /// back fits or none does.
    fn buffer(&mut self, length: usize) -> Vec<u8> {
        if let Some(memory) = self.spare_buffers.pop() {
            self.spare_bytes -= memory.capacity();
            if (length..=2 * length).contains(&memory.capacity()) {
                return memory;
            }
        }
        Vec::with_capacity(length)
    }
}

/// No message is larger, whatever the send buffer.
pub(crate) const LARGEST: usize = u32::MAX as usize;
const NONE: u32 = u32::MAX;
const BLOCK: usize = 8192;
const SMALL: usize = BLOCK / 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn release(arena: &mut Arena, payload: &Payload, most: usize) {
        let mut spent = Spent::default();
        spent.push(payload);
        arena.release(&mut spent, most);
    }

    #[test]
    fn a_message_is_copied_to_where_another_one_was() {
        let mut arena = Arena::default();
        let mut message = arena.copy(&[1; 60_000]);
        let place = arena.bytes(&message).as_ptr();
        let first = arena.split(&mut message, 20_000);
        let second = arena.split(&mut message, 20_000);
        assert_eq!(arena.bytes(&second), [1; 20_000]);
        let table = arena.spare_bytes();
        for payload in [first, second, message] {
            assert_eq!(arena.spare_bytes(), table);
            release(&mut arena, &payload, 100_000);
        }
        assert_eq!(arena.spare_bytes(), 60_000 + table + 4);
        let next = arena.copy(&[2; 50_000]);
        assert_eq!(arena.bytes(&next), [2; 50_000]);
        assert_eq!(arena.bytes(&next).as_ptr(), place);
        assert_eq!(arena.spare_bytes, 0);
        release(&mut arena, &next, 59_999);
        assert_eq!(arena.spare_bytes, 0);
    }

    #[test]
    fn a_block_comes_back_with_the_last_of_its_messages() {
        let mut arena = Arena::default();
        let messages = (0..=BLOCK / SMALL)
            .map(|count| arena.copy(&[count as u8; SMALL]))
            .collect::<Vec<_>>();
        let place = arena.bytes(&messages[0]).as_ptr();
        for (count, message) in messages.iter().enumerate() {
            assert!(arena.spare_blocks.is_empty(), "{count}");
            assert_eq!(arena.bytes(message), [count as u8; SMALL]);
            release(&mut arena, message, 1 << 20);
            if count == BLOCK / SMALL - 1 {
                let spare = arena.block();
                assert_eq!(spare.as_ptr(), place);
            }
        }
        // The last one lies where the next ones go.
        let place = arena.copy(&[1; SMALL]);
        assert_eq!(arena.bytes(&place), [1; SMALL]);
        assert_eq!(arena.blocks.len(), 2);
    }

    #[test]
    fn what_is_not_acknowledged_stays_when_spare_memory_goes() {
        let mut arena = Arena::default();
        let [first, second] = [[1; 2000], [2; 2000]].map(|data| arena.copy(&data));
        let small = arena.copy(&[3; 10]);
        release(&mut arena, &first, 1 << 20);
        arena.clear_spare();
        assert_eq!(arena.bytes(&second), [2; 2000]);
        assert_eq!(arena.bytes(&small), [3; 10]);
        assert_eq!(arena.spare_bytes, 0);
        release(&mut arena, &second, 1 << 20);
        release(&mut arena, &small, 1 << 20);
        arena.clear_spare();
        assert_eq!(arena.spare_bytes(), 0);
    }
}
